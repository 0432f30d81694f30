#!/usr/bin/env python3
"""Puts old wrong rules of derivatives back and expects the tests of special points and of accuracy to fail for just those operations.

    scripts/mutations.py [--list]

Each mutation is a text in a file and what takes its place. As many as touch different operations are applied at once, in a copy of the
working tree (.build/mutations, with a build of its own), never here: the tests name the operations that are wrong. Ends with 1 if a mutation
is not noticed, or its text is no longer there.
"""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COPY = ROOT / ".build/mutations"
UNARY, BINARY, COMPOSITE = (f"Sources/AutogradCore/Ops/{name}.swift" for name in ("Unary", "Binary", "Composite"))
CHOSEN = "node.builder.select({mask}, node.builder.zeros(ct.type), {slope})"
TESTS = "SpecialPointTests|AccuracyTests"

#: Name: (operation, file, text, replacement).
MUTATIONS = {
  "tanh' = 1 - y^2": (
    "tanh", UNARY, '"1 / cosh(x)^2") { x, _ in x.emit(.sech2) }', '"1 / cosh(x)^2") { _, y in 1 - y * y }'),
  "pow' by x masked where y = 0": (
    "pow",
    BINARY, "{ ct, node in ct * node.x.emit(.powByX, node.y) }",
    "{ ct, node in " + CHOSEN.format(
      mask="node.y.emit(.equal, node.builder.zeros(node.y.type))", slope="ct * (node.y * node.x.emit(.pow, node.y - 1))") + " }"),
  "pow' by y masked where x = 0": (
    "pow",
    BINARY, "{ ct, node in ct * node.x.emit(.powByY, node.y) }",
    "{ ct, node in " + CHOSEN.format(
      mask="node.x.emit(.equal, node.builder.zeros(node.x.type))", slope="ct * (node.z * node.x.emit(.log))") + " }"),
  "sqrt'(-0) = -Infinity": (
    "sqrt", UNARY, "0.5 / (y + 0)", "0.5 / y"),
  "log'(-0) = -Infinity": (
    "log", UNARY, "{ ct, x, _ in ct / (x + 0) }", "{ ct, x, _ in ct / x }"),
  "rsqrt' = -y^3 / 2": (
    "rsqrt", UNARY, "{ ct, x, y in ct.times(y * -0.5, over: x) }", "{ ct, _, y in ct * (y * y * y * -0.5) }"),
  "expm1' = y + 1": (
    "expm1", UNARY, '"e^x - 1", "e^x") { x, _ in x.emit(.exp) }', '"e^x - 1", "e^x") { _, y in y + 1 }'),
  "asin' by a product of roots": (
    "asin",
    UNARY, "x, _ in x.emit(.asinSlope)\n", "x, _ in (1 - x).emit(.rsqrt) * (x + 1).emit(.rsqrt)\n"),
  "asinh' by a square": (
    "asinh", UNARY, "x, _ in\n      x.filled(1).emit(.direction, x)", "x, _ in (x * x + 1).emit(.rsqrt)"),
  "atan' = 1 / (1 + x^2)": (
    "atan", UNARY, "x.filled(1).emit(.inversion, x)", "1 / (x * x + 1)"),
  "hypot' masked at the origin": (
    "hypot",
    BINARY, "ct * node.x.emit(.direction, node.y) }, { ct",
    CHOSEN.format(mask="node.z.emit(.equal, node.builder.zeros(node.z.type))", slope="ct * (node.x / node.z)") + " }, { ct"),
  "xlogy' by y masked": (
    "xlogy",
    BINARY, "ct * (node.x / (node.y + 0)).settled(where: node.bothZero, to: 0)",
    CHOSEN.format(mask="node.bothZero", slope="ct * (node.x / (node.y + 0))")),
  "erf' by the exponential of a rounded square": (
    "erf",
    UNARY, "x.emit(.gaussian) * twoOverRootPi", "(-(x * x)).emit(.exp) * twoOverRootPi"),
  "sigmoid' = y (1 - y)": (
    "sigmoid", UNARY, "{ x, _ in (x * 0.5).emit(.sech2) * 0.25 }", "{ _, y in y * (1 - y) }"),
  "relu' of NaN = 0": (
    "relu",
    UNARY, "node.builder.select(isPositive, ct, node.x.emit(.zeroOf))", "node.builder.select(isPositive, ct, node.builder.zeros(ct.type))"),
  "gelu by 1 + tanh": (
    "gelu", COMPOSITE, "(x * inner.emit(.scaledSigmoid)).fromTail", "x * (((inner * 0.5).emit(.tanh) + 1) * 0.5)"),
}


def copied():
  """The working tree as git sees it, over the copy of last time, so that its build goes on from there."""
  COPY.mkdir(parents=True, exist_ok=True)
  listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
  for name in filter(None, listed.split("\0")):
    source, target = ROOT / name, COPY / name
    if source.is_file() and not (target.is_file() and target.read_bytes() == source.read_bytes()):
      target.parent.mkdir(parents=True, exist_ok=True)
      shutil.copyfile(source, target)


def wrong_operations():
  """What the tests say of each operation that is wrong, as (text, operation); None where nothing could be built or run."""
  run = subprocess.run(["swift", "test", "--filter", TESTS], cwd=COPY, capture_output=True, text=True)
  output = run.stdout + run.stderr
  if "Test run with" not in output:
    print(output[-3000:])
    return None
  return set(re.findall(r"\u21b3 (([a-z0-9_]+)[^:\n]*: \d+ (?:derivatives are wrong|of \d+ results over))", output))


def rounds():
  """Mutations in groups of which none has two of one operation."""
  groups = []
  for name, (operation, *_) in MUTATIONS.items():
    group = next((g for g in groups if all(MUTATIONS[other][0] != operation for other in g)), None)
    if group is None:
      groups.append([name])
    else:
      group.append(name)
  return groups


def missed(group, before):
  """Applies the mutations of a group together, and takes them back."""
  texts = {}
  stale = []
  for name in group:
    _, file, old, new = MUTATIONS[name]
    text = (COPY / file).read_text()
    texts.setdefault(file, text)
    if old not in text:
      stale.append(name)
    (COPY / file).write_text(text.replace(old, new, 1))
  try:
    found = wrong_operations()
  finally:
    for file, text in texts.items():
      (COPY / file).write_text(text)
  new = {operation for _, operation in (found or set()) - before}
  unnoticed = stale + [name for name in group if name not in stale and MUTATIONS[name][0] not in new]
  for name in group:
    print(f"{'STALE' if name in stale else 'MISSED' if name in unnoticed else 'noticed':8} {name}", flush=True)
  return unnoticed


def main():
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("--list", action="store_true", help="print the names, and whether their texts are there; ends with 1 if one is not")
  if parser.parse_args().list:
    stale = [name for name, (_, file, old, _) in MUTATIONS.items() if old not in (ROOT / file).read_text()]
    for name in MUTATIONS:
      print(f"{'STALE' if name in stale else 'there'} {name}")
    return 1 if stale else 0
  copied()
  before = wrong_operations()
  if before is None:
    return 1
  if before:
    print(f"wrong before anything is changed: {', '.join(sorted({operation for _, operation in before}))}")
  unnoticed = [name for group in rounds() for name in missed(group, before)]
  print(f"{len(MUTATIONS) - len(unnoticed)} of {len(MUTATIONS)} mutations are noticed")
  return 1 if unnoticed else 0


if __name__ == "__main__":
  sys.exit(main())
