#!/usr/bin/env python3
"""Requests that would be the end of a careless server: endure-bombs.py BINARY [--only WORDS]

10^12 elements by every way to get them, graphs that grow exponentially, bodies that are deep, long or lie about themselves, and answers that are
read slowly. Each must be answered as documented, within its time and memory, and the server must answer as before. Exits with 1 if not."""

import argparse
import concurrent.futures
import socket
import sys
import time

from endure.bombs import all_bombs
from endure.growing import growing_bombs
from endure.idle import LARGE
from endure.meter import Meter
from endure.report import Report, mebibytes, table
from endure.server import Server
from endure.wire import TINY, Answers, post

# For everything: what is resident may not be more, whatever was sent.
RESIDENT = 2 << 30
# So long after an answer nothing may be at work on it: less than so many seconds of processor time in a window. (In a second window, where the
# first saw memory of the bomb before being given back.)
REST, WINDOW, IDLE = 0.1, 0.1, 0.005
# The pool gives memory back when it has had nothing to do for a second. The cache of plans may keep 64 MiB.
MEMORY_BACK, KEPT = 1.5, 80 << 20


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


def answers_of(server, bomb):
    """That of each copy: None where there is none."""
    def send():
        try:
            return exchange(server.address, bomb.request, 4 * bomb.seconds)
        except OSError as error:
            print(f"       {error!r}")
            return None
    with concurrent.futures.ThreadPoolExecutor(bomb.copies) as pool:
        return [sent.result() for sent in [pool.submit(send) for _ in range(bomb.copies)]]


def aftermath(server, before):
    """Processor seconds in the window after the answer; how much more memory there is a second later at most."""
    meter, answered = Meter(server.process.pid), time.monotonic()
    time.sleep(REST)
    busy = meter.busy(WINDOW)
    if busy >= IDLE:
        busy = meter.busy(WINDOW)
    while (more := server.memory() - before) > KEPT and time.monotonic() < answered + MEMORY_BACK:
        time.sleep(0.05)
    return busy, more


def throw(server, bomb, report):
    """How long it took, or None without an answer."""
    before = server.memory()
    server.forget_peak()
    began = time.monotonic()
    answers = answers_of(server, bomb)
    took = time.monotonic() - began
    if not server.is_running:
        sys.exit(f"FAILED {bomb.name}: the server has ended with {server.process.returncode}\n" + server.log()[-2000:])
    peak = server.memory("VmHWM")
    busy, kept = aftermath(server, before)
    costs = f"{took:.3f} s, {mebibytes(peak - before)} more"
    if None in answers:
        report.verdict(False, f"{bomb.name}: no answer; {costs}")
        return None
    good, code = zip(*(fits(answer, bomb.answers) for answer in answers))
    answer = answers[0]
    reason = answer.json().get("reason") if code[0] == "limit_exceeded" else None
    said = " ".join(str(part) for part in (answer.status, code[0], reason) if part)
    if not all(good):
        wrong = answers[good.index(False)]
        report.verdict(False, f"{bomb.name}: {wrong.status} {wrong.body[:300]} instead of {' or '.join(str(each) for each in bomb.answers)}")
        return took
    bars = {
        f"allowed are {bomb.seconds} s": took <= bomb.seconds,
        f"allowed are {mebibytes(bomb.bytes + 4 * len(bomb.request))}": peak - before <= bomb.bytes + 4 * len(bomb.request),
        f"{1000 * REST:.0f} ms later it still works: {1000 * busy:.1f} ms of {1000 * WINDOW:.0f}": busy < IDLE,
        f"it keeps {mebibytes(kept)}": kept <= KEPT,
        "the next request is not answered": is_healthy(server),
    }
    missed = "".join(f"; {text}" for text, is_kept in bars.items() if not is_kept)
    report.verdict(not missed, f"{bomb.name}: {said}; {costs}{missed}")
    return took


def is_healthy(server):
    """Small requests must find nothing in their way, even right after."""
    began = time.monotonic()
    try:
        answer = exchange(server.address, post("/v1/evaluate", TINY), 2)
    except OSError:
        return False
    return answer is not None and answer.status == 200 and time.monotonic() - began < 0.5


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
    report, servers = Report(), {}
    peak, slowest, start = 0, (0.0, ""), 0
    bombs = [bomb for bomb in all_bombs() + growing_bombs() if options.only in bomb.name]
    for bomb in bombs:
        server = servers.get(bomb.options) or Server(options.binary, *bomb.options)
        servers[bomb.options] = server
        start = start or server.memory()
        took = throw(server, bomb, report)
        peak = max(peak, server.memory("VmHWM"))
        slowest = max(slowest, (took or 0, bomb.name))
        if took is None:
            # It may still be at it; what comes next shall not suffer from that.
            server.process.kill()
            del servers[bomb.options]
    server = servers.get(()) or Server(options.binary)
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
