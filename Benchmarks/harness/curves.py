"""How the time of one node, one element, one request grows with how many there are."""

import statistics

from . import places, plot, workloads
from .cast import ONE
from .client import load
from .errors import Missing
from .measure import say
from .processes import ALL_CPUS

EVALUATE = "/v1/evaluate"
# Enough that what else a machine does is seen as such.
TURNS = 3
# A hundred million elements take a plan that is not fused gigabytes.
FREE_BYTES_FOR_LONGEST = 12 << 30


def draw(cast):
    say("growth by nodes")
    _write("growth-nodes.svg", plot.chart(
        "Time of a node, by the size of the graph", "nodes", "µs a node", nodes(cast)))
    say("growth by elements")
    _write("growth-elements.svg", plot.chart(
        "Time of an element, chain of 10 operations and its gradient", "elements", "ns an element", elements(cast)))
    say("growth by connections")
    _write("growth-connections.svg", plot.chart(
        "Time of a request, by how many connections are used at once", "connections", "µs a request", connections(cast)))


def _write(name, svg):
    places.docs.mkdir(exist_ok=True)
    (places.docs / name).write_text(svg)


def repeats(count, budget):
    """Many of what is short, few of what is long."""
    return max(2, min(50, budget // count))


def nodes(cast):
    lines = {"read and plan": [], "run": [], "run, by hand in C": []}
    for length in (10, 100, 1_000, 10_000, 100_000):
        times, limits = [], []
        for turn in range(TURNS):
            for repeat in range(repeats(length, 20_000)):
                graph = workloads.tape(length, 0.9 + turn * 1e-3 + repeat * 1e-5)
                times.append(cast.client(cast.roomy).post(EVALUATE, workloads.body(graph))[1])
            limits.append(cast.limits[ONE].seconds("tape", length, repeats(length, 100_000)))
        # A graph that the server has met before is not planned again.
        unseen = [time["read"] + time["plan"] for time in times if "plan" in time]
        lines["read and plan"].append((length, min(unseen) * 1e3 / length))
        # The clock of Server-Timing has steps of a microsecond.
        lines["run"].append((length, max(min(time["run"] for time in times), 0.001) * 1e3 / length))
        lines["run, by hand in C"].append((length, min(limits) * 1e6 / length))
    return lines


def elements(cast):
    lines = {"run": [], "run, by hand in C": []}
    for power in range(9):
        count = 10**power
        if power == 8 and _free_bytes() < FREE_BYTES_FOR_LONGEST:
            say("too little memory is free for the last size")
            break
        body = workloads.body(workloads.broadcast_chain(power))
        times, limits = [], []
        for _ in range(TURNS if power < 8 else 1):
            try:
                for _ in range(repeats(count, 5_000_000)):
                    times.append(cast.client(cast.roomy).post(EVALUATE, body)[1]["run"])
                limits.append(cast.limits[ONE].seconds("chain-float32", count, repeats(count, 50_000_000)))
            except Missing as reason:
                say(f"{count} elements: {reason}")
        if times:
            lines["run"].append((count, max(min(times), 0.001) * 1e6 / count))
        if limits:
            lines["run, by hand in C"].append((count, min(limits) * 1e9 / count))
    return lines


def _free_bytes():
    with open("/proc/meminfo") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable"))


def connections(cast):
    """The server and the load generator each have the whole machine: with one CPU for both, more connections could only wait."""
    body = workloads.stored("tiny.json", workloads.body(workloads.tiny()))
    echo, ours = cast.everywhere()
    lines = {"server": [], "bare libmicrohttpd": []}
    for count in (1, 3, 10, 30, 100, 300, 1_000):
        for name, server, path in (("server", ours, EVALUATE), ("bare libmicrohttpd", echo, "/")):
            try:
                server.start()
                rates = [load(server, path, body, connections=count, seconds=0.5, cpus=ALL_CPUS)["rate"] for _ in range(TURNS)]
                lines[name].append((count, 1e6 / statistics.median(rates)))
            except Missing as reason:
                say(f"{name}, {count} connections: {reason}")
    return lines
