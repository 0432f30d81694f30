"""Small random graphs over the catalog with their first, second and third derivatives by nested `grad` nodes.

The graph of a line differentiates the weighted sum of its results, then the gradient along a direction, then that again. JAX computes the
same by differentiating a function three times, with no notion of such nodes.
"""

import json
import random
import sys

import jax
import jax.numpy as jnp
import numpy as np

from catalog_builder import CatalogBuilder
from catalog_domains import CATALOG
from catalog_graphs import LARGEST, NO_FLOATS, NUDGE, close, tensor
from forms import TensorForm
from oracle_derivatives import Differentiable
from random_graphs import RandomRequest

FEATURED, MOST_NODES, ORDERS = 2, 9, 3
#: What a line may hold: `grad` is what the line itself is about.
OPERATIONS = [op for op in CATALOG if op != "grad"]


class ThirdRequest(CatalogBuilder):
  def __init__(self, index, attempt):
    first = index * FEATURED
    order = lambda turn: random.Random(f"third round {turn}").sample(OPERATIONS, len(OPERATIONS))
    featured = [order(i // len(OPERATIONS))[i % len(OPERATIONS)] for i in range(first, first + FEATURED)]
    super().__init__(f"third {index} {attempt}", featured)
    self.seeded = [n for n in self.outputs if self.values[n].dtype == np.float64]
    self.floats = [n for n in self.inputs if self.values[n].dtype == np.float64]

  def grow(self, count):
    super().grow(min(count, 4))

  def attempt(self, what):
    return what != "grad" and super().attempt(what)

  def request(self):
    graph = {"nodes": [RandomRequest.write_node(node, NO_FLOATS, "float64") for node in self.nodes]}
    if self.constants:
      graph["constants"] = {n: f.render(NO_FLOATS, "float64") for n, f in self.constants.items()}
    if hasattr(self, "seeded"):
      graph["outputs"] = self.seeded
    return {"graph": graph, "inputs": {n: f.render(NO_FLOATS, "float64") for n, f in self.inputs.items()}, "encoding": "flat"}

  def numbers(self, names):
    return {n: self.array(self.values[n].shape) for n in names}


def weighted_sum(nodes, values, weights, to):
  """Adds nodes for the sum of products of values with numbers, ending in the value `to`."""
  terms = []
  for position, (name, weight) in enumerate(zip(values, weights)):
    product, term = f"{to} product {position}", f"{to} term {position}"
    nodes.append({"op": "mul", "inputs": [name, TensorForm(weight, "F").render(NO_FLOATS, "float64")], "outputs": [product]})
    nodes.append({"op": "sum", "inputs": [product], "outputs": [term]})
    terms.append(term)
  for position, term in enumerate(terms[1:]):
    name = to if position == len(terms) - 2 else f"{to} sum {position}"
    nodes.append({"op": "add", "inputs": [terms[0] if position == 0 else f"{to} sum {position - 1}", term], "outputs": [name]})
  if len(terms) == 1:
    nodes[-1]["outputs"] = [to]


def nested(request, seeds, directions):
  """The request with `grad` nodes up to the third order, and the names of the derivatives by order and input."""
  graph, wrt = request["graph"], list(directions[0])
  nodes = list(graph["nodes"])
  names = [{n: f"order {order + 1} by {n}" for n in wrt} for order in range(ORDERS)]
  weighted_sum(nodes, list(seeds), list(seeds.values()), "loss 0")
  for order in range(ORDERS):
    nodes.append({"op": "grad", "inputs": [f"loss {order}", *wrt], "outputs": [names[order][n] for n in wrt]})
    if order + 1 < ORDERS:
      weighted_sum(nodes, [names[order][n] for n in wrt], [directions[order][n] for n in wrt], f"loss {order + 1}")
  outputs = [names[order][n] for order in range(ORDERS) for n in wrt]
  return request | {"graph": graph | {"nodes": nodes, "outputs": outputs}, "gradients": False}, names


def derivatives(program, inputs, seeds, directions):
  """The derivatives of every order, by input."""
  def loss(inputs):
    values = program.evaluate(program.at(inputs), {})
    return sum(jnp.sum(values[n] * seeds[n]) for n in seeds)

  functions = [jax.grad(loss)]
  for direction in directions:
    along = lambda inputs, inner=functions[-1], direction=direction: sum(jnp.sum(g * direction[n]) for n, g in inner(inputs).items())
    functions.append(jax.grad(along))
  return [function(inputs) for function in functions]


def line(index, attempt):
  graph = ThirdRequest(index, attempt)
  if not (graph.seeded and graph.floats and 1 <= len(graph.nodes) <= MOST_NODES):
    return None
  request = graph.request()
  program = Differentiable(json.loads(json.dumps(request)))
  seeds, directions = graph.numbers(graph.seeded), [graph.numbers(graph.floats) for _ in range(ORDERS - 1)]
  inputs = {n: jnp.asarray(program.leaves[n]) for n in graph.floats}
  # One function, compiled once: for the numbers themselves and for those nearby.
  answers = jax.jit(lambda inputs: derivatives(program, inputs, seeds, directions))
  found = answers(inputs)
  everything = jax.tree.leaves(found)
  if not all(np.all(np.abs(v) <= LARGEST) for v in everything) or not any(np.any(v) for v in jax.tree.leaves(found[1:])):
    return None
  nudged = {n: x * (1 + NUDGE * graph.array(x.shape)) for n, x in inputs.items()}
  if not close([{"order": d} for d in answers(nudged)], [{"order": d} for d in found]):
    return None
  request, names = nested(request, seeds, directions)
  outputs = {names[order][n]: tensor(found[order][n]) for order in range(ORDERS) for n in graph.floats}
  asks = [{"path": "/v1/evaluate", "members": {"dtype": "float64"}, "expected": {"outputs": outputs}}]
  whole = {"name": f"third-{index:04}", "tolerance": 1e-9, "request": request, "asks": asks}
  return json.dumps(whole, separators=(",", ":"), ensure_ascii=False, allow_nan=False) + "\n"


def lines(count, start=0):
  rejected = 0
  for index in range(start, start + count):
    for attempt in range(200):
      if text := line(index, attempt):
        break
    else:
      raise RuntimeError(f"no acceptable graph for index {index}")
    rejected += attempt
    if index % 100 == 99:
      print(f"{index + 1} graphs, {rejected} rejected", file=sys.stderr)
      jax.clear_caches()
    yield text


if __name__ == "__main__":
  sys.stdout.reconfigure(encoding="utf-8")
  sys.stdout.writelines(lines(*map(int, sys.argv[1:])))  # how many, and from which on
