#!/usr/bin/env python3
"""What the dearest requests cost: hostile-costs.py BINARY [--minutes 10] [--out FILE] [--page docs/hostile-costs.md]

Families of requests, each a function of a size, go to all endpoints; sizes are doubled, in rounds over all families, until the server refuses
or a request takes seconds. Each request is sent alone. Its processor time is that of the server's threads, in nanoseconds, its memory the most
that was resident. FILE gets a line for each; the page and its picture are made of that. Exits with 1 where a request costs more than the
bound on the page."""

import argparse
import json
import random
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

from endure import costs
from endure.families import FAMILIES, node, request
from endure.hostile_texts import TEXTS
from endure.meter import Meter, Prober, used
from endure.operation_families import add_operations
from endure.server import Server
from endure.wire import post

# Seconds that a request asks for; of processor time, after which a family has shown what it can do.
LONGEST, ENOUGH = 10, 3
LARGEST_BODY = 24 << 20
# What a server may have kept of one request when it gets the next.
KEPT = 16 << 20
# So often a family is refused before it ends: what a refusal costs is of interest too.
REFUSALS = {"graph": 3, "text": 20}
TIMING = re.compile(rb"(\w+);dur=([0-9.]+)")
WARM = request(([node("tanh", "x", "y")], {"x": 0.5}), "evaluate")
# Where families of single operations go, by the first word of their name; all others go to every endpoint.
FOR_OPERATIONS = {"many": ("hessian",), "derivatives": ("evaluate",)}
EVERYWHERE = ("evaluate", "jvp", "jacobian", "hessian", "hvp", "check", "inspect", "inspect hessian")


def exchange(address, data):
    """The head and the first bytes of the body, and how many there were in all."""
    kept, total, head, length, room = bytearray(), 0, b"", None, bytearray(1 << 20)
    with socket.create_connection(address, timeout=5) as connection:
        connection.settimeout(3 * LONGEST)
        try:
            connection.sendall(data)
        except OSError:
            # It may have been refused before it was read to its end.
            pass
        while length is None or total < length:
            try:
                count = connection.recv_into(room)
            except OSError:
                break
            if not count:
                break
            if len(kept) < 1 << 14:
                kept += room[:count]
            total += count
            if not head and (end := kept.find(b"\r\n\r\n") + 4) > 3:
                head = bytes(kept[:end])
                found = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
                length = end + int(found[1]) if found else 0
    return head, bytes(kept[len(head):]), total


class Bench:
    """A server that is as good as new for each request: begun anew where it kept memory."""

    def __init__(self, binary):
        self.binary, self.server = binary, None

    def prepare(self):
        if self.server and self.server.is_running and self.server.memory() < self.base + KEPT:
            return
        if self.server:
            self.server.process.kill()
            self.server.process.wait()
        self.server = Server(self.binary)
        exchange(self.server.address, WARM)
        self.meter, self.base = Meter(self.server.process.pid), self.server.memory()

    def measure(self, data):
        self.prepare()
        self.meter.rest()
        self.server.forget_peak()
        resident, before = self.server.memory(), self.meter.threads()
        began = time.monotonic()
        with Prober(self.server.address, self.meter, 0.020) as prober:
            head, body, total = exchange(self.server.address, data)
            seconds = time.monotonic() - began
        if not self.server.is_running:
            sys.exit(f"the server has ended with {self.server.process.returncode}\n" + self.server.log()[-2000:])
        rest = self.meter.rest()
        processor, sockets = used(before, self.meter.threads())
        record = {"status": int(head[9:12] or 0), "seconds": seconds, "cpu": processor, "sockets": sockets, "probes": len(prober.times), "rest": rest,
                  "memory": self.server.memory("VmHWM") - resident, "answer": total, "live": max(prober.times), "stall": max(prober.stalls)}
        if timing := re.search(rb"\r\nServer-Timing: ([^\r]*)", head):
            record["phases"] = {name.decode(): float(milliseconds) / 1000 for name, milliseconds in TIMING.findall(timing[1])}
        if record["status"] >= 400:
            problem = json.loads(body)
            record["code"] = problem.get("reason") or problem["code"]
        return record


def all_series():
    """Name, endpoint, first and last size, and how a request is made of a size."""
    timeout = f"Request-Timeout: {LONGEST}"
    for name, (function, start, most) in FAMILIES.items():
        for endpoint in FOR_OPERATIONS.get(name.split("_")[0], EVERYWHERE):
            yield name, endpoint, start, most, lambda n, f=function, e=endpoint: request(f(n), e, timeout)
    for name, (function, start, most, kind) in TEXTS.items():
        yield name, "text", start, most, lambda n, f=function, c=kind: post("/v1/evaluate", f(n), timeout, content_type=c)


def is_over(record, refusals, endpoint):
    return (record["cpu"] > ENOUGH or record["seconds"] > LONGEST - 1 or record.get("phases", {}).get("run", 0) > 1 or not record["status"]
            or refusals > REFUSALS["text" if endpoint == "text" else "graph"])


def measure_all(bench, series, end, out):
    """Rounds over all series that are left, in an order by chance, so that none is favoured when time is up."""
    refusals, step, chance = {}, 0, random.Random(1)
    while series and time.monotonic() < end:
        left = []
        chance.shuffle(series)
        for one in series:
            name, endpoint, start, most, make = one
            size = start << step
            if size > most or time.monotonic() > end or len(data := make(size)) > LARGEST_BODY:
                continue
            record = {"family": name, "endpoint": endpoint, "n": size, "bytes": len(data), **bench.measure(data)}
            out.write(json.dumps(record) + "\n")
            refusals[name, endpoint] = refusals.get((name, endpoint), 0) + (record["status"] >= 400)
            if not is_over(record, refusals[name, endpoint], endpoint):
                left.append(one)
        series, step = left, step + 1
        print(f"after {step} rounds {len(series)} of the series go on", flush=True)


def measure(options):
    bench, end = Bench(options.binary), time.monotonic() + 60 * options.minutes
    bench.prepare()
    add_operations(bench.server.address)
    series = [one for one in all_series() if options.only in f"{one[0]} {one[1]}"]
    with open(options.out, "w") as out:
        measure_all(bench, series, end, out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--out", type=Path, default=Path("hostile-costs.jsonl"))
    parser.add_argument("--page", type=Path, help="to be written, with a picture beside it")
    parser.add_argument("--again", action="store_true", help="measure nothing: the page of what FILE has")
    parser.add_argument("--only", default="", help="words in the name of a family or its endpoint")
    options = parser.parse_args()
    if not options.again:
        measure(options)
    records = costs.read(options.out)
    if options.page:
        version = subprocess.run([options.binary, "--version"], capture_output=True, text=True, check=True).stdout.strip()
        costs.write(options.page, records, version)
    return costs.judge(records)


if __name__ == "__main__":
    sys.exit(main())
