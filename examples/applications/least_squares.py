"""The method of Levenberg and Marquardt: the parameters that make a sum of squares smallest, from residuals and their Jacobian.

It knows nothing of the server. What it is given is a function f(b) -> (residuals, columns), where columns[j] is the derivative of all
residuals with respect to parameter j; in these examples f posts b to /v1/jacobian, which answers both at once.
"""

from math import inf, isfinite, sqrt
from typing import NamedTuple


class Fit(NamedTuple):
    parameters: list
    sum_of_squares: float
    steps: int
    evaluations: int


def dot(a, b):
    return sum(p * q for p, q in zip(a, b))


def length(a):
    return sqrt(dot(a, a))


def fit(f, start, evaluations=10_000):
    """Steps from `start` to a minimum, as far as the arithmetic goes.

    Each step solves the problem with the residuals replaced by their tangents, damped so that it stays where the tangents can be
    trusted. The damping of each parameter is relative to the greatest length that its column ever had, so units do not matter, and a
    parameter that seems to have lost its influence does not run away. A good step lowers the damping, to a fifth at most; one bad step
    after another raises it faster and faster (Nielsen's rule). It starts high: far from the solution tangents mislead.
    """
    b = [float(p) for p in start]
    residuals, columns = f(b)
    squares = dot(residuals, residuals)
    scales = [length(c) for c in columns]
    damping, growth, last_size, steps, used = 1e3, 2.0, inf, 0, 1
    while used < evaluations:
        step = damped_step(columns, residuals, [sqrt(damping) * scale for scale in scales])
        trial = [p + s for p, s in zip(b, step)]
        if trial == b:
            break
        # What the tangents promise, |r|² - |r + J step|², written as a sum in which nothing cancels.
        along = [dot(step, row) for row in zip(*columns)]
        scaled = [s * scale for s, scale in zip(step, scales)]
        promised = dot(along, along) + 2.0 * damping * dot(scaled, scaled)
        new_residuals, new_columns = f(trial)
        used += 1
        new_squares = dot(new_residuals, new_residuals)
        new_scales = [max(length(c), scale) for scale, c in zip(scales, new_columns)]  # in this order, max keeps a NaN
        if promised > 1e-12 * squares:
            gain = (squares - new_squares) / promised
        else:  # the gain would drown in the rounding of the sums; steps are right here for as long as they keep shrinking
            size = length(along)
            if size >= last_size:
                break
            gain, last_size = 1.0, size
        if gain > 1e-4 and isfinite(new_squares + sum(new_scales)):
            b, residuals, columns, squares, scales = trial, new_residuals, new_columns, new_squares, new_scales
            damping *= max(0.2, 1.0 - (2.0 * gain - 1.0) ** 3)
            growth = 2.0
            steps += 1
        else:
            damping *= growth
            growth *= 2.0
    return Fit(b, squares, steps, used)


def damped_step(columns, residuals, damping):
    """The step that makes |residuals + J step|² + |damping step|² smallest: one row below J for each parameter's damping."""
    count = len(columns)
    extended = [c + [d if i == j else 0.0 for i in range(count)] for j, (c, d) in enumerate(zip(columns, damping))]
    return solve(extended, [-r for r in residuals] + [0.0] * count)


def solve(columns, target):
    """The x for which Σ x[j] columns[j] comes nearest to the target, by Householder's reflections.

    They work on the matrix itself. The normal equations would square its condition number, and with it go half of the digits.
    """
    remaining, target = [list(c) for c in columns], list(target)
    triangle = []  # of each column the entries above and on the diagonal
    for k in range(len(columns)):
        mirror = remaining[k][k:]
        diagonal = -length(mirror) if mirror[0] > 0.0 else length(mirror)
        mirror[0] -= diagonal
        triangle.append(remaining[k][:k] + [diagonal])
        half = dot(mirror, mirror) / 2.0
        if half == 0.0:
            continue
        for vector in remaining[k + 1 :] + [target]:
            weight = dot(mirror, vector[k:]) / half
            vector[k:] = [v - weight * m for v, m in zip(vector[k:], mirror)]
    x = [0.0] * len(columns)
    for k in reversed(range(len(columns))):
        rest = target[k] - sum(triangle[j][k] * x[j] for j in range(k + 1, len(columns)))
        x[k] = rest / triangle[k][k] if triangle[k][k] != 0.0 else 0.0  # a parameter without influence stays where it is
    return x
