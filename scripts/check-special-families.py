#!/usr/bin/env python3
"""Measures the special functions that come with families of derivatives (normal.c, log_normal.c, bessel.c, sinc.c, incomplete_gamma.c,
incomplete_beta.c, hurwitz.c) against mpmath, region by region and order by order.

Prints the largest error of each in units in the last place, and what of it two units in the last place of each operand do not explain; exits
with 1 if the latter is above 8 for values and first derivatives, or a special value is wrong. Needs a C compiler (CC, else clang, else
cc) and mpmath; what is right is said by Tests/Fixtures/oracle_special.py.

    scripts/check-special-families.py [--points 40] [--only ndtri] [--coefficients]
"""
import argparse
import ctypes
import math
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from mpmath import mp, mpf

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "Tests/Fixtures"))
from oracle_special import FUNCTIONS  # noqa: E402
from special_values import ORDERS, REGIONS, derivative, function_of  # noqa: E402

SOURCES = ["special", "normal", "log_normal", "bessel", "sinc", "incomplete_gamma", "incomplete_beta", "hurwitz", "families"]
#: As ck_family has them.
FAMILIES = ["ndtr", "log_ndtr", "ndtri", "erfcx", "sinc", "i0e", "i1e", "erfinv"]
STEP = 4096
BETA_ORDERS = [(i, j, t - i - j) for t in range(5) for i in range(t + 1) for j in range(t - i + 1)]
INF, NAN = math.inf, math.nan


def build(directory):
    """Compiles with the product's rule for floating point: no contraction, nothing fast."""
    compiler = os.environ.get("CC") or shutil.which("clang") or "cc"
    folder, library = ROOT / "Sources/CKernels", os.path.join(directory, "families.so")
    flags = ["-O2", "-Wall", "-Wextra", "-Wno-unknown-pragmas", "-Werror", "-ffp-contract=off", "-shared", "-fPIC", f"-I{folder}/include"]
    subprocess.run([compiler, *flags, *(str(folder / f"{s}.c") for s in SOURCES), "-o", library, "-lm"], check=True, timeout=120)
    return ctypes.CDLL(library)


class Kernels:
    """The derivatives of each function by their orders."""

    def __init__(self, library):
        double = ctypes.c_double
        self.functions = {}
        for name, types in {
            "family_derivative": [double] * 2, "gammainc_partial": [double] * 3, "gammaincc": [double] * 2, "zeta_partial": [double] * 3,
            "betainc_partial": [ctypes.c_int] + [double] * 3,
        }.items():
            function = self.functions[name] = getattr(library, "ck_" + name)
            function.restype, function.argtypes = double, types

    def __call__(self, op, orders, point):
        if op in FAMILIES:
            return self.functions["family_derivative"](FAMILIES.index(op) * STEP + orders[0], *point)
        if op == "betainc":
            return self.functions["betainc_partial"](BETA_ORDERS.index(tuple(orders)), *point)
        if op == "gammaincc":
            if not any(orders):
                return self.functions["gammaincc"](*point)
            return -self("gammainc", orders, point)
        return self.functions[op + "_partial"](orders[0] + STEP * orders[1], *point)


def measure(kernels, op, orders, points):
    """The largest error, the largest that is not excused, and where that is."""
    worst = unexcused = 0.0
    where = None
    for point in points:
        function = function_of(op, point)
        value = derivative(function, orders, point)
        if not 1e-290 < abs(value) < 1e290:
            continue
        unit = math.ulp(abs(float(value)))
        error = float(abs(mpf(kernels(op, orders, point)) - value)) / unit
        worst = max(worst, error) if error == error else INF
        if error <= 4:
            continue
        for position, x in enumerate(point):
            higher = tuple(n + (i == position) for i, n in enumerate(orders))
            error -= 2 * math.ulp(x) * abs(float(derivative(function, higher, point))) / unit
        if not error <= unexcused:
            unexcused, where = error, point
    return worst, unexcused, where


SPECIAL = [
    ("ndtr", (0,), (-INF,), 0.0), ("ndtr", (0,), (INF,), 1.0), ("ndtr", (1,), (INF,), 0.0), ("ndtr", (3,), (-INF,), 0.0),
    ("log_ndtr", (0,), (-INF,), -INF), ("log_ndtr", (0,), (INF,), 0.0), ("log_ndtr", (1,), (-INF,), INF), ("log_ndtr", (1,), (INF,), 0.0),
    ("log_ndtr", (2,), (-INF,), -1.0), ("log_ndtr", (3,), (-INF,), 0.0),
    ("ndtri", (0,), (0,), -INF), ("ndtri", (0,), (1,), INF), ("ndtri", (0,), (0.5,), 0.0), ("ndtri", (0,), (1.5,), NAN),
    ("ndtri", (1,), (0,), INF), ("ndtri", (2,), (0,), -INF), ("ndtri", (2,), (0.5,), 0.0), ("ndtri", (1,), (-1,), NAN),
    ("erfinv", (1,), (1,), INF), ("erfinv", (2,), (-1,), -INF), ("erfinv", (2,), (0,), 0.0),
    ("erfcx", (0,), (INF,), 0.0), ("erfcx", (0,), (-30,), INF), ("erfcx", (1,), (INF,), 0.0), ("erfcx", (1,), (-INF,), -INF),
    ("erfcx", (2,), (0,), 2.0), ("erfcx", (0,), (0,), 1.0),
    ("sinc", (0,), (0,), 1.0), ("sinc", (1,), (0,), 0.0), ("sinc", (2,), (0,), -math.pi**2 / 3), ("sinc", (0,), (3,), 0.0),
    ("sinc", (0,), (INF,), 0.0), ("sinc", (3,), (-INF,), 0.0),
    ("i0e", (0,), (0,), 1.0), ("i0e", (1,), (0,), 0.0), ("i0e", (2,), (0,), 1.5), ("i0e", (0,), (INF,), 0.0),
    ("i1e", (0,), (0,), 0.0), ("i1e", (1,), (0,), 0.5), ("i1e", (2,), (0,), 0.0), ("i1e", (1,), (-INF,), 0.0),
    ("gammainc", (0, 0), (0, 1), 1.0), ("gammainc", (0, 0), (1, 0), 0.0), ("gammainc", (0, 0), (0, 0), NAN),
    ("gammainc", (0, 0), (INF, 1), 0.0), ("gammainc", (0, 0), (1, INF), 1.0), ("gammainc", (0, 0), (INF, INF), NAN),
    ("gammainc", (0, 0), (-1, 1), NAN), ("gammainc", (0, 0), (1, -1), NAN), ("gammainc", (0, 1), (1, 0), 1.0),
    ("gammainc", (0, 1), (0.5, 0), INF), ("gammainc", (0, 1), (2, 0), 0.0), ("gammainc", (0, 2), (2, 0), 1.0),
    ("gammainc", (0, 2), (1, 0), -1.0), ("gammainc", (0, 3), (2, 0), -2.0), ("gammainc", (1, 0), (2, 0), 0.0),
    ("gammainc", (1, 0), (2, INF), 0.0), ("gammainc", (2, 0), (INF, 1), 0.0), ("gammainc", (1, 1), (1, 0), -INF),
    ("gammaincc", (0, 0), (0, 1), 0.0), ("gammaincc", (0, 0), (1, 0), 1.0), ("gammaincc", (0, 0), (1, INF), 0.0),
    ("zeta", (0, 0), (1, 2), INF), ("zeta", (0, 0), (0.5, 2), NAN), ("zeta", (0, 0), (2, 0), INF), ("zeta", (0, 0), (2, -3), INF),
    ("zeta", (0, 0), (2.5, -0.5), NAN), ("zeta", (1, 0), (2, -0.5), NAN), ("zeta", (0, 0), (INF, 2), 0.0), ("zeta", (0, 0), (2, INF), 0.0),
    ("zeta", (0, 1), (3, 0), -INF), ("zeta", (1, 1), (INF, 2), 0.0),
    ("betainc", (0, 0, 0), (1, 1, 0), 0.0), ("betainc", (0, 0, 0), (1, 1, 1), 1.0), ("betainc", (0, 0, 0), (0, 1, 0.5), NAN),
    ("betainc", (0, 0, 0), (1, 1, 1.5), NAN), ("betainc", (0, 0, 1), (1, 1, 0), 1.0), ("betainc", (0, 0, 1), (2, 3, 1), 0.0),
    ("betainc", (0, 0, 1), (0.5, 1, 0), INF), ("betainc", (1, 0, 0), (2, 3, 0), 0.0), ("betainc", (0, 1, 0), (2, 3, 1), 0.0),
]


def check_special_values(kernels):
    """Prints what differs, and where NaN does not give NaN; returns how many."""
    wrong = 0
    cases = list(SPECIAL)
    for op in [*FAMILIES, "gammainc", "gammaincc", "zeta", "betainc"]:
        arity = 1 if op in FAMILIES else 3 if op == "betainc" else 2
        for orders in ORDERS[arity]:
            cases += [(op, orders, tuple(NAN if i == j else 0.5 + (op == "zeta") for j in range(arity)), NAN) for i in range(arity)]
    for op, orders, point, expected in cases:
        got = kernels(op, orders, point)
        if not (math.isnan(got) if math.isnan(expected) else got == expected or abs(got - expected) <= 1e-15 * abs(expected) < INF):
            wrong += 1
            print(f"{op} {orders} at {point} is {got}, not {expected}", file=sys.stderr)
    return wrong


# Tables ----------------------------------------------------------------------------------------------------------------------------


def erfcx_table(center, count):
    """|erfcx⁽ᵏ⁾(center)| / k!, from the ratios of neighbours, run downwards."""
    ratios, ratio = {}, mpf(0)
    for n in range(count + 4000, -1, -1):
        ratios[n] = ratio = 1 / (2 * mpf(center) + 2 * (n + 1) * ratio)
    value, table = 2 / mp.sqrt(mp.pi), []
    for k in range(count):
        value *= ratios[k]
        table.append(value * mpf(2) ** k)
    return table


def hazard_table(center, count):
    """Taylor coefficients of the density over the distribution."""
    c, density, before, polynomial = mpf(center), [], mpf(0), mpf(1)
    for k in range(count):
        density.append((-1) ** k * polynomial * mp.npdf(c) / mp.factorial(k))
        before, polynomial = polynomial, c * polynomial - k * before
    distribution = [mp.ncdf(c)] + [density[k - 1] / k for k in range(1, count)]
    table = []
    for k in range(count):
        table.append((density[k] - mp.fsum(table[j] * distribution[k - j] for j in range(k))) / distribution[0])
    return table


def bessel_tables(center, count):
    """(-1)^k / k! times the derivatives of e^-x I0(x) and of e^-x I1(x)."""
    half = mpf(1) / 2
    g = [2**k * mp.rf(half, k) / mp.factorial(k) * mp.hyp1f1(k + half, k + 1, -2 * mpf(center)) for k in range(count + 1)]
    return [[v / mp.factorial(k) for k, v in enumerate(values)] for values in (g[:count], [a - b for a, b in zip(g, g[1:])])]


def print_coefficients():
    """The tables of the C files."""
    mp.dps = 150
    show = lambda name, table: print(name, *(repr(float(c)) for c in table))
    for center in (1, 2, 3, 4):
        show(f"erfcx at {center}", erfcx_table(center, 70))
    for center in range(-4, 3):
        show(f"hazard at {center}", hazard_table(center, 44))
    for center in (1, 2, 3, 4, 6, 8, 12, 16, 20, 24):
        for order, table in enumerate(bessel_tables(center, 54)):
            show(f"bessel {order} at {center}", table)
    show("reciprocal gamma", mp.taylor(lambda a: (mp.rgamma(1 + a) - 1) / a, mpf(1) / 2, 22))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=40, help="per region")
    parser.add_argument("--only", default="", help="only one function")
    parser.add_argument("--coefficients", action="store_true", help="print the tables of the C files instead")
    options = parser.parse_args()
    if options.coefficients:
        return print_coefficients()
    mp.dps = 60
    with tempfile.TemporaryDirectory() as directory:
        kernels = Kernels(build(directory))
        failures = check_special_values(kernels)
        for op in REGIONS if not options.only else [options.only]:
            r = random.Random(op + " families")
            points = [draw(r) for draw in REGIONS[op] for _ in range(options.points)]
            for orders in ORDERS[len(points[0])]:
                worst, unexcused, where = measure(kernels, op, orders, points)
                is_bad = sum(orders) < 2 and not unexcused <= 8
                failures += is_bad
                text = f"  beyond its operands' {unexcused:.3g} at {where}" if unexcused > 0 else ""
                print(f"{op:10}{str(orders):12}{worst:10.3g}{text}{'  ABOVE 8' if is_bad else ''}", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
