#!/usr/bin/env python3
"""Rewrites the list of operation names in openapi.yaml from the catalog of a built server, and nothing else.

    scripts/openapi-operations.py .build/release/autograd-server

`make openapi` runs it before openapi-json.py.
"""

import json
import pathlib
import re
import subprocess
import sys

DOCUMENT = pathlib.Path(__file__).resolve().parent.parent / "openapi.yaml"
# The enum of the schema OperationName: what stands between it and the list is its description.
ENUM = re.compile(r"(^    OperationName:\n(?:      .*\n)*?      enum:\n)((?:        - .*\n)+)", re.MULTILINE)


def main():
  if len(sys.argv) != 2:
    sys.exit("usage: openapi-operations.py PATH-OF-AUTOGRAD-SERVER")
  catalog = subprocess.run([sys.argv[1], "operations", "--json"], check=True, capture_output=True, timeout=60).stdout
  names = [operation["name"] for operation in json.loads(catalog)["operations"]]
  lines = "".join(f"        - {name}\n" for name in names)
  text, count = ENUM.subn(lambda match: match.group(1) + lines, DOCUMENT.read_text(encoding="utf-8"))
  if not names or count != 1:
    sys.exit(f"{DOCUMENT.name}: the enum of OperationName is not where it is expected")
  DOCUMENT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
  main()
