#!/usr/bin/env python3
"""What happens to requests when the server is stopped, its workers are replaced, or one is killed: endure-restarts.py BINARY [--rounds 20]

Clients with kept connections send requests without a pause and count every one that was sent in full and got no answer. A connection that
the server closed between two requests (it says so in the answer before, or the client finds it closed before it has sent) is not a loss.
Exits with 1 if a request is lost that should not be, or an exit status is not 0."""

import argparse
import http.client
import json
import os
import signal
import socket
import sys
import threading
import time

from endure.server import Server, wait_for

BODY = json.dumps({
    "graph": {"nodes": [{"op": "tanh", "inputs": ["x"], "outputs": ["t"]}, {"op": "sum", "inputs": ["t"], "outputs": ["y"]}]},
    "inputs": {"x": [0.1 * i for i in range(20)]}}).encode()


class Clients:
    """Threads that send one request after the other until they are told to end, or find nobody there any more."""

    def __init__(self, port, count):
        self.port, self.answered, self.lost, self.refused, self.ends = port, 0, [], 0, False
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def _run(self):
        while not self.ends:
            try:
                connection = socket.create_connection(("127.0.0.1", self.port), timeout=10)
            except OSError:
                with self.lock:
                    self.refused += 1
                time.sleep(0.01)
                continue
            with connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while not self.ends and self._exchange(connection):
                    pass

    def _exchange(self, connection):
        """Whether the connection is still good."""
        connection.setblocking(False)
        try:
            if connection.recv(1, socket.MSG_PEEK) == b"":
                return False
        except BlockingIOError:
            pass
        except OSError:
            return False
        connection.settimeout(30)
        try:
            connection.sendall(
                b"POST /v1/evaluate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY)
        except OSError:
            return False
        try:
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            with self.lock:
                self.lost.append((time.monotonic(), repr(error)))
            return False
        with self.lock:
            self.answered += 1
            if answer.status != 200:
                self.lost.append((time.monotonic(), f"status {answer.status}"))
        return answer.getheader("Connection", "").lower() != "close"

    def end(self):
        self.ends = True
        for thread in self.threads:
            thread.join(timeout=40)


def report(name, clients, note=""):
    print(f"{name}: {clients.answered} answered, {len(clients.lost)} lost{note}", flush=True)
    for _, what in clients.lost[:3]:
        print(f"  {what}")


def stops(binary, rounds, options, name):
    answered, lost, statuses = 0, 0, set()
    for _ in range(rounds):
        server = Server(binary, *options)
        clients = Clients(server.port, 8)
        time.sleep(0.3)
        statuses.add(server.stop())
        clients.end()
        answered, lost = answered + clients.answered, lost + len(clients.lost)
        for _, what in clients.lost[:3]:
            print(f"  {what}")
    print(f"{name}: {rounds} times, {answered} answered, {lost} lost, exit status {statuses}", flush=True)
    return lost == 0 and statuses == {0}


def rolls(binary, rounds):
    server = Server(binary, "--workers", "2")
    server.await_workers(2, set(), 10)
    clients = Clients(server.port, 8)
    replaced = 0
    for _ in range(rounds):
        before = set(server.workers())
        server.process.send_signal(signal.SIGHUP)
        server.await_workers(2, before, 60)
        replaced += 2
    refused = clients.refused
    clients.end()
    status = server.stop()
    report("rolling restarts, 2 workers", clients, f", {refused} connections refused, {replaced} workers replaced")
    return not clients.lost and refused == 0 and status == 0


def kills(binary, rounds):
    """Of 8 clients those whose worker dies lose the request in flight. The other worker serves on; the new one is there soon."""
    server = Server(binary, "--workers", "2")
    server.await_workers(2, set(), 10)
    clients = Clients(server.port, 8)
    gaps, restarts, lost, others = [], [], 0, 0
    for _ in range(rounds):
        time.sleep(0.3)
        victim = server.workers()[0]
        before = len(clients.lost)
        killed = time.monotonic()
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda: server.answers(), 5)
        gaps.append((time.monotonic() - killed) * 1000)
        server.await_workers(2, {victim}, 10)
        restarts.append((time.monotonic() - killed) * 1000)
        time.sleep(0.2)
        lost += len(clients.lost) - before
        others += sum(when > killed + 0.1 for when, _ in clients.lost[before:])
    refused = clients.refused
    clients.end()
    status = server.stop()
    report(
        "kill -9 of a worker", clients,
        f" in {rounds} kills ({others} of them later than 100 ms after), {refused} connections refused; "
        f"answering again after at most {max(gaps):.0f} ms, the new worker starts after at most {max(restarts):.0f} ms")
    return others == 0 and refused == 0 and max(gaps) < 100 and lost <= 8 * rounds and status == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    results = [
        stops(options.binary, options.rounds, (), "SIGTERM under load"),
        stops(options.binary, options.rounds, ("--workers", "2"), "SIGTERM under load, 2 workers"),
        rolls(options.binary, options.rounds),
        kills(options.binary, options.rounds)]
    return 0 if all(results) else 1


sys.exit(main())
