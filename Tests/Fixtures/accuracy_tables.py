"""Writes tables of right values and first derivatives, by which AccuracyTests measures errors.

    python accuracy_tables.py [--points 1000] [--folder accuracy] [--only tanh] [--seed 1] [--jobs 2]

A table is a line of JSON (operation, attributes, dtype, operands, count), then columns of little-endian numbers: the operands in their
dtype; then for the value and for the derivative by each operand the right number as a double, for float64 what that lacks of what
is right (int8, units of 1/256 of its last place), and as a float32 how many last places of it one last place of the operands makes. A right
number beyond the dtype's range is NaN: not measured.
"""

import argparse
import json
import math
import multiprocessing
from pathlib import Path

import numpy
from mpmath import mp, mpf

import accuracy_regions
import mp_functions
from mp_functions import by_formula

NAMES = {"gelu_tanh": ("gelu", {"approximate": "tanh"}), "polygamma": ("polygamma", {"n": 2})}
FUNCTIONS = mp_functions.UNARY | mp_functions.BINARY | {
  "gelu_tanh": by_formula(mp_functions.gelu_tanh), "polygamma": mp_functions.polygamma(2),
  "elu": lambda x, order: mp_functions.UNARY["expm1"](x, order) if x < 0 else mp_functions.at(x, order),
}
#: Formulas in which nothing cancels, and those too slow for more.
DIGITS = {name: 40 for name in "lgamma digamma polygamma erfinv ndtri".split()} | {"zeta": 80}
#: How often a formula loses the operand's order of magnitude; once is the rule.
LOST = {"erfcx": 4, "log_ndtr": 3}


def last_place(value, dtype):
  """The distance of numbers of the dtype around a value, as an exponent of two."""
  bits, least, _ = accuracy_regions.BITS[dtype]
  return max(mp.frexp(value)[1] - bits, least) if value else least


def row(name, point, dtype):
  size = max(abs(math.log10(abs(x))) for x in point)
  mp.dps = DIGITS.get(name) or 45 + int((LOST.get(name, 1.3) if len(point) == 1 else 2.6) * size)
  series = FUNCTIONS[name](*point, 2)
  _, _, most = accuracy_regions.BITS[dtype]
  unit = [tuple(int(i == k) for i in range(len(point))) for k in range(len(point))]
  found = []
  for index in [(0,) * len(point), *unit]:
    value = series.derivative(index)
    if mp.frexp(value)[1] > most or not mp.isfinite(value):
      found.append((math.nan, 0, 0.0))
      continue
    place = last_place(value, dtype)
    nearest = float(value)
    rest = int(mp.nint((value - mpf(nearest)) * mpf(2) ** (8 - place))) if dtype == "float64" else 0
    moved = sum(
      abs(series.derivative(tuple(i + j for i, j in zip(index, by)))) * mpf(2) ** last_place(mpf(x), dtype)
      for x, by in zip(point, unit)) * mpf(2) ** -place
    found.append((nearest, max(-128, min(127, rest)), float(min(moved, mpf(1e30)))))
  return found


def table(job):
  name, dtype, count, seed, folder = job
  points = accuracy_regions.points(name, dtype, count, seed)
  rows = [row(name, point, dtype) for point in points]
  operation, attributes = NAMES.get(name, (name, {}))
  head = {"operation": operation, "attributes": attributes, "dtype": dtype, "operands": len(points[0]), "count": count}
  parts = [json.dumps(head).encode() + b"\n"]
  parts += [numpy.array(column, "<f8" if dtype == "float64" else "<f4").tobytes() for column in zip(*points)]
  for quantity in zip(*rows):
    nearest, rest, moved = zip(*quantity)
    parts.append(numpy.array(nearest, "<f8").tobytes())
    if dtype == "float64":
      parts.append(numpy.array(rest, "i1").tobytes())
    with numpy.errstate(all="ignore"):
      parts.append(numpy.array(moved, "<f4").tobytes())
  file = Path(folder) / f"{name}.{dtype}.bin"
  file.write_bytes(b"".join(parts))
  return file.name, file.stat().st_size


if __name__ == "__main__":
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("--points", type=int, default=1000)
  parser.add_argument("--folder", default=str(Path(__file__).parent / "accuracy"))
  parser.add_argument("--only", action="append")
  parser.add_argument("--seed", type=int, default=1)
  parser.add_argument("--jobs", type=int, default=2)
  given = parser.parse_args()
  Path(given.folder).mkdir(exist_ok=True)
  names = given.only or [*accuracy_regions.UNARY, *accuracy_regions.BINARY]
  jobs = [(name, dtype, given.points, given.seed, given.folder) for name in names for dtype in ("float64", "float32")]
  total = 0
  with multiprocessing.Pool(given.jobs) as pool:
    for name, size in pool.imap(table, jobs, chunksize=1):
      total += size
      print(name, size, flush=True)
  print(f"{len(jobs)} tables, {total:,} bytes")
