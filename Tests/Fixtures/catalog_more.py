"""Random graphs that hold operations of the enlarged catalog, among those that `catalog_graphs.py` knows. Their lines look the same."""

import functools
import random
import sys

import numpy as np

import catalog_graphs
import oracle
import oracle_more
import oracle_tier1
from catalog_domains import CATALOG, MARGIN, MAX_CONDITION, condition, gaps
from graph_builder import Fresh

#: Functions of one operand, with the intervals they are given.
POINTWISE = {"i0e": (0.1, 3), "i1e": (-2.5, 2.5), "ndtr": (-2.5, 2.5), "log_ndtr": (-3, 2.5), "ndtri": (0.1, 0.9), "erfcx": (-1, 3),
             "sinc": (0.1, 2.5)}
MORE = (*POINTWISE, "scatter_add", "scatter", "index_add", "segment_sum", "segment_max", "logcumsumexp", "cummax", "cummin", "top_k",
        "median", "quantile", "kthvalue", "diag", "diag_embed", "kron", "tensordot", "cross", "cdist", "diff", "trapezoid", "unfold",
        "eigh", "eigvalsh", "svd", "svdvals", "qr", "lstsq", "pinv", "expm", "matrix_power", "gammainc", "gammaincc", "betainc", "zeta")
FEATURED = 2
#: Order statistics and extrema whose operands must be apart, as those of `sort`.
APART = {"cummax", "cummin", "top_k", "kthvalue", "median", "quantile"}


class MoreAdders:
  """How each operation finds its operands. Part of a `CatalogBuilder`."""

  def accepts(self, op, arrays, attributes, results):
    if op in oracle_more.OPERATIONS and not self.is_smooth(op, arrays, attributes, results):
      return False
    return super().accepts(op, arrays, attributes, results)

  def is_smooth(self, op, arrays, attributes, results):
    x = arrays[0]
    if x.size == 0:
      return True
    apart = lambda distance: bool(np.all(np.abs(distance) > MARGIN))
    if op in APART or op == "segment_max":
      return apart(gaps(x, 0 if op == "segment_max" else attributes.get("axis", None if op in ("median", "quantile") else -1)))
    if op == "cdist":
      p = attributes.get("p", 2)
      difference = np.abs(x[..., :, None, :] - arrays[1][..., None, :, :])
      return apart(results[0]) and (p == 2 or apart(difference)) and (p != "Infinity" or apart(gaps(difference, -1)[..., -1:]))
    if op in ("eigh", "eigvalsh"):
      return apart(np.diff(results[0], axis=-1) / 10)
    if op in ("svd", "svdvals", "qr", "pinv", "lstsq"):
      values = np.linalg.svd(x, compute_uv=False)
      return bool(np.all(values[..., -1:] > 0.1)) and apart(np.diff(values, axis=-1) / 10)
    if op == "matrix_power":
      return condition(x) < MAX_CONDITION
    return True

  @functools.cached_property
  def of_either_sign(self):
    """Names of vectors whose sign is nobody's to say: only their squares are used."""
    return set()

  def is_settled(self, value):
    return not any(value is self.values[name] for name in self.of_either_sign)

  def floating(self, accepts=lambda v: True):
    return super().floating(lambda v: self.is_settled(v) and accepts(v))

  def pick(self, accepts):
    return super().pick(lambda v: self.is_settled(v) and accepts(v))

  def add(self, op):
    if op in POINTWISE:
      return self.then(op, [self.fit(self.floating(), *POINTWISE[op])])
    return super().add(op)

  def along(self, accepts=lambda v: True):
    """A value with an axis, and one of its axes."""
    name = self.floating(lambda v: v.ndim > 0 and accepts(v))
    if not self.values[name].ndim:
      raise ValueError("no axis")
    return name, self.axis_within(self.values[name].ndim)

  def indices(self, shape, size):
    return np.array([self.rng.randint(-size, size - 1) for _ in range(int(np.prod(shape)))], "int64").reshape(shape)

  # Putting by index

  def put_scatter_add(self, op="scatter_add"):
    name, axis = self.along()
    shape = list(self.values[name].shape)
    drawn = list(shape)
    drawn[axis] = self.rng.choice((1, 2, 3)) if op == "scatter_add" else min(shape[axis], self.rng.choice((1, 2)))
    indices = self.indices(drawn, shape[axis])
    if op == "scatter":
      # Each place at most once: which of two would stay is not for a comparison.
      indices = np.apply_along_axis(lambda row: np.array(self.rng.sample(range(shape[axis]), drawn[axis])), axis, indices)
    return self.then(op, [name, Fresh(indices.astype("int64")), Fresh(self.array(drawn))], {"axis": axis})

  def put_scatter(self):
    return self.put_scatter_add("scatter")

  def put_index_add(self):
    name, axis = self.along()
    shape = self.values[name].shape
    count = self.rng.choice((1, 2, 4))
    axis %= len(shape)
    updates = shape[:axis] + (count,) + shape[axis + 1:]
    return self.then("index_add", [name, Fresh(self.indices((count,), shape[axis])), Fresh(self.array(updates))], {"axis": axis})

  def put_segment_sum(self, op="segment_sum"):
    name = self.floating(lambda v: v.ndim > 0)
    rows = self.values[name].shape[0] if self.values[name].ndim else 0
    if rows == 0:
      raise ValueError("no rows")
    # Every segment has a row: the largest of none is -Infinity.
    count = self.rng.randint(1, rows)
    ids = self.shuffled([*range(count), *(self.rng.randrange(count) for _ in range(rows - count))])
    return self.then(op, [name, Fresh(np.array(ids, "int64"))], {"num_segments": count})

  def put_segment_max(self):
    return self.put_segment_sum("segment_max")

  # Scans and order statistics

  def put_logcumsumexp(self, op="logcumsumexp"):
    name, axis = self.along()
    return self.then(op, [name], {"axis": axis})

  def put_cummax(self):
    return self.put_logcumsumexp("cummax")

  def put_cummin(self):
    return self.put_logcumsumexp("cummin")

  def put_top_k(self):
    name, axis = self.along(lambda v: v.size > 1)
    return self.then("top_k", [name], {"k": self.rng.randint(1, self.values[name].shape[axis]), "axis": axis}, 2)

  def put_kthvalue(self):
    name, axis = self.along(lambda v: v.size > 1)
    k = self.rng.randint(1, self.values[name].shape[axis])
    return self.then("kthvalue", [name], {"k": k, "axis": axis, "keepdims": self.keepdims()}, 2)

  def put_median(self):
    name = self.floating(lambda v: v.ndim > 0 and v.size > 1)
    return self.then("median", [name], {"axis": self.any_axis(self.values[name].ndim, several=False), "keepdims": self.keepdims()})

  def put_quantile(self):
    name = self.floating(lambda v: v.ndim > 0 and v.size > 1)
    q = self.rng.choice((0.3, 0.45, 0.8, [0.2, 0.7]))
    return self.then("quantile", [name], {"q": q, "axis": self.any_axis(self.values[name].ndim, several=False)})

  # Shapes, products, differences

  def put_diag(self, op="diag"):
    ranks = (1, 2) if op == "diag" else (1, 2, 3)
    name = self.floating(lambda v: v.ndim in ranks and v.size <= 6)
    if self.values[name].ndim not in ranks:
      name = self.leaf_input(self.array((2,)))
    return self.then(op, [name], {"offset": self.rng.choice((Ellipsis, 0, 1, -1))})

  def put_diag_embed(self):
    return self.put_diag("diag_embed")

  def put_kron(self):
    name = self.floating(lambda v: v.size <= 6)
    return self.then("kron", self.shuffled([name, Fresh(self.array(self.rng.choice(((2,), (2, 1), (1, 2), (2, 2)))))]))

  def put_tensordot(self):
    name = self.floating(lambda v: v.ndim > 0)
    shape = self.values[name].shape
    if len(shape) < 2 or self.chance(0.5):
      return self.then("tensordot", [name, Fresh(self.array(shape[-1:] + self.rng.choice(((), (2,)))))], {"axes": 1})
    axes = self.rng.sample(range(len(shape)), 2)
    other = tuple(shape[a] for a in axes) + self.rng.choice(((), (2,)))
    return self.then("tensordot", [name, Fresh(self.array(other))], {"axes": [axes, [0, 1]]})

  def put_cross(self):
    name = self.floating(lambda v: v.ndim > 0 and 3 in v.shape)
    shape = self.values[name].shape
    if 3 not in shape:
      name, shape = self.leaf_input(self.array((2, 3))), (2, 3)
    axis = self.rng.choice([i for i, size in enumerate(shape) if size == 3])
    return self.then("cross", self.shuffled([name, Fresh(self.array(shape))]), {"axis": axis})

  def put_cdist(self):
    name = self.floating(lambda v: v.ndim == 2 and v.size <= 9)
    if self.values[name].ndim != 2:
      name = self.leaf_input(self.array((2, 2)))
    width = self.values[name].shape[1]
    return self.then("cdist", [name, Fresh(self.array((self.rng.choice((1, 2, 3)), width)))],
                     {"p": self.rng.choice((Ellipsis, 1, 2, "Infinity"))})

  def put_diff(self):
    name, axis = self.along()
    return self.then("diff", [name], {"n": self.rng.choice((Ellipsis, 1, 2)), "axis": axis})

  def put_trapezoid(self):
    name, axis = self.along()
    if self.chance(0.5):
      return self.then("trapezoid", [name], {"dx": self.rng.choice((Ellipsis, 0.5)), "axis": axis})
    return self.then("trapezoid", [name, Fresh(self.array((self.values[name].shape[axis],)))], {"axis": axis})

  def put_unfold(self):
    name, axis = self.along()
    size = self.rng.randint(1, max(1, self.values[name].shape[axis]))
    return self.then("unfold", [name], {"size": size, "step": self.rng.choice((Ellipsis, 1, 2)), "axis": axis})

  # Linear algebra: of vectors whose signs or directions are a choice only squares are looked at

  def symmetric(self):
    name = self.square()
    rank = self.values[name].ndim
    swapped = self.then("transpose", [name], {"axes": [*range(rank - 2), rank - 1, rank - 2]})
    return self.then("add", [name, swapped])

  def put_eigh(self):
    values, vectors = self.then("eigh", [self.symmetric()], {}, 2)
    self.of_either_sign.add(vectors)
    squares = self.then("square", [vectors])
    return self.rng.choice((values, squares))

  def put_eigvalsh(self):
    return self.then("eigvalsh", [self.symmetric()])

  def tall(self):
    name = self.floating(lambda v: v.ndim >= 2 and v.size <= 12)
    return name if self.values[name].ndim >= 2 else self.leaf_input(self.array(self.rng.choice(((3, 2), (2, 3), (2, 2)))))

  def put_svd(self):
    u, _, v = self.then("svd", [self.tall()], {}, 3)
    squares = self.then("square", [v]), self.then("square", [u])
    self.of_either_sign.update((u, v))
    return squares[1]

  def put_svdvals(self):
    return self.then("svdvals", [self.tall()])

  def put_qr(self):
    q, r = self.then("qr", [self.tall()], {}, 2)
    self.then("square", [r])
    return self.then("square", [q])

  def put_pinv(self):
    return self.then("pinv", [self.tall()])

  def put_lstsq(self):
    name = self.tall()
    rows = self.values[name].shape[-2]
    return self.then("lstsq", [name, Fresh(self.array((rows, 2) if self.chance(0.5) else (rows,)))])

  def put_expm(self):
    return self.then("expm", [self.square()])

  def put_matrix_power(self):
    return self.then("matrix_power", [self.invertible()], {"n": self.rng.choice((0, 1, 2, 3, -1, -2))})

  # Special functions: JAX differentiates them by the last operand alone

  def put_gammainc(self, op="gammainc"):
    return self.then(op, [self.number(self.rng.uniform(0.5, 3)), self.fit(self.floating(), 0.3, 4)])

  def put_gammaincc(self):
    return self.put_gammainc("gammaincc")

  def put_betainc(self):
    return self.then("betainc", [self.number(self.rng.uniform(0.6, 3)), self.number(self.rng.uniform(0.6, 3)),
                                 self.fit(self.floating(), 0.1, 0.9)])

  def put_zeta(self):
    return self.then("zeta", [self.number(self.rng.uniform(1.5, 4)), self.fit(self.floating(), 0.5, 4)])


class MoreRequest(MoreAdders, catalog_graphs.CatalogRequest):
  """A graph that holds two of the operations above and two of the others."""

  @classmethod
  def operations_of(cls, index):
    order = lambda turn: random.Random(f"more {turn}").sample(MORE, len(MORE))
    first = index * FEATURED
    rest = random.Random(f"beside {index}").sample(CATALOG, FEATURED)
    return [order(i // len(MORE))[i % len(MORE)] for i in range(first, first + FEATURED)] + rest


def known_to_the_oracle():
  """Lets the oracle know what these operations mean, unless it does already."""
  before = oracle.apply

  def apply(xp, op, operands, attributes, count, cast):
    if op in oracle_more.OPERATIONS:
      return oracle_more.apply(xp, op, operands, attributes, count)
    return before(xp, op, operands, attributes, count, cast)

  for module in (oracle, sys.modules["oracle_derivatives"], sys.modules["graph_builder"]):
    module.apply = apply
  promoting = tuple(dict.fromkeys(oracle.PROMOTING + oracle_more.PROMOTING))
  oracle.PROMOTING = sys.modules["graph_builder"].PROMOTING = promoting
  for op, own in oracle_more.OWN_DTYPE.items():
    oracle_tier1.OWN_DTYPE.setdefault(op, own)


if __name__ == "__main__":
  known_to_the_oracle()
  sys.stdout.reconfigure(encoding="utf-8")
  sys.stdout.writelines(catalog_graphs.lines(*map(int, sys.argv[1:]), made=MoreRequest, name="more"))
