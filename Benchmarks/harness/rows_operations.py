"""Single operations with their gradients over a million numbers: the server's `run` of Server-Timing beside the peers' own processes."""

from . import workloads
from .cast import ONE
from .measure import OURS, Party, Row, Target
from .rows_compute import engines, inside

COUNT = 10**6


def rows(cast, quick):
    if quick:
        return []
    return [operation(cast, name, dtype) for name in workloads.OPERATIONS for dtype in ("float32", "float64")]


def operation(cast, name, dtype):
    body = workloads.body(workloads.operation(name, COUNT, dtype))
    parties = [Party("server", OURS, inside(cast, cast.roomy, lambda: body, 5))]
    parties += engines(cast, ONE, f"{name}-{dtype}", COUNT, 5)
    return Row(f"{name} and its gradient, 1M {dtype}", "ms", parties, [Target("JAX"), Target("PyTorch")], rounds=5)
