#!/usr/bin/env python3
"""Many requests of every kind: endure-soak.py BINARY [--requests 200000] [--seed 1] [--clients 16]

All endpoints, JSON and safetensors, small and larger, plans that are kept and plans that are new, mistakes of all kinds, clients that leave; on
kept connections and new ones. Resident memory may grow by 5% between a tenth of the way and the end, every answer must have the status that
its request deserves. Exits with 1 if a bar is missed."""

import argparse
import collections
import sys
import time

from endure.loop import Connection, Loop
from endure.mixture import Mixture
from endure.report import Report, mebibytes, progress, table
from endure.server import Server

GROWTH = 1.05


class Soak:
    def __init__(self, server, mixture, requests, clients):
        self.server, self.mixture, self.clients = server, mixture, clients
        self.left, self.done, self.waiting, self.lost = requests, 0, 0, 0
        self.mark = requests // 10
        self.statuses, self.wrong, self.samples = collections.Counter(), [], []
        self.loop = Loop(server.address)

    def run(self, seconds):
        """False when it takes longer."""
        return self.loop.run(time.monotonic() + seconds, self.goes_on)

    def goes_on(self):
        # Here rather than when one ends, or many that end at once would call each other.
        while self.left > 0 and len(self.loop.connections) < self.clients:
            self.next(Connection(self.loop, self.answered, self.ended))
        return self.left > 0 or self.waiting > 0

    def next(self, connection):
        if self.left == 0:
            return connection.close()
        self.left -= 1
        request, status, then = self.mixture.draw()
        connection.context = status, then, request[:60]
        if request.startswith(b"HEAD"):
            connection.answers.heads += 1
        connection.send(request)
        if then == "left":
            # Without waiting for the answer.
            self.count("left")
            connection.context = None
            connection.close(resets=self.done % 2 == 0)
        else:
            self.waiting += 1

    def answered(self, connection, answer):
        if connection.context is None:
            return
        status, then, request = connection.context
        connection.context = None
        self.waiting -= 1
        self.count(answer.status)
        if answer.status != status:
            self.wrong.append(f"{request}: {answer.status} instead of {status}: {answer.body[:200]}")
        if then == "closed":
            connection.close()
        else:
            self.next(connection)

    def ended(self, connection):
        if connection.context is not None:
            self.waiting -= 1
            self.lost += 1
            connection.context = None
            self.count("lost")

    def count(self, what):
        self.statuses[what] += 1
        self.done += 1
        if self.done % max(self.mark, 1) == 0:
            self.samples.append((self.done, self.server.memory()))
            progress(f"{self.done} requests, {mebibytes(self.samples[-1][1])}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clients", type=int, default=16)
    options = parser.parse_args()
    report = Report()
    server = Server(options.binary)
    soak = Soak(server, Mixture(options.seed), options.requests, options.clients)
    began = time.monotonic()
    in_time = soak.run(600)
    took = time.monotonic() - began
    progress("")
    print(f"{soak.done} requests in {took:.0f} s, {soak.done / took:.0f} a second, seed {options.seed}")
    table([("answered with", *soak.statuses), ("requests", *soak.statuses.values())])
    table([("after", "resident"), *((done, mebibytes(size)) for done, size in soak.samples)])
    report.verdict(in_time, "it ended within 600 s")
    report.verdict(not soak.wrong, f"{len(soak.wrong)} answers with another status than the request deserves" + "".join("\n       " + text for text in soak.wrong[:5]))
    report.verdict(soak.lost == 0, f"{soak.lost} requests without an answer")
    if soak.samples:
        early, late = soak.samples[0][1], soak.samples[-1][1]
        report.verdict(late <= early * GROWTH, f"resident memory grows by {late / early - 1:+.1%} from request {soak.samples[0][0]} to the end")
    report.verdict(server.stop() == 0, "the server ends with 0")
    return report.end()


sys.exit(main())
