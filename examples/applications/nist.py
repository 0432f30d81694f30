"""Fits all 27 nonlinear regression problems of NIST's Statistical Reference Datasets, and counts the digits that agree.

NIST publishes for each problem the data, the formula, two starting points and the best parameters, certified to eleven digits
(https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml). Getting many of them right takes good derivatives: with finite differences
in place of the exact ones, the same method misses the eighth digit in about half of the problems.

The formula in the file becomes a graph (formula.py). The data are its constants, the parameters its inputs, the residuals its output.
POST /v1/jacobian answers with the residuals and all their derivatives, and least_squares.py turns those into the next step.

    python3 nist.py                  all problems, from both starts
    python3 nist.py Misra1a MGH09    only these

The exit status is 1 if any parameter of any problem agrees in fewer than eight digits from the second start.
"""

import math
import pathlib
import re
import sys
import time
from typing import NamedTuple

from autograd import Server
from formula import graph
from least_squares import fit

FOLDER = pathlib.Path(__file__).parent / "nist"
WANTED = 8


class Problem(NamedTuple):
    name: str
    formula: str  # of the residuals
    data: dict  # each variable's observations
    starts: list  # two, each with a number for every parameter
    certified: list
    sum_of_squares: float


def read(path):
    """A problem from NIST's file. Its formula is given as `y = b1*(1-exp[-b2*x])  +  e`; e is the error, that is, the residual."""
    text = path.read_text()
    left, right = re.search(r"^ *(\S+) *= *(\S[^=]*?)\+ *e *$", text, re.MULTILINE).groups()
    formula = " ".join(f"{left} - ({right})".split()).replace("[", "(").replace("]", ")").replace("arctan", "atan")
    parameters = [[float(n) for n in line.split()] for line in re.findall(r"^ *b\d+ *=(.*)$", text, re.MULTILINE)]
    start1, start2, certified, _ = map(list, zip(*parameters))
    _, header, table = re.split(r"^Data:(.*)\n", text, flags=re.MULTILINE)[-3:]
    columns = zip(*([float(n) for n in line.split()] for line in table.splitlines()))
    data = dict(zip(header.split(), map(list, columns)))
    squares = float(re.search(r"Residual Sum of Squares: *(\S+)", text)[1])
    return Problem(path.stem, formula, data, [start1, start2], certified, squares)


def solve(server, problem, start):
    """Levenberg and Marquardt's method, one request for each point that it visits."""
    residual_graph = graph(problem.formula, pi=math.pi, **problem.data)
    (residual,) = residual_graph["outputs"]
    names = [f"b{i + 1}" for i in range(len(start))]

    def residuals_and_jacobian(b):
        answer = server.post("jacobian", graph=residual_graph, inputs=dict(zip(names, b)))
        jacobian = answer["jacobians"][residual]
        # float() because NaN and infinities come as strings, which is how a step into the forbidden shows.
        return [float(r) for r in answer["outputs"][residual]], [[float(d) for d in jacobian[name]] for name in names]

    return fit(residuals_and_jacobian, start)


def digits(value, certified):
    """How many digits agree: minus the logarithm of the relative error. There are eleven to compare with."""
    error = abs(value - certified) / abs(certified)
    return min(11.0, -math.log10(error)) if error > 0.0 else 11.0


def main(chosen):
    server = Server()
    started = time.perf_counter()
    print(f"{'':9}{'residual sum of squares':^36}{'from the first start':>27}{'from the second start':>27}")
    print(f"{'problem':9}{'found':>18}{'certified':>18}" + f"{'digits':>9}{'steps':>8}{'requests':>10}" * 2)
    fewest = [{}, {}]  # for each start, the digits of each problem's worst parameter
    requests = 0
    for path in sorted(FOLDER.glob("*.dat")):
        problem = read(path)
        if chosen and problem.name not in chosen:
            continue
        row = ""
        for known, start in zip(fewest, problem.starts):
            result = solve(server, problem, start)
            known[problem.name] = min(map(digits, result.parameters, problem.certified))
            requests += result.evaluations
            row += f"{known[problem.name]:9.1f}{result.steps:8}{result.evaluations:10}"
        print(f"{problem.name:9}{result.sum_of_squares:18.10E}{problem.sum_of_squares:18.10E}{row}")

    print(f"\n{requests} requests in {time.perf_counter() - started:.1f} s")
    for which, known in zip(("first", "second"), fewest):
        short = [name for name, agreeing in known.items() if not agreeing >= WANTED]
        print(f"From the {which} start {len(known) - len(short)} of {len(known)} agree in at least {WANTED} digits.", *short)
    return 1 if short or not known else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
