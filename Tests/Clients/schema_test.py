"""Holds the schemas of openapi.yaml to what the server accepts, on the fixtures: schema_test.py ADDRESS

Every request is posted. One that is answered must be valid by the schema of its endpoint, and so must its answer; one
that is refused for its form must be invalid. What a schema cannot say is listed here, by name.
"""

import collections
import http.client
import json
import pathlib
import re
import sys
import urllib.parse

from jsonschema import Draft202012Validator, ValidationError, validators

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = json.loads((ROOT / "Sources/CEmbedded/openapi.json").read_text())

# Problems of form: what a member may be, whatever stands elsewhere.
FORM = {"wrong_type", "unknown_member", "missing_member", "unknown_operation"}
# Problems that a schema has no words for.
BEYOND = {
    "invalid_json": "it is not JSON",
    "invalid_formula": "a formula is a text",
    "duplicate_key": "a JSON value has no duplicate keys",
    "too_deep": "a recursive schema has no depth",
    "ragged_array": "the rows of an array have one length",
    "number_out_of_range": "what fits depends on the dtype",
    "limit_exceeded": "limits are the server's, and most are of products of sizes",
    "unknown_name": "names resolve",
    "duplicate_name": "names are defined once",
    "cycle": "no cycles",
    "wrong_arity": "each operation has its number of operands",
    "unknown_attribute": "each operation has its attributes",
    "invalid_attribute": "attributes fit the operands",
    "shape_mismatch": "shapes fit",
    "dtype_mismatch": "dtypes fit",
    "input_mismatch": "inputs are the declared ones",
    "index_out_of_range": "indices are below a size",
    "singular_matrix": "what the numbers are",
    "not_positive_definite": "what the numbers are",
}
# Problems of form that depend on something else in the request: the fixtures that show them.
DEPENDENT = {
    "`for` decides which members /v1/inspect takes": {
        "inspect-for-jvp-without-tangents", "inspect-for-hvp-without-vectors", "inspect-has-no-tangents",
        "inspect-has-no-vectors", "inspect-for-jvp-has-no-of", "inspect-for-jvp-has-no-vectors",
        "inspect-for-hessian-has-no-gradients", "inspect-for-hessian-has-no-tangents",
        "inspect-for-jacobian-has-no-cotangents"},
    "`per_example` true needs `batch`": {
        f"{endpoint}-per_example-without-batch" for endpoint in ["evaluate", "jacobian", "hessian", "hvp", "check"]},
    "data are of the dtype that is stated elsewhere": {
        "bool-for-declared-float", "number-for-declared-bool", "bool-cotangent", "jvp-tangents-hold-bools",
        "hvp-vectors-hold-bools"},
    "a name's length counts in bytes": {"name-too-long-in-bytes-for-a-result"},
    "results without names are no outputs, and there must be one": {
        "name-reserved-1-for-a-result", "name-reserved-2048-for-a-result"},
}
# Which lines of other files are posted: every so manieth.
SAMPLES = {
    "number_cases": 1, "reports": 1, "kinks": 2, "kinks_linalg": 1, "kinks_reductions": 2, "kinks_special": 1,
    "kinks_decompositions": 1, "operations": 8, "operations_decompositions": 8, "operations_indexing": 8,
    "operations_linalg": 8, "operations_pointwise": 16, "operations_reductions": 8, "operations_shapes": 8,
    "operations_special": 8, "random_graphs_float32": 40, "random_graphs_float64": 40, "random_graphs_catalog": 40,
}


def pattern(validator, expression, instance, schema):
  """As ECMA-262 has it: `$` is the end, where Python's also stands before a last newline."""
  if validator.is_type(instance, "string") and not re.search(expression.replace("$", r"\Z"), instance):
    yield ValidationError(f"{instance!r} does not match {expression!r}")


Validator = validators.extend(Draft202012Validator, {"pattern": pattern})


def validator(schema):
  return Validator({**schema, "components": DOCUMENT["components"]})


def content(part, media_type):
  return validator(part["content"][media_type]["schema"])


def parsed(text):
  """The value, or None for what is no JSON: Python's parser takes NaN and lone surrogates."""
  def refuse(word):
    raise ValueError(word)
  try:
    value = json.loads(text, parse_constant=refuse)
    json.dumps(value, ensure_ascii=False).encode()
    return value
  except (ValueError, RecursionError):
    return None


def text_of(line):
  """The request of a fixture: a text, or an object, whose text is taken as it stands."""
  case = json.loads(line)
  request = case.get("body", case.get("request"))
  if isinstance(request, str):
    return case, request
  start = re.search(r'"request": ?', line).end()
  _, length = json.JSONDecoder().raw_decode(line[start:])
  return case, line[start:start + length]


def cases():
  for name, step in {"api_rules": 1, "bad_requests": 1, **SAMPLES}.items():
    lines = (ROOT / f"Tests/Fixtures/{name}.jsonl").read_text().split("\n")
    for line in [line for line in lines if line][::step]:
      case, text = text_of(line)
      yield case.get("name") or case.get("id"), case.get("path", "/v1/evaluate"), text


class Server:
  def __init__(self, address):
    self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(address).netloc, timeout=60)

  def post(self, path, text):
    self.connection.request("POST", path, text.encode("utf-8", "surrogatepass"), {"Content-Type": "application/json"})
    response = self.connection.getresponse()
    return response.status, response.read()


def main():
  server = Server(sys.argv[1])
  operations = {path: item["post"] for path, item in DOCUMENT["paths"].items() if "post" in item}
  requests = {path: content(operation["requestBody"], "application/json") for path, operation in operations.items()}
  answers = {path: content(operation["responses"]["200"], "application/json") for path, operation in operations.items()}
  problem = validator({"$ref": "#/components/schemas/Problem"})
  dependent = set().union(*DEPENDENT.values())
  counts, beyond, failures = collections.Counter(), collections.Counter(), []
  for name, path, text in cases():
    if path not in operations:
      continue
    status, body = server.post(path, text)
    answer = json.loads(body)
    value = parsed(text)
    fault = next(requests[path].iter_errors(value), None) if value is not None else True
    counts["posted"] += 1
    if status == 200:
      counts["answered"] += 1
      if fault is not None:
        failures.append(f"{name}: answered, but not by the schema: {getattr(fault, 'json_path', '')} {fault}"[:500])
      faults = list(answers[path].iter_errors(answer))
    else:
      faults = list(problem.iter_errors(answer))
      code = answer.get("code")
      if code in FORM and name in dependent:
        counts["of dependent form"] += 1
        dependent.discard(name)
        if fault is not None:
          failures.append(f"{name}: the schema does say it; take it off DEPENDENT")
      elif code in FORM:
        counts["refused for form"] += 1
        if fault is None:
          failures.append(f"{name}: refused ({answer['detail'][:200]}), but valid by the schema")
      elif code in BEYOND:
        beyond[code] += 1
      else:
        failures.append(f"{name}: {code} is neither of form nor in BEYOND")
    if faults:
      failures.append(f"{name}: the answer is not of its schema: {faults[0].json_path} {faults[0].message}"[:500])
  failures += [f"{name}: in DEPENDENT, but no fixture" for name in sorted(dependent)]
  failures += [f"{code}: in BEYOND, but no fixture" for code in BEYOND if not beyond[code]]
  if counts["answered"] < 1000 or counts["refused for form"] < 300:
    failures.append(f"too few requests: {dict(counts)}")
  for failure in failures:
    print(failure, file=sys.stderr)
  print(f"schemas: {counts['posted']} requests posted; {counts['answered']} answered and valid; "
        f"{counts['refused for form']} refused for their form and invalid; {counts['of dependent form']} of a form that "
        f"depends on other members; {sum(beyond.values())} refused for what no schema says; {len(failures)} failed")
  for code, count in beyond.most_common():
    print(f"  {count:4} {code}: {BEYOND[code]}")
  return 1 if failures else 0


if __name__ == "__main__":
  sys.exit(main())
