#!/usr/bin/env python3
"""Makes Sources/CEmbedded/openapi.json from openapi.yaml, always the same text for the same document.

    scripts/openapi-json.py            writes the file
    scripts/openapi-json.py --check    exits with 1 if the file is not what would be written

Needs PyYAML (Debian: python3-yaml).
"""

import argparse
import datetime
import json
import math
import pathlib
import sys

try:
  import yaml
except ImportError:
  sys.exit("openapi-json.py: PyYAML is missing; `make deps` installs it (Debian: apt-get install python3-yaml)")

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCE = ROOT / "openapi.yaml"
TARGET = ROOT / "Sources" / "CEmbedded" / "openapi.json"
LINE_LENGTH = 120


class StrictLoader(yaml.SafeLoader):
  """Refuses duplicate keys, of which PyYAML would silently keep the last."""

  def construct_mapping(self, node, deep=False):
    keys = set()
    for key_node, _ in node.value:
      key = self.construct_object(key_node, deep=True)
      if key in keys:
        raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} stands twice", key_node.start_mark)
      keys.add(key)
    return super().construct_mapping(node, deep)


def check(value, path="#"):
  """Refuses what YAML can say and JSON cannot: other keys than strings, dates, numbers that are not finite."""
  if isinstance(value, dict):
    for key, member in value.items():
      if not isinstance(key, str):
        sys.exit(f"{SOURCE.name}: {path}: the key {key!r} is not a string; quote it")
      check(member, f"{path}/{key}")
  elif isinstance(value, list):
    for index, element in enumerate(value):
      check(element, f"{path}/{index}")
  elif isinstance(value, (datetime.date, bytes)) or (isinstance(value, float) and not math.isfinite(value)):
    sys.exit(f"{SOURCE.name}: {path}: {value!r} has no JSON form; quote it")


def text(value, indent=0, before=0):
  """JSON on one line where it fits, else one member a line. `before`: what already stands on the line."""
  line = json.dumps(value, ensure_ascii=False, allow_nan=False)
  if not value or not isinstance(value, (dict, list)) or indent + before + len(line) < LINE_LENGTH:
    return line
  inner = indent + 2
  if isinstance(value, dict):
    keys = {key: json.dumps(key, ensure_ascii=False) + ": " for key in value}
    members, (opening, closing) = [keys[key] + text(member, inner, len(keys[key])) for key, member in value.items()], "{}"
  else:
    members, (opening, closing) = [text(element, inner) for element in value], "[]"
  return opening + "".join("\n" + " " * inner + member + "," for member in members)[:-1] + "\n" + " " * indent + closing


def main():
  parser = argparse.ArgumentParser(description="Makes openapi.json from openapi.yaml.")
  parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the file is out of date")
  arguments = parser.parse_args()
  try:
    document = yaml.load(SOURCE.read_text(encoding="utf-8"), StrictLoader)
  except yaml.YAMLError as error:
    sys.exit(f"{SOURCE.name}: {error}")
  check(document)
  made = (text(document) + "\n").encode()
  if not arguments.check:
    TARGET.write_bytes(made)
  elif not TARGET.exists() or TARGET.read_bytes() != made:
    sys.exit(f"{TARGET.relative_to(ROOT)} is not made from {SOURCE.name} as it is now: run `make openapi`")


if __name__ == "__main__":
  main()
