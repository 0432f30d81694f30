"""Checks bad_requests.jsonl and api_rules.jsonl against themselves; asks no server.

    python3 check_fixtures.py            # names, statuses, pointers that resolve, how often each code and operation occurs
    python3 check_fixtures.py --oracle   # also evaluates api_rules.jsonl with oracle.py (needs requirements.txt)

Every line that is wrong is printed; the exit status says whether there was one.
"""

import argparse
import collections
import json
import math
import pathlib
import re
import sys

from case_tools import STATUS

HERE = pathlib.Path(__file__).parent
BAD_MEMBERS = {"name", "path", "rule", "body", "status", "code", "pointer", "node", "operation", "limit", "detail_contains"}
#: What an answer of each endpoint holds.
ANSWERS = {"evaluate": ["outputs", "gradients"], "jvp": ["outputs", "tangents"], "jacobian": ["outputs", "jacobians"],
           "hessian": ["outputs", "gradients", "hessians"], "hvp": ["outputs", "gradients", "products"],
           "check": ["passed", "inputs", "first_nonfinite"],
           "inspect": ["digest", "text", "graph", "gradient_text", "inputs", "values", "of", "wrt", "cost", "plan", "admitted"]}
RULE_MEMBERS = {"name", "rule", "path", "request", "expected", "exact", "warnings"}
OPERATIONS = {"add", "sub", "mul", "div", "neg", "identity", "reshape", "transpose", "sum", "matmul", "split", "slice", "broadcast_to",
              "cast", "constant"}
#: Steps of 2^63 abort the process inside XLA; Python's numbers round to float64 before float32, and `9223372036854775807.0` to 2^63.
BEYOND_THE_ORACLE = {"operation-slice-clamps", "operation-slice-step-int64-min", "float32-rounds-once", "float32-largest",
                     "int64-beyond-2-to-the-53-with-point"}
#: Where the contract's conventions are not JAX's (kinks, ties, NaN), and what JAX has no word for or computes otherwise.
OTHER_CONVENTIONS = {f"operation-{name}" for name in (
  "max-with-nan", "std-of-a-constant", "norm-1", "norm-keepdims", "norm-at-0", "cumsum-of-bool", "take_along_axis-default-axis",
  "take_along_axis-sorts", "pad-value", "pad-of-a-scalar", "clip-below", "clip-above", "leaky_relu", "leaky_relu-alpha", "pow-0-to-0",
  "polygamma-1", "pow-wraps")}
SIZES = {"float64": 8, "float32": 4, "int64": 8, "int32": 4, "bool": 1}


# Reading strictly -------------------------------------------------------------------------------------------------------------------


class Refused(Exception):
  """What a strict reader refuses although Python's takes it."""


def refuse_constant(text):
  raise Refused(f"invalid_json: {text}")


def members(pairs):
  repeated = [key for key, count in collections.Counter(key for key, _ in pairs).items() if count > 1]
  return dict(pairs) | ({Refused: repeated} if repeated else {})


def parse(text):
  """The value of JSON text; an object that repeats a key holds the repeated keys under `Refused`."""
  value = json.loads(text, object_pairs_hook=members, parse_constant=refuse_constant)
  if re.search(r"[\ud800-\udfff]", json.dumps(value, ensure_ascii=False, default=str, skipkeys=True)):
    raise Refused("invalid_json: a surrogate without its other half")
  return value


def resolve(pointer, value):
  """What an RFC 6901 pointer points to; raises LookupError or ValueError if that is nothing."""
  if pointer and not pointer.startswith("/"):
    raise ValueError("a pointer starts with a slash")
  for token in pointer.split("/")[1:]:
    if re.search("~(?![01])", token):
      raise ValueError("a tilde is followed by 0 or 1")
    token = token.replace("~1", "/").replace("~0", "~")
    if isinstance(value, list):
      if not re.fullmatch("0|[1-9][0-9]*", token):
        raise ValueError(f"{token} is no index")
      value = value[int(token)]
    elif isinstance(value, dict):
      value = value[token]
    else:
      raise LookupError(f"{token} points into {value!r}")
  return value


# Bad requests -----------------------------------------------------------------------------------------------------------------------


def complaints_about_bad(case):
  """What is wrong with one line of bad_requests.jsonl."""
  if not set(case) <= BAD_MEMBERS or not {"name", "body", "status", "code", "pointer"} <= set(case):
    yield f"members are {sorted(case)}"
  if STATUS.get(case["code"]) != case["status"]:
    yield f"{case['code']} has status {STATUS.get(case['code'])}"
  if any(part != part.lower() for part in case.get("detail_contains", [])):
    yield "detail_contains is not in lower case"
  try:
    value = parse(case["body"])
  except RecursionError:
    if case["code"] != "too_deep":
      yield "nested too deep to be read"
    return
  except (ValueError, Refused) as fault:
    if case["code"] not in ("invalid_json", "too_deep"):
      yield f"is no JSON: {fault}"
    elif case["code"] == "invalid_json" and case["pointer"] != "":
      yield "the pointer of a syntax error is empty"
    return
  if case["code"] == "invalid_json":
    yield "is good JSON"
  yield from complaints_about_pointer(case, value)


def complaints_about_pointer(case, value):
  repeats = [key for key in repeated_keys(value)]
  if bool(repeats) != (case["code"] == "duplicate_key"):
    yield f"repeats keys {repeats}"
  if case["pointer"] is None:
    return
  try:
    target = resolve(case["pointer"], value)
  except (LookupError, ValueError) as fault:
    yield f"pointer {case['pointer']!r} does not resolve: {fault}"
    return
  if case["code"] == "duplicate_key" and case["pointer"].rpartition("/")[2] not in repeats:
    yield "the pointer is not that of the repeated key"
  if case["code"] == "missing_member" and not isinstance(target, (dict, list)):
    yield "the pointer is not that of an object"


def repeated_keys(value):
  waiting = [value]
  while waiting:
    value = waiting.pop()
    if isinstance(value, dict):
      yield from value.get(Refused, [])
      waiting += [part for key, part in value.items() if key is not Refused]
    elif isinstance(value, list):
      waiting += value


# Good requests ----------------------------------------------------------------------------------------------------------------------


def complaints_about_rule(case):
  """What is wrong with one line of api_rules.jsonl."""
  if not set(case) <= RULE_MEMBERS or not {"name", "rule", "path", "request", "expected"} <= set(case):
    yield f"members are {sorted(case)}"
  request = parse(case["request"])
  if list(repeated_keys(request)):
    yield "the request repeats a key"
  expected, endpoint = case["expected"], case["path"].removeprefix("/v1/")
  wanted = ["outputs"] if endpoint == "evaluate" and not request.get("gradients", True) else ANSWERS[endpoint]
  if list(expected) != wanted + (["limit"] if expected.get("admitted") is False else []):
    yield f"the answer has {list(expected)}"
  if endpoint not in ("check", "inspect") and request.get("encoding") != "values":
    for name, tensor in named_tensors(expected):
      yield from (f"{name}: {complaint}" for complaint in complaints_about_tensor(tensor, request.get("encoding", "nested")))
  if "exact" in case and (json.loads(case["exact"]) != expected or not case["exact"].endswith("}\n")):
    yield "exact and expected differ"
  if not set(case.get("warnings", [])) <= {"implied_outputs", "unused_input"}:
    yield "an unknown warning"


def named_tensors(part):
  """The tensors of an answer, however deep: Jacobians and Hessians have a name for each side."""
  for name, value in part.items():
    if "dtype" in value and "data" in value:
      yield name, value
    else:
      yield from named_tensors(value)


def complaints_about_tensor(tensor, encoding):
  shape, dtype = tensor["shape"], tensor["dtype"]
  if encoding == "base64":
    if list(tensor) != ["dtype", "shape", "encoding", "data"] or decoded_size(tensor["data"]) != math.prod(shape) * SIZES[dtype]:
      yield "is no base64 tensor"
    return
  if list(tensor) != ["dtype", "shape", "data"]:
    yield f"has {list(tensor)}"
  kinds = {"float64": (float, str), "float32": (float, str), "int64": int, "int32": int, "bool": bool}
  level = [tensor["data"]]
  for size in [math.prod(shape)] if encoding == "flat" else shape:
    if any(not isinstance(part, list) or len(part) != size for part in level):
      yield f"data is not of shape {shape}"
      return
    level = [element for part in level for element in part]
  if any(not isinstance(element, kinds[dtype]) or (isinstance(element, bool) and dtype != "bool") for element in level):
    yield f"data is not of dtype {dtype}"


def decoded_size(text):
  return len(text) // 4 * 3 - text.count("=")


def complaints_of_the_oracle(case):
  """Compares the expected answer with that of oracle.py, bit by bit but for the sign of zeros."""
  import numpy as np
  import oracle

  if case["name"] in BEYOND_THE_ORACLE | OTHER_CONVENTIONS or case["path"] != "/v1/evaluate":
    return
  # What oracle.py does not know: nodes that differentiate, batches, linear algebra.
  if '"grad"' in case["request"] or '"batch"' in case["request"] or case["name"].startswith("linalg-"):
    return
  request = {"inputs": {}} | json.loads(case["request"])
  try:
    program = oracle.Program(request)
    outputs, gradients = oracle.Compiled(program, False)(program)
  except Exception as fault:  # Whatever it is, the other cases are worth looking at.
    yield f"the oracle fails: {type(fault).__name__}: {str(fault).splitlines()[0]}"
    return
  for part, values in {"outputs": outputs, "gradients": gradients}.items():
    if part not in case["expected"]:
      continue
    if list(case["expected"][part]) != list(values):
      yield f"{part}: {list(values)}"
      continue
    for name, value in values.items():
      form = case["expected"][part][name]
      form = {"data": form, "dtype": str(value.dtype), "shape": list(value.shape)} if request.get("encoding") == "values" else form
      stated, equal_nan = oracle.decode(form, form["dtype"]), value.dtype.kind == "f"
      if (str(value.dtype), list(value.shape)) != (form["dtype"], form["shape"]) or not np.array_equal(value, stated, equal_nan):
        yield f"{part}/{name}: the oracle has {value.dtype} {value.tolist()}"


# All of them ------------------------------------------------------------------------------------------------------------------------


def check(file, least, complain):
  """Prints what is wrong with a file; the cases and the number of complaints."""
  cases, wrong = [json.loads(line) for line in (HERE / file).read_text().splitlines()], 0
  found = [f"{file} has {len(cases)} cases, fewer than {least}"] if len(cases) < least else []
  found += [f"{name}: named twice" for name, count in collections.Counter(case["name"] for case in cases).items() if count > 1]
  for case in cases:
    found += [f"{case['name']}: {complaint}" for complaint in complain(case)]
  print(*found, sep="\n", end="\n" if found else "")
  return cases, len(found)


def main():
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument("--oracle", action="store_true", help="evaluate api_rules.jsonl with oracle.py as well")
  arguments = parser.parse_args()
  sys.setrecursionlimit(2000)
  bad, wrong = check("bad_requests.jsonl", 150, complaints_about_bad)
  rules, more = check("api_rules.jsonl", 120, complaints_about_rule)
  wrong += more
  if arguments.oracle:
    wrong += check("api_rules.jsonl", 120, complaints_of_the_oracle)[1]
  counts = collections.Counter(case["code"] for case in bad)
  missing = sorted(set(STATUS) - set(counts))
  operations = collections.Counter(op for case in rules for op in re.findall(r'"op":\s*"(\w+)"', case["request"]))
  missing += sorted(OPERATIONS - set(operations))
  print(f"bad_requests.jsonl: {len(bad)} cases")
  print(*(f"  {STATUS[code]} {code:20} {counts[code]}" for code in STATUS), sep="\n")
  print(f"api_rules.jsonl: {len(rules)} cases, {sum('exact' in case for case in rules)} with exact text")
  print(*(f"  {op:20} {operations[op]}" for op in sorted(OPERATIONS)), sep="\n")
  print(*(f"nothing about {name}" for name in missing), sep="\n", end="\n" if missing else "")
  return 1 if wrong or missing else 0


if __name__ == "__main__":
  sys.exit(main())
