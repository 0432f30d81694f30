#!/usr/bin/env python3
"""Builds Sources/CKernels/special.c and normal.c on their own and measures its errors against mpmath, region by region.

Prints the errors that head special.h, in units in the last place, and exits with 1 if one is above its bound or a special value is
wrong. Needs a C compiler (CC, else clang, else cc) and mpmath; with gmpy2 installed mpmath is several times faster. The points are
random with a fixed seed: as many as fit the time, at most --points per region.

    scripts/check-special-functions.py [--points 100000] [--seconds 45] [--only digamma] [--coefficients]
"""
import argparse
import ctypes
import functools
import math
import multiprocessing
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mpmath import mp, mpf

FOLDER = Path(__file__).resolve().parent.parent / "Sources/CKernels"
SOURCES = [FOLDER / f"{name}.c" for name in ("special", "normal")]
UNARY = ["erfinv", "lgamma", "digamma", "softplus", "log_sigmoid"]
BINARY = ["polygamma", "logaddexp", "xlogy", "remainder"]
DIGAMMA_ROOT = 1.4616321449683623
INF, NAN = math.inf, math.nan
mp.dps = 40


def build(directory):
    """Compiles with the product's rule for floating point: no contraction, nothing fast."""
    compiler = os.environ.get("CC") or shutil.which("clang") or "cc"
    library = os.path.join(directory, "special.so")
    flags = ["-O2", "-Wall", "-Wextra", "-Wno-unknown-pragmas", "-Werror", "-ffp-contract=off", "-shared", "-fPIC"]
    subprocess.run([compiler, *flags, f"-I{FOLDER}/include", *map(str, SOURCES), "-o", library, "-lm"], check=True, timeout=60)
    return library


@functools.cache
def function(library, name):
    found = getattr(ctypes.CDLL(library), "ck_" + name)
    number = ctypes.c_float if name.endswith("f") else ctypes.c_double
    found.restype = number
    found.argtypes = [number] * (2 if name.removesuffix("f") in BINARY else 1)
    return found


# What is right ---------------------------------------------------------------------------------------------------------------------


def log1p_exp(x):
    return mp.log1p(mp.exp(x)) if x < 0 else x + mp.log1p(mp.exp(-x))


def erfinv(x, library):
    """Newton's iteration from the answer under test: a good one makes it converge at once, from a bad one it moves away and is seen."""
    y = mpf(function(library, "erfinv")(float(x)))
    for _ in range(3):
        residual = mp.erf(y) - x if abs(x) < 0.5 else (1 - abs(x) - mp.erfc(abs(y))) * mp.sign(x)
        y -= residual * mp.sqrt(mp.pi) / 2 * mp.exp(y * y)
    return y


def digamma(x):
    return mp.digamma(x) if x > 0 else mp.digamma(1 - x) - mp.pi * mp.cospi(x) / mp.sinpi(x)


def polygamma(n, x):
    """Negative x by sums over all poles, not by the cotangent that is under test; mpmath's own recurrence takes a step per pole."""
    n = int(n)
    if x > 0:
        return mp.psi(n, x)
    r = x - mp.nint(x)  # exact, where 1 + r is not
    left, right, missing = (abs(mp.psi(n, a)) for a in (r if r > 0 else 1 + r, -r if r < 0 else 1 - r, 1 - x))
    return left + right - missing if n % 2 else right - missing - left


REFERENCE = {
    "lgamma": lambda x: mp.loggamma(x).real if x > 0 else mp.log(abs(mp.gamma(x))),
    "digamma": digamma,
    "softplus": log1p_exp,
    "log_sigmoid": lambda x: -log1p_exp(-x),
    "polygamma": polygamma,
    "logaddexp": lambda x, y: max(x, y) + log1p_exp(-abs(x - y)),
    "xlogy": lambda x, y: x * mp.log(y),
    "remainder": lambda x, y: x - y * mp.floor(x / y),
}


def unit(name, arguments, value):
    """What the error is relative to: the value, but beside the zeros between poles (the regions with a *) no less than the slope times
    the distance to the nearest pole, and beside the zeros of logaddexp no less than the larger argument."""
    x = arguments[-1]
    if x < 0 and name in ("lgamma", "digamma", "polygamma"):
        slope = digamma(x) if name == "lgamma" else polygamma(arguments[0] + 1 if name == "polygamma" else 1, x)
        return max(abs(value), abs(slope * (x - mp.nint(x))))
    if name == "logaddexp":
        return max(abs(value), abs(max(arguments)))
    return abs(value)


# Where ---------------------------------------------------------------------------------------------------------------------------


def logarithmic(low, high, sign=1):
    """10^low to 10^high."""
    return lambda r: sign * min(10 ** r.uniform(low, high), sys.float_info.max)


def uniform(low, high):
    return lambda r: r.uniform(low, high)


def near(point, low, high, side=0):
    """At a distance of 10^low to 10^high, on one side or on both."""
    return lambda r: point + (side or r.choice((-1, 1))) * 10 ** r.uniform(low, high)


def near_integers(lowest, low, high):
    return lambda r: r.randint(lowest, -1) + r.choice((-1, 1)) * 10 ** r.uniform(low, high)


def either_sign(sample):
    return lambda r: r.choice((-1, 1)) * sample(r)


def orders(low, high):
    return lambda r: float(r.randint(low, high))


# Function, region, samplers of the arguments, largest error allowed in ulp.
REGIONS = [
    ("erfinv", "|x| in [1e-320, 1e-3]", [either_sign(logarithmic(-320, -3))], 4),
    ("erfinv", "(-1, 1)", [uniform(-1, 1)], 4),
    ("erfinv", "1 - x in [1e-16, 0.1]", [near(1, -15.95, -1, -1)], 4),
    ("lgamma", "[1e-308, 1]", [logarithmic(-308, 0)], 4),
    ("lgamma", "[1, 20]", [uniform(1, 20)], 4),
    ("lgamma", "[20, 1e305]", [logarithmic(1.3, 305)], 4),
    ("lgamma", "[-50, 0] *", [uniform(-50, 0)], 4),
    ("digamma", "[1e-307, 1]", [logarithmic(-307, 0)], 4),
    ("digamma", "[1, 2]", [uniform(1, 2)], 4),
    ("digamma", "root +- [1e-16, 0.1]", [near(DIGAMMA_ROOT, -16, -1)], 4),
    ("digamma", "[2, 10]", [uniform(2, 10)], 4),
    ("digamma", "[10, 1e308]", [logarithmic(1, 308)], 4),
    ("digamma", "[-100, 0] *", [uniform(-100, 0)], 4),
    ("digamma", "[-1e9, -1e-300] *", [logarithmic(-300, 9, -1)], 4),
    ("digamma", "poles +- [1e-15, 0.1] *", [near_integers(-50, -15, -1)], 4),
    ("polygamma", "n = 1, [1e-150, 10]", [orders(1, 1), logarithmic(-150, 1)], 4),
    ("polygamma", "n = 1, [10, 1e305]", [orders(1, 1), logarithmic(1, 305)], 4),
    ("polygamma", "n = 1, [-100, 0] *", [orders(1, 1), uniform(-100, 0)], 6),
    ("polygamma", "n 2 to 20, [1e-10, 10]", [orders(2, 20), logarithmic(-10, 1)], 8),
    ("polygamma", "n 2 to 20, [0, 50]", [orders(2, 20), uniform(0, 50)], 8),
    ("polygamma", "n 2 to 20, [50, 1e14]", [orders(2, 20), logarithmic(1.7, 14)], 8),
    ("polygamma", "n 2 to 20, [-100, 0] *", [orders(2, 20), uniform(-100, 0)], 20),
    ("polygamma", "n 21 to 100, [0.01, 1000]", [orders(21, 100), logarithmic(-2, 3)], 20),
    ("polygamma", "n 21 to 100, [-100, 0] *", [orders(21, 100), uniform(-100, 0)], 30),
    ("softplus", "[-745, 745]", [uniform(-745, 745)], 4),
    ("softplus", "|x| in [1e-300, 40]", [either_sign(logarithmic(-300, 1.6))], 4),
    ("log_sigmoid", "[-745, 745]", [uniform(-745, 745)], 4),
    ("log_sigmoid", "|x| in [1e-300, 40]", [either_sign(logarithmic(-300, 1.6))], 4),
    ("logaddexp", "[0, 700]^2", [uniform(0, 700), uniform(0, 700)], 4),
    ("logaddexp", "[-40, 40]^2 *", [uniform(-40, 40), uniform(-40, 40)], 4),
    ("logaddexp", "|x|, |y| in [1e-5, 1e300] *", [either_sign(logarithmic(-5, 300)), either_sign(logarithmic(-5, 300))], 4),
    ("xlogy", "|x| in [1e-9, 1e9], y in [1e-300, 1e300]", [either_sign(logarithmic(-9, 9)), logarithmic(-300, 300)], 4),
    ("remainder", "|x|, |y| in [1e-9, 1e9]", [either_sign(logarithmic(-9, 9)), either_sign(logarithmic(-9, 9))], 0.5),
    ("erfinvf", "(-1, 1)", [uniform(-1, 1)], 0.51),
    ("lgammaf", "[1e-3, 1e3]", [logarithmic(-3, 3)], 0.51),
    ("digammaf", "[1e-3, 1e3]", [logarithmic(-3, 3)], 0.51),
    ("polygammaf", "n 1 to 9, [0.01, 1000]", [orders(1, 9), logarithmic(-2, 3)], 0.51),
    ("softplusf", "[-87, 87]", [uniform(-87, 87)], 0.51),
    ("log_sigmoidf", "[-87, 87]", [uniform(-87, 87)], 0.51),
    ("logaddexpf", "[0, 87]^2", [uniform(0, 87), uniform(0, 87)], 0.51),
    ("xlogyf", "|x| in [1e-9, 1e9], y in [1e-30, 1e30]", [either_sign(logarithmic(-9, 9)), logarithmic(-30, 30)], 0.51),
    ("remainderf", "|x|, |y| in [1e-9, 1e9]", [either_sign(logarithmic(-9, 9)), either_sign(logarithmic(-9, 9))], 0.5),
]


def ulp(value, single):
    bits, smallest = (24, -149) if single else (53, -1074)
    return mp.ldexp(1, max(mp.frexp(value)[1] - bits, smallest)) if value else mp.ldexp(1, smallest)


def as_single(x):
    return struct.unpack("f", struct.pack("f", x))[0]


def measure(library, points, seconds, index):
    """The largest error in a region, where it is, its bound, and the number of points."""
    name, region, samplers, bound = REGIONS[index]
    single = name.endswith("f")
    name_of_double = name.removesuffix("f")
    r = random.Random(f"{name} {region}")
    worst, where, deadline = mpf(0), None, time.monotonic() + seconds
    for count in range(1, points + 1):
        arguments = [sample(r) for sample in samplers]
        if single:
            arguments = [as_single(a) for a in arguments]
        # A sample may round onto a pole or onto 1, which are among the special values.
        x = arguments[-1]
        if not (name_of_double == "erfinv" and abs(x) >= 1 or x <= 0 and x == int(x)):
            exact = [mpf(a) for a in arguments]
            value = erfinv(*exact, library) if name_of_double == "erfinv" else REFERENCE[name_of_double](*exact)
            got = function(library, name)(*arguments)
            if math.isfinite(got):
                error = abs(mpf(got) - value) / ulp(value, single)
                if error > worst:  # only then is the unit, slow to find, needed
                    error = abs(mpf(got) - value) / ulp(unit(name_of_double, exact, value), single)
            else:
                largest = mpf(2) ** (128 if single else 1024)
                error = mpf(0) if abs(value) >= largest * (1 - mpf(2) ** -50) and (got > 0) == (value > 0) else mp.inf
            if error > worst:
                worst, where = error, arguments
        if time.monotonic() > deadline:
            break
    return name, region, float(worst), where, bound, count


# Special values --------------------------------------------------------------------------------------------------------------------

SPECIAL = [
    ("erfinv", (1,), INF), ("erfinv", (-1,), -INF), ("erfinv", (0.0,), 0.0), ("erfinv", (-0.0,), -0.0), ("erfinv", (1.5,), NAN),
    ("erfinv", (-INF,), NAN),
    ("digamma", (0.0,), -INF), ("digamma", (-0.0,), INF), ("digamma", (-3,), NAN), ("digamma", (-1e300,), NAN),
    ("digamma", (INF,), INF), ("digamma", (-INF,), NAN),
    ("polygamma", (0, 0.0), -INF), ("polygamma", (1, 0.0), INF), ("polygamma", (1, -0.0), INF), ("polygamma", (2, 0.0), NAN),
    ("polygamma", (3, -5), INF), ("polygamma", (4, -5), NAN), ("polygamma", (1.5, 2), NAN), ("polygamma", (-1, 2), NAN),
    ("polygamma", (101, 2), NAN), ("polygamma", (INF, 2), NAN), ("polygamma", (1, INF), 0.0), ("polygamma", (2, INF), -0.0),
    ("polygamma", (1, -INF), NAN), ("polygamma", (100, 5e-324), -INF), ("polygamma", (99, -5e-324), INF),
    ("polygamma", (100, -5e-324), INF), ("polygamma", (100, 1e308), -0.0), ("polygamma", (1, 1e308), 1e-308),
    ("lgamma", (0.0,), INF), ("lgamma", (-2,), INF), ("lgamma", (INF,), INF), ("lgamma", (1,), 0.0), ("lgamma", (2,), 0.0),
    ("softplus", (INF,), INF), ("softplus", (-INF,), 0.0), ("softplus", (1000,), 1000.0), ("softplus", (-1000,), 0.0),
    ("log_sigmoid", (INF,), -0.0), ("log_sigmoid", (-INF,), -INF), ("log_sigmoid", (-1000,), -1000.0),
    ("logaddexp", (-INF, -INF), -INF), ("logaddexp", (INF, INF), INF), ("logaddexp", (INF, -INF), INF),
    ("logaddexp", (-INF, INF), INF), ("logaddexp", (-INF, 2.5), 2.5), ("logaddexp", (2.5, -INF), 2.5),
    ("logaddexp", (1e308, -1e308), 1e308), ("logaddexp", (NAN, INF), NAN), ("logaddexp", (-INF, NAN), NAN),
    ("xlogy", (0, 0), 0.0), ("xlogy", (0, -1), 0.0), ("xlogy", (0, INF), 0.0), ("xlogy", (0, NAN), NAN), ("xlogy", (NAN, 0), NAN),
    ("xlogy", (2, 0), -INF), ("xlogy", (2, -1), NAN),
    ("remainder", (5, 3), 2.0), ("remainder", (-5, 3), 1.0), ("remainder", (5, -3), -1.0), ("remainder", (-6, 3), 0.0),
    ("remainder", (6, -3), -0.0), ("remainder", (5, INF), 5.0), ("remainder", (-5, INF), INF), ("remainder", (5, -INF), -INF),
    ("remainder", (-0.0, INF), 0.0), ("remainder", (INF, 3), NAN), ("remainder", (3, 0), NAN), ("remainder", (NAN, 3), NAN),
    ("remainder", (3, NAN), NAN),
]


def check_special_values(library):
    """Prints what differs, in double and, where float holds the arguments, in float; returns how many."""
    wrong = 0
    cases = SPECIAL + [(name, (NAN,), NAN) for name in UNARY] + [("polygamma", (n, NAN), NAN) for n in (0, 1, 100)]
    cases.append(("polygamma", (NAN, 1), NAN))
    singles = [(n + "f", a, e) for n, a, e in cases if all(not 0 < abs(x) < 1e-30 and not 1e30 < abs(x) < INF for x in a)]
    for name, arguments, expected in cases + singles:
        got = function(library, name)(*arguments)
        same = math.isnan(got) if math.isnan(expected) else got == expected and math.copysign(1, got) == math.copysign(1, expected)
        if not same:
            wrong += 1
            print(f"{name}{arguments} is {got}, not {expected}", file=sys.stderr)
    return wrong


def print_coefficients():
    """The tables of special.c: digamma(1 + y) / (y - root) on [0, 1], and B(2j) / (2j)!."""
    root = mp.findroot(mp.digamma, DIGAMMA_ROOT) - 1
    high = float(root)
    print("root_high", repr(high), "root_low", repr(float(root - high)))
    count = 23
    nodes = [mp.cos(mp.pi * (2 * k + 1) / (2 * count)) / 2 for k in range(count)]
    powers = mp.matrix(count, count)
    values = mp.matrix(count, 1)
    for i, t in enumerate(nodes):
        values[i] = mp.digamma(mpf(3) / 2 + t) / (t + mpf(1) / 2 - root)
        for j in range(count):
            powers[i, j] = t**j
    print("coefficients", *(repr(float(c)) for c in mp.lu_solve(powers, values)))
    print("bernoulli", *(repr(float(mp.bernoulli(2 * j) / mp.factorial(2 * j))) for j in range(1, 13)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=100_000, help="per region, at most")
    parser.add_argument("--seconds", type=float, default=45, help="for all regions together")
    parser.add_argument("--only", default="", help="only the regions of one function")
    parser.add_argument("--coefficients", action="store_true", help="print the tables of special.c instead")
    options = parser.parse_args()
    if options.coefficients:
        return print_coefficients()

    regions = [index for index, region in enumerate(REGIONS) if options.only in ("", region[0])]
    processes = min(os.cpu_count() or 1, len(regions))
    share = options.seconds * processes / len(regions)
    with tempfile.TemporaryDirectory() as directory:
        library = build(directory)
        failures = check_special_values(library)
        with multiprocessing.Pool(processes) as pool:
            results = pool.imap(functools.partial(measure, library, options.points, share), regions)
            for name, region, worst, where, bound, count in results:
                verdict = "" if worst <= bound else f"  ABOVE {bound} at {where}"
                failures += worst > bound
                print(f"{name:13}{region:43}{worst:8.3g}  {count:7} points{verdict}", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
