"""Load on a server: as much as it takes, or so much a second whether it answers or not."""

import time

from endure.loop import Connection
from endure.wire import post


def medium(products, *headers):
    """A graph of some milliseconds: a matrix made of a vector, multiplied so many times with itself, and the gradient of the sum."""
    nodes = [{"op": "outer", "inputs": ["x", "x"], "outputs": ["a"]}, {"op": "sin", "inputs": ["a"], "outputs": ["m0"]}]
    nodes += [{"op": "matmul", "inputs": [f"m{i}", "a"], "outputs": [f"m{i + 1}"]} for i in range(products)]
    nodes.append({"op": "mean", "inputs": [f"m{products}"], "outputs": ["y"]})
    vector = [round(((37 * i) % 101 - 50) / 100, 2) for i in range(160)]
    return post("/v1/evaluate", {"graph": {"nodes": nodes, "outputs": ["y"]}, "inputs": {"x": vector}}, *headers)


class Pool:
    """Kept connections; a request takes one that is free, or a new one."""

    def __init__(self, loop):
        self.loop, self.free, self.lost = loop, [], 0

    def send(self, request, on_answer):
        connection = self.free.pop() if self.free else Connection(self.loop, self._answered, self._ended)
        connection.context = (time.monotonic(), on_answer)
        connection.send(request)

    def _answered(self, connection, answer):
        began, on_answer = connection.context
        connection.context = None
        on_answer(answer, time.monotonic() - began)
        if answer.closes:
            connection.close()
        else:
            self.free.append(connection)

    def _ended(self, connection):
        if connection.context:
            self.lost += 1
        elif connection in self.free:
            self.free.remove(connection)


def closed_loop(loop, request, clients, seconds):
    """Clients that each send the next request when the last is answered: requests a second, and how long each took."""
    pool, times, statuses = Pool(loop), [], set()
    end = time.monotonic() + seconds

    def answered(answer, duration):
        statuses.add(answer.status)
        times.append(duration)
        waiting[0] -= 1

    waiting = [0]
    while time.monotonic() < end:
        while waiting[0] < clients:
            waiting[0] += 1
            pool.send(request, answered)
        loop.poll(end)
    loop.run(end + 10, lambda: waiting[0] > 0)
    return len(times) / seconds, times, statuses


class Offer:
    """Requests of one kind at equal distances, sent at their time whatever has become of those before."""

    def __init__(self, pool, name, interval, *requests):
        self.pool, self.name, self.interval, self.requests = pool, name, interval, requests
        self.lateness, self.records, self.sent, self.due = [], [], 0, 0.0

    def begin(self, when):
        self.due = when

    def send_what_is_due(self, now):
        while self.due <= now:
            self.lateness.append(now - self.due)
            self._send(self.sent % len(self.requests))
            self.sent += 1
            self.due += self.interval
            now = time.monotonic()

    def _send(self, kind):
        def answered(answer, duration):
            self.records.append((kind, answer.status, duration, answer.header("Retry-After") is not None))
        self.pool.send(self.requests[kind], answered)

    def times(self, *statuses):
        return [duration for _, status, duration, _ in self.records if status in statuses]


def open_loop(loop, offers, seconds, each_half_second):
    """Until all is sent and answered, or 30 s after the last was sent."""
    began = time.monotonic()
    for number, offer in enumerate(offers):
        offer.begin(began + 0.001 * number)
    end, tick = began + seconds, began
    while (now := time.monotonic()) < end:
        for offer in offers:
            offer.send_what_is_due(now)
        if now >= tick:
            each_half_second()
            tick += 0.5
        loop.poll(min(end, tick, *(offer.due for offer in offers)))
    loop.run(end + 30, lambda: any(len(offer.records) < offer.sent for offer in offers))
