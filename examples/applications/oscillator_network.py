"""A neural network that learns to swing from the law of motion alone; it never sees a swing.

A weight on a spring with friction, pulled down and let go, obeys

    u'' + 2 damping frequency u' + frequency² u = 0,   u(0) = 1,  u'(0) = 0

A small network N(t), one layer of tanh between one number in and one number out, makes a candidate u(t) = 1 + t² N(t), which starts
right whatever the weights are. It is trained until the left side of the equation, the residual, is nearly zero at a few dozen times.

u' and u'' are themselves derivatives: nodes `grad` inside the graph, the second one applied to the first one's result. The server then
differentiates through them by the weights, which is a third derivative of the network, and L-BFGS goes downhill by it.
"""

import math
import random
import time

from autograd import Server, node
from comparison import Comparison
from lbfgs import minimise

FREQUENCY, DAMPING = 2 * math.pi, 0.1
DURATION = 1.5  # about one and a half swings
UNITS = 16
TIMES = [DURATION * i / 39 for i in range(40)]

GRAPH = {
    "inputs": [
        {"name": "t", "dtype": "float64", "shape": ["times"]},
        {"name": "weights", "dtype": "float64", "shape": [3 * UNITS + 1]},
    ],
    "nodes": [
        # The network: level + Σ amplitude tanh(slope t + offset), all times at once.
        node("split", "weights", to=["slopes", "offsets", "amplitudes", "level"], splits=[UNITS, UNITS, UNITS, 1]),
        node("outer", "t", "slopes", to="stretched"),
        node("add", "stretched", "offsets", to="shifted"),
        node("tanh", "shifted", to="hidden"),
        node("matmul", "hidden", "amplitudes", to="mixed"),
        node("add", "mixed", "level", to="network"),
        # The candidate.
        node("square", "t", to="t_squared"),
        node("mul", "t_squared", "network", to="departure"),
        node("add", "departure", 1, to="u"),
        # `grad` differentiates a sum, here that of u over all times. Each u depends on its own time only, so what comes back is the
        # list of u' at each time; and once more.
        node("grad", "u", "t", to="velocity"),
        node("grad", "velocity", "t", to="acceleration"),
        # The law of motion, divided by frequency² to be of order one.
        node("mul", "velocity", 2 * DAMPING / FREQUENCY, to="friction"),
        node("div", "acceleration", FREQUENCY**2, to="inertia"),
        node("add", "inertia", "friction", to="without_spring"),
        node("add", "without_spring", "u", to="residual"),
        node("square", "residual", to="squared_residual"),
        node("mean", "squared_residual", to="loss"),
    ],
    "outputs": ["loss"],
}


def train(server, report=None):
    def loss(weights):
        answer = server.post("evaluate", graph=GRAPH, inputs={"t": TIMES, "weights": weights}, wrt=["weights"])
        return answer["outputs"]["loss"], answer["gradients"]["weights"]

    # Each unit starts as a gentle step up or down, somewhere in the interval.
    chance = random.Random(4)
    slopes = [chance.choice([-1, 1]) * chance.uniform(1, 3) for _ in range(UNITS)]
    offsets = [-slope * chance.uniform(0, DURATION) for slope in slopes]
    amplitudes = [chance.gauss(0, 1) for _ in range(UNITS)]
    # There are 49 weights; with as many steps remembered L-BFGS knows the curvature in nearly every direction, and needs far fewer.
    return minimise(loss, slopes + offsets + amplitudes + [0.0], memory=50, iterations=2000, report=report)


def exact(t):
    """The damped swing as textbooks have it."""
    slower = FREQUENCY * math.sqrt(1 - DAMPING**2)
    decay = math.exp(-DAMPING * FREQUENCY * t)
    return decay * (math.cos(slower * t) + DAMPING * FREQUENCY / slower * math.sin(slower * t))


def main():
    server, comparison = Server(), Comparison()

    def report(step, loss, slope):
        if step % 200 == 0:
            print(f"{step:6}{loss:16.2e}{slope:22.2e}")

    print(f"{'step':>6}{'mean residual²':>16}{'length of gradient':>22}")
    start = time.monotonic()
    trained = train(server, report)
    seconds = time.monotonic() - start
    print(f"{trained.iterations:6}{trained.value:16.2e}{trained.gradient_norm:22.2e}")
    print(f"{trained.evaluations} requests, {1000 * seconds / trained.evaluations:.1f} ms each, the minimiser's own work included")

    # The same graph answers what was learned: other times go in, other values are asked for, and no gradients.
    fine = [DURATION * i / 600 for i in range(601)]
    inputs = {"t": fine, "weights": trained.x}
    learned = server.post("evaluate", graph=GRAPH, inputs=inputs, outputs=["u"], gradients=False)["outputs"]["u"]
    worst = max(range(601), key=lambda i: abs(learned[i] - exact(fine[i])))

    comparison.title("What it learned", "exact")
    for i in range(0, 601, 50):
        comparison.row(f"u({fine[i]:.3f})", learned[i], exact(fine[i]), tolerance=1e-4)
    comparison.row(f"u({fine[worst]:.4f}), furthest off of 601", learned[worst], exact(fine[worst]), tolerance=1e-4)
    comparison.finish()


if __name__ == "__main__":
    main()
