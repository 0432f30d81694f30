"""Writes the fixtures. `python generate.py` rewrites every file; `--selfcheck` checks the files that stand there. See README.md."""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from forms import FLOATS, expected, line
from oracle import Compiled, Program
import cases_indexing
import cases_decompositions
import cases_linalg
import cases_pointwise
import cases_reductions
import cases_shapes
import cases_special
import catalog_graphs
import kinks
import kinks_decompositions
import kinks_linalg
import kinks_pointwise
import kinks_reductions
import kinks_special
import operation_cases
import oracle_special
import random_graphs
import selfcheck
import tutorial

FOLDER = Path(__file__).parent
GRAPHS, CATALOG_GRAPHS, THIRD_GRAPHS, MORE_GRAPHS = 1000, 3000, 1000, 600
TOLERANCE = {"float64": 1e-12, "float32": 1e-5}


def tolerance(program):
  """What a comparison may allow: that of float64 only where no value of the graph is a float32."""
  return TOLERANCE["float32" if program.uses_float32 else "float64"]


def write(name, lines):
  text = "".join(lines).encode()
  (FOLDER / name).write_bytes(text)
  print(f"{name}: {len(lines)} lines, {len(text):,} bytes")


def write_random_graphs():
  lines = {dtype: [] for dtype in FLOATS}
  retries = 0
  for index in range(GRAPHS):
    twins, ascii_only, attempt = random_graphs.accepted_pair(index)
    retries += attempt
    for main, (request, program, outputs, gradients) in zip(("float64", "float32"), twins):
      head = {"name": f"random-{index:04}/{main}", "tolerance": TOLERANCE[main] if main == "float32" else tolerance(program)}
      lines[main].append(line(head, request, expected(program, outputs, gradients, main == "float32"), ascii_only))
    if index % 100 == 99:
      print(f"{index + 1} graphs, {retries} rejected", flush=True)
  for dtype in FLOATS:
    write(f"random_graphs_{dtype}.jsonl", lines[dtype])


def write_operations(file="operations", module=operation_cases, answers=None):
  """`answers` computes what is expected, where JAX is not asked."""
  lines = []
  for op in module.CASES:
    exact_answer = op in module.EXACT
    for name, (unseeded, seed) in operation_cases.requests(op, module.CASES):
      request = json.loads(json.dumps(seed(Program(unseeded).values)))
      program = Program(request)
      outputs, gradients = answers(program) if answers else Compiled(program, exact=not exact_answer)(program)
      head = {"name": name, "operation": op, "tolerance": 0 if exact_answer else tolerance(program)}
      lines.append(line(head, request, expected(program, outputs, gradients)))
  write(f"{file}.jsonl", lines)


def write_tutorial():
  lines = []
  for name, request, values, gradients in tutorial.EXAMPLES:
    for main in ("float64", "float32"):
      asked = request if main == "float64" else request | {"dtype": main}
      program = Program(json.loads(json.dumps(asked)))
      answer = Compiled(program, exact=True)(program)
      for found, wanted in zip(answer, (values, gradients)):
        assert list(found) == list(wanted), name
        assert all(np.array_equal(found[n], np.array(w, "float64")) for n, w in wanted.items()), name
      # Small whole and half numbers: exact in either dtype.
      lines.append(line({"name": f"{name}/{main}", "tolerance": 0}, asked, expected(program, *answer)))
  write("tutorial.jsonl", lines)


def write_catalog(file="random_graphs_catalog", script="catalog_graphs", count=CATALOG_GRAPHS):
  command = [sys.executable, FOLDER / f"{script}.py", str(count)]
  made = subprocess.run(command, env=os.environ | {"XLA_FLAGS": catalog_graphs.XLA_FLAGS}, stdout=subprocess.PIPE, check=True)
  write(f"{file}.jsonl", [f"{line}\n" for line in made.stdout.decode().split("\n")[:-1]])


def write_kinks(name, module):
  file = FOLDER / f"{name}.jsonl"
  known = {case["name"]: case for case in map(json.loads, file.read_text().splitlines())} if file.exists() else {}
  write(file.name, [text for family, rows in module.ROWS.items() for row in rows for text in kinks.lines(family, row, known)])


#: What makes each file.
WRITERS = {
  "tutorial": write_tutorial,
  "operations": write_operations,
  "operations_pointwise": lambda: write_operations("operations_pointwise", cases_pointwise),
  "operations_reductions": lambda: write_operations("operations_reductions", cases_reductions),
  "operations_shapes": lambda: write_operations("operations_shapes", cases_shapes),
  "operations_indexing": lambda: write_operations("operations_indexing", cases_indexing),
  "operations_linalg": lambda: write_operations("operations_linalg", cases_linalg),
  "operations_special": lambda: write_operations("operations_special", cases_special, oracle_special.answers),
  "kinks": lambda: write_kinks("kinks", kinks_pointwise),
  "kinks_reductions": lambda: write_kinks("kinks_reductions", kinks_reductions),
  "kinks_linalg": lambda: write_kinks("kinks_linalg", kinks_linalg),
  "kinks_special": lambda: write_kinks("kinks_special", kinks_special),
  "operations_decompositions": lambda: write_operations("operations_decompositions", cases_decompositions),
  "kinks_decompositions": lambda: write_kinks("kinks_decompositions", kinks_decompositions),
  "random_graphs": write_random_graphs,
  "random_graphs_catalog": write_catalog,
  "random_graphs_third": lambda: write_catalog("random_graphs_third", "catalog_third", THIRD_GRAPHS),
  "random_graphs_more": lambda: write_catalog("random_graphs_more", "catalog_more", MORE_GRAPHS),
}


if __name__ == "__main__":
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("--selfcheck", action="store_true", help="check the files that stand here instead")
  parser.add_argument("--only", choices=WRITERS, action="append", help="write this file alone (may be given several times)")
  arguments = parser.parse_args()
  if arguments.selfcheck:
    selfcheck.run(FOLDER)
  else:
    for name in arguments.only or WRITERS:
      WRITERS[name]()
