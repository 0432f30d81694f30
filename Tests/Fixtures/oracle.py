"""The oracle: evaluates the body of POST /v1/evaluate by the words of the contract, on jax.numpy, with gradients by jax.vjp.

Written from the contract alone, never from the server's code. A request goes through two stages: `Program` decodes it (dtypes, weak
numbers, order of evaluation) while running it once on NumPy, and `Compiled` traces the decoded program with JAX.
"""

import base64
import os

# Nothing here is worth optimising: most of the time would go into the compiler. Set before JAX is imported.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
import numpy as np

import oracle_indexing
import oracle_decompositions
import oracle_linalg
import oracle_tier1

jax.config.update("jax_enable_x64", True)

FLOATS = ("float32", "float64")
NUMBER_STRINGS = {"NaN": np.nan, "Infinity": np.inf, "-Infinity": -np.inf}
PROMOTING = ("add", "sub", "mul", "div", "matmul") + oracle_tier1.PROMOTING + oracle_linalg.PROMOTING + oracle_indexing.PROMOTING
PROMOTING += oracle_decompositions.PROMOTING
OWN_DTYPE = oracle_tier1.OWN_DTYPE | oracle_indexing.OWN_DTYPE


# Decoding ---------------------------------------------------------------------------------------------------------------------------


def is_weak(operand):
  """A bare number in a node. (In Python a bool is an int; in the contract true and false are not numbers.)"""
  return isinstance(operand, (int, float)) and not isinstance(operand, bool) or operand in list(NUMBER_STRINGS)


def holds_bool(data):
  """Whether nested data is made of true and false, which carry their dtype with them."""
  while isinstance(data, list) and data:
    data = data[0]
  return isinstance(data, bool)


def own_dtype(form):
  """The dtype that a tensor form states by itself, or None if it takes that of what it belongs to."""
  if isinstance(form, dict):
    return form.get("dtype") or ("bool" if holds_bool(form["data"]) else None)
  return "bool" if holds_bool(form) else None


def decode(form, default):
  """A tensor form as an array; `default` is the dtype that data without one takes."""
  dtype = own_dtype(form) or default
  if not isinstance(form, dict):
    return array_of(form, dtype)
  if form.get("encoding") == "base64":
    raw = np.frombuffer(base64.b64decode(form["data"], validate=True), np.dtype(dtype).newbyteorder("<"))
    return raw.astype(dtype).reshape(form["shape"])
  data = array_of(form["data"], dtype)
  return data.reshape(form["shape"]) if "shape" in form else data


def array_of(data, dtype):
  """Nested numbers as an array. Integers stay Python integers on the way, so that 2^53 + 1 survives."""
  if isinstance(data, list):
    flat = np.array(data, object)
    values = [NUMBER_STRINGS.get(v, v) if isinstance(v, str) else v for v in flat.ravel()]
    return np.array(values, dtype).reshape(flat.shape)
  return np.array(NUMBER_STRINGS.get(data, data) if isinstance(data, str) else data, dtype)


def promote(dtypes):
  """float32 with float64 gives float64, int32 with int64 gives int64; kinds never mix."""
  kinds = {"float" if d in FLOATS else "bool" if d == "bool" else "int" for d in dtypes}
  if len(kinds) > 1:
    raise TypeError(f"no promotion for {sorted(dtypes)}")
  return max(dtypes, key=lambda d: np.dtype(d).itemsize)


# Operations -------------------------------------------------------------------------------------------------------------------------


def apply(xp, op, operands, attributes, count, cast):
  """The results of one node. `xp` is numpy or jax.numpy; `cast` converts to a named dtype; operands have been promoted."""
  x = operands[0] if operands else None
  attribute = attributes.get
  match op:
    case "add":
      return [xp.add(x, operands[1])]
    case "sub":
      return [xp.subtract(x, operands[1])]
    case "mul":
      return [xp.multiply(x, operands[1])]
    case "div":
      return [xp.divide(x, operands[1])]
    case "neg":
      return [xp.negative(x)]
    case "identity":
      return [x]
    case "reshape":
      return [xp.reshape(x, tuple(attributes["shape"]))]
    case "transpose":
      return [xp.transpose(x, tuple(attributes["axes"]) if "axes" in attributes else None)]
    case "broadcast_to":
      return [xp.broadcast_to(x, tuple(attributes["shape"]))]
    case "cast":
      return [cast(x, attributes["dtype"])]
    case "sum":
      axis = attribute("axis")
      # NumPy widens int32 to int64; the contract keeps the dtype and widens bool only.
      dtype = np.dtype("int64") if x.dtype == np.bool_ else x.dtype
      return [xp.sum(x, axis=tuple(axis) if isinstance(axis, list) else axis, keepdims=attribute("keepdims", False), dtype=dtype)]
    case "matmul":
      return [jnp.matmul(x, operands[1], precision="highest") if xp is jnp else np.matmul(x, operands[1])]
    case "split":
      axis, splits = attribute("axis", 0), attribute("splits", count)
      size = x.shape[axis]
      sizes = splits if isinstance(splits, list) else [size // splits] * splits
      if sum(sizes) != size or len(sizes) != count:
        raise ValueError(f"split of {size} into {sizes} for {count} results")
      return list(xp.split(x, np.cumsum(sizes)[:-1].tolist(), axis=axis))
    case "slice":
      starts, ends = attributes["starts"], attributes["ends"]
      axes = attribute("axes", list(range(len(starts))))
      steps = attribute("steps", [1] * len(starts))
      index = [slice(None)] * x.ndim
      for axis, *bounds in zip(axes, starts, ends, steps, strict=True):
        index[axis] = slice(*bounds)
      return [x[tuple(index)]]
  if op in oracle_linalg.OPERATIONS:
    return oracle_linalg.apply(xp, op, operands, attributes)
  if op in oracle_indexing.OPERATIONS:
    return oracle_indexing.apply(xp, op, operands, attributes)
  if op in oracle_decompositions.OPERATIONS:
    return oracle_decompositions.apply(xp, op, operands, attributes)
  return oracle_tier1.apply(xp, op, operands, attributes, count)


# Requests ---------------------------------------------------------------------------------------------------------------------------


class Program:
  """A decoded request: its leaves (inputs, constants, literals) and its nodes in an order in which operands precede uses.

  `values` holds every named value as NumPy computes it in the dtypes that the contract gives them.
  """

  def __init__(self, request):
    self.request = request
    self.graph = graph = request["graph"]
    self.dtype = request.get("dtype", "float64")
    self.leaves = {}
    self.steps = []
    self.values = {}
    declared = {d["name"]: d for d in graph["inputs"]} if "inputs" in graph else None
    self.inputs = list(declared if declared is not None else request["inputs"])
    for name in self.inputs:
      self.add_leaf(name, request["inputs"][name], (declared or {}).get(name, {}).get("dtype") or self.dtype)
    for name, form in graph.get("constants", {}).items():
      self.add_leaf(name, form, self.dtype)
    self.sort_and_run(graph["nodes"])
    self.choose(request)

  def add_leaf(self, key, form, default):
    self.leaves[key] = self.values[key] = decode(form, default)

  def sort_and_run(self, nodes):
    """Takes nodes in rounds until all have run: slow, and obviously right."""
    waiting = list(enumerate(nodes))
    while waiting:
      ready = [(i, n) for i, n in waiting if all(o in self.values for o in n["inputs"] if isinstance(o, str) and not is_weak(o))]
      if not ready:
        raise ValueError("the graph has a cycle or an unknown name")
      for index, node in ready:
        self.run_node(index, node)
      waiting = [(i, n) for i, n in waiting if (i, n) not in ready]

  def run_node(self, index, node):
    op, attributes, outputs = node["op"], node.get("attributes", {}), node["outputs"]
    if op == "constant":
      self.add_leaf(outputs[0], attributes["value"], self.dtype)
      return
    keys = self.resolve(index, node["inputs"], op)
    operands = [self.values[k] for k in keys]
    own = OWN_DTYPE.get(op, {})
    dtypes = [str(o.dtype) for o in operands]
    if op in PROMOTING:
      common = promote([d for position, d in enumerate(dtypes) if position not in own])
      dtypes = [d if position in own else common for position, d in enumerate(dtypes)]
    self.steps.append((op, keys, dtypes, attributes, outputs))
    operands = [o.astype(dtype) for o, dtype in zip(operands, dtypes)]
    results = self.compute(np, op, operands, attributes, len(outputs), lambda x, to: x.astype(to))
    self.values.update(zip(outputs, map(np.asarray, results), strict=True))

  def resolve(self, index, operands, op=None):
    """Names of a node's operands. Literals become leaves named (node, position); those without a dtype take that of the others."""
    own = OWN_DTYPE.get(op, {})
    named = [isinstance(o, str) and not is_weak(o) for o in operands]
    stated = [str(self.values[o].dtype) if is_name else None if is_weak(o) else own_dtype(o) for o, is_name in zip(operands, named)]
    common = [d for position, d in enumerate(stated) if d and position not in own]
    default = promote(common) if common else self.dtype
    keys = []
    for position, (operand, is_name) in enumerate(zip(operands, named)):
      keys.append(operand if is_name else (index, position))
      if not is_name:
        self.add_leaf(keys[-1], operand, own.get(position, default))
    return keys

  def choose(self, request):
    """What comes back (`answers`), what is differentiated (`of`), with respect to what (`wrt`), and seeded with what."""
    nodes = self.graph["nodes"]
    consumed = {o for n in nodes for o in n["inputs"] if isinstance(o, str)}
    implied = [name for n in nodes for name in n["outputs"] if name not in consumed]
    outputs = self.graph.get("outputs", implied)
    self.answers = request.get("outputs", outputs)
    self.of = [name for name in request.get("of", outputs) if self.is_float(name)]
    self.wrt = request.get("wrt", [name for name in self.inputs if self.is_float(name)])
    given = request.get("cotangents")
    self.cotangents = []
    for name in self.of:
      value = self.values[name]
      if given is None:
        self.cotangents.append(np.ones_like(value))
      else:
        self.cotangents.append(decode(given[name], str(value.dtype)) if name in given else np.zeros_like(value))
      assert self.cotangents[-1].shape == value.shape and self.cotangents[-1].dtype == value.dtype
    assert given is None or set(given) <= set(self.of)

  def is_float(self, name):
    return str(self.values[name].dtype) in FLOATS

  @property
  def uses_float32(self):
    return any(str(v.dtype) == "float32" for v in self.values.values())

  def run(self, xp, leaves, exact):
    """All values from given leaves. With `exact`, every float is a float64 and casts between floats change nothing."""
    float_dtype = lambda dtype: "float64" if exact and dtype in FLOATS else dtype
    cast = lambda x, to: x.astype(float_dtype(to))
    values = dict(leaves)
    for op, keys, dtypes, attributes, outputs in self.steps:
      operands = [cast(values[k], dtype) for k, dtype in zip(keys, dtypes)]
      values.update(zip(outputs, self.compute(xp, op, operands, attributes, len(outputs), cast), strict=True))
    return values

  def compute(self, xp, op, operands, attributes, count, cast):
    """The results of one node: what a kind of program may do in its own way."""
    return apply(xp, op, operands, attributes, count, cast)

  def widened(self, exact):
    """Leaves and cotangents in the dtypes of the computation. Widening a float32 changes no value."""
    widen = lambda x: x.astype("float64") if exact and str(x.dtype) in FLOATS else x
    return {k: widen(v) for k, v in self.leaves.items()}, [widen(c) for c in self.cotangents]


class Compiled:
  """A program traced by JAX, to be called with its own numbers or with those of a program of the same structure."""

  def __init__(self, program, exact):
    self.exact = exact
    constant_keys = [k for k in program.leaves if k not in program.wrt]

    def evaluate(wrt, constants, cotangents):
      def forward(wrt):
        values = program.run(jnp, dict(zip(program.wrt, wrt)) | dict(zip(constant_keys, constants)), exact)
        return [values[name] for name in program.of], [values[name] for name in program.answers]

      _, pullback, answers = jax.vjp(forward, wrt, has_aux=True)
      return answers, pullback(cotangents)[0]

    self.constant_keys = constant_keys
    self.evaluate = jax.jit(evaluate)

  def __call__(self, program):
    """(outputs, gradients), each a dictionary of NumPy arrays in the order of the answer."""
    leaves, cotangents = program.widened(self.exact)
    answers, gradients = self.evaluate([leaves[k] for k in program.wrt], [leaves[k] for k in self.constant_keys], cotangents)
    return dict(zip(program.answers, map(np.asarray, answers))), dict(zip(program.wrt, map(np.asarray, gradients)))
