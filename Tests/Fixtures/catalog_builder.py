"""Grows a random graph over the whole catalog: operands are brought into an operation's domain by further nodes, and a node that comes near
a kink, a tie or a pole is taken back.
"""

import warnings

import numpy as np

from catalog_domains import BINARY, BLOCKING, CATALOG, COMPARISONS, LOGICAL, REDUCTIONS, SCANS, UNARY, smooth
from catalog_products import ProductAdders
from catalog_shapes import ShapeAdders
from graph_builder import Fresh, GraphBuilder, Weak
from random_graphs import RandomRequest

MAX_NODES, MAX_INPUTS = 20, 4


class Failed(Exception):
  """An operation found no operands that it could stand with; what was made for it is taken back."""


class CatalogBuilder(ShapeAdders, ProductAdders, GraphBuilder):
  """`featured` are operations that the graph is to hold."""

  ancestors = RandomRequest.ancestors

  def __init__(self, seed, featured):
    self.active = set()  # values through which a derivative flows from a floating input
    self.featured = featured
    super().__init__(seed)

  def grow(self, count):
    rng = self.rng
    self.mixed, self.zero_size = False, self.chance(0.02)
    for position in range(rng.choice((1, 2, 2, 2, 3))):
      shape = self.shape()
      if self.zero_size and position == 0:
        shape = tuple(0 if i == 0 else d for i, d in enumerate(shape or (1,)))
      self.leaf_input(self.array(shape))
    if self.chance(0.15):
      self.leaf_input(self.array(self.shape(), rng.choice(("int64", "bool"))))
    for op in self.featured:
      self.attempt(op)
    while len(self.nodes) < min(count, 16) and self.chance(0.85):
      self.attempt(rng.choice(CATALOG))
    self.finish()

  # Overridden: fewer digits, inputs that matter, and what may stand

  def array(self, shape, dtype="float64"):
    rng, size = self.rng, int(np.prod(shape))
    if dtype == "bool":
      flat = [rng.random() < 0.5 for _ in range(size)]
    elif dtype != "float64":
      flat = [rng.randint(-4, 4) for _ in range(size)]
    else:
      flat = [rng.choice((-1, 1)) * round(rng.uniform(0.3, 2), rng.choice((2, 2, 3))) for _ in range(size)]
    return np.array(flat, dtype).reshape(shape)

  def form(self, array, literal=False, dtype=None):
    made = super().form(array, literal, dtype)
    made.form = {"base64": "flat", "nested": "bare"}.get(made.form, made.form)
    made.states_dtype = made.states_dtype and literal
    return made

  def accepts(self, op, arrays, attributes, results):
    # A float32 may decide, but not be differentiated: its rounding is far from 1e-9.
    single = op not in COMPARISONS and any(a.dtype == np.float32 for a in arrays)
    return not single and super().accepts(op, arrays, attributes, results) and smooth(op, arrays, attributes, results)

  def leaf_input(self, array):
    name = self.name()
    self.inputs[name], self.values[name] = self.form(array), array
    if array.dtype == np.float64:
      self.active.add(name)
    return name

  def leaf(self, array):
    way = self.rng.random()
    if array.dtype == np.float64 and len(self.inputs) < MAX_INPUTS and way < 0.75:
      return self.leaf_input(array)
    name, form = self.name(), self.form(array)
    if way < 0.85 or array.dtype == np.bool_:
      self.constants[name] = form
    else:
      self.nodes.append({"op": "constant", "inputs": [], "outputs": [name], "attributes": {"value": form}})
    self.values[name] = array
    return name

  def finish(self):
    """Joins loose ends until few are left, so that what was made reaches an output."""
    while len(ends := self.loose()) > self.rng.choice((1, 1, 2, 3)):
      a, b = self.rng.sample(ends, 2)
      if not self.attempt(lambda: self.join(a, b)):
        break
    self.outputs = self.loose() or [self.floating()]
    for name in list(self.inputs):
      if not self.uses[name] and name not in self.outputs and self.chance(0.7):
        del self.inputs[name], self.values[name]  # some that do not matter may stay

  def loose(self):
    """What no node takes, inputs and constants left out."""
    return [n for n in self.values if not self.uses[n] and n not in self.constants and n not in self.inputs]

  def join(self, a, b):
    """One floating value of two values; bools and integers decide or are counted."""
    rng, kind = self.rng, lambda n: self.values[n].dtype
    if kind(a) == np.bool_ and kind(b) == np.float64:
      return self.then("where", [a, b, self.number(rng.uniform(-1, 1))])
    a, b = [n if kind(n) == np.float64 else self.then("cast", [n], {"dtype": "float64"}) for n in (a, b)]
    if not self.joins(self.values[a], self.values[b]):
      b = self.then(rng.choice(("sum", "mean")), [b])
    return self.then(rng.choice(("add", "sub", "mul")), [a, b])

  # Steps that may fail

  def attempt(self, what):
    """Adds a node of this operation (or what a function adds), if some random operands suit it; whether it did."""
    for _ in range(12):
      kept = [dict(self.values), self.uses.copy(), set(self.names), dict(self.inputs), dict(self.constants), list(self.nodes),
              set(self.active)]
      try:
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
          what() if callable(what) else self.add(what)
        if len(self.nodes) <= MAX_NODES:
          return True
      except (Failed, ValueError, np.linalg.LinAlgError):
        pass
      self.values, self.uses, self.names, self.inputs, self.constants, self.nodes, self.active = kept
    return False

  def then(self, op, operands, attributes=None, count=1):
    """The name (or names) of the results of a new node."""
    if not self.emit(op, operands, attributes, count):
      raise Failed
    names = self.nodes[-1]["outputs"]
    self.mark(op, [o for o in self.nodes[-1]["inputs"] if isinstance(o, str)], names)
    return names[0] if count == 1 else names

  def mark(self, op, operands, names):
    if op not in BLOCKING and self.active.intersection(operands):
      self.active.update(n for n in names if self.values[n].dtype == np.float64)

  def floating(self, accepts=lambda v: True):
    """The name of a floating value, nearly always one that a derivative flows through."""
    fits = lambda v: v.dtype == np.float64 and (v.size or self.zero_size and self.chance(0.5)) and accepts(v)
    lively = [n for n in self.values if n in self.active and fits(self.values[n])]
    if not lively or self.chance(0.05):
      return self.pick(fits) or self.leaf_input(self.array(self.shape()))
    return self.rng.choices(lively, [8 if self.uses[n] == 0 else 1.5 for n in lively])[0]

  def boolean(self):
    """The name of a bool value, made by a comparison if there is none."""
    if (name := self.pick(lambda v: v.dtype == np.bool_)) and self.chance(0.6):
      return name
    return self.add_comparison(self.rng.choice(COMPARISONS))

  def number(self, value):
    return Weak(round(value, 2))

  def fit(self, name, low, high):
    """The name of a value within an interval: this one, or this one bent into it."""
    x = self.values[name]
    if x.size == 0 or low <= x.min() and x.max() <= high:
      return name
    rng = self.rng
    if low >= 0 and self.chance(0.5):
      lifted = self.then("add", [self.then(rng.choice(("square", "abs", "softplus", "exp")), [name]), self.number(low + 0.1)])
      if self.values[lifted].max() <= high:
        return lifted
      raise Failed
    bend = rng.choice(("tanh", "sin", "cos", "sigmoid", "erf"))
    bottom = 0 if bend == "sigmoid" else -1
    if bottom == -1 and high >= -low and self.chance(0.7) and (low <= -1 <= 1 <= high):
      return self.then(bend, [name])
    slope = 0.9 * (high - low) / (1 - bottom)
    scaled = self.then("mul", [self.then(bend, [name]), self.number(slope)])
    return self.then("add", [scaled, self.number(low + 0.05 * (high - low) - bottom * slope)])

  # Nodes: pointwise

  def add(self, op):
    if op in UNARY:
      return self.add_unary(op)
    if op in BINARY:
      return self.add_two(op)
    if op in COMPARISONS:
      return self.add_comparison(op)
    if op in REDUCTIONS or op in ("argmax", "argmin"):
      return self.add_reduction(op)
    if op in SCANS:
      return self.add_scan(op)
    if op in LOGICAL:
      return self.then(op, [self.boolean(), self.partner_of_bool()])
    return getattr(self, "put_" + op)()

  def add_unary(self, op):
    rng = self.rng
    attributes = {"polygamma": lambda: {"n": rng.choice((0, 1, 1, 2))}, "leaky_relu": lambda: {"alpha": rng.choice((Ellipsis, 0.2, 0.5))},
                  "elu": lambda: {"alpha": rng.choice((Ellipsis, 0.5, 1.5))},
                  "gelu": lambda: {"approximate": rng.choice((Ellipsis, "none", "tanh"))},
                  "clip": lambda: rng.choice(({"min": -1}, {"max": 0.75}, {"min": -0.5, "max": 1.5}, {"min": None, "max": 1}))}
    return self.then(op, [self.fit(self.floating(), *UNARY[op])], attributes.get(op, dict)())

  def add_two(self, op):
    """Two operands that broadcast: values, new leaves, numbers, or one value twice."""
    domains, rng = BINARY[op], self.rng
    first = self.fit(self.floating(), *domains[0])
    x, way = self.values[first], rng.random()
    same_twice = op in ("add", "sub", "mul", "div", "logaddexp", "atan2", "pow", "xlogy")
    if way < 0.08 and same_twice:
      second = self.fit(first, *domains[1])
    elif way < 0.2:
      second = self.number(rng.uniform(max(domains[1][0], -2), min(domains[1][1], 2)))
    elif way < 0.7 and (found := self.pick(lambda v: v.dtype == np.float64 and v is not x and self.joins(x, v) and v.size)):
      second = self.fit(found, *domains[1])
    else:
      array = self.array(self.partner(x.shape))
      if array.size and not domains[1][0] <= array.min() <= array.max() <= domains[1][1]:
        array = np.abs(array) + domains[1][0] if domains[1][0] > 0 else array
      second = Fresh(array)
    if op == "pow" and self.chance(0.15):
      return self.then("pow", [self.floating(lambda v: np.all(np.abs(v) > 0.3)), Weak(rng.choice((2, 3, -1)))])
    swappable = op not in ("pow", "xlogy", "div", "remainder")
    return self.then(op, [second, first] if swappable and self.chance(0.4) else [first, second])

  def add_comparison(self, op):
    rng = self.rng
    a = self.pick(lambda v: v.dtype == np.int64) if self.chance(0.25) else None
    a = a or self.floating()
    x = self.values[a]
    if x.dtype == np.float64 and self.chance(0.1):
      # In single precision, which only decides: what comes out is a bool.
      return self.then(op, [self.then("cast", [a], {"dtype": "float32"}), Weak(0.5)])
    if self.chance(0.4):
      return self.then(op, [a, Weak(rng.randint(-2, 2)) if x.dtype == np.int64 else self.number(rng.uniform(-1, 1))])
    b = self.pick(lambda v: v.dtype == x.dtype and v is not x and self.joins(x, v)) if self.chance(0.7) else None
    return self.then(op, [a, b or Fresh(self.array(self.partner(x.shape), str(x.dtype)))])

  def partner_of_bool(self):
    return self.boolean() if self.chance(0.6) else Fresh(self.array((), "bool"))

  def put_logical_not(self):
    return self.then("logical_not", [self.boolean()])

  def put_where(self):
    condition = self.boolean()
    shape = self.values[condition].shape
    x = self.floating(lambda v: self.meets(v.shape, shape))
    both = np.broadcast_shapes(shape, self.values[x].shape)
    y = self.pick(lambda v: v.dtype == np.float64 and self.meets(v.shape, both)) if self.chance(0.5) else None
    y = y or (self.number(self.rng.uniform(-1, 1)) if self.chance(0.3) else Fresh(self.array(self.partner(both))))
    return self.then("where", [condition, x, y] if self.chance(0.5) else [condition, y, x])

  @staticmethod
  def meets(a, b):
    try:
      return int(np.prod(np.broadcast_shapes(a, b))) <= 16
    except ValueError:
      return False

  def put_cast(self):
    # `join` casts enough integers and bools to floats.
    other = self.pick(lambda v: v.dtype in (np.int64, np.bool_)) if self.chance(0.1) else None
    to = "float64" if other or self.chance(0.85) else self.rng.choice(("int64", "int32"))
    return self.then("cast", [other or self.floating()], {"dtype": to})

  def put_constant(self):
    value = self.form(self.array(self.shape()))
    name = self.name()
    self.nodes.append({"op": "constant", "inputs": [], "outputs": [name], "attributes": {"value": value}})
    self.values[name] = value.array
    other = self.floating(lambda v: self.meets(v.shape, value.array.shape))
    return self.then(self.rng.choice(("add", "mul", "sub")), [other, name])

  # Reductions and scans

  def any_axis(self, rank, several=True):
    """null, left out, one axis, or a list of some."""
    way = self.rng.random()
    if rank == 0 or way < 0.3:
      return self.rng.choice((None, Ellipsis))
    if way < 0.7 or not several:
      return self.axis_of(self.rng.randrange(rank), rank)
    return [self.axis_of(i, rank) for i in self.shuffled(range(rank))[:self.rng.randint(0 if way > 0.97 else 1, rank)]]

  def keepdims(self):
    return self.rng.choice((Ellipsis, Ellipsis, True, False))

  def add_reduction(self, op):
    more = {"var": {"correction": self.rng.choice((Ellipsis, 0, 1))}, "norm": {"ord": self.rng.choice((Ellipsis, 1, 2, "Infinity"))}}
    more["std"] = more["var"]
    name = self.floating(lambda v: v.ndim > 0 or self.chance(0.1))
    axis = self.any_axis(self.values[name].ndim, several=not op.startswith("arg"))
    return self.then(op, [name], {"axis": axis, "keepdims": self.keepdims()} | more.get(op, {}))

  def add_scan(self, op):
    name = self.floating(lambda v: v.ndim > 0)
    rank = self.values[name].ndim
    if not rank:
      raise Failed
    axis = self.axis_of(self.rng.randrange(rank), rank)
    return self.then(op, [name], {"axis": Ellipsis if not op.startswith("cum") and self.chance(0.4) else axis})

  def put_all(self, op="all"):
    name = self.boolean()
    return self.then(op, [name], {"axis": self.any_axis(self.values[name].ndim), "keepdims": self.keepdims()})

  def put_any(self):
    return self.put_all("any")
