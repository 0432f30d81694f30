"""Uses the client that openapi-python-client makes from openapi.yaml: generated_client_test.py ADDRESS

It must be able to post every example of the document and to read every answer, to be used from Python with the
classes that it has for requests, and to send null for every member that may be left out.
`scripts/client-test.sh` makes the client and runs this.
"""

import importlib
import json
import pathlib
import re
import sys

from autograd_server_client import Client, models

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = json.loads((ROOT / "Sources/CEmbedded/openapi.json").read_text())
# Requests that no object of the client can stand for: it knows all operations and members.
ONLY_AS_TEXT = {"missing_member", "unknown_member"}

failures = []


def expect(condition, message):
  if not condition:
    failures.append(message)


def snake(name):
  return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def module_of(operation):
  return importlib.import_module(f"autograd_server_client.api.{operation['tags'][0]}.{snake(operation['operationId'])}")


def comparable(value):
  """Without what differs from request to request: the identifier, and the digest of a graph's text, blanks and all."""
  if not isinstance(value, dict):
    return value
  return {key: member for key, member in value.items() if key not in {"request_id", "digest"}}


def plain(parsed):
  return parsed.to_dict() if hasattr(parsed, "to_dict") else parsed


def expected_answers(operation):
  """Status and value of each example of an answer, by its name."""
  return {
      name: (int(status), example["value"])
      for status, answer in operation["responses"].items() if "content" in answer
      for media in answer["content"].values() for name, example in media.get("examples", {}).items()}


def check(label, response, parsed, expected):
  status, value = expected
  expect(response.status_code == status, f"{label}: status {response.status_code}, expected {status}")
  got = comparable(plain(parsed))
  expect(got == comparable(value), f"{label}: read as {got}, expected {value}")


def post_examples(client):
  """Posts the example requests of every POST; returns how many."""
  count = 0
  for path, item in DOCUMENT["paths"].items():
    if "post" not in item:
      continue
    operation = item["post"]
    module, answers = module_of(operation), expected_answers(operation)
    media = operation["requestBody"]["content"]["application/json"]
    request_class = getattr(models, media["schema"]["$ref"].rsplit("/", 1)[1])
    for name, example in media["examples"].items():
      label = f"POST {path} {name}"
      try:
        body = request_class.from_dict(example["value"])
        is_whole = body.to_dict() == example["value"]
      except (KeyError, ValueError):
        is_whole = False
      expect(is_whole == (name not in ONLY_AS_TEXT), f"{label}: the client {'can' if is_whole else 'cannot'} write it")
      if is_whole:
        response = module.sync_detailed(client=client, body=body)
        parsed = response.parsed
      else:
        response = client.get_httpx_client().post(path, json=example["value"])
        parsed = module._parse_response(client=client, response=response)
      check(label, response, parsed, answers[name])
      count += 1
  return count


def get_documents(client):
  """Asks for every document, and for every example of those with a parameter; returns how many answers were read."""
  count = 0
  for path, item in DOCUMENT["paths"].items():
    if "get" not in item or "post" in item:
      continue
    module, answers = module_of(item["get"]), expected_answers(item["get"])
    parameters = item.get("parameters", [])
    examples = parameters[0]["examples"] if parameters else {None: {}}
    for name, example in examples.items():
      label = f"GET {path} {name or ''}".strip()
      response = module.sync_detailed(client=client, **({parameters[0]["name"]: example["value"]} if parameters else {}))
      expect(response.parsed is not None, f"{label}: the client cannot read the answer, status {response.status_code}")
      if name is not None:
        check(label, response, response.parsed, answers[name])
      count += 1
  return count


def get_by_address(client):
  """Sends a formula and its inputs in the query, for each endpoint, whole and as a part; returns how many were read."""
  vectors = {"jvp": {"tangents": '{"x": [1, 0]}'}, "hvp": {"vectors": '{"x": [1, 0]}'}}
  paths = [path for path, item in DOCUMENT["paths"].items() if "get" in item and "post" in item]
  for path in paths:
    module = module_of(DOCUMENT["paths"][path]["get"])
    arguments = {"graph": "y = sum(x ** 2)", "inputs": '{"x": [1, 2]}'} | vectors.get(path.split("/")[-1], {})
    response = module.sync_detailed(client=client, **arguments)
    expect(response.status_code == 200 and response.parsed is not None, f"GET {path}: {response.content}")
  # The generator reads JSON alone.
  response = client.get_httpx_client().get(
      "/v1/evaluate", params={"graph": "y = sum(x ** 2)", "x": "1,2", "select": "/gradients/x"})
  expect(response.content == b"2.0,4.0", f"a part of an answer: {response.content}")
  return len(paths) + 1


def use_classes(client):
  """A request made of the client's classes, as a person would write it."""
  from autograd_server_client.api.evaluate import evaluate
  inputs = models.InputTensors.from_dict({"x": [[1, 2], [3, 4]]})
  graph = models.Graph(nodes=[
      models.Node(op=models.OperationName.MUL, inputs=["x", "x"], outputs="s"),
      # Defaults of attributes must not be sent to operations that have no such attribute.
      models.Node(op=models.OperationName.SUM, inputs="s", outputs="y", attributes=models.Attributes(axis=1)),
  ])
  answer = evaluate.sync(client=client, body=models.EvaluateRequest(graph=graph, inputs=inputs))
  expect(isinstance(answer, models.EvaluateAnswer), f"a request of classes: {answer}")
  if isinstance(answer, models.EvaluateAnswer):
    expect(answer.outputs["y"]["data"] == [5, 25], f"a request of classes: {answer.outputs}")
    expect(answer.gradients["x"]["data"] == [[2, 4], [6, 8]], f"a request of classes: {answer.gradients}")


def send_nulls(client):
  """Sends null for each optional member in turn, which is as if it were left out; returns how many."""
  from autograd_server_client.api.derivatives import check as check_api, hessian, hvp, inspect, jacobian, jvp
  from autograd_server_client.api.evaluate import evaluate
  graph = {"nodes": [{"op": "mul", "inputs": ["x", "x"], "outputs": ["y"]}]}
  base = {"graph": graph, "inputs": {"x": [1, 2]}}
  # These members belong to other endpoints that `for` may name.
  others = {"tangents", "vectors", "stacked", "step", "rtol", "atol"}
  count = 0
  for module, request_class, more in [
      (evaluate, models.EvaluateRequest, {}), (jvp, models.JVPRequest, {"tangents": {"x": [1, 0]}}),
      (jacobian, models.JacobianRequest, {}), (hessian, models.HessianRequest, {}),
      (hvp, models.HVPRequest, {"vectors": {"x": [1, 0]}}), (check_api, models.CheckRequest, {}),
      (inspect, models.InspectRequest, {})]:
    whole = plain(module.sync(client=client, body=request_class.from_dict({**base, **more})))
    for field in [field.name for field in request_class.__attrs_attrs__]:
      if field in {"graph", "inputs", *more} or (module is inspect and field in others):
        continue
      body = request_class.from_dict({**base, **more})
      setattr(body, field, None)
      got = plain(module.sync(client=client, body=body))
      expect(got == whole, f"{request_class.__name__} with null for {field}: {got}")
      count += 1
  parts = [
      {**graph, "constants": None, "inputs": None, "outputs": None},
      {"nodes": [{**graph["nodes"][0], "attributes": None}]},
      {**graph, "inputs": [{"name": "x", "dtype": None, "shape": None}]}]
  whole = plain(evaluate.sync(client=client, body=models.EvaluateRequest.from_dict(base)))
  for part in parts:
    got = plain(evaluate.sync(client=client, body=models.EvaluateRequest.from_dict({**base, "graph": part})))
    expect(got == whole, f"null in {part}: {got}")
  return count + len(parts)


def main():
  client = Client(base_url=sys.argv[1].rstrip("/"))
  posted, read = post_examples(client), get_documents(client)
  addresses = get_by_address(client)
  use_classes(client)
  nulls = send_nulls(client)
  expect(posted > 30 and read > 10 and nulls > 50, "too few requests: the document was not read as it should be")
  for failure in failures:
    print(failure, file=sys.stderr)
  print(f"generated client: {posted} examples posted, {read} documents and {addresses} addresses read, "
        f"{nulls} nulls sent, {len(failures)} failed")
  return 1 if failures else 0


if __name__ == "__main__":
  sys.exit(main())
