"""Checks the fixtures without JAX's help: outputs against NumPy in float64, gradients against central differences in float64, and that
everything the fixtures are there for occurs often enough."""

import json
from collections import Counter

import numpy as np

from oracle import FLOATS, Program, is_weak
from oracle_linalg import OPERATIONS as LINEAR_ALGEBRA
from random_graphs import FLOAT32_AGREEMENT, agrees
import selfcheck_catalog
import selfcheck_mpmath

FILES = ["random_graphs_float64.jsonl", "random_graphs_float32.jsonl", "operations.jsonl", "tutorial.jsonl",
         "operations_pointwise.jsonl", "operations_reductions.jsonl", "operations_shapes.jsonl", "operations_indexing.jsonl",
         "operations_linalg.jsonl", "operations_special.jsonl", "operations_decompositions.jsonl"]
STEP, DIFFERENCE_TOLERANCE = 1e-6, 2e-7
# How often each thing must occur in the thousand graphs of one dtype.
AT_LEAST = {
  "fan-out": 300, "one value twice in a node": 100, "implied outputs": 150, "three or more outputs": 200, "cotangents": 300,
  "an output without cotangent": 100, "of": 100, "wrt": 100, "answers named": 100, "an intermediate value answered": 50,
  "nodes out of order": 400, "input unused": 150, "an output is an input": 50, "an output is a constant": 10, "declared inputs": 200,
  "null dimension": 50, "named dimension": 50, "declared without dtype": 50, "constants": 200, "constant node": 100, "weak number": 400,
  "literal array": 200, "base64": 200, "flat": 200, "nested": 200, "bare": 500, "request dtype": 400, "integer value": 150,
  "bool value": 50, "both floats": 60, "cast": 150, "cast to integer": 30, "encoding flat": 600, "encoding nested": 40,
  "encoding values": 20, "encoding base64": 40, "split default": 100, "split count": 80, "split sizes": 100, "split part unused": 200,
  "negative axis": 200, "slice null": 150, "slice negative step": 150, "slice clamps": 100, "sum axis []": 40, "sum axis null": 40,
  "sum axes": 80, "keepdims": 100, "reshape -1": 150, "reshape to 0-d": 15, "transpose default": 80, "transpose axes": 150,
  "matmul 1x1": 40, "matmul 1x2": 40, "matmul 2x1": 40, "matmul batched": 150, "matmul batch broadcasts": 40, "broadcasting": 300,
  "rank differs": 200, "0-d meets tensor": 60, "zero-size": 5, "non-ASCII name": 40,
}


def entries(folder, name):
  with open(folder / name, encoding="utf-8") as file:
    yield from map(json.loads, file)


def differences(program, leaves, cotangents):
  """Differences of the seeded sum of `of`, central and to either side, for each element of each input of `wrt`."""

  def value(name, index, step):
    moved = leaves[name].copy()
    moved[index] += step
    values = program.run(np, leaves | {name: moved}, exact=True)
    return sum(np.sum(values[n] * c) for n, c in zip(program.of, cotangents))

  for name in program.wrt:
    central, forward, backward = (np.zeros_like(leaves[name]) for _ in range(3))
    for index in np.ndindex(central.shape):
      step = STEP * max(1, abs(leaves[name][index]))
      below, here, above = (value(name, index, s) for s in (-step, 0, step))
      central[index], forward[index], backward[index] = (above - below) / (2 * step), (above - here) / step, (here - below) / step
    yield name, central, forward, backward


def check(entry):
  """The faults of one line, if any."""
  program = Program(entry["request"])
  leaves, cotangents = program.widened(exact=True)
  values = program.run(np, leaves, exact=True)
  widest = lambda dtype: "float64" if dtype in FLOATS else dtype
  tensors = lambda kind: {n: np.array(t["data"], widest(t["dtype"])).reshape(t["shape"]) for n, t in entry["expected"][kind].items()}
  outputs, gradients = tensors("outputs"), tensors("gradients")
  # Expected values are computed in float64 whatever the dtype; those of the float32 file are written with ten digits.
  tolerance = 1e-9 if entry["tolerance"] == 1e-5 else 1e-12
  if entry["tolerance"] == 0:
    values = program.values  # exact answers are those of the dtypes of the contract
  wanted = {n: np.asarray(values[n]) for n in program.answers}
  if list(outputs) != list(wanted) or not agrees(outputs, wanted, tolerance):
    yield "outputs"
  if [t["dtype"] for t in entry["expected"]["outputs"].values()] != [str(program.values[n].dtype) for n in program.answers]:
    yield "dtypes"
  if list(gradients) != program.wrt:
    yield "gradient names"
  if entry.get("operation") in LINEAR_ALGEBRA and not agrees(program.values, outputs, FLOAT32_AGREEMENT if program.uses_float32 else 1e-12):
    yield "conditioning"  # too bad for the dtypes of the contract to meet the tolerance
  scale = max([1] + [np.max(np.abs(v)) for v in values.values() if v.dtype.kind == "f" and v.size])
  if entry.get("operation") == "stop_gradient":
    return  # not the derivative, on purpose
  for name, *numeric in differences(program, leaves, cotangents):
    bound = DIFFERENCE_TOLERANCE * max(1, scale, np.max(np.abs(gradients[name]), initial=0))
    # Nearer to a kink or a tie than the step, the derivative is that of one side.
    if not np.all(np.min([np.abs(gradients[name] - n) for n in numeric], axis=0) <= bound):
      yield f"gradient of {name}"


def features(entry):
  """What occurs in one request, as words of AT_LEAST."""
  request = entry["request"]
  graph, program = request["graph"], Program(request)
  nodes, values = graph["nodes"], program.values
  names = [o for n in nodes for o in dict.fromkeys(x for x in n["inputs"] if isinstance(x, str) and not is_weak(x))]
  uses, made = Counter(names), {o for n in nodes for o in n["outputs"]}
  order = {o: i for i, n in enumerate(nodes) for o in n["outputs"]}
  outputs = graph.get("outputs", [])
  has = {
    "fan-out": max(uses.values(), default=0) > 1, "implied outputs": "outputs" not in graph, "three or more outputs": len(outputs) > 2,
    "one value twice in a node": any(len(n["inputs"]) == 2 and n["inputs"][0] == n["inputs"][1] for n in nodes),
    "cotangents": "cotangents" in request, "of": "of" in request, "wrt": "wrt" in request, "answers named": "outputs" in request,
    "an output without cotangent": "cotangents" in request and len(request["cotangents"]) < len(program.of),
    "an intermediate value answered": any(n in made and uses[n] for n in request.get("outputs", [])),
    "nodes out of order": any(isinstance(o, str) and order.get(o, -1) > i for i, n in enumerate(nodes) for o in n["inputs"]),
    "input unused": any(not uses[n] for n in request["inputs"]), "an output is an input": bool(set(outputs) & set(request["inputs"])),
    "an output is a constant": bool(set(outputs) & set(graph.get("constants", {}))), "declared inputs": "inputs" in graph,
    "constants": "constants" in graph, "request dtype": "dtype" in request, "encoding " + request.get("encoding", "nested"): True,
    "integer value": any(v.dtype.kind == "i" for v in values.values()), "bool value": any(v.dtype.kind == "b" for v in values.values()),
    "both floats": set(FLOATS) <= {str(v.dtype) for v in values.values()}, "zero-size": any(v.size == 0 for v in values.values()),
    "non-ASCII name": any(not n.isascii() for n in values if isinstance(n, str)),
  }
  for declared in graph.get("inputs", []):
    has["null dimension"] = has.get("null dimension") or None in declared.get("shape", [])
    has["named dimension"] = has.get("named dimension") or any(isinstance(d, str) for d in declared.get("shape", []))
    has["declared without dtype"] = has.get("declared without dtype") or "dtype" not in declared
  for form in [*request["inputs"].values(), *graph.get("constants", {}).values(), *request.get("cotangents", {}).values()]:
    members = form if isinstance(form, dict) else {}
    has["base64" if "encoding" in members else "flat" if "shape" in members else "nested" if members else "bare"] = True
  found = {k for k, v in has.items() if v}
  for index, node in enumerate(nodes):
    found |= node_features(node, [values[k] for k in program.resolve(index, node["inputs"])], uses)
  return found


def node_features(node, operands, uses):
  attributes, op, shapes = node.get("attributes", {}), node["op"], [o.shape for o in operands]
  axes = attributes.get("axes", attributes.get("axis", []))
  has = {
    "weak number": any(is_weak(o) for o in node["inputs"]), "literal array": any(isinstance(o, (list, dict)) for o in node["inputs"]),
    "negative axis": np.any(np.array(axes if axes is not None else []) < 0), "constant node": op == "constant", "cast": op == "cast",
  }
  if op in ("add", "sub", "mul", "div"):
    has["broadcasting"] = shapes[0] != shapes[1]
    has["rank differs"] = len(shapes[0]) != len(shapes[1])
    has["0-d meets tensor"] = () in shapes and has["broadcasting"] and not has["weak number"]
  elif op == "matmul":
    ranks = [len(s) for s in shapes]
    has[f"matmul {ranks[0]}x{ranks[1]}"] = True
    has["matmul batched"] = max(ranks) > 2
    has["matmul batch broadcasts"] = max(ranks) > 2 and shapes[0][:-2] != shapes[1][:-2]
  elif op == "split":
    kind = {list: "sizes", int: "count", type(None): "default"}[type(attributes.get("splits"))]
    has |= {"split " + kind: True, "split part unused": len({bool(uses[o]) for o in node["outputs"]}) == 2}
  elif op == "slice":
    bounds = attributes["starts"] + attributes["ends"]
    has |= {"slice null": None in bounds, "slice negative step": min(attributes.get("steps", [1]), default=1) < 0,
            "slice clamps": any(b is not None and abs(b) > max(shapes[0]) for b in bounds)}
  elif op == "sum":
    axis = attributes.get("axis", 0)
    has |= {"sum axis []": axis == [], "sum axis null": axis is None, "sum axes": isinstance(axis, list) and len(axis) > 1,
            "keepdims": attributes.get("keepdims", False)}
  elif op == "reshape":
    has |= {"reshape -1": -1 in attributes["shape"], "reshape to 0-d": attributes["shape"] == []}
  elif op == "transpose":
    has |= {"transpose default": not attributes, "transpose axes": bool(attributes)}
  elif op == "cast":
    has["cast to integer"] = attributes["dtype"] in ("int64", "int32") and operands[0].dtype.kind == "f"
  return {k for k, v in has.items() if v}


def run(folder):
  faults = 0
  for name in FILES:
    checked = 0
    for entry in entries(folder, name):
      if name == "operations_pointwise.jsonl" and selfcheck_mpmath.is_checked(entry):
        continue  # mpmath's derivative needs no step, and these come near poles
      checked += 1
      for fault in check(entry):
        faults += 1
        print(f"{name} {entry['name']}: {fault}")
    print(f"{name}: {checked} lines checked against NumPy and central differences")
  faults += selfcheck_mpmath.run(entries(folder, "operations_pointwise.jsonl"))
  for name in FILES[:2]:
    counts, zeros, gradients = Counter(), 0, 0
    for entry in entries(folder, name):
      counts.update(features(entry))
      gradients += len(entry["expected"]["gradients"])
      zeros += sum(not any(t["data"]) for t in entry["expected"]["gradients"].values())
    print(f"{name}: {gradients} gradients, {zeros} of them all zero")
    for feature, least in AT_LEAST.items():
      print(f"  {counts[feature]:5} {feature}")
      if counts[feature] < least:
        faults += 1
        print(f"        fewer than {least}")
  faults += selfcheck_catalog.run(folder)
  if faults:
    raise SystemExit(f"{faults} faults")
  print("no faults")
