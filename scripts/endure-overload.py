#!/usr/bin/env python3
"""More work than the server can do: endure-overload.py BINARY [--seconds 30] [--times 4]

Measures how many medium requests (10 to 20 ms of work) it answers when each client waits for its answer, then offers four times as many,
waiting for nothing. Every one must be answered with 200 within its deadline or be refused at once; probes and small requests must not notice.
The generator reports how late it was itself: what it was late with is not the server's fault. Exits with 1 if a bar is missed."""

import argparse
import collections
import sys
import time

from endure.load import Offer, Pool, closed_loop, medium, open_loop
from endure.loop import Loop
from endure.report import Report, mebibytes, milliseconds, quantile, table
from endure.server import Server, raise_descriptor_limit
from endure.wire import TINY, get, post

# Seconds: the server's deadline for each request, and the one that every second request asks for.
SERVER_DEADLINE, OWN_DEADLINE = 5, 1
# Of a deadline, for the way to the client on a busy machine.
GRACE = 0.1
REFUSED_WITHIN = 0.010
LIVE_WITHIN = 0.020
# Memory may grow by this share, or this many bytes, once the load has been on for a third of the time.
FLAT, SPARE = 1.05, 16 << 20


def calibrate(address):
    """How many products make a request of about 15 ms, alone."""
    loop = Loop(address)
    products = 8
    for _ in range(3):
        _, times, statuses = closed_loop(loop, medium(products), 1, 1)
        if statuses != {200}:
            sys.exit(f"a medium request is answered with {statuses}")
        alone = quantile(sorted(times), 0.5)
        if 0.012 <= alone <= 0.018:
            break
        products = max(1, min(400, round(products * 0.015 / alone)))
    return products, alone


def sustainable(address, products):
    rate, times, statuses = closed_loop(Loop(address), medium(products), 4, 4)
    if statuses != {200}:
        sys.exit(f"with 4 clients the answers are {statuses}")
    return rate, times


def report_work(report, work):
    statuses = collections.Counter(status for _, status, _, _ in work.records)
    print(f"offered {work.sent}: " + ", ".join(f"{count} answered with {status}" for status, count in sorted(statuses.items())))
    missing = work.sent - len(work.records)
    report.verdict(missing == 0, f"every request is answered ({missing} are not)")
    others = set(statuses) - {200, 503}
    report.verdict(not others, "with 200 or 503" + (f", not {others}" if others else ""))
    for kind, deadline, name in ((0, SERVER_DEADLINE, "the server's"), (1, OWN_DEADLINE, "their own")):
        times = [duration for one, status, duration, _ in work.records if one == kind and status == 200]
        late = sum(duration > deadline + GRACE for duration in times)
        report.verdict(times and not late, f"{len(times)} done within {name} deadline of {deadline} s, {late} later; "
                       f"the longest took {max(times, default=0):.2f} s")
    refused = sorted(work.times(503))
    report.verdict(all(retry for _, status, _, retry in work.records if status == 503), "every 503 has Retry-After")
    report.verdict(refused and quantile(refused, 0.99) < REFUSED_WITHIN,
                   f"p99 of the 503s after {1000 * quantile(refused, 0.99):.1f} ms, the last after {1000 * max(refused, default=0):.1f} ms")


def report_probes(report, probes):
    table([("meanwhile", "requests", "p50 ms", "p99 ms", "most ms")] + [
        (probe.name, len(probe.records), *milliseconds([duration for _, _, duration, _ in probe.records])) for probe in probes])
    for probe in probes:
        wrong = {status for _, status, _, _ in probe.records} - {200}
        report.verdict(len(probe.records) == probe.sent and not wrong, f"{probe.name}: all are answered with 200" + (f", not {wrong}" if wrong else ""))
    for probe in probes[:1] + probes[-1:]:
        times = sorted(duration for _, _, duration, _ in probe.records)
        bar = LIVE_WITHIN if probe is probes[0] else 0.050
        report.verdict(quantile(times, 0.99) < bar, f"{probe.name}: p99 of {1000 * quantile(times, 0.99):.1f} ms is under {1000 * bar:.0f} ms")


def report_memory(report, samples):
    third = len(samples) // 3
    early, late = max(samples[:third + 1]), max(samples[third:])
    print("resident: " + ", ".join(mebibytes(samples[index]) for index in (0, third, 2 * third, -1)) + " at the thirds")
    report.verdict(late <= early * FLAT + SPARE, f"memory is flat: {mebibytes(early)} at most in the first third, {mebibytes(late)} after")


def overload(server, products, rate, options, report):
    loop = Loop(server.address)
    pool = Pool(loop)
    work = Offer(pool, "work", 1 / (rate * options.times), medium(products), medium(products, f"Request-Timeout: {OWN_DEADLINE}"))
    probes = [Offer(pool, path, 0.020, get(path)) for path in ("/livez", "/readyz", "/metrics")]
    probes.append(Offer(pool, "a small graph", 0.020, post("/v1/evaluate", TINY)))
    samples, busy, began = [], server.processor_seconds(), time.monotonic()
    open_loop(loop, [work, *probes], options.seconds, lambda: samples.append(server.memory()))
    busy = (server.processor_seconds() - busy) / (time.monotonic() - began)
    lateness = sorted(late for offer in (work, *probes) for late in offer.lateness)
    print(f"the generator was late by {1000 * quantile(lateness, 0.5):.2f} ms (p50), {1000 * quantile(lateness, 0.99):.2f} ms (p99), "
          f"{1000 * lateness[-1]:.1f} ms (most); the server used {busy:.2f} processors; {pool.lost} connections were lost with a request")
    report_work(report, work)
    report_probes(report, probes)
    report_memory(report, samples)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--times", type=float, default=4)
    options = parser.parse_args()
    raise_descriptor_limit()
    report = Report()
    server = Server(options.binary, "--request-timeout", str(SERVER_DEADLINE))
    products, alone = calibrate(server.address)
    rate, times = sustainable(server.address, products)
    p50, _, most = milliseconds(times)
    print(f"a medium request takes {1000 * alone:.1f} ms alone ({products} products); with 4 clients {rate:.0f} a second, p50 {p50} ms, most {most} ms")
    overload(server, products, rate, options, report)
    report.verdict(server.is_running and server.answers(), "the server answers as before")
    return report.end()


sys.exit(main())
