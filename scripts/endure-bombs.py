#!/usr/bin/env python3
"""Requests that would be the end of a careless server: endure-bombs.py BINARY [--only WORDS]

10^12 elements by every way to get them, graphs that grow exponentially, bodies that are deep, long or lie about themselves, and answers that are
read slowly. Each must be answered as documented, within its time and memory, and the server must answer as before. Exits with 1 if not."""

import argparse
import socket
import sys
import time

from endure.bombs import all_bombs
from endure.idle import LARGE
from endure.report import Report, mebibytes, table
from endure.server import Server
from endure.wire import TINY, Answers, post

# For everything: what is resident may not be more, whatever was sent.
RESIDENT = 2 << 30


def exchange(address, request, seconds, pace=None):
    """The answer, or None. With a pace so many bytes are read at a time, a hundred times a second."""
    answers, end = Answers(), time.monotonic() + seconds
    with socket.create_connection(address, timeout=5) as connection:
        connection.settimeout(seconds)
        connection.sendall(request)
        while time.monotonic() < end:
            try:
                data = connection.recv(pace or 1 << 20)
            except OSError:
                return None
            if not data:
                return None
            found = answers.feed(data)
            if found:
                return found[0]
            if pace:
                time.sleep(0.01)
    return None


def fits(answer, expected):
    """Whether status and code are among those expected; of some only the status is."""
    code = answer.json().get("code") if answer.status >= 400 else None
    return any(answer.status == status and name in (None, code) for status, name in expected), code


def throw(server, bomb, report):
    """How long it took, or None without an answer."""
    before = server.memory()
    server.forget_peak()
    began = time.monotonic()
    try:
        answer = exchange(server.address, bomb.request, 4 * bomb.seconds)
    except OSError as error:
        answer = None
        print(f"       {error!r}")
    took = time.monotonic() - began
    if not server.is_running:
        sys.exit(f"FAILED {bomb.name}: the server has ended with {server.process.returncode}\n" + server.log()[-2000:])
    peak = server.memory("VmHWM")
    costs = f"{took:.3f} s, {mebibytes(peak - before)} more"
    if answer is None:
        report.verdict(False, f"{bomb.name}: no answer; {costs}")
        return None
    good, code = fits(answer, bomb.answers)
    reason = answer.json().get("reason") if code == "limit_exceeded" else None
    said = " ".join(str(part) for part in (answer.status, code, reason) if part)
    if not good:
        report.verdict(False, f"{bomb.name}: {said} instead of {' or '.join(str(each) for each in bomb.answers)}; {answer.body[:300]}")
        return took
    bounds = took <= bomb.seconds and peak - before <= bomb.bytes + 4 * len(bomb.request)
    # Small requests must find nothing in their way, even right after.
    began = time.monotonic()
    next_ = exchange(server.address, post("/v1/evaluate", TINY), 2)
    healthy = next_ is not None and next_.status == 200 and time.monotonic() - began < 0.5
    allowed = "" if bounds else f"; allowed are {bomb.seconds} s and {mebibytes(bomb.bytes + 4 * len(bomb.request))}"
    report.verdict(bounds and healthy, f"{bomb.name}: {said}; {costs}{allowed}" + ("" if healthy else "; the next request is not answered"))
    return took


def slow_read(server, report):
    """A large answer, read 100 kB at a time: complete, and others are served meanwhile."""
    began = time.monotonic()
    answer = exchange(server.address, post("/v1/evaluate", LARGE), 30, pace=50_000)
    good = answer is not None and answer.status == 200 and len(answer.json()["outputs"]["y"]["data"]) == 600_000
    report.verdict(good, f"a large answer that is read slowly is complete, after {time.monotonic() - began:.1f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    report = Report()
    server = Server(options.binary)
    start = server.memory()
    peak, slowest = 0, (0.0, "")
    bombs = [bomb for bomb in all_bombs() if options.only in bomb.name]
    for bomb in bombs:
        took = throw(server, bomb, report)
        peak = max(peak, server.memory("VmHWM"))
        slowest = max(slowest, (took or 0, bomb.name))
        if took is None:
            # It may still be at it; what comes next shall not suffer from that.
            server.process.kill()
            server = Server(options.binary)
    slow_read(server, report)
    time.sleep(2)
    end = server.memory()
    table([("bombs", "slowest s", "resident before", "at most", "after"),
           (len(bombs), f"{slowest[0]:.2f}", mebibytes(start), mebibytes(peak), mebibytes(end))])
    print(f"the slowest: {slowest[1]}")
    report.verdict(peak <= RESIDENT, f"at most {mebibytes(peak)} resident, allowed are {mebibytes(RESIDENT)}")
    report.verdict(server.is_running and server.answers(), "the server answers as before")
    return report.end()


sys.exit(main())
