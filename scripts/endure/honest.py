"""What an honest client has of a server: small requests, jobs of a third of a second, and whether it lives. Each in a process of its own, so
that Python's own waiting for itself is not measured."""

import multiprocessing
import socket
import time

from endure.families import node, request
from endure.meter import Meter, Scheduling, probe
from endure.wire import TINY, Answers, post

CONTEXT = multiprocessing.get_context("fork")


class Connection:
    """Kept as long as it lasts, and made anew."""

    def __init__(self, address, seconds):
        self.address, self.seconds, self.socket = address, seconds, None

    def ask(self, data):
        """The status, or what went wrong, as text."""
        try:
            if self.socket is None:
                self.socket = socket.create_connection(self.address, timeout=self.seconds)
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket.sendall(data)
            answers, found = Answers(), []
            while not found:
                received = self.socket.recv(65536)
                if not received:
                    raise ConnectionError("closed")
                found = answers.feed(received)
        except OSError as error:
            self.close()
            return repr(error)
        if found[0].closes:
            self.close()
        return str(found[0].status)

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = None


def small(address):
    connection = Connection(address, 10)
    return lambda: connection.ask(post("/v1/evaluate", TINY))


def job(elements):
    """A job that takes processors and no memory."""
    nodes = [node("broadcast_to", "y0", "b0", shape=[elements])] + [node("sin", f"b{i}", f"b{i + 1}") for i in range(4)] + [node("sum", "b4", "y")]
    return request((nodes, {"y0": 0.5}), "values")


def jobs(address, elements):
    connection, data = Connection(address, 40), job(elements)
    return lambda: connection.ask(data)


def live(address):
    return lambda: "200" if probe(address) < float("inf") else "no answer"


def _repeat(ask, meter, interval, stop, results):
    ask, records = ask(), []
    while not stop.is_set():
        with Scheduling(meter) as scheduling:
            began = time.monotonic()
            status = ask()
            seconds = time.monotonic() - began
        records.append((seconds, status, max(0.0, seconds - scheduling.waited)))
        stop.wait(interval)
    results.put(records)


class Client:
    """Asks in a process of its own until it is told to stop; `records` are then, of each, seconds, status, and the seconds in which neither the
    client nor a thread that serves sockets waited for a processor."""

    def __init__(self, server, ask, *arguments, interval):
        self.stop, self.results = CONTEXT.Event(), CONTEXT.Queue()
        given = (lambda: ask(server.address, *arguments), Meter(server.process.pid), interval, self.stop, self.results)
        self.process = CONTEXT.Process(target=_repeat, args=given, daemon=True)
        self.process.start()

    def records(self):
        self.stop.set()
        records = self.results.get(timeout=60)
        self.process.join()
        return records


def sized_job(address, seconds):
    """Elements with which a job takes so long alone, and how long it then takes."""
    elements, connection = 1 << 20, Connection(address, 40)
    for _ in range(4):
        times, data = [], job(elements)
        for _ in range(5):
            began = time.monotonic()
            if (status := connection.ask(data)) != "200":
                raise SystemExit(f"a job of {elements} elements is answered with {status}")
            times.append(time.monotonic() - began)
        alone = sorted(times)[len(times) // 2]
        if 0.8 * seconds < alone < 1.25 * seconds:
            break
        elements = int(elements * min(max(seconds / alone, 0.1), 50))
    return elements, alone
