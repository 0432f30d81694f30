#!/usr/bin/env python3
"""Checks the width of Swift and C: at most 120 columns.

Excepted: a JSON body in a test, which is one line as it is on the wire.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
WIDTH = 120
#: A line of a test that begins with a literal which holds JSON, or the text of one.
BODY = re.compile(r'^\s*(?:return |== |let \w+ = |\+ )?#*"?.*[{\[]\\*".*:')


def main():
    names = subprocess.run(
      ["git", "ls-files", "*.swift", "*.c", "*.h", "*.inc", "*.S"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    failed = False
    for name in names:
        for number, line in enumerate((ROOT / name).read_text().split("\n"), 1):
            if len(line) > WIDTH and not (name.startswith("Tests/") and BODY.match(line)):
                print(f"{name}:{number}: {len(line)} columns, at most {WIDTH}", file=sys.stderr)
                failed = True
    sys.exit(failed)


if __name__ == "__main__":
    main()
