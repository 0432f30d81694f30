"""L-BFGS with a strong Wolfe line search: minimises a smooth function of many numbers from its values and gradients alone.

It knows nothing of the server. What it is given is any f(x) -> (value, gradient), x and the gradient being lists of floats; in these
examples f posts x to /v1/evaluate, which answers both at once. The method is that of Nocedal and Wright, "Numerical Optimization"
(2006): the two-loop recursion of chapter 7, and the line search of chapter 3 that brackets a good step and then zooms in on it.
"""

from collections import deque
from math import inf, isfinite, sqrt
from typing import NamedTuple


class Result(NamedTuple):
    x: list
    value: float
    gradient_norm: float
    iterations: int
    evaluations: int


class Point(NamedTuple):
    """Where the function was asked, what it answered, and how it rises along the line that is being searched."""

    step: float
    x: list
    value: float
    gradient: list
    slope: float


def dot(a, b):
    return sum(p * q for p, q in zip(a, b))


def moved(x, step, direction):
    return [p + step * q for p, q in zip(x, direction)]


def minimise(f, x0, memory=20, gradient_tolerance=1e-8, iterations=1000, report=None):
    """Goes downhill from x0 until the gradient's length is at most gradient_tolerance, or no step goes down any more.

    `memory` is how many steps are remembered to guess the curvature. `report(iteration, value, gradient_norm)` is called at the
    start and after every step.
    """
    evaluations = 0

    def evaluate(x, step, direction):
        nonlocal evaluations
        evaluations += 1
        value, gradient = f(x)
        if not isfinite(value):  # outside of where f is defined: a wall, from which the line search turns back
            value = inf
        return Point(step, x, value, gradient, dot(gradient, direction))

    x = [float(p) for p in x0]
    here = evaluate(x, 0.0, [0.0] * len(x))
    pairs = deque(maxlen=memory)
    done = 0
    while True:
        norm = sqrt(dot(here.gradient, here.gradient))
        if report:
            report(done, here.value, norm)
        if not norm > gradient_tolerance or done == iterations:  # `not >` also stops at NaN
            break
        direction = downhill(here.gradient, pairs)
        start = here._replace(step=0.0, slope=dot(here.gradient, direction))
        # The curvature is unknown at first: a step of length one at most. Later a step of one is almost always the right one.
        first = 1.0 if pairs else min(1.0, 1.0 / norm)
        there = line_search(lambda t: evaluate(moved(start.x, t, direction), t, direction), start, first)
        if there is None:
            if not pairs:
                break
            pairs.clear()  # what was remembered misleads; try again along the gradient itself
            continue
        remember(pairs, here, there)
        here = there
        done += 1
    return Result(here.x, here.value, norm, done, evaluations)


def remember(pairs, here, there):
    """Keeps a step with the change of gradient over it: together they tell the curvature along the step."""
    step = moved(there.x, -1.0, here.x)
    change = moved(there.gradient, -1.0, here.gradient)
    curvature = dot(step, change)
    if curvature > 0.0:  # the strong Wolfe conditions promise it; rounding may break the promise at the very end
        pairs.append((step, change, curvature))


def downhill(gradient, pairs):
    """Minus an approximate inverse Hessian times the gradient: the two-loop recursion, newest pair first and then oldest first."""
    q = list(gradient)
    weights = []
    for step, change, curvature in reversed(pairs):
        weight = dot(step, q) / curvature
        q = moved(q, -weight, change)
        weights.append(weight)
    if pairs:
        _, change, curvature = pairs[-1]
        scale = curvature / dot(change, change)
        q = [scale * p for p in q]
    for (step, change, curvature), weight in zip(pairs, reversed(weights)):
        q = moved(q, weight - dot(change, q) / curvature, step)
    return [-p for p in q]


def line_search(at, start, first, decrease=1e-4, flatness=0.9, attempts=40):
    """A point along the line that is lower by enough and flat enough (the strong Wolfe conditions); `at(t)` evaluates at step t.

    Strides out until a good step lies between two points, then zooms in. None if there is none that goes down at all.
    """
    if not start.slope < 0.0:
        return None
    # Near the minimum the true decrease is smaller than the rounding of the values; only the slope can still be trusted there.
    noise = 4e-16 * abs(start.value)

    def too_high(point):
        return not point.value <= start.value + decrease * point.step * start.slope + noise

    def flat(point):
        return abs(point.slope) <= -flatness * start.slope

    low, high, step = start, None, first
    for _ in range(attempts):
        point = at(step)
        if too_high(point) or point.value > low.value + noise:
            high = point
        elif flat(point):
            return point
        elif high is None and point.slope < 0.0:
            low = point  # still going down: stride on
        else:
            if high is None or point.slope * (high.step - low.step) >= 0.0:
                high = low
            low = point
        step = 2.0 * step if high is None else between(low, high)
        if high is not None and abs(high.step - low.step) <= 1e-15 * max(high.step, low.step):
            break
    return low if low is not start and low.value < start.value else None


def between(low, high):
    """Where the cubic through both points with their slopes has its minimum, kept away from the ends."""
    width = high.step - low.step
    step = low.step + 0.5 * width
    if isfinite(high.value) and isfinite(high.slope):
        mean = low.slope + high.slope - 3.0 * (high.value - low.value) / width
        square = mean * mean - low.slope * high.slope
        if square >= 0.0:
            root = sqrt(square) if width > 0.0 else -sqrt(square)
            bottom = high.slope - low.slope + 2.0 * root
            if bottom != 0.0:
                step = high.step - width * (high.slope + root - mean) / bottom
    nearest, farthest = sorted((low.step + 0.1 * width, high.step - 0.1 * width))
    return min(max(step, nearest), farthest)
