"""Grows a random graph node by node, running each node on NumPy as it goes: shapes always fit, numbers stay of moderate size, and no
float is cast to an integer near a whole number. Python's own `random` is used because its streams never change.
"""

import random
from collections import Counter

import numpy as np

from forms import TensorForm
from oracle import PROMOTING, apply, promote
from oracle_tier1 import OWN_DTYPE

PLAIN_NAMES = ["x", "w", "b", "h", "z", "p", "q", "t", "v", "a", "loss", "bias", "node", "W"]
ODD_NAMES = [
  "größe", "a b", "x/y", "~0", "π", "重み", 'quote"d', "back\\slash", "é", "0", "1.5", "true", "null", "inputs", "😀", "-", "x.y",
  "layer1/weights", "data", "dtype", "nan", "Inf", "_", "_x", "__1", "#", "%41", "</script>", "\u2028", " ", "outputs",
]
MAX_SIZE, MAX_RANK, MAX_VALUE = 24, 4, 30
OPERATIONS = dict(binary=34, join=16, matmul=11, split=9, slice=11, sum=9, reshape=8, transpose=8, broadcast_to=6, cast=4, neg=3,
                  identity=2, weak_alone=1)


class Fresh:
  """An operand that does not exist yet; the node that takes it decides whether it becomes an input, a constant or a literal."""

  def __init__(self, array):
    self.array = array


class Weak:
  """A bare number as an operand."""

  def __init__(self, value):
    self.value = value


class GraphBuilder:
  def __init__(self, seed):
    self.rng = rng = random.Random(seed)
    self.values, self.uses, self.names = {}, Counter(), set()
    self.inputs, self.constants, self.nodes = {}, {}, []
    self.mixed = rng.random() < 0.1  # both float dtypes in one graph
    self.integers = rng.random() < 0.3
    self.bools = rng.random() < 0.1
    self.grow(3 + int(22 * rng.random() ** 1.2))

  # Small choices

  def chance(self, probability):
    return self.rng.random() < probability

  def shuffled(self, items):
    items = list(items)
    self.rng.shuffle(items)
    return items

  def name(self):
    while True:
      if self.chance(0.04):
        name = self.rng.choice(ODD_NAMES)
      else:
        name = self.rng.choice(PLAIN_NAMES) + (str(self.rng.randrange(40)) if self.chance(0.8) else "")
      if name not in self.names:
        self.names.add(name)
        return name

  def array(self, shape, dtype="float64"):
    rng, size = self.rng, int(np.prod(shape))
    if dtype == "bool":
      flat = [rng.random() < 0.5 for _ in range(size)]
    elif dtype != "float64":
      flat = [rng.randint(-4, 4) for _ in range(size)]
    else:
      flat = [rng.choice((-1, 1)) * rng.uniform(0.3, 2) for _ in range(size)]
      style = rng.random()
      if style < 0.62:
        flat = [round(v, 2) for v in flat]
      elif style < 0.78:
        flat = [float(round(v + np.sign(v) * 0.5)) for v in flat]
      elif style < 0.84:
        flat = [v * 10.0 ** -rng.randint(2, 8) for v in flat]
      if self.chance(0.06) and size:
        flat[rng.randrange(size)] = 0.0
    return np.array(flat, dtype).reshape(shape)

  def shape(self):
    """A rank from 0 to 4, dimensions from 1 to 4, few elements."""
    while True:
      shape = tuple(self.rng.choice((1, 2, 2, 3, 3, 4)) for _ in range(self.rng.choice((0, 1, 1, 2, 2, 2, 3, 3, 4))))
      if np.prod(shape) <= 12:
        return shape

  def partner(self, shape):
    """A shape that broadcasts with this one: dropped dimensions, ones, stretched ones, a further leading dimension."""
    rng = self.rng
    if self.chance(0.08):
      return ()
    dims = [1 if self.chance(0.3) else d for d in shape]
    dims = [rng.choice((2, 3)) if d == 1 and s == 1 and self.chance(0.4) else d for d, s in zip(dims, shape)]
    if self.chance(0.3):
      dims = dims[rng.randint(0, len(dims)):]
    elif len(dims) < MAX_RANK and self.chance(0.2):
      dims = [rng.choice((1, 2, 3))] + dims
    return tuple(dims)

  def pick(self, accepts):
    """The name of a value that passes, with those that nothing uses yet more likely, so that most of the graph matters."""
    names = [n for n, v in self.values.items() if accepts(v)]
    if not names:
      return None
    weights = [(8 if self.uses[n] == 0 else 1.5) * (0.1 if self.values[n].size == 0 else 1) for n in names]
    return self.rng.choices(names, weights)[0]

  # Leaves

  def form(self, array, literal=False, dtype=None):
    dtype = dtype or (str(array.dtype) if array.dtype != np.float64 else "G" if self.mixed and self.chance(0.35) else "F")
    form = self.rng.choices(("bare", "nested", "flat", "base64"), (6, 1.5, 2, 1))[0]
    states = self.chance(0.25) or literal and dtype == "G"
    return TensorForm(array, dtype, form, states, self.shuffled)

  def leaf(self, array):
    """The name of a new input, constant or constant node."""
    name, form, kind = self.name(), self.form(array), self.rng.random()
    if kind < 0.7:
      self.inputs[name] = form
    elif kind < 0.87:
      self.constants[name] = form
    else:
      self.nodes.append({"op": "constant", "inputs": [], "outputs": [name], "attributes": {"value": form}})
    self.values[name] = array
    return name

  def literal(self, array, others):
    """An array written in the node. A dtype may be left out only where the other operands give the right one."""
    form = self.form(array, literal=True)
    takes_own = array.dtype == np.bool_ or array.dtype == np.float64 and form.dtype == "F"
    same = others and all(o.dtype == array.dtype for o in others)
    form.states_dtype = form.states_dtype or not (takes_own or same)
    if form.form == "bare" and form.array.ndim == 0 and array.dtype != np.bool_:
      form.form = "nested"  # written bare it would be a weak number, which is another thing
      form.states_dtype = True
    return form

  # Nodes

  def emit(self, op, operands, attributes=None, count=1):
    """Adds a node if its results are small, finite and of moderate size. Operands: names, Fresh or Weak."""
    attributes = {k: v for k, v in (attributes or {}).items() if v is not Ellipsis}
    own, operand_of = OWN_DTYPE.get(op, {}), lambda o: self.values[o] if isinstance(o, str) else o.array
    known = [str(operand_of(o).dtype) for i, o in enumerate(operands) if i not in own and not isinstance(o, Weak)]
    default = promote(known) if known else "float64"
    arrays = [np.array(o.value, own.get(i, default)) if isinstance(o, Weak) else operand_of(o) for i, o in enumerate(operands)]
    if op in PROMOTING:
      arrays = [a if i in own else a.astype(default) for i, a in enumerate(arrays)]
    real = {"F": "float64", "G": "float64"}
    results = apply(np, op, arrays, attributes, count, lambda x, to: x.astype(real.get(to, to)))
    results = [np.asarray(r) for r in results]
    if not self.accepts(op, arrays, attributes, results):
      return False
    written = []
    for operand in operands:
      if isinstance(operand, Weak):
        written.append(operand.value)
      elif isinstance(operand, Fresh):
        others = [self.values[o] for o in operands if isinstance(o, str)]
        written.append(self.literal(operand.array, others) if self.chance(0.25) else self.leaf(operand.array))
      else:
        written.append(operand)
      if isinstance(written[-1], str):
        self.uses[written[-1]] += 1
    outputs = [self.name() for _ in range(count)]
    node = {"op": op, "inputs": written, "outputs": outputs}
    if attributes or self.chance(0.1):
      node["attributes"] = dict(self.shuffled(attributes.items()))
    self.nodes.append(dict(self.shuffled(node.items())) if self.chance(0.3) else node)
    self.values.update(zip(outputs, results))
    return True

  def accepts(self, op, arrays, attributes, results):
    """Whether a node may stand in the graph, judged by what it computes."""
    return not any(r.size > MAX_SIZE or r.ndim > MAX_RANK or not np.all(np.abs(r) <= MAX_VALUE) for r in results)

  def grow(self, count):
    for _ in range(self.rng.randint(1, 3)):
      name = self.name()
      self.values[name] = array = self.array(self.shape())
      self.inputs[name] = self.form(array)
    if self.integers:
      self.leaf(self.array(self.shape(), self.rng.choice(("int64", "int64", "int32"))))
    if self.bools:
      self.leaf(self.array(self.shape(), "bool"))
    weights = dict(OPERATIONS)
    if self.integers or self.bools or self.mixed:
      weights["cast"] = 18
    while len(self.nodes) < count:
      getattr(self, "add_" + self.rng.choices(list(weights), weights.values())[0])()
    for _ in range(self.rng.randint(0, 4)):
      self.add_join()

  def add_binary(self):
    rng, op = self.rng, self.rng.choices(("add", "sub", "mul", "div"), (4, 3, 5, 3))[0]
    a = self.pick(lambda v: v.dtype != np.bool_ and (op != "div" or v.dtype == np.float64))
    if a is None:
      return
    x, way = self.values[a], rng.random()
    if way < 0.1:
      b = a
    elif way < 0.3:
      b = Weak(self.weak(x.dtype != np.float64))
    elif way < 0.68:
      b = self.pick(lambda v: self.joins(x, v))
      b = b or Fresh(self.array(self.partner(x.shape), str(x.dtype)))
    else:
      b = Fresh(self.array(self.partner(x.shape), str(x.dtype)))
    pair = [a, b] if self.chance(0.6) else [b, a]
    divisor = pair[1]
    if op == "div":
      value = divisor.value if isinstance(divisor, Weak) else self.values[divisor] if isinstance(divisor, str) else divisor.array
      if np.size(value) == 0 or np.min(np.abs(value)) < 0.3:
        return
    self.emit(op, pair)

  def add_join(self):
    """Brings two loose ends together, so that most inputs reach an output."""
    ends = [n for n, v in self.values.items() if not self.uses[n] and v.dtype == np.float64]
    if len(ends) < 2:
      return
    a, b = self.rng.sample(ends, 2)
    if not self.joins(self.values[a], self.values[b]):
      axis, rank = self.rng.choice((None, Ellipsis)), self.values[b].ndim
      if not self.emit("sum", [b], {"axis": self.axis_of(0, rank) if rank == 1 and self.chance(0.5) else axis}):
        return
      b = list(self.values)[-1]
    self.emit(self.rng.choice(("add", "sub", "mul")), [a, b] if self.chance(0.5) else [b, a])

  def weak(self, integral):
    rng = self.rng
    if integral or self.chance(0.4):
      return rng.choice((-3, -2, -1, 1, 2, 3, 2.0, 1e0))
    return rng.choice((0.5, -0.25, 1.5, 0.1, -0.7, round(rng.uniform(0.4, 2.5), rng.randint(1, 6))))

  @staticmethod
  def joins(x, v):
    """Whether two values may meet in one pointwise node."""
    if v.dtype == np.bool_ or (v.dtype == np.float64) != (x.dtype == np.float64):
      return False
    try:
      return np.broadcast(x, v).size <= MAX_SIZE
    except ValueError:
      return False

  def add_matmul(self):
    rng = self.rng
    a = self.pick(lambda v: v.ndim and v.size and v.dtype != np.bool_)
    if a is None:
      return
    x, left = self.values[a], self.chance(0.5)
    same_kind = lambda v: v.ndim and (v.dtype == np.float64) == (x.dtype == np.float64) and v.dtype != np.bool_
    fits = lambda v: same_kind(v) and self.multiplies(*((x, v) if left else (v, x)))
    b = self.pick(fits) if self.chance(0.4) else None
    if b is None:
      k = x.shape[-1] if left or x.ndim == 1 else x.shape[-2]
      free, batch = rng.choice((1, 2, 3)), self.partner(x.shape[:-2])
      batch = batch if self.chance(0.6) else ()
      shape = rng.choice(((k,), batch + ((k, free) if left else (free, k)), batch + ((k, free) if left else (free, k))))
      if len(shape) > MAX_RANK or np.prod(shape) > 16:
        return
      b = Fresh(self.array(shape, str(x.dtype)))
    self.emit("matmul", [a, b] if left else [b, a])

  @staticmethod
  def multiplies(x, y):
    try:
      return np.matmul(np.zeros(x.shape), np.zeros(y.shape)).size <= MAX_SIZE
    except ValueError:
      return False

  def axis_of(self, axis, rank):
    return axis - rank if self.chance(0.4) else axis

  def add_split(self):
    a = self.pick(lambda v: v.ndim and max(v.shape) > 1)
    if a is None:
      return
    shape, rng = self.values[a].shape, self.rng
    axis = rng.choice([i for i, d in enumerate(shape) if d > 1])
    size, way = shape[axis], rng.random()
    if way < 0.55:
      count = rng.choice([n for n in range(2, size + 1) if size % n == 0])
      splits = Ellipsis if way < 0.3 else count
    else:
      cuts = sorted(rng.sample(range(1, size), rng.randint(1, size - 1)))
      if self.chance(0.04):
        cuts = sorted(cuts + [rng.choice(cuts)])  # a part of size zero
      splits = [b - a for a, b in zip([0] + cuts, cuts + [size])]
      count = len(splits)
    written = Ellipsis if axis == 0 and self.chance(0.6) else self.axis_of(axis, len(shape))
    self.emit("split", [a], {"axis": written, "splits": splits}, count)

  def add_slice(self):
    a = self.pick(lambda v: v.ndim and v.size)
    if a is None:
      return
    rng, x = self.rng, self.values[a]
    axes = list(range(x.ndim)) if self.chance(0.5) else self.shuffled(range(x.ndim))
    axes = axes[:rng.randint(1, x.ndim)]
    bound = lambda d: None if self.chance(0.25) else rng.randint(-d - 2, d + 2) if self.chance(0.9) else rng.choice((-1000, 1000, 2**31))
    starts, ends = [bound(x.shape[i]) for i in axes], [bound(x.shape[i]) for i in axes]
    steps = [rng.choice((1, 2, 3, -1, -1, -2)) for _ in axes] if self.chance(0.8) else [1] * len(axes)
    index = [slice(None)] * x.ndim
    for axis, *bounds in zip(axes, starts, ends, steps):
      index[axis] = slice(*bounds)
    if x[tuple(index)].size == 0 and not self.chance(0.02):
      return
    leading = axes == list(range(len(axes))) and self.chance(0.7)
    plain = set(steps) == {1} and self.chance(0.7)
    axes = [self.axis_of(axis, x.ndim) for axis in axes]
    self.emit("slice", [a], {"starts": starts, "ends": ends, "axes": Ellipsis if leading else axes, "steps": Ellipsis if plain else steps})

  def add_sum(self):
    a = self.pick(lambda v: True)
    rng, rank = self.rng, self.values[a].ndim
    way = rng.random()
    if way < 0.3 or rank == 0:
      axis = rng.choice((None, Ellipsis, []))
    elif way < 0.65:
      axis = self.axis_of(rng.randrange(rank), rank)
    else:
      axis = [self.axis_of(i, rank) for i in self.shuffled(range(rank))[:rng.randint(1, rank)]]
    self.emit("sum", [a], {"axis": axis, "keepdims": rng.choice((Ellipsis, Ellipsis, True, True, False))})

  def add_reshape(self):
    a = self.pick(lambda v: v.size)
    if a is None:
      return
    rng, rest, shape = self.rng, self.values[a].size, []
    while rest > 1 and len(shape) < MAX_RANK - 1:
      shape.append(rng.choice([d for d in range(1, rest + 1) if rest % d == 0]))
      rest //= shape[-1]
    shape = shape + [rest] if rest > 1 or self.chance(0.3) else shape
    if shape and self.chance(0.5):
      shape[rng.randrange(len(shape))] = -1
    self.emit("reshape", [a], {"shape": shape})

  def add_transpose(self):
    a = self.pick(lambda v: v.ndim > 1 or v.ndim <= 1 and self.chance(0.05))
    if a is None:
      return
    rank = self.values[a].ndim
    axes = Ellipsis if self.chance(0.3) else [self.axis_of(i, rank) for i in self.shuffled(range(rank))]
    self.emit("transpose", [a], {"axes": axes})

  def add_broadcast_to(self):
    a = self.pick(lambda v: v.size and v.size <= 8)
    if a is None:
      return
    rng = self.rng
    shape = [rng.choice((1, 2, 3)) if d == 1 else d for d in self.values[a].shape]
    while len(shape) < MAX_RANK and self.chance(0.45):
      shape.insert(0, rng.choice((1, 2, 3)))
    self.emit("broadcast_to", [a], {"shape": shape})

  def add_cast(self):
    floats = ("F", "G") if self.mixed else ("F",)
    a = self.pick(lambda v: v.dtype != np.float64 or self.mixed or self.integers)
    if a is None:
      return
    x, rng = self.values[a], self.rng
    if x.dtype != np.float64:
      to = rng.choices((*floats, "int64", "int32"), (*[6] * len(floats), 1, 1))[0]
    elif self.integers and self.chance(0.4):
      if np.any(np.abs(x - np.round(x)) < 0.02):
        return
      to = rng.choice(("int64", "int32"))
    else:
      to = rng.choice(floats)
    self.emit("cast", [a], {"dtype": to})

  def add_neg(self):
    if a := self.pick(lambda v: v.dtype != np.bool_):
      self.emit("neg", [a])

  def add_identity(self):
    self.emit("identity", [self.pick(lambda v: True)])

  def add_weak_alone(self):
    """Nodes whose operands are all numbers or literals: nothing but the request gives them a dtype."""
    way, weak = self.rng.random(), lambda: Weak(self.weak(False))
    if way < 0.4:
      self.emit(self.rng.choice(("add", "mul", "sub")), [weak(), weak()])
    elif way < 0.7:
      self.emit("broadcast_to", [weak()], {"shape": list(self.shape())})
    else:
      self.emit(self.rng.choice(("neg", "identity", "sum")), [Fresh(self.array(self.shape()))])
