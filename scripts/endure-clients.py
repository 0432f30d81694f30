#!/usr/bin/env python3
"""Thousands of connections that do nothing, or next to nothing: endure-clients.py BINARY [--idle 5000] [--drippers 1000] [--lazy 100]

While they are there a healthy client measures how long its requests take. Drippers (a byte at a time in the head or the body of a request, or
of a large answer) must be gone at their deadline, idle clients still be served, and memory stay within bounds. Then a server with room for
200: who comes after is refused at once, and may come again when somebody has left. Exits with 1 if a bar is missed."""

import argparse
import multiprocessing
import socket
import sys
import time

from endure.idle import LARGE, BodyDripper, Crowd, HeadDripper, Idle, LazyReader
from endure.loop import Loop
from endure.report import Report, mebibytes, milliseconds, quantile, table
from endure.server import Server, raise_descriptor_limit
from endure.wire import TINY, Answers, post

HEADER, BODY, RESPONSE = 3, 5, 5
OPTIONS = ("--header-timeout", str(HEADER), "--body-timeout", str(BODY), "--response-timeout", str(RESPONSE), "--idle-timeout", "120")
# By when a deadline must have been noticed.
GRACE = 1
P99 = 0.050
# What a connection may take in memory, with all that belongs to it.
PER_CONNECTION = 48 << 10
# What plans and the allocator keep.
SPARE = 128 << 20


def measure(address, stop, results):
    """The healthy client: a small graph every 5 ms on a kept connection, in a process of its own."""
    request, times = post("/v1/evaluate", TINY), []
    with socket.create_connection(address, timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while not stop.is_set():
            began = time.monotonic()
            try:
                connection.sendall(request)
                answers, found = Answers(), []
                while not found:
                    data = connection.recv(65536)
                    if not data:
                        raise ConnectionError
                    found = answers.feed(data)
            except OSError as error:
                times.append((began, float("inf"), repr(error)))
                break
            times.append((began, time.monotonic() - began, found[0].status))
            time.sleep(0.005)
    results.put(times)


class Healthy:
    def __init__(self, address):
        context = multiprocessing.get_context("fork")
        self.stop, self.results = context.Event(), context.Queue()
        self.process = context.Process(target=measure, args=(address, self.stop, self.results), daemon=True)
        self.process.start()

    def times(self):
        self.stop.set()
        times = self.results.get(timeout=30)
        self.process.join()
        return times


def counts(options):
    """As many as descriptors allow: of this process, and of the server, which inherits its limit."""
    limit = raise_descriptor_limit()
    wanted = options.idle + options.drippers
    if wanted + 200 <= limit:
        return options.idle, options.drippers, options.lazy
    share = (limit - 200) / wanted
    print(f"note: only {limit} descriptors are allowed (ulimit -Hn); everything is scaled down to {share:.0%}")
    return int(options.idle * share), int(options.drippers * share), int(options.lazy * share)


def report_drippers(report, crowd):
    for kind, deadline in ((HeadDripper, HEADER), (BodyDripper, BODY), (LazyReader, RESPONSE)):
        clients = crowd.of(kind)
        gone = sorted(client.age for client in clients if client.is_gone)
        latest = f"between {gone[0]:.1f} and {gone[-1]:.1f} s" if gone else "never"
        # An answer that is prepared when others are in the way begins later, and its time with it.
        grace = GRACE + (2 if kind is LazyReader else 0)
        good = len(gone) == len(clients) and (not gone or deadline - 0.5 <= gone[0] and gone[-1] <= deadline + grace)
        report.verdict(good, f"{kind.__name__}: {len(gone)} of {len(clients)} gone, {latest}, due at {deadline} s")


def report_memory(report, before, peak, after, connections, lazy):
    # The text of an answer (0.125 and a comma for each number), and as much again in room that it did not need.
    answer = 2 * 6 * LARGE["graph"]["nodes"][0]["attributes"]["shape"][0]
    bound = before + connections * PER_CONNECTION + lazy * answer + SPARE
    report.verdict(peak <= bound, f"at most {mebibytes(peak)} resident, allowed are {mebibytes(bound)}")
    report.verdict(after <= before + connections * PER_CONNECTION + SPARE, f"{mebibytes(after)} when the drippers are gone")


def crowd_of_clients(binary, report, options):
    idle, drippers, lazy = counts(options)
    server = Server(binary, *OPTIONS)
    healthy = Healthy(server.address)
    time.sleep(2)
    before = server.memory()
    server.forget_peak()
    began = time.monotonic()
    loop = Loop(server.address)
    crowd = Crowd(loop, [(Idle, idle), (HeadDripper, (drippers - lazy) // 2), (BodyDripper, drippers - lazy - (drippers - lazy) // 2), (LazyReader, lazy)])
    connected = time.monotonic()
    crowd.run(max(HEADER, BODY, RESPONSE) + 3)
    peak = server.memory("VmHWM")
    crowd.run(3)
    after = server.memory()
    times = healthy.times()
    alone = [time for when, time, _ in times if when < began]
    beside = sorted(time for when, time, _ in times if when >= began)
    table([("a small graph", "requests", "p50 ms", "p99 ms", "most ms"), ("alone", len(alone), *milliseconds(alone)),
           (f"beside {idle} idle and {drippers} dripping", len(beside), *milliseconds(beside))])
    print(f"connected within {connected - began:.1f} s; resident {mebibytes(before)} before, {mebibytes(peak)} at most, {mebibytes(after)} after")
    report.verdict(all(status == 200 for *_, status in times), "every request of the healthy client is answered with 200")
    report.verdict(quantile(beside, 0.99) < P99, f"p99 of {1000 * quantile(beside, 0.99):.1f} ms is under {1000 * P99:.0f} ms")
    report_drippers(report, crowd)
    report_memory(report, before, peak, after, idle + drippers, lazy)
    still_there(report, loop, crowd.of(Idle))


def still_there(report, loop, idle):
    gone = sum(client.is_gone for client in idle)
    for client in idle:
        client.answer = None
        if not client.is_gone:
            client.connection.send(post("/v1/evaluate", TINY))
    loop.run(time.monotonic() + 10, lambda: any(not client.answer and not client.is_gone for client in idle))
    answered = sum(client.answer is not None and client.answer.status == 200 for client in idle)
    report.verdict(answered == len(idle), f"{answered} of {len(idle)} idle clients are answered afterwards, {gone} were disconnected")


def beyond_the_limit(binary, report):
    room, more = 200, 50
    server = Server(binary, *OPTIONS, "--max-connections", str(room))
    loop = Loop(server.address)
    inside = Crowd(loop, [(Idle, room)]).clients
    loop.run(time.monotonic() + 5, lambda: any(not client.answer for client in inside))
    report.verdict(all(client.answer and client.answer.status == 200 for client in inside), f"{room} clients have room")
    refused = Crowd(loop, [(Idle, more)]).clients
    began = time.monotonic()
    loop.run(began + 5, lambda: any(not client.answer and not client.is_gone for client in refused))
    right = [client.answer for client in refused if client.answer and client.answer.status == 503 and client.answer.header("Retry-After")]
    report.verdict(len(right) == more, f"{len(right)} of {more} beyond are refused with 503 and Retry-After, after {time.monotonic() - began:.3f} s at most")
    reasons = {answer.json().get("reason") for answer in right}
    report.verdict(reasons == {"too_many_connections"}, f"the reason that they get is {reasons}")
    for client in inside[:more] + refused:
        client.connection.close()
    time.sleep(0.2)
    served = Crowd(loop, [(Idle, more)]).clients
    loop.run(time.monotonic() + 5, lambda: any(not client.answer and not client.is_gone for client in served))
    good = sum(client.answer is not None and client.answer.status == 200 for client in served)
    report.verdict(good == more, f"{good} of {more} are served once others have left")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--idle", type=int, default=5000)
    parser.add_argument("--drippers", type=int, default=1000)
    parser.add_argument("--lazy", type=int, default=100, help="of the drippers, those that do not read")
    options = parser.parse_args()
    report = Report()
    crowd_of_clients(options.binary, report, options)
    beyond_the_limit(options.binary, report)
    return report.end()


sys.exit(main())
