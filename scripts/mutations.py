#!/usr/bin/env python3
"""Puts old wrong rules of derivatives back, one at a time, and expects the tests of special points and of accuracy to fail.

    scripts/mutations.py [--only NAME]... [--list]

Each is a text in a file and what takes its place. They are applied in a copy of the working tree (.build/mutations, with a build of its own),
never here. Ends with 1 if a mutation is not noticed, or its text is no longer there.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COPY = ROOT / ".build/mutations"
UNARY, BINARY, COMPOSITE = (f"Sources/AutogradCore/Ops/{name}.swift" for name in ("Unary", "Binary", "Composite"))
CHOSEN = "node.builder.select({mask}, node.builder.zeros(ct.type), {slope})"
TESTS = "SpecialPointTests|AccuracyTests"

#: Name: (file, text, replacement).
MUTATIONS = {
  "tanh' = 1 - y^2": (UNARY, '"1 / cosh(x)^2") { x, _ in x.emit(.sech2) }', '"1 / cosh(x)^2") { _, y in 1 - y * y }'),
  "pow' by x masked where y = 0": (
    BINARY, "{ ct, node in ct * node.x.emit(.powByX, node.y) }",
    "{ ct, node in " + CHOSEN.format(
      mask="node.y.emit(.equal, node.builder.zeros(node.y.type))", slope="ct * (node.y * node.x.emit(.pow, node.y - 1))") + " }"),
  "pow' by y masked where x = 0": (
    BINARY, "{ ct, node in ct * node.x.emit(.powByY, node.y) }",
    "{ ct, node in " + CHOSEN.format(
      mask="node.x.emit(.equal, node.builder.zeros(node.x.type))", slope="ct * (node.z * node.x.emit(.log))") + " }"),
  "sqrt'(-0) = -Infinity": (UNARY, "0.5 / (y + 0)", "0.5 / y"),
  "log'(-0) = -Infinity": (UNARY, "{ x, _ in 1 / (x + 0) }", "{ x, _ in 1 / x }"),
  "rsqrt' = -y^3 / 2": (UNARY, "{ x, y in y * -0.5 / x }", "{ _, y in y * y * y * -0.5 }"),
  "expm1' = y + 1": (UNARY, '"e^x - 1", "e^x") { x, _ in x.emit(.exp) }', '"e^x - 1", "e^x") { _, y in y + 1 }'),
  "asin' by a product of roots": (
    UNARY, "x, _ in x.emit(.asinSlope)\n", "x, _ in (1 - x).emit(.rsqrt) * (x + 1).emit(.rsqrt)\n"),
  "asinh' by a square": (UNARY, "x, _ in x.filled(1).emit(.direction, x)", "x, _ in (x * x + 1).emit(.rsqrt)"),
  "atan' = 1 / (1 + x^2)": (UNARY, "x.filled(1).emit(.inversion, x)", "1 / (x * x + 1)"),
  "hypot' masked at the origin": (
    BINARY, "ct * node.x.emit(.direction, node.y) }, { ct",
    CHOSEN.format(mask="node.z.emit(.equal, node.builder.zeros(node.z.type))", slope="ct * (node.x / node.z)") + " }, { ct"),
  "xlogy' by y masked": (
    BINARY, "ct * (node.x / node.y).settled(where: node.bothZero, to: 0)",
    CHOSEN.format(mask="node.bothZero", slope="ct * (node.x / node.y)")),
  "erf' by the exponential of a rounded square": (
    UNARY, "x.emit(.gaussian) * twoOverRootPi", "(-(x * x)).emit(.exp) * twoOverRootPi"),
  "sigmoid' = y (1 - y)": (UNARY, "{ x, _ in (x * 0.5).emit(.sech2) * 0.25 }", "{ _, y in y * (1 - y) }"),
  "relu' of NaN = 0": (
    UNARY, "node.builder.select(isPositive, ct, node.x.emit(.zeroOf))", "node.builder.select(isPositive, ct, node.builder.zeros(ct.type))"),
  "gelu by 1 + tanh": (COMPOSITE, "x * inner.emit(.sigmoid)", "x * (((inner * 0.5).emit(.tanh) + 1) * 0.5)"),
}


def copied():
  """The working tree as git sees it, over the copy of last time, so that its build goes on from there."""
  COPY.mkdir(parents=True, exist_ok=True)
  for top in ("Sources", "Tests"):
    shutil.rmtree(COPY / top, ignore_errors=True)
  listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
  for name in filter(None, listed.split("\0")):
    if (ROOT / name).is_file():
      (COPY / name).parent.mkdir(parents=True, exist_ok=True)
      shutil.copy2(ROOT / name, COPY / name)


def is_noticed(name):
  file, old, new = MUTATIONS[name]
  path = COPY / file
  text = path.read_text()
  if text.count(old) < 1:
    print(f"STALE     {name}: its text is not in {file}", flush=True)
    return False
  path.write_text(text.replace(old, new, 1))
  try:
    build = subprocess.run(["swift", "build", "--build-tests"], cwd=COPY, capture_output=True, text=True)
    if build.returncode:
      print(f"NO BUILD  {name}:\n{build.stdout[-2000:]}", flush=True)
      return False
    run = subprocess.run(["swift", "test", "--skip-build", "--filter", TESTS], cwd=COPY, capture_output=True, text=True)
    print(f"{'noticed' if run.returncode else 'MISSED':9} {name}", flush=True)
    return run.returncode != 0
  finally:
    path.write_text(text)


def main():
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("--only", action="append", choices=MUTATIONS, metavar="NAME")
  parser.add_argument("--list", action="store_true", help="print the names, and whether their texts are there")
  given = parser.parse_args()
  if given.list:
    for name, (file, old, _) in MUTATIONS.items():
      print(f"{(ROOT / file).read_text().count(old)} {name}")
    return 0
  copied()
  names = given.only or MUTATIONS
  clean = subprocess.run(["swift", "test", "--filter", TESTS], cwd=COPY, capture_output=True, text=True)
  if clean.returncode:
    print("The tests fail before anything is changed:\n" + clean.stdout[-3000:])
    return 1
  missed = [name for name in names if not is_noticed(name)]
  print(f"{len(names) - len(missed)} of {len(names)} mutations are noticed")
  return 1 if missed else 0


if __name__ == "__main__":
  sys.exit(main())
