"""Uses the client that openapi-python-client makes from openapi.yaml: generated_client_test.py ADDRESS

It must be able to put and to post every example of the document and to read every answer, to be used from Python with
the classes that it has for requests, and to send null for every member that may be left out.
The server must be a new one: the examples of registered graphs show their first versions.
`scripts/client-test.sh` makes the client and runs this.
"""

import importlib
import io
import json
import pathlib
import re
import sys

from autograd_server_client import Client, models
from autograd_server_client.types import File

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
  """Without what differs from request to request: identifiers, times, and what blanks in the text of a graph change."""
  if isinstance(value, list):
    return [comparable(element) for element in value]
  if not isinstance(value, dict):
    return value
  return {key: comparable(member) for key, member in value.items()
          if key not in {"request_id", "created", "digest", "sha256", "bytes"}}


def plain(parsed):
  """A source is read as bytes, because it is kept byte for byte."""
  if isinstance(parsed, bytes):
    return parsed.decode()
  return parsed.to_dict() if hasattr(parsed, "to_dict") else parsed


def resolved(value):
  return DOCUMENT["components"]["parameters"][value["$ref"].rsplit("/", 1)[1]] if "$ref" in value else value


def in_path(item):
  """The parameter of a path, if it has one; no path has two."""
  return next((resolved(given) for given in item.get("parameters", []) if resolved(given)["in"] == "path"), None)


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


def put_examples(client):
  """Puts the example graphs under their names, as objects of the client where they are JSON; returns how many."""
  operation = DOCUMENT["paths"]["/v1/graphs/{name}"]["put"]
  module, answers = module_of(operation), expected_answers(operation)
  examples = [(name, example["value"]) for media in operation["requestBody"]["content"].values()
              for name, example in media.get("examples", {}).items()]
  for name, value in examples:
    if isinstance(value, str):
      body = File(payload=io.BytesIO(value.encode()))
    else:
      body = (models.GraphUpload if "graph" in value else models.Graph).from_dict(value)
      expect(body.to_dict() == value, f"PUT {name}: the client writes it as {body.to_dict()}")
    response = module.sync_detailed(name, client=client, body=body)
    check(f"PUT {name}", response, response.parsed, answers[name])
  expect({name for name, _ in examples} == set(answers), "PUT: each example has an answer")
  return len(examples)


def delete_graphs(client):
  """Deletes the graphs that were put; the client reads the empty answer, and that there are none left."""
  from autograd_server_client.api.graphs import delete_graph, list_graphs
  for graph in list_graphs.sync(client=client).graphs:
    response = delete_graph.sync_detailed(graph.name, client=client)
    expect(response.status_code == 204 and response.parsed is None, f"DELETE {graph.name}: {response}")
  expect(list_graphs.sync(client=client).graphs == [], "graphs are left")
  again = delete_graph.sync_detailed("fit", client=client)
  expect(isinstance(again.parsed, models.Problem404), f"DELETE of what is not there: {again}")


def post_examples(client):
  """Posts the example requests of every POST, those by name to the graph `fit`; returns how many."""
  count = 0
  for path, item in DOCUMENT["paths"].items():
    if "post" not in item:
      continue
    operation = item["post"]
    module, answers = module_of(operation), expected_answers(operation)
    media = operation["requestBody"]["content"]["application/json"]
    request_class = getattr(models, media["schema"]["$ref"].rsplit("/", 1)[1])
    of_graph = {"name": "fit"} if in_path(item) else {}
    for name, example in media["examples"].items():
      label = f"POST {path} {name}"
      try:
        body = request_class.from_dict(example["value"])
        is_whole = body.to_dict() == example["value"]
      except (KeyError, ValueError):
        is_whole = False
      expect(is_whole == (name not in ONLY_AS_TEXT), f"{label}: the client {'can' if is_whole else 'cannot'} write it")
      if is_whole:
        response = module.sync_detailed(client=client, body=body, **of_graph)
        parsed = response.parsed
      else:
        response = client.get_httpx_client().post(path.format(**of_graph), json=example["value"])
        parsed = module._parse_response(client=client, response=response)
      check(label, response, parsed, answers[name])
      count += 1
  return count


def get_documents(client):
  """Asks for every document, and for every example of those with a parameter; returns how many answers were read.

  Registered graphs have no examples of names: there, each answer has the name of its graph."""
  count = 0
  for path, item in DOCUMENT["paths"].items():
    if "get" not in item or "post" in item:
      continue
    module, answers, parameter = module_of(item["get"]), expected_answers(item["get"]), in_path(item)
    if parameter is None:
      requests = [(next(iter(answers), None), {})]
    elif "examples" in parameter:
      requests = [(name, {parameter["name"]: example["value"]}) for name, example in parameter["examples"].items()]
    else:
      requests = [(name, {parameter["name"]: name}) for name in answers]
    expect(requests, f"GET {path}: no example")
    for name, arguments in requests:
      label = f"GET {path} {name or ''}".strip()
      response = module.sync_detailed(client=client, **arguments)
      expect(response.parsed is not None, f"{label}: the client cannot read the answer, status {response.status_code}")
      # The instruction set is that of the machine.
      if name is not None and path != "/version":
        check(label, response, response.parsed, answers[name])
      count += 1
  return count


def get_by_address(client):
  """Sends inputs in the query to each endpoint, with a formula there, as the body and by a name; returns how many."""
  vectors = {"jvp": {"tangents": '{"x": [1, 0]}'}, "hvp": {"vectors": '{"x": [1, 0]}'}}
  formula, count = "y = sum(x ** 2)", 0
  for path in [path for path, item in DOCUMENT["paths"].items() if "get" in item and "post" in item]:
    item = DOCUMENT["paths"][path]
    module = module_of(item["get"])
    arguments = {"inputs": '{"x": [1, 2]}'} | vectors.get(path.split("/")[-1], {})
    of_graph = {"name": "square"} if in_path(item) else {"graph": formula}
    response = module.sync_detailed(client=client, **arguments, **of_graph)
    expect(response.status_code == 200 and response.parsed is not None, f"GET {path}: {response.content}")
    count += 1
    if in_path(item):
      continue
    # Of two types of bytes the client sends one, the safetensors file.
    posted = client.get_httpx_client().post(
        path, params=arguments, content=formula, headers={"Content-Type": "text/plain"})
    parsed = module_of(item["post"])._parse_response(client=client, response=posted)
    is_same = comparable(plain(parsed)) == comparable(plain(response.parsed))
    expect(is_same, f"POST {path} of a formula: {posted.content}")
    count += 1
  # The generator reads JSON alone.
  for response in [
      client.get_httpx_client().get("/v1/evaluate", params={"graph": formula, "x": "1,2", "select": "/gradients/x"}),
      client.get_httpx_client().get("/v1/graphs/square/evaluate", params={"x": "1,2", "select": "/gradients/x"})]:
    expect(response.content == b"2.0,4.0", f"a part of an answer: {response.content}")
    count += 1
  return count


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
  put = put_examples(client)
  posted, read = post_examples(client), get_documents(client)
  addresses = get_by_address(client)
  delete_graphs(client)
  use_classes(client)
  nulls = send_nulls(client)
  expect(put > 4 and posted > 40 and read > 15 and addresses > 20 and nulls > 50,
         "too few requests: the document was not read as it should be")
  for failure in failures:
    print(failure, file=sys.stderr)
  print(f"generated client: {put} graphs put, {posted} examples posted, {read} documents and {addresses} addresses "
        f"read, {nulls} nulls sent, {len(failures)} failed")
  return 1 if failures else 0


if __name__ == "__main__":
  sys.exit(main())
