"""Random requests: one abstract request for each seed, to be written out in float64 and in float32."""

import json
import random

import numpy as np

from forms import TensorForm
from graph_builder import GraphBuilder
from oracle import Compiled, Program


class RandomRequest(GraphBuilder):
  """A random graph and what is asked of it."""

  def __init__(self, seed):
    super().__init__(seed)
    self.ask()

  def ask(self):
    """Chooses outputs, of, wrt, cotangents and how everything is written; the numbers of cotangents wait for their shapes."""
    rng = self.rng
    if self.chance(0.15):
      dtype = rng.choice(("int64", "bool")) if self.chance(0.2) else "float64"
      name, array = self.name(), self.array(self.shape(), dtype)
      (self.inputs if self.chance(0.7) else self.constants)[name] = self.form(array)
      self.values[name] = array
    self.inputs = dict(self.shuffled(self.inputs.items()))
    if self.chance(0.6):
      self.nodes = self.shuffled(self.nodes)
    produced = [n for node in self.nodes for n in node["outputs"]]
    is_float = lambda n: self.values[n].dtype == np.float64
    sinks = [n for n in produced if self.uses[n] == 0]
    # The deepest first: outputs that much of the graph flows into.
    depths = self.ancestors()
    floats = sorted((n for n in sinks if is_float(n)), key=lambda n: -len(depths[n]))
    self.outputs = None
    if not floats or len(sinks) > 5 or self.chance(0.65):
      self.outputs = floats[:rng.choice((1, 2, 3, 4, 6))] or [rng.choice([n for n in self.values if is_float(n)])]
      extra = self.pick_some(self.values, 0.3) + self.pick_some(self.constants, 0.05)
      self.outputs += [n for n in dict.fromkeys(extra) if n not in self.outputs]
      self.outputs = self.shuffled(self.outputs)
    asked = self.outputs or sinks
    self.answers = rng.sample(list(self.values), min(len(self.values), rng.randint(1, 3))) if self.chance(0.2) else None
    self.of = None
    if self.chance(0.2):
      pool = [n for n in asked if is_float(n)] if self.chance(0.6) else [n for n in produced if is_float(n)] or asked
      self.of = rng.sample(pool, rng.randint(1, min(len(pool), 3)))
    float_inputs = [n for n in self.inputs if is_float(n)]
    self.wrt = rng.sample(float_inputs, rng.randint(1, len(float_inputs))) if self.chance(0.22) else None
    self.cotangents = None
    if self.chance(0.55):
      seeds = [n for n in self.of or asked if is_float(n)]
      given = self.shuffled(n for n in seeds if self.chance(0.7)) or ([] if self.chance(0.1) else seeds[:1])
      self.cotangents = {n: self.form(self.array(self.values[n].shape), dtype="F") for n in given}
    self.request_dtype = rng.choice(("always", "always", "unless default", "never"))
    self.encoding = rng.choices(("flat", None, "values", "base64"), (80, 8, 4, 8))[0]
    if any(self.values[n].size == 0 for n in self.answers or asked):
      self.encoding = "flat"  # bare values would not tell the shape
    self.declared = self.declare() if self.chance(0.35) else None
    self.order = rng.random()
    self.ascii_only = self.chance(0.5)

  def pick_some(self, names, probability):
    return [name for name in self.rng.sample(list(names), min(2, len(names))) if self.chance(probability)]

  def ancestors(self):
    """For each value, all values that flow into it."""
    producer = {n: node for node in self.nodes for n in node["outputs"]}
    found = {}
    for name in self.values:  # operands were made before what uses them
      operands = [o for o in producer[name]["inputs"] if isinstance(o, str)] if name in producer else []
      found[name] = set(operands).union(*(found[o] for o in operands))
    return found

  def declare(self):
    """Declared inputs in an order of their own, with parts left out, any-size and named dimensions."""
    rng, declared, sizes = self.rng, [], {}
    for name in self.shuffled(self.inputs):
      entry, form = {"name": name}, self.inputs[name]
      if self.chance(0.6):
        entry["dtype"] = form.dtype
      if self.chance(0.75):
        entry["shape"] = [self.dimension(d, sizes) for d in form.array.shape]
      declared.append(dict(self.shuffled(entry.items())))
    return declared

  def dimension(self, size, sizes):
    way = self.rng.random()
    if way < 0.2:
      return None
    if way < 0.4:
      name = self.rng.choice(("N", "batch", "x", "in features"))
      return name if sizes.setdefault(name, size) == size else size
    return size

  # Writing

  def write(self, main):
    """The request with `main` as the graph's own float: (request, decoded program)."""
    floats = {"F": main, "G": "float32" if main == "float64" else "float64"}
    stated = self.request_dtype == "always" or self.request_dtype == "unless default" and main != "float64"
    default = main if stated else "float64"
    declared = {d["name"]: floats.get(d["dtype"], d["dtype"]) for d in self.declared or [] if "dtype" in d}
    graph = {"nodes": [self.write_node(node, floats, default) for node in self.nodes]}
    if self.constants:
      graph["constants"] = {n: f.render(floats, default) for n, f in self.constants.items()}
    if self.declared:
      graph["inputs"] = [{k: floats.get(v, v) if k == "dtype" else v for k, v in d.items()} for d in self.declared]
    if self.outputs:
      graph["outputs"] = self.outputs
    request = {"graph": graph, "inputs": {n: f.render(floats, declared.get(n, default)) for n, f in self.inputs.items()}}
    request |= {"dtype": main} if stated else {}
    asked = {"outputs": self.answers, "of": self.of, "wrt": self.wrt, "encoding": self.encoding}
    request |= {k: v for k, v in asked.items() if v is not None}
    if self.cotangents is not None:
      types = Program(json.loads(json.dumps(request))).values
      request["cotangents"] = {n: self.write_cotangent(f, str(types[n].dtype)) for n, f in self.cotangents.items()}
    order = random.Random(self.order)
    if self.order < 0.5:
      keys = order.sample(list(graph), len(graph))
      request["graph"] = {k: graph[k] for k in keys}
      request = {k: request[k] for k in order.sample(list(request), len(request))}
    return request, Program(json.loads(json.dumps(request)))

  @staticmethod
  def write_node(node, floats, default):
    """Literals take the dtype of what surrounds them; only a constant node's value falls back to the request's."""
    written = dict(node)
    written["inputs"] = [o.render(floats, None) if isinstance(o, TensorForm) else o for o in node["inputs"]]
    if "attributes" in node:
      plain = lambda v: v.render(floats, default) if isinstance(v, TensorForm) else floats.get(v, v) if isinstance(v, str) else v
      written["attributes"] = {k: plain(v) for k, v in node["attributes"].items()}
    return written

  @staticmethod
  def write_cotangent(form, dtype):
    return TensorForm(form.array, dtype, form.form, form.states_dtype, sorted).render({}, dtype)


# Acceptance -------------------------------------------------------------------------------------------------------------------------

MAX_GRADIENT, FLOAT32_AGREEMENT = 1e4, 2e-6


def agrees(found, wanted, tolerance):
  """|a - b| <= tolerance · max(1, max |b|) for each tensor; integers and bools are equal."""
  for name, b in wanted.items():
    a, b = np.asarray(found[name], b.dtype), np.asarray(b)
    if b.dtype.kind != "f":
      if not np.array_equal(a, b):
        return False
    elif b.size and not np.max(np.abs(a - b)) <= tolerance * max(1, np.max(np.abs(b))):
      return False
  return True


def moderate(tensors):
  return all(b.size == 0 or np.all(np.isfinite(b)) and np.max(np.abs(b)) <= MAX_GRADIENT for b in tensors.values())


def evaluate_pair(graph):
  """Both twins of a graph, each as (request, program, outputs, gradients), or None if its float32 cannot be compared to 1e-5.

  Expected values are computed in float64 throughout, for the float32 twin from its float32 numbers. A graph is kept only where JAX in the
  dtypes of the contract comes within a fifth of the tolerance of that.
  """
  twins = []
  compiled = None
  for main in ("float64", "float32"):
    request, program = graph.write(main)
    # The twins have one structure, so that in float64 one trace serves both.
    compiled = compiled or Compiled(program, exact=True)
    outputs, gradients = compiled(program)
    if not (moderate(outputs) and moderate(gradients)):
      return None
    if program.uses_float32:
      found = Compiled(program, exact=False)(program)
      if not (agrees(found[0], outputs, FLOAT32_AGREEMENT) and agrees(found[1], gradients, FLOAT32_AGREEMENT)):
        return None
    twins.append((request, program, outputs, gradients))
  return twins


def accepted_pair(index):
  """The first acceptable graph of this index, and whether its lines keep to ASCII."""
  for attempt in range(100):
    graph = RandomRequest(index * 1000 + attempt)
    if pair := evaluate_pair(graph):
      return pair, graph.ascii_only, attempt
  raise RuntimeError(f"no acceptable graph for index {index}")
