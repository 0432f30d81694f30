"""Random graphs over the whole catalog, and what is asked of each: values and gradients, tangents, Hessian-vector products."""

import json
import random
import sys

import jax
import numpy as np

from catalog_builder import CatalogBuilder
from catalog_domains import CATALOG
from oracle_derivatives import Differentiable
from random_graphs import RandomRequest

#: For a process of its own (see generate.py). Without fused multiplications, because the compiler may compute a number twice, once with and
#: once without, and then neither operand of a minimum equals the result and neither gets the derivative. The older emitters are twice as
#: fast at compiling, which is what takes the time.
XLA_FLAGS = "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false --xla_cpu_max_isa=AVX"

FEATURED = 4
#: Bounds of acceptance: the size of any value, gradient or tangent; a nudge of every input, and what it may change in an answer.
LARGEST, NUDGE, CHANGE = 1e3, 1e-7, 1e-4
NO_FLOATS = {"F": "float64"}


class CatalogRequest(CatalogBuilder):
  """A random graph with numbers for everything that is asked of it."""

  @classmethod
  def operations_of(cls, index):
    """The whole catalog in turn, in an order that differs from round to round."""
    first = index * FEATURED
    order = lambda turn: random.Random(f"round {turn}").sample(CATALOG, len(CATALOG))
    return [order(i // len(CATALOG))[i % len(CATALOG)] for i in range(first, first + FEATURED)]

  def __init__(self, index, attempt):
    super().__init__(f"catalog {index} {attempt}", self.operations_of(index))
    rng = self.rng
    self.inputs = dict(self.shuffled(self.inputs.items()))
    if self.chance(0.3):
      self.nodes = self.shuffled(self.nodes)
    self.outputs = self.shuffled(self.outputs + ([rng.choice(list(self.values))] if self.chance(0.1) else []))
    self.outputs = [n for n in dict.fromkeys(self.outputs) if self.values[n].dtype != np.float32 and self.is_settled(self.values[n])]
    self.seeded = [n for n in self.outputs if self.values[n].dtype == np.float64]
    self.floats = [n for n in self.inputs if self.values[n].dtype == np.float64]

  def is_settled(self, value):
    """Whether the operation that made a value leaves nothing of it open, such as its sign."""
    return True

  def request(self):
    """What all asks share."""
    graph = {"nodes": [RandomRequest.write_node(node, NO_FLOATS, "float64") for node in self.nodes]}
    if self.constants:
      graph["constants"] = {n: f.render(NO_FLOATS, "float64") for n, f in self.constants.items()}
    if hasattr(self, "seeded"):
      graph["outputs"] = self.outputs
    return {"graph": graph, "inputs": {n: f.render(NO_FLOATS, "float64") for n, f in self.inputs.items()}, "encoding": "flat"}

  def draw(self, names, left_out):
    """A random tensor for each name, now and then with one left out, which counts as zeros."""
    names = [n for n in names if not (len(names) > 1 and self.chance(left_out))] or names[:1]
    return {n: self.form(self.array(self.values[n].shape)) for n in names}


def with_zeros(forms, names, values):
  return {n: forms[n].array if n in forms else np.zeros_like(values[n]) for n in names}


def asked(program, inputs, seeds, tangents, vectors):
  """(expected members by ask, everything that must be of moderate size)."""
  values, gradients, inner = program.pull(inputs, seeds)
  tangent = program.push(inputs, tangents)
  found = [
    {"outputs": {n: values[n] for n in program.answers}, "gradients": {n: gradients[n] for n in program.wrt}},
    {"tangents": {n: tangent[n] for n in program.of}},
  ]
  if vectors is not None:
    products = program.hessian_product(inputs, *vectors)
    found.append({"products": {n: products[n] for n in program.wrt}})
  return found, [values, inner, tangent]


def close(found, wanted):
  """Whether a nudge left every decision as it was and every answer nearly so."""
  for a, b in ((np.asarray(a[kind][n]), np.asarray(b[kind][n])) for a, b in zip(found, wanted) for kind in b for n in b[kind]):
    if b.dtype.kind != "f":
      if not np.array_equal(a, b):
        return False
    elif b.size and not np.max(np.abs(a - b)) <= CHANGE * max(1, np.max(np.abs(b))):
      return False
  return True


def line(index, attempt, made=CatalogRequest, name="catalog"):
  """The text of one line, or None if the graph is not acceptable."""
  graph = made(index, attempt)
  if not (graph.seeded and graph.floats and 3 <= len(graph.nodes) <= 20):
    return None
  request = graph.request()
  program = Differentiable(json.loads(json.dumps(request)))
  seeds, tangents = graph.draw(graph.seeded, 0.15), graph.draw(graph.floats, 0.15)
  second = (graph.draw(graph.floats, 0.15), graph.draw(graph.seeded, 0.15)) if index % 3 == 0 else None
  numbers = [with_zeros(seeds, program.of, program.values), with_zeros(tangents, program.wrt, program.values),
             second and [with_zeros(f, names, program.values) for f, names in zip(second, (program.wrt, program.of))]]
  inputs = {n: program.leaves[n] for n in program.wrt}
  # One function, compiled once: for the numbers themselves and for those nearby.
  answers = jax.jit(lambda inputs: asked(program, inputs, *numbers))
  found, everything = answers(inputs)
  if not all(np.all(np.abs(v) <= LARGEST) for v in jax.tree.leaves((found, everything))):
    return None
  nudged = {n: x * (1 + NUDGE * graph.array(x.shape)) for n, x in inputs.items()}
  if not close(answers(nudged)[0], found):
    return None
  write = lambda forms: {n: f.render(NO_FLOATS, "float64") for n, f in forms.items()}
  asks = [("/v1/evaluate", {"cotangents": write(seeds)}), ("/v1/jvp", {"tangents": write(tangents)})]
  if second:
    asks.append(("/v1/hvp", {"vectors": write(second[0]), "cotangents": write(second[1])}))
  # JAX sorts names; the answer has them in the order of outputs and of inputs.
  names = {"outputs": program.answers, "gradients": program.wrt, "tangents": program.of, "products": program.wrt}
  expected = lambda answer: {kind: {n: tensor(answer[kind][n]) for n in of} for kind, of in names.items() if kind in answer}
  asks = [{"path": path, "members": members, "expected": expected(answer)} for (path, members), answer in zip(asks, found, strict=True)]
  whole = {"name": f"{name}-{index:04}", "tolerance": 1e-9, "request": request, "asks": asks}
  return json.dumps(whole, separators=(",", ":"), ensure_ascii=False, allow_nan=False) + "\n"


def tensor(array):
  """A tensor of an answer. Twelve digits are plenty for a comparison to 1e-9."""
  array = np.asarray(array)
  data = [float(f"{v:.12g}") if array.dtype.kind == "f" else v for v in array.ravel().tolist()]
  return {"dtype": str(array.dtype), "shape": list(array.shape), "data": data}


def lines(count, start=0, **kind):
  rejected = 0
  for index in range(start, start + count):
    for attempt in range(100):
      if text := line(index, attempt, **kind):
        break
    else:
      raise RuntimeError(f"no acceptable graph for index {index}")
    rejected += attempt
    if index % 100 == 99:
      print(f"{index + 1} graphs, {rejected} rejected", file=sys.stderr)
      jax.clear_caches()  # no two graphs are alike, and what was compiled for one would stay
    yield text


if __name__ == "__main__":
  sys.stdout.reconfigure(encoding="utf-8")
  sys.stdout.writelines(lines(*map(int, sys.argv[1:])))  # how many, and from which on
