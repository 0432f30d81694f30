"""Adds nodes that move, repeat, pick or mask elements. Part of `CatalogBuilder`."""

import numpy as np

from graph_builder import Fresh


class ShapeAdders:
  def base(self, add):
    """What the builder of tier 0 adds, by its own choices."""
    before = len(self.nodes)
    add()
    if len(self.nodes) == before or self.nodes[-1]["op"] == "constant":
      raise ValueError("nothing was added")
    node = self.nodes[-1]
    self.mark(node["op"], [o for o in node["inputs"] if isinstance(o, str)], node["outputs"])
    return node["outputs"][0]

  def put_reshape(self):
    return self.base(self.add_reshape)

  def put_transpose(self):
    return self.base(self.add_transpose)

  def put_broadcast_to(self):
    return self.base(self.add_broadcast_to)

  def put_slice(self):
    return self.base(self.add_slice)

  def put_split(self):
    return self.base(self.add_split)

  def axis_within(self, rank, extra=0):
    return self.axis_of(self.rng.randrange(rank + extra), rank + extra)

  def put_concat(self, op="concat"):
    """Two or three operands whose shapes agree, along one axis for concat not even there."""
    rng = self.rng
    a = self.floating(lambda v: v.ndim > 0 or op == "stack")
    shape = self.values[a].shape
    axis = self.axis_within(len(shape), extra=op == "stack")
    free = axis % len(shape) if op == "concat" else None
    operands = [a]
    for _ in range(rng.choice((0, 1, 1, 1, 2))):
      agrees = lambda v: v.dtype == np.float64 and v.ndim == len(shape) and all(
        i == free or d == e for i, (d, e) in enumerate(zip(v.shape, shape)))
      found = self.pick(agrees) if self.chance(0.6) else None
      operands.append(found or Fresh(self.array([rng.choice((1, 2)) if i == free else d for i, d in enumerate(shape)])))
    return self.then(op, self.shuffled(operands), {"axis": Ellipsis if axis == 0 and self.chance(0.6) else axis})

  def put_stack(self):
    return self.put_concat("stack")

  def put_unstack(self):
    a = self.floating(lambda v: v.ndim > 0 and max(v.shape) <= 3)
    shape = self.values[a].shape
    axis = self.axis_within(len(shape))
    if shape[axis] == 0:
      raise ValueError("a node without results is refused")
    return self.then("unstack", [a], {"axis": Ellipsis if axis == 0 and self.chance(0.6) else axis}, shape[axis])

  def put_expand_dims(self):
    a = self.floating(lambda v: v.ndim < 4)
    rank = self.values[a].ndim
    several = rank < 3 and self.chance(0.3)
    axis = [self.axis_of(i, rank + 2) for i in self.rng.sample(range(rank + 2), 2)] if several else self.axis_within(rank, 1)
    return self.then("expand_dims", [a], {"axis": axis})

  def put_squeeze(self):
    a = self.floating(lambda v: 1 in v.shape)
    shape = self.values[a].shape
    if 1 not in shape:
      a = self.then("expand_dims", [a], {"axis": self.axis_within(len(shape), 1)})
      shape = self.values[a].shape
    ones = [i for i, d in enumerate(shape) if d == 1]
    axis = self.axis_of(self.rng.choice(ones), len(shape))
    return self.then("squeeze", [a], {"axis": self.rng.choice((Ellipsis, None, axis, axis, [axis]))})

  def put_pad(self):
    a = self.floating(lambda v: 0 < v.ndim and v.size <= 6)
    if not self.values[a].ndim:
      raise ValueError("no axis to pad")
    widths = [[self.rng.choice((0, 0, 1)), self.rng.choice((0, 1, 2))] for _ in self.values[a].shape]
    return self.then("pad", [a], {"widths": widths, "value": self.rng.choice((Ellipsis, 1.5, -1))})

  def put_flip(self):
    a = self.floating()
    return self.then("flip", [a], {"axis": self.any_axis(self.values[a].ndim)})

  def put_roll(self):
    rng, a = self.rng, self.floating(lambda v: v.ndim > 0)
    rank, shift = self.values[a].ndim, rng.choice((1, -1, 2, 5))
    way = rng.random()
    if rank == 0 or way < 0.3:
      return self.then("roll", [a], {"shift": shift, "axis": rng.choice((Ellipsis, None))})
    if way < 0.7:
      return self.then("roll", [a], {"shift": shift, "axis": self.axis_within(rank)})
    axes = [self.axis_of(i, rank) for i in self.shuffled(range(rank))[:2]]
    return self.then("roll", [a], {"shift": [rng.choice((1, -1, 3)) for _ in axes], "axis": axes})

  def put_tile(self):
    a = self.floating(lambda v: v.size <= 6)
    rank = self.values[a].ndim
    return self.then("tile", [a], {"repetitions": [self.rng.choice((1, 1, 2, 3)) for _ in range(self.rng.randint(0, min(4, rank + 1)))]})

  def put_repeat(self):
    a = self.floating(lambda v: 0 < v.ndim and v.size <= 8)
    return self.then("repeat", [a], {"repeats": self.rng.choice((1, 2, 2, 3)), "axis": self.axis_within(self.values[a].ndim)})

  def put_tril(self, op="tril"):
    attributes = {"offset" if op in ("diagonal", "trace") else "k": self.rng.choice((Ellipsis, Ellipsis, 0, 1, -1))}
    a = self.floating(lambda v: v.ndim >= 2)
    if self.values[a].ndim < 2:
      a = self.then("outer", [self.line(), self.line()])
    return self.then(op, [a], attributes)

  def put_triu(self):
    return self.put_tril("triu")

  def put_diagonal(self):
    return self.put_tril("diagonal")

  def put_trace(self):
    return self.put_tril("trace")

  def line(self):
    """The name of a value of one axis."""
    a = self.floating(lambda v: v.ndim == 1 and v.size <= 4)
    return a if self.values[a].ndim == 1 else self.then("reshape", [a], {"shape": [-1]})

  # Picking by indices: written in the node, or computed by the graph, out of range never

  def put_take(self):
    rng, a = self.rng, self.floating(lambda v: v.ndim > 0)
    shape = self.values[a].shape
    axis = self.axis_within(len(shape))
    size = shape[axis]
    found = self.pick(lambda v: v.dtype == np.int64 and v.ndim < 3 and v.size and v.min() >= -size and v.max() < size)
    if found is None and self.chance(0.3):
      found = self.then("argsort", [a], {"axis": axis}) if len(shape) == 1 else None
    if found is None or self.chance(0.3):
      drawn = rng.choice(((), (2,), (3,), (2, 2), (1, 3)))
      indices = np.array([rng.randint(-size, size - 1) for _ in range(int(np.prod(drawn)))], "int64").reshape(drawn)
      found = Fresh(indices)
    return self.then("take", [a, found], {"axis": Ellipsis if axis == 0 and self.chance(0.6) else axis})

  def put_take_along_axis(self):
    rng, a = self.rng, self.floating(lambda v: v.ndim > 0)
    shape = self.values[a].shape
    axis = self.axis_within(len(shape))
    if self.chance(0.5):
      indices = self.then("argsort", [self.floating(lambda v: v.shape == shape)], {"axis": axis})
      if self.values[indices].shape != shape:
        raise ValueError("no value has this shape")
    else:
      drawn = list(shape)
      drawn[axis] = rng.choice((1, 2, 3))
      size = shape[axis]
      indices = Fresh(np.array([rng.randint(-size, size - 1) for _ in range(int(np.prod(drawn)))], "int64").reshape(drawn))
    return self.then("take_along_axis", [a, indices], {"axis": axis})
