"""How far two processors' results of elementary and special functions are apart, in units in the last place.

    kernel-distances.py HERE THERE    files of kernel-digests

Fails where one is NaN alone, or where they are further apart than BAR: each is within 4 of the true value or so.
"""

import array
import sys

BAR = 8
ROOM = 20_000
TYPES = {0: ("d", "q"), 1: ("f", "i")}


def kernels(path):
  with open(path, "rb") as file:
    while head := file.readline():
      kind, op, dtype = head.decode().split()
      numbers, integers = TYPES[int(dtype)]
      data = file.read(ROOM * array.array(numbers).itemsize)
      yield (kind, int(op), int(dtype)), array.array(numbers, data), array.array(integers, data)


def ordered(bits, sign):
  """Integers that count numbers in their order, both zeros as one."""
  return bits if bits >= 0 else sign - bits


def distance(dtype, here, there, here_bits, there_bits):
  """The largest number of steps between neighbouring numbers that two results are apart."""
  sign = -1 << (63 if dtype == 0 else 31)
  worst = 0
  for a, b, m, n in zip(here, there, here_bits, there_bits):
    if (a != a) != (b != b):
      return float("inf")
    if a == a:
      worst = max(worst, abs(ordered(m, sign) - ordered(n, sign)))
  return worst


def main():
  found = {}
  for (name, *here), (other, *there) in zip(kernels(sys.argv[1]), kernels(sys.argv[2]), strict=True):
    assert name == other, f"{name} beside {other}"
    found[name] = distance(name[2], here[0], there[0], here[1], there[1])
  for name, worst in found.items():
    if worst > BAR:
      print(*name, "is", worst, "ulp apart")
  print(len(found), "kernels of functions are within", max(found.values()), "ulp of each other")
  sys.exit(max(found.values()) > BAR)


main()
