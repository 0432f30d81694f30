#!/usr/bin/env python3
"""Makes Sources/CEmbedded/docs.html, the page that `GET /docs` answers with, always the same text for the same sources.

    scripts/docs-pages.py SOURCE            writes the file
    scripts/docs-pages.py SOURCE --check    exits with 1 if the file is not what would be written

SOURCE is the address of a running server, or a folder with what it answers to /v1/operations and /problems in the files
operations.json and problems.json. The rest is in openapi.yaml. `make openapi` runs it. Needs PyYAML (Debian:
python3-yaml).
"""

import argparse
import html
import json
import pathlib
import re
import sys
import urllib.request

try:
  import yaml
except ImportError:
  sys.exit("docs-pages.py: PyYAML is missing; `make deps` installs it (Debian: apt-get install python3-yaml)")

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = ROOT / "Sources" / "CEmbedded" / "docs.html"
ADDRESS = "localhost:8080"
# Schemas that have a word of their own in the tables.
NAMED = {
    "Graph": "graph", "Attributes": "attributes", "OperationName": "operation", "InputTensors": "tensors by name",
    "TensorsOrTypes": "tensors by name", "Cotangents": "tensors by name", "Constants": "tensors by name"}
# The graph that examples of paths with a name are about.
GRAPH = "fit"
# The schemas that every request is made of, and their headings.
PARTS = {"Graph": "Graph", "Node": "Nodes", "Operand": "Operands", "DeclaredInput": "Declared inputs", "Tensor": "Tensors"}
STYLE = """
:root{color-scheme:light dark;--line:#8884;--shade:#8881}
body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem}
h2{margin-top:2.5em;border-bottom:1px solid var(--line)}h3{margin-top:2em}
code,pre{font:.9em/1.45 ui-monospace,monospace}code{overflow-wrap:anywhere}
pre{background:var(--shade);padding:.7em;overflow-x:auto;white-space:pre-wrap}
table{border-collapse:collapse;width:100%}td,th{border-top:1px solid var(--line);padding:.3em .8em .3em 0;text-align:left;vertical-align:top}
details{border-top:1px solid var(--line);padding:.2em 0}summary{cursor:pointer}
dl{display:grid;grid-template-columns:7rem 1fr;margin:.5em 0 .8em 1em}dd{margin:0}dt{opacity:.7}
nav a{margin-right:1em;display:inline-block}td p,td ul{margin:0}td:first-child{white-space:nowrap}@media(max-width:40rem){td:first-child{white-space:normal}}
""".strip().replace("\n", "")


# MARK: Text

def escape(text):
  return html.escape(text, quote=False)


def inline(text):
  """One run of Markdown: code, bold, emphasis and what remains."""
  text = escape(" ".join(text.split()))
  text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
  text = re.sub(r"\*\*([^*]+)\*\*", r"<b>\1</b>", text)
  return re.sub(r"(?<![\w*])\*(\w[^*]*)\*", r"<i>\1</i>", text)


def blocks(text):
  """Paragraphs, lists, headings and indented code, as the descriptions of openapi.yaml have them."""
  made = []
  for part in re.split(r"\n\s*\n", (text or "").strip("\n")):
    if part.startswith("    ") and made and made[-1][0] == "code":
      made[-1][1] += "\n\n" + part
    elif part.startswith("    "):
      made.append(["code", part])
    elif part.startswith("## "):
      made.append(["h3", part[3:]])
    else:
      paragraph, *items = re.split(r"(?m)^- ", part)
      if paragraph.strip():
        made.append(["p", paragraph])
      if items:
        made.append(["ul", items])
  lines = []
  for kind, content in made:
    if kind == "code":
      lines.append("<pre>" + escape("\n".join(line[4:] for line in content.split("\n"))) + "</pre>")
    elif kind == "ul":
      lines.append("<ul>" + "".join(f"<li>{inline(item)}</li>" for item in content) + "</ul>")
    else:
      lines.append(f"<{kind}>{inline(content)}</{kind}>")
  return "\n".join(lines)


def json_line(value):
  return json.dumps(value, ensure_ascii=False)


def json_text(value, width=96, indent=0):
  """JSON on one line where it fits, else one member a line."""
  line = json_line(value)
  if not value or not isinstance(value, (dict, list)) or indent + len(line) <= width:
    return line
  inner = " " * (indent + 2)
  if isinstance(value, dict):
    parts = [inner + json_line(key) + ": " + json_text(member, width, indent + 2)
             for key, member in value.items()]
    return "{\n" + ",\n".join(parts) + "\n" + " " * indent + "}"
  return "[\n" + ",\n".join(inner + json_text(element, width, indent + 2) for element in value) + "\n" + " " * indent + "]"


def anchor(title):
  return "family-" + re.sub(r"\W+", "-", title.lower())


def rows(cells):
  return "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>\n" for row in cells)


# MARK: Endpoints

class Page:
  def __init__(self, document, operations, problems):
    self.document, self.operations, self.problems = document, operations, problems

  def resolve(self, schema):
    while "$ref" in schema:
      target = self.document
      for step in schema["$ref"].split("/")[1:]:
        target = target[step]
      # What stands beside a reference goes before what it leads to.
      schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    return schema

  def kind(self, schema):
    """What a value may be, in words; nothing where the name of the schema says no more than the member's own."""
    if "$ref" in schema:
      name = schema["$ref"].rsplit("/", 1)[1]
      return NAMED.get(name) or self.kind(self.resolve(schema))
    if "enum" in schema:
      return " or ".join(f"<code>{escape(json.dumps(value))}</code>" for value in schema["enum"])
    if "anyOf" in schema:
      kinds = [self.kind(part) for part in schema["anyOf"] if part != {"type": "null"}]
      return " or ".join(dict.fromkeys(kind for kind in kinds if kind))
    if schema.get("type") == "array":
      items = schema["items"].get("$ref", "").rsplit("/", 1)[-1]
      return "list of " + {"Name": "names", "Operand": "operands", "Node": "nodes", "DeclaredInput": "declared inputs"}.get(
          items, "sizes")
    if schema.get("type") == "object":
      values = schema.get("additionalProperties")
      if not values:
        return "object"
      return "functions by name" if values.get("$ref", "").endswith("/Function") else "tensors by name"
    if schema.get("type") == "string":
      return "name"
    return {"boolean": "true or false", "number": "number", "integer": "integer"}.get(schema.get("type"), "")

  def description(self, schema):
    """A member's own description, else that of what it refers to."""
    if "description" in schema:
      return schema["description"]
    for part in [schema] if "$ref" in schema else schema.get("anyOf", []):
      if "$ref" in part:
        return self.resolve(part).get("description", "")
    return ""

  def members(self, schema):
    required = schema.get("required", [])
    return "<table>\n" + rows(
        [f"<code>{name}</code>" + (" (required)" if name in required else ""), self.kind(member),
         blocks_in_cell(self.description(member))] for name, member in schema["properties"].items()) + "</table>"

  def parameters(self, operations):
    """The parameters of the query and the conditions of some operations, each once."""
    given = {}
    for operation in operations:
      for parameter in map(self.resolve, operation["parameters"]):
        if parameter["in"] == "query" or parameter["name"].startswith("If-"):
          given[parameter["name"]] = inline(parameter["description"])
    return "<table>\n" + rows([f"<code>{name}</code>", text] for name, text in given.items()) + "</table>" if given else ""

  def answers(self, operation):
    """The status and the value of each example of an answer, by its name."""
    return {name: (status, example["value"]) for status, answer in operation["responses"].items()
            for kind in self.resolve(answer).get("content", {}).values() for name, example in kind.get("examples", {}).items()}

  def example(self, command, name, example, answers, is_open=False):
    """A request of curl, and its answer."""
    status, answer = answers[name]
    text = answer if isinstance(answer, str) else json_text(answer)
    text = f"{blocks(example.get('description'))}<pre>{escape(command)}</pre>\n<pre>{escape(text)}</pre>"
    if is_open:
      return text
    status = "" if status in ("200", "201") else f" ({status})"
    return f"<details><summary>{inline(example['summary'])}{status}</summary>{text}</details>"

  def heading(self, method, path, operation):
    return "\n".join([f'<h3 id="{operation["operationId"]}">{method.upper()} <code>{path}</code></h3>',
                      f"<p>{inline(operation['summary'])}</p>", blocks(operation.get("description"))])

  def endpoint(self, path, operation):
    """A path that requests are posted to."""
    media = operation["requestBody"]["content"]["application/json"]
    answers = self.answers(operation)
    schema = self.resolve(media["schema"])
    if "{" in path:
      endpoint = path.rsplit("/", 1)[1]
      about = f'<p>Its members are those of <a href="#{endpoint}">/v1/{endpoint}</a> without <code>graph</code>.</p>'
    else:
      about = blocks(schema.get("description")) + self.members(schema)
    made = [self.heading("post", path, operation), about]
    for index, (name, example) in enumerate(media["examples"].items()):
      command = f"curl -s {ADDRESS}{path.format(name=GRAPH)} -d {quoted(json_text(example['value']))}"
      made.append(self.example(command, name, example, answers, is_open=index == 0))
    return "\n".join(made)

  def graph_operation(self, method, path, operation):
    """What is done with a registered graph itself: it is put, shown, deleted."""
    made, answers = [self.heading(method, path, operation), self.parameters([operation])], self.answers(operation)
    command = f"curl -s {'' if method == 'get' else f'-X {method.upper()} '}{ADDRESS}{path}"
    # Formulas first: they are the shortest.
    media = sorted(operation.get("requestBody", {}).get("content", {}).items(), key=lambda kind: kind[0] != "text/plain")
    examples = [(name, example, kind) for kind, content in media for name, example in content.get("examples", {}).items()]
    for index, (name, example, kind) in enumerate(examples):
      graph = name if answers[name][0] == "201" else GRAPH
      # On one line: the digest in the answer is that of these bytes.
      body = f"--data-binary {quoted(example['value'])}" if kind == "text/plain" else f"-d {quoted(json_line(example['value']))}"
      made.append(self.example(f"{command.format(name=graph)} {body}", name, example, answers, is_open=index == 0))
    if not examples:
      # One answer is enough: the first that is no refusal. DELETE has none to show.
      shown = next((name for name, (status, _) in answers.items() if status == "200"), None)
      command = command.format(name=GRAPH)
      made.append(self.example(command, shown, {}, answers, is_open=True) if shown else f"<pre>{escape(command)}</pre>")
    return "\n".join(made)

  def graph_operations(self):
    """Methods and paths of registered graphs that are no endpoints for requests."""
    return [(method, path, item[method]) for path, item in self.document["paths"].items()
            if path.startswith("/v1/graphs") and "post" not in item for method in ("put", "get", "delete") if method in item]

  def addresses(self):
    """Requests without a body: the same for all endpoints, so they are said once."""
    gets = [item["get"] for item in self.document["paths"].values() if "post" in item and "get" in item]
    command = f"curl -sG {ADDRESS}/v1/evaluate --data-urlencode 'graph=y = sum(x ** 2)' -d x=1,2,3 -d select=/gradients/x"
    body = (f"curl -s '{ADDRESS}/v1/evaluate?x=1,2,3&select=/gradients/x' -H 'Content-Type: text/plain' "
            "--data-binary 'y = sum(x ** 2)'")
    formula = self.document["components"]["schemas"]["FormulaText"]["description"]
    return "\n".join([
        blocks(gets[0]["description"]),
        "<p>Each endpoint takes those that are members of its requests.</p>", self.parameters(gets),
        f"<pre>{escape(command)}</pre>", "<p>A POST of the type <code>text/plain</code>:</p>", blocks(formula),
        f"<pre>{escape(body)}</pre>", "<p>Both are answered with</p>", "<pre>2.0,4.0,6.0</pre>"])

  def parts(self):
    """What requests are made of, beside their members."""
    made = []
    for name, title in PARTS.items():
      schema = self.document["components"]["schemas"][name]
      made += [f"<h3>{title}</h3>", blocks(schema["description"])]
      if "properties" in schema:
        made.append(self.members(schema))
    return "\n".join(made)

  def documents(self):
    made = []
    for path, item in self.document["paths"].items():
      if "get" in item and "post" not in item and not path.startswith("/v1/graphs"):
        shown = f'<a href="{path.lstrip("/") or "."}">{path}</a>' if "{" not in path else path
        made.append([f"<code>{shown}</code>", inline(item["get"]["summary"])])
    return "<table>\n" + rows(made) + "</table>"

  # MARK: Operations

  def operation(self, operation):
    name = operation["name"]
    optional = [f"{attribute['name']}=" for attribute in operation["attributes"]]
    signature = f"{', '.join(operation['outputs'])} = {name}({', '.join(operation['inputs'] + optional)})"
    facts = [("value", escape(operation["formula"])), ("shape", escape(operation["shape"])),
             ("dtypes", escape(operation["dtypes"])), ("derivative", escape(operation["derivative"]))]
    for attribute in operation["attributes"]:
      standing = f"default <code>{escape(json.dumps(attribute['default']))}</code>" if "default" in attribute else "required"
      facts.append((f"<code>{attribute['name']}</code>",
                    f"{escape(attribute['kind'])}, {standing}: {escape(attribute['summary'])}"))
    facts += [("note", escape(convention)) for convention in operation["conventions"]]
    facts.append(("example", f'<a href="v1/operations/{name}">/v1/operations/{name}</a>'))
    return (f'<details id="op-{name}"><summary><code>{escape(signature)}</code> {escape(operation["summary"])}</summary><dl>'
            + "".join(f"<dt>{term}</dt><dd>{text}</dd>" for term, text in facts) + "</dl></details>")

  def families(self):
    made, family = [], None
    for operation in self.operations:
      if operation["family"] != family:
        family = operation["family"]
        made.append(f'<h3 id="{anchor(family)}">{escape(family)}</h3>')
      made.append(self.operation(operation))
    return "\n".join(made)

  def codes(self):
    return "<table>\n" + rows(
        [f'<code id="problem-{problem["code"]}">{problem["code"]}</code>', str(problem["status"]),
         f"<b>{escape(problem['title'])}.</b> {inline(problem['explanation'])}"] for problem in self.problems) + "</table>"

  # MARK: The whole

  def text(self):
    info = self.document["info"]
    tags = {tag["name"]: tag["description"] for tag in self.document["tags"]}
    posts = [(path, item["post"]) for path, item in self.document["paths"].items() if "post" in item]
    plain, named = [[post for post in posts if ("{" in post[0]) == is_named] for is_named in (False, True)]
    kept = self.graph_operations()
    families = "".join(f'<a href="#{anchor(family)}">{escape(family)}</a>'
                       for family in dict.fromkeys(operation["family"] for operation in self.operations))
    links = "".join(f'<a href="#{operation["operationId"]}">{path}</a>' for path, operation in plain)
    graph_links = "".join(f'<a href="#{operation["operationId"]}">{method.upper()} {path}</a>'
                          for method, path, operation in kept + [("post", *post) for post in named])
    endpoints = "\n".join(self.endpoint(*post) for post in plain)
    graphs = "\n".join([self.graph_operation(*one) for one in kept] + [self.endpoint(*post) for post in named])
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{escape(info["title"])}</title>
<style>{STYLE}</style>
<h1>{escape(info["title"])}</h1>
<p>{inline(info["summary"])} Version {info["version"]}.
For programs: <a href="openapi.yaml">openapi.yaml</a>, <a href="openapi.json">openapi.json</a>.</p>
<nav><a href="#endpoints">Endpoints</a><a href="#addresses">By an address</a>
<a href="#graphs">Registered graphs</a><a href="#operations">Operations</a><a href="#problems">Problems</a><br>{links}</nav>
{blocks(info["description"])}
<h2 id="endpoints">Endpoints</h2>
{endpoints}
{self.parts()}
<h3 id="addresses">By an address</h3>
{self.addresses()}
<h2 id="graphs">Registered graphs</h2>
<p>{inline(tags["graphs"])}</p>
<nav>{graph_links}</nav>
{graphs}
<h2>Documents</h2>
{self.documents()}
<h2 id="operations">Operations</h2>
<p>{len(self.operations)} operations. A node names its operands in this order; what stands with = is an attribute. ct is the
cotangent of the result: the derivative of whatever is differentiated by it. Each derivative says what it makes of ct
for an operand. Derivatives are made of these same operations, so they have derivatives, to any order.</p>
<nav>{families}</nav>
{self.families()}
<h2 id="problems">Problems</h2>
<p>A refused request is answered with a problem document (RFC 9457). Its <code>code</code> is one of these, or in
<code>reason</code> which limit was reached.</p>
{self.codes()}
</html>
"""


def quoted(text):
  """As a shell takes it."""
  return "'" + text.replace("'", "'\\''") + "'"


def blocks_in_cell(text):
  """A description within a table: a single paragraph needs no tags."""
  made = blocks(text)
  return made[3:-4] if made.startswith("<p>") and made.count("<p>") == 1 and made.endswith("</p>") else made


def read(source, path, name):
  if source.startswith("http"):
    with urllib.request.urlopen(source.rstrip("/") + path, timeout=60) as response:
      return json.load(response)[name]
  return json.loads((pathlib.Path(source) / f"{name}.json").read_text(encoding="utf-8"))[name]


def main():
  parser = argparse.ArgumentParser(description="Makes docs.html from openapi.yaml and a server's operations.")
  parser.add_argument("source", help="address of a server, or a folder with operations.json and problems.json")
  parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the file is out of date")
  arguments = parser.parse_args()
  document = yaml.safe_load((ROOT / "openapi.yaml").read_text(encoding="utf-8"))
  operations = read(arguments.source, "/v1/operations", "operations")
  problems = read(arguments.source, "/problems", "problems")
  made = Page(document, operations, problems).text().encode()
  if not arguments.check:
    TARGET.write_bytes(made)
  elif not TARGET.exists() or TARGET.read_bytes() != made:
    sys.exit(f"{TARGET.relative_to(ROOT)} is not made from openapi.yaml and the operations as they are now: run `make openapi`")


if __name__ == "__main__":
  main()
