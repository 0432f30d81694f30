#!/usr/bin/env python3
"""Eight attackers and one honest client: endure-hostile.py BINARY [--seconds 60] [--memory 256]

The server may use so many MiB, which the system enforces. Each attacker has an address of its own (127.0.0.2 and on) and does one kind of harm
in a loop. The honest client, at 127.0.0.1, sends a small graph every 5 ms, a job of 0.3 s every 3 s, which is less than its
share among nine, and GET /livez every 50 ms. What it
measures before the attack shows how much of its waiting is the machine's. Exits with 1 if a bar is missed."""

import argparse
import collections
import multiprocessing
import os
import shutil
import subprocess
import sys
import time

from endure.attackers import ATTACKERS
from endure.honest import Client, jobs, live, sized_job, small
from endure.report import Report, mebibytes, milliseconds, quantile, table
from endure.server import Server, raise_descriptor_limit

JOB = 0.3
# Seconds: p99 of small requests, every probe; and how much longer than alone a job may take.
SMALL_P99, LIVE_MOST, JOB_TIMES = 0.050, 0.020, 3
CONTEXT = multiprocessing.get_context("fork")


def memory_limit(size):
    """What to put before a command so that the system keeps it to so many bytes, and what that is called."""
    scope = ["systemd-run", "--user", "--scope", "--quiet", "-p", f"MemoryMax={size}", "-p", "MemorySwapMax=0"]
    if shutil.which(scope[0]) and subprocess.run([*scope, "true"], capture_output=True).returncode == 0:
        return scope, "a control group (systemd-run, MemoryMax)"
    # Of writable memory, so that the program's own pages come on top, and stacks count in full though little of them is used.
    return ["bash", "-c", f'ulimit -d {size >> 10}; exec "$@"', "bash"], "RLIMIT_DATA (ulimit -d): there is no systemd for users here"


class Attack:
    """One attacker in a process of its own, at a low priority: it shall not take the processor from whom it attacks."""

    def __init__(self, kind, address, source, end):
        self.kind, self.results = kind, CONTEXT.Queue()
        self.process = CONTEXT.Process(target=self._run, args=(address, source, end), daemon=True)
        self.process.start()

    def _run(self, address, source, end):
        os.nice(10)
        self.results.put(self.kind(address, source, end))

    def statuses(self):
        try:
            return self.results.get(timeout=60)
        except Exception:
            return collections.Counter({"did not end": 1})
        finally:
            self.process.kill()


def honest_clients(server, elements):
    return {"small graphs": Client(server, small, interval=0.005), f"jobs of {JOB} s": Client(server, jobs, elements, interval=3),
            "GET /livez": Client(server, live, interval=0.050)}


def measured(clients):
    return {name: client.records() for name, client in clients.items()}


def rows(when, records):
    for name, each in records.items():
        statuses = collections.Counter(status for _, status, _ in each)
        yield (f"{name}, {when}", len(each), *milliseconds([seconds for seconds, *_ in each]), *milliseconds([stall for *_, stall in each])[1:],
               " ".join(f"{count} x {status}" for status, count in statuses.most_common(4)))


def attack(server, elements, seconds, only):
    """What the honest client measured, what became of the attackers, and the most that was resident."""
    end = time.monotonic() + seconds
    kinds = [kind for kind in ATTACKERS if only in kind.__name__]
    attacks = [Attack(kind, server.address, f"127.0.0.{2 + number}", end) for number, kind in enumerate(kinds)]
    time.sleep(0.5)
    clients, peak = honest_clients(server, elements), 0
    while time.monotonic() < end and server.is_running:
        peak = max(peak, server.memory("VmHWM"))
        time.sleep(0.2)
    records = measured(clients) if server.is_running else {}
    return records, {each.kind.__name__: each.statuses() for each in attacks}, peak


def judge(report, records, alone):
    small_, jobs_, lives = (sorted(seconds for seconds, *_ in each) for each in records.values())
    # With less processors than there are programs everybody waits for one now and then; that is not the server's doing.
    stall = max(stall for *_, stall in list(records.values())[2])
    report.verdict(quantile(small_, 0.99) < SMALL_P99, f"p99 of small graphs is {1000 * quantile(small_, 0.99):.1f} ms, allowed are {1000 * SMALL_P99:.0f} ms")
    report.verdict(jobs_[-1] <= JOB_TIMES * alone, f"the slowest of {len(jobs_)} jobs takes {jobs_[-1] / alone:.1f} times what it takes alone "
                   f"({alone:.2f} s), allowed are {JOB_TIMES}")
    report.verdict(stall < LIVE_MOST, f"the slowest of {len(lives)} probes takes {1000 * stall:.1f} ms beside waiting for a processor "
                   f"({1000 * lives[-1]:.1f} ms with that), allowed are {1000 * LIVE_MOST:.0f} ms")
    refused = collections.Counter(status for each in records.values() for _, status, _ in each if status != "200")
    report.verdict(not refused, "nothing honest is refused" + (f": {dict(refused)}" if refused else ""))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--memory", type=int, default=256, help="MiB that the server may use")
    parser.add_argument("--only", default="", help="words in the name of an attacker")
    parser.add_argument("--option", action="append", default=[], help="further options of serve, as --option=--threads=4")
    options = parser.parse_args()
    report, size = Report(), options.memory << 20
    raise_descriptor_limit()
    prefix, name = memory_limit(size)
    print(f"memory is limited to {mebibytes(size)} by {name}")
    server = Server(options.binary, *(text for option in options.option for text in option.split("=", 1)), prefix=prefix)
    elements, alone = sized_job(server.address, JOB)
    quiet = honest_clients(server, elements)
    time.sleep(max(5, options.seconds / 6))
    before = measured(quiet)
    alone = quantile(sorted(seconds for seconds, *_ in list(before.values())[1]), 0.5)
    records, attackers, peak = attack(server, elements, options.seconds, options.only)
    for kind, statuses in attackers.items():
        print(f"{kind}: " + ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items())))
    table([("", "requests", "p50 ms", "p99 ms", "most ms", "p99 without waits", "most", "answers"), *rows("alone", before), *rows("attacked", records)])
    report.verdict(server.is_running, "the server runs" if server.is_running else f"the server has ended with {server.process.poll()}\n{server.log()[-2000:]}")
    if records:
        judge(report, records, alone)
    report.verdict(peak <= size, f"at most {mebibytes(peak)} resident, allowed are {mebibytes(size)}")
    report.verdict(server.is_running and server.answers(), "the server answers as before")
    return report.end()


sys.exit(main())
