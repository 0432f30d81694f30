"""What the lists of cases are written with: short ways to spell a request, and the two kinds of case."""

import base64
import json
import re
import struct

#: Every code that a POST under /v1 can answer with for a bad body or path, and its status.
STATUS = {
  "invalid_json": 400, "duplicate_key": 400, "wrong_type": 400, "unknown_member": 400, "missing_member": 400,
  "number_out_of_range": 400, "ragged_array": 400, "too_deep": 400, "invalid_formula": 400,
  "not_found": 404, "limit_exceeded": 413,
  "unknown_operation": 422, "unknown_attribute": 422, "invalid_attribute": 422, "wrong_arity": 422, "unknown_name": 422,
  "duplicate_name": 422, "cycle": 422, "shape_mismatch": 422, "dtype_mismatch": 422, "input_mismatch": 422,
  "index_out_of_range": 422, "singular_matrix": 422, "not_positive_definite": 422,
}

#: In an expected answer: the member must be there, whatever it holds. For what the contract leaves free, such as rounding errors.
ANY = "…"

EVALUATE = "/v1/evaluate"
X = [[1, 2, 3], [4, 5, 6]]


# Spelling a request -----------------------------------------------------------------------------------------------------------------


def raw(text):
  """JSON text that stands in the body exactly as written: `raw("1e400")`, `raw("-0.0")`, `raw("[1,]")`."""
  return f"\ue000{text}\ue001"


def body(value):
  """The body of a request: text as it stands, anything else as JSON."""
  if isinstance(value, str):
    return value
  text = json.dumps(value, ensure_ascii=False, allow_nan=False)
  return re.sub('"\ue000(.*?)\ue001"', lambda match: json.loads(f'"{match[1]}"'), text)


def node(op, *inputs, to="y", **attributes):
  """A node; `to` is the name of its result or the list of names of its results."""
  made = {"op": op, "inputs": list(inputs), "outputs": [to] if isinstance(to, str) else to}
  return made | {"attributes": attributes} if attributes else made


def ask(nodes, inputs=None, *, graph=None, **members):
  """A request. `graph` holds the graph's members beside `nodes`, `members` those of the request beside `graph` and `inputs`."""
  nodes = [nodes] if isinstance(nodes, dict) and "op" in nodes else nodes
  return {"graph": {"nodes": nodes} | (graph or {})} | ({} if inputs is None else {"inputs": inputs}) | members


def negate(x, **members):
  """The smallest request with an input: y = -x."""
  return ask(node("neg", "x"), {"x": x}, **members)


def tensor(data, dtype=None, shape=None, **more):
  """A tensor object, with the members that are given."""
  made = {"dtype": dtype, "shape": shape}
  return {key: value for key, value in made.items() if value is not None} | {"data": data} | more


def base64_tensor(dtype, shape, data):
  """A tensor in base64; `data` is that text, or the list of numbers to be packed."""
  if isinstance(data, list):
    code = {"float64": "d", "float32": "f", "int64": "q", "int32": "i", "bool": "?"}[dtype]
    data = base64.b64encode(struct.pack(f"<{len(data)}{code}", *data)).decode()
  return {"dtype": dtype, "shape": shape, "encoding": "base64", "data": data}


def declared(name, shape, dtype="float64"):
  return {"name": name, "dtype": dtype, "shape": shape}


# Spelling an answer -----------------------------------------------------------------------------------------------------------------


def of_dtype(dtype, data, shape=None):
  """A tensor of an answer. The shape is read from the data unless it has no elements to read it from."""
  inner, found = data, []
  while isinstance(inner, list):
    found.append(len(inner))
    inner = inner[0] if inner else None
  return {"dtype": dtype, "shape": found if shape is None else shape, "data": data}


def float64(data, shape=None):
  return of_dtype("float64", data, shape)


def answer(outputs, gradients):
  return {"outputs": outputs, "gradients": gradients}


# Cases ------------------------------------------------------------------------------------------------------------------------------


class Cases(list):
  """A list of cases that refuses a name twice."""

  def keep(self, case):
    if any(case["name"] == other["name"] for other in self):
      raise ValueError(f"two cases are named {case['name']}")
    self.append(case)

  def bad(self, name, request, code, pointer=None, *, contains=(), path=EVALUATE, rule=None, **facts):
    """A refused request.

    `pointer` None: any pointer that resolves in the request will do. `contains`: what a helpful detail surely holds, whatever its case.
    `rule`: the words of the contract that refuse it. `facts`: `node`, `operation`, `limit` as the problem must state them.
    """
    case = {"name": name} | ({} if path == EVALUATE else {"path": path}) | ({} if rule is None else {"rule": rule})
    case |= {"body": body(request), "status": STATUS[code], "code": code, "pointer": pointer} | facts
    self.keep(case | ({"detail_contains": [part.lower() for part in contains]} if contains else {}))

  def bad_node(self, name, made, inputs, code, place="", *, contains=(), rule=None, **members):
    """A request of one node that is refused, at `place` in the node (None: anywhere); the problem must name node and operation."""
    facts = {"node": made["outputs"][0]} if made["outputs"] else {}
    pointer = None if place is None else f"/graph/nodes/0{place}"
    self.bad(name, ask(made, inputs, **members), code, pointer, contains=contains, rule=rule, operation=made["op"], **facts)

  def rule(self, name, rule, request, expected, *, exact=None, warnings=None, path=EVALUATE):
    """A good request.

    `expected`: the answer as JSON, `warnings` left out; `ANY` stands for a value that is not looked at.
    `exact`: its text, without blanks, newline included; True: that of `expected`, in Python's shortest digits (keep clear of exponents,
    which the contract leaves free, and write float32 numbers with the digits that float32 needs).
    `warnings`: the codes that must come, `[]` for none; without it warnings are not looked at.
    """
    case = {"name": name, "rule": rule, "path": path, "request": body(request), "expected": expected}
    if exact is True:
      exact = json.dumps(expected, ensure_ascii=False, separators=(",", ":")) + "\n"
    case |= {} if exact is None else {"exact": exact}
    self.keep(case | ({} if warnings is None else {"warnings": warnings}))
