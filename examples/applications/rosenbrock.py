"""Finds the minimum of Rosenbrock's function in 50 dimensions, by L-BFGS with the server's gradients.

    f(x) = Σ 100 (x[i+1] - x[i]²)² + (1 - x[i])²

Rosenbrock made it up in 1960 to defeat those who walk straight downhill (H. H. Rosenbrock, "An automatic method for finding the greatest
or least value of a function", The Computer Journal 3, 175-184): a curved valley with steep walls and a floor that hardly slopes. From the
traditional start (-1.2, 1, -1.2, 1, ...) the way leads along the whole of it, to the minimum f = 0 where every x[i] = 1.

POST /v1/evaluate answers with f and all fifty derivatives at once, for a few times the cost of f alone. That is what lbfgs.py asks for.

    python3 rosenbrock.py

The exit status is 1 if f or any x[i] is not what it should be.
"""

import sys
import time

from autograd import Server, node
from lbfgs import minimise

GRAPH = {
    "nodes": [
        node("slice", "x", to="x[i]", starts=[0], ends=[-1]),
        node("slice", "x", to="x[i+1]", starts=[1], ends=[None]),
        node("square", "x[i]", to="x[i]²"),
        node("sub", "x[i+1]", "x[i]²", to="off the parabola"),
        node("square", "off the parabola", to="valley"),
        node("mul", 100, "valley", to="steep valley"),
        node("sub", 1, "x[i]", to="off the end"),
        node("square", "off the end", to="floor"),
        node("add", "steep valley", "floor", to="terms"),
        node("sum", "terms", to="f"),
    ]
}


def main(dimensions=50):
    server = Server()

    def value_and_gradient(x):
        answer = server.post("evaluate", graph=GRAPH, inputs={"x": x})
        return answer["outputs"]["f"], answer["gradients"]["x"]

    def report(step, value, gradient_norm):
        if step % 40 == 0:
            print(f"{step:5}{value:14.3e}{gradient_norm:16.3e}")

    print(f"{'step':>5}{'f':>14}{'|gradient|':>16}")
    started = time.perf_counter()
    result = minimise(value_and_gradient, [-1.2, 1.0] * (dimensions // 2), report=report)
    seconds = time.perf_counter() - started
    error = max(abs(p - 1.0) for p in result.x)
    print(f"{result.iterations:5}{result.value:14.3e}{result.gradient_norm:16.3e}")
    print(f"\n{result.evaluations} requests in {seconds:.1f} s; the x farthest from 1 is off by {error:.0e}")
    return 0 if result.value < 1e-16 and error < 1e-8 else 1


if __name__ == "__main__":
    sys.exit(main())
