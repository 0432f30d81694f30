"""Clients that hold on to their connections: idle ones, and ones that send or read a little at a time."""

import json
import time

from endure.loop import Connection
from endure.wire import TINY, get, post

# An answer of several megabytes to a request of a few bytes.
LARGE = {
    "graph": {"nodes": [{"op": "broadcast_to", "inputs": ["x"], "outputs": ["y"], "attributes": {"shape": [600_000]}}]},
    "inputs": {"x": [0.125]}, "gradients": False}


class Client:
    """One that keeps its connection; knows when it began what it is doing and when the server ended it."""

    def __init__(self, loop, receive_buffer=None):
        self.answer, self.began, self.ended = None, time.monotonic(), None
        self.connection = Connection(loop, self._answered, self._ended, receive_buffer)

    def _answered(self, connection, answer):
        self.answer = answer

    def _ended(self, connection):
        self.ended = time.monotonic()

    @property
    def is_gone(self):
        return self.ended is not None

    @property
    def age(self):
        """How long it has been, or was, at it."""
        return (self.ended or time.monotonic()) - self.began

    def step(self):
        """What it does once a second."""


class Idle(Client):
    def __init__(self, loop):
        super().__init__(loop)
        # Between two requests, where clients mostly are.
        self.connection.send(get("/livez"))


class HeadDripper(Client):
    def __init__(self, loop):
        super().__init__(loop)
        self.connection.send(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: ")

    def step(self):
        self.connection.send(b"x")


class BodyDripper(Client):
    def __init__(self, loop):
        super().__init__(loop)
        body = json.dumps(TINY)
        self.connection.send(get("/v1/evaluate", f"Content-Length: {len(body) + 1000}", method="POST") + body.encode())

    def step(self):
        self.connection.send(b" ")


class LazyReader(Client):
    """Asks for megabytes and then reads a byte at a time."""

    def __init__(self, loop):
        # Little room on our side, so that it is the server that is left with the answer.
        super().__init__(loop, receive_buffer=4096)
        self.connection.reads = False
        loop.watch(self.connection)
        self.connection.send(post("/v1/evaluate", LARGE))

    def step(self):
        try:
            self.connection.socket.recv(1)
        except BlockingIOError:
            pass
        except OSError:
            self.connection.close()


class Crowd:
    """Clients whose steps are spread over each second."""

    def __init__(self, loop, kinds):
        self.loop, self.clients = loop, []
        for kind, count in kinds:
            for number in range(count):
                self.clients.append(kind(loop))
                # Not more at a time than the kernel's queue of new connections holds.
                if number % 100 == 99:
                    loop.poll(time.monotonic())

    def of(self, kind):
        return [client for client in self.clients if isinstance(client, kind)]

    def run(self, seconds):
        """One slice of the clients a hundredth of a second."""
        started, number = time.monotonic(), 0
        while time.monotonic() < started + seconds:
            for client in self.clients[number % 100::100]:
                if not client.is_gone:
                    client.step()
            number += 1
            while (rest := started + number / 100 - time.monotonic()) > 0:
                self.loop.poll(time.monotonic() + rest)
