"""Checks random_graphs_catalog.jsonl without JAX: values and derivatives against NumPy and differences where no `grad` node stands, the two
kinds of products against each other everywhere, and that every operation occurs, and is differentiated through, often enough."""

import json
from collections import Counter

import numpy as np

from catalog_domains import BLOCKING, CATALOG
from oracle import Program, decode
from random_graphs import agrees

FILE = "random_graphs_catalog.jsonl"
LEAST = 60  # graphs that an operation must occur in
STEPS, FIRST, SECOND = (1e-5, 1e-6, 1e-7), 1e-6, 2e-4


def tensors(part):
  return {n: np.array(t["data"], t["dtype"]).reshape(t["shape"]) for n, t in part.items()}


def given(forms, names, program):
  return {n: decode(forms[n], "float64") if n in forms else np.zeros_like(program.values[n]) for n in names}


def inner(a, b):
  return sum(float(np.sum(a[n] * b[n])) for n in a)


def numpy_faults(program, evaluated, pushed, product, asks):
  """Outputs against NumPy; tangents and Hessian products against differences of it."""
  if not agrees({n: program.values[n] for n in program.answers}, evaluated["outputs"], 1e-10):
    yield "outputs"

  def at(*moves):
    moved = {n: program.leaves[n] + sum(step * move[n] for step, move in moves) for n in program.wrt}
    with np.errstate(all="ignore"):
      values = program.run(np, program.leaves | moved, exact=False)
    return {n: values[n] for n in program.of}

  tangents = given(asks[1]["members"]["tangents"], program.wrt, program)
  # The best of several steps: a long one may cross a kink, a short one drowns in rounding.
  errors = []
  for step in STEPS:
    above, below = at((step, tangents)), at((-step, tangents))
    errors.append(max(np.max(np.abs((above[n] - below[n]) / (2 * step) - t), initial=0) / max(1, np.max(np.abs(t), initial=0))
                      for n, t in pushed["tangents"].items()))
  if not min(errors) <= FIRST:
    yield f"tangents, off by {min(errors):.1e}"
  if product:
    vectors = given(asks[2]["members"]["vectors"], program.wrt, program)
    seeds = given(asks[2]["members"]["cotangents"], program.of, program)
    wanted, errors = inner(product["products"], tangents), []
    for step in (1e-3, 3e-4, 1e-4, 3e-5):
      corners = [sign * inner(at((step * one, vectors), (step * other, tangents)), seeds)
                 for one, other, sign in ((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1))]
      errors.append(abs(sum(corners) / (4 * step * step) - wanted) / max(1, abs(wanted), *np.abs(corners)))
    if not min(errors) <= SECOND:
      yield f"Hessian product, off by {min(errors):.1e}"


def faults(line):
  asks = line["asks"]
  evaluated, pushed, *more = ({kind: tensors(part) for kind, part in ask["expected"].items()} for ask in asks)
  # NumPy has no derivatives to put into a graph, and differences see through what stops a gradient on purpose.
  beyond = {"grad", "stop_gradient"}.intersection(node["op"] for node in line["request"]["graph"]["nodes"])
  program = WithoutGrad(line["request"])
  for found, names in ((evaluated["outputs"], program.answers), (evaluated["gradients"], program.wrt), (pushed["tangents"], program.of)):
    if list(found) != names:
      yield "names"
  # One derivative, taken from either end: cotangents times tangents, and gradients times directions.
  seeds = given(asks[0]["members"]["cotangents"], program.of, program)
  tangents = given(asks[1]["members"]["tangents"], program.wrt, program)
  ends = inner(pushed["tangents"], seeds), inner(evaluated["gradients"], tangents)
  scale = max([1] + [np.max(np.abs(t), initial=0) for part in (evaluated["gradients"], pushed["tangents"]) for t in part.values()])
  if abs(ends[0] - ends[1]) > 1e-9 * scale:
    yield "gradients and tangents disagree"
  if not beyond:
    yield from numpy_faults(program, evaluated, pushed, more[0] if more else None, asks)


class WithoutGrad(Program):
  """A program whose `grad` nodes give zeros: enough to know names and shapes."""

  def run_node(self, index, node):
    if node["op"] != "grad":
      return super().run_node(index, node)
    self.values.update((made, np.zeros_like(self.values[o])) for made, o in zip(node["outputs"], node["inputs"][1:], strict=True))


def differentiated(line):
  """The operations through which a derivative flows, from a floating input to a floating output."""
  nodes = line["request"]["graph"]["nodes"]
  program = WithoutGrad(line["request"])
  floats = lambda names: [n for n in names if isinstance(n, str) and n in program.values and program.is_float(n)]
  flowing = [n for n in nodes if n["op"] not in BLOCKING]
  # The sign of a determinant is a float, and constant; the others of a `grad` node's operands are ancestors of its loss.
  sources = lambda node: floats(node["inputs"][:1] if node["op"] == "grad" else node["inputs"])
  results = lambda node: floats(node["outputs"][1:] if node["op"] == "slogdet" else node["outputs"])
  reached, needed = set(program.wrt), set(program.of)
  for _ in nodes:
    for node in flowing:
      if reached.intersection(sources(node)):
        reached.update(results(node))
      if needed.intersection(results(node)):
        needed.update(sources(node))
  return {n["op"] for n in flowing if reached.intersection(sources(n)) and needed.intersection(results(n))}


def run(folder):
  """The number of faults."""
  count, graphs, through, features = 0, Counter(), Counter(), Counter()
  with open(folder / FILE, encoding="utf-8") as file:
    for line in map(json.loads, file):
      for fault in faults(line):
        count += 1
        print(f"{line['name']}: {fault}")
      nodes = line["request"]["graph"]["nodes"]
      graphs.update({n["op"] for n in nodes})
      through.update(differentiated(line))
      made = [o for n in nodes for o in n["inputs"] if isinstance(o, str)]
      features.update({"lines": 1, "asks": len(line["asks"]), "nodes": len(nodes), "outputs": len(line["request"]["graph"]["outputs"]),
                       "fan-out": max(Counter(made).values()) > 1,
                       "zero-size": any(not v.size for v in WithoutGrad(line["request"]).values.values())})
  print(f"{FILE}: {dict(features)}")
  print("  operation         graphs  differentiated through")
  for op in sorted(CATALOG, key=lambda op: graphs[op]):
    few = graphs[op] < LEAST or op not in BLOCKING and through[op] < LEAST
    count += few
    print(f"  {op:16} {graphs[op]:7} {'-' if op in BLOCKING else through[op]:>7}{'  too few' if few else ''}")
  for op in graphs.keys() - set(CATALOG):
    count += 1
    print(f"  {op}: not in the catalog")
  return count
