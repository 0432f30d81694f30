"""Small measurements of single parts, each as a ratio to a program in C that runs in turns with it, held to thresholds.json.

The parts are inside the server, so they are asked for through HTTP: Server-Timing says what each phase of a request took. A ratio is of
the fewest times of both, because whatever else a machine does can only add to them.
"""

import json

from . import places, workloads
from .cast import ONE
from .measure import say

EVALUATE = "/v1/evaluate"
# Short, so that some of the times are undisturbed also where others use the machine.
NUMBERS, LENGTH = 50_000, 1_000
ROUNDS, TRIES = 12, 3
# A new threshold is this much above what was measured: ratios of one machine vary by about half of that.
ALLOWANCE = 1.75


class Part:
    """A phase of requests against a case of the C programs. `request` is a function of the round, since what was seen before may be kept."""

    def __init__(self, name, request, phases, case, size):
        self.name, self.request, self.phases, self.case, self.size = name, request, phases, case, size
        self.ours, self.limit = [], []

    def take_turn(self, cast, turn):
        body = workloads.body(self.request(turn))
        for _ in range(5):
            times = cast.client(cast.roomy).post(EVALUATE, body)[1]
            # A graph that the server has met before is not planned again.
            if all(phase in times for phase in self.phases):
                self.ours.append(sum(times[phase] for phase in self.phases) / 1000)
        self.limit.append(cast.limits[ONE].seconds(self.case, self.size, 3))

    @property
    def ratio(self):
        return max(min(self.ours), 1e-9) / min(self.limit)


def parts():
    numbers = workloads.values(NUMBERS)
    listed, packed = list(numbers), workloads.base64_tensor(numbers, [NUMBERS])
    nodes = [workloads.node("sum", ["x"], "total")]
    copied = NUMBERS * numbers.itemsize

    def sums(data):
        return lambda turn: {"graph": {"nodes": nodes}, "inputs": {"x": data}, "gradients": False}

    def returned(encoding):
        return lambda turn: {
            "graph": {"nodes": nodes}, "inputs": {"x": packed}, "outputs": ["x"], "gradients": False, "encoding": encoding}

    def chain(dtype):
        return lambda turn: workloads.chain(NUMBERS, dtype)

    def product(turn):
        return workloads.product(256)

    def tape(scale):
        """Graphs that no other part and no other turn has."""
        return lambda turn: workloads.tape(LENGTH, scale + turn * 1e-4)

    return [
        Part("read numbers of JSON, over strtod", sums(listed), ["read"], "read-numbers", NUMBERS),
        Part("write numbers as JSON, over printf", returned("flat"), ["write"], "write-numbers", NUMBERS),
        Part("read base64, over memcpy", sums(packed), ["read"], "copy", copied),
        Part("write base64, over memcpy", returned("base64"), ["write"], "copy", copied),
        Part("sum of float64, over memcpy", sums(packed), ["run"], "copy", copied),
        Part("elementwise kernels float32, over C", chain("float32"), ["run"], "chain-float32", NUMBERS),
        Part("elementwise kernels float64, over C", chain("float64"), ["run"], "chain-float64", NUMBERS),
        Part("matrix products 256, over OpenBLAS", product, ["run"], "product", 256),
        Part("dispatch of 1,000 operations, over C", tape(0.9), ["run"], "tape", LENGTH),
        Part("read a graph of 1,000 nodes, over running it in C", tape(0.8), ["read"], "tape", LENGTH),
        Part("differentiate and plan 1,000 nodes, over running them in C", tape(0.7), ["plan"], "tape", LENGTH),
    ]


def run(cast, options):
    """0 if every ratio is within its threshold. What is above is measured again: a fault stays, what others did to the machine passes."""
    measured = parts()
    take_turns(measured, cast, options)
    if options.update:
        thresholds = {part.name: float(f"{part.ratio * ALLOWANCE:.2g}") for part in measured}
        places.thresholds.write_text(json.dumps(thresholds, indent=2) + "\n")
        say(f"wrote {places.thresholds.name}")
    thresholds = json.loads(places.thresholds.read_text())
    for _ in range(TRIES - 1):
        take_turns([part for part in measured if part.ratio > thresholds.get(part.name, 0)], cast, options)
    return report(measured, thresholds)


def take_turns(measured, cast, options):
    for turn in range(options.rounds or ROUNDS):
        for part in measured:
            part.take_turn(cast, turn)


def report(measured, thresholds):
    failed = []
    print("| part | ratio | at most |\n|---|---|---|")
    for part in measured:
        most = thresholds.get(part.name)
        print(f"| {part.name} | {part.ratio:.3g} | {'–' if most is None else most} |")
        if most is None or part.ratio > most:
            failed.append(part.name)
    for name in failed:
        say(f"over its threshold, or without one: {name}")
    return 1 if failed else 0
