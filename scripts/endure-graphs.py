#!/usr/bin/env python3
"""Kills servers and workers while they store graphs: endure-graphs.py BINARY [--rounds 10] [--puts 1000]

Four writers put graphs to two workers with a folder. Workers are killed at random moments, and at the end of each round
all processes at once. Then a new server must have every version that was answered, byte for byte, and no gap between
versions. Also measures how long a start with 10,000 graphs takes until the server is ready.
Exits with 1 if a version is lost, is another than was put, or the start takes longer than 2 s."""

import argparse
import hashlib
import http.client
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

PORT = 18060


class Graphs:
    """A server with a folder, and what it has acknowledged."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        self.acknowledged, self.faults, self.lock = {}, [], threading.Lock()

    def start(self, *options):
        """Starts it and returns the seconds until it is ready."""
        begin = time.monotonic()
        self.process = subprocess.Popen(
            [self.binary, "serve", "--port", str(PORT), "--graphs", self.folder, "--log-requests", "false", *options],
            stderr=subprocess.DEVNULL)
        while time.monotonic() - begin < 60:
            if self.process.poll() is not None:
                sys.exit("the server did not start")
            try:
                if self.send("GET", "/readyz")[0] == 200:
                    return time.monotonic() - begin
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.01)
        sys.exit("the server is not ready after a minute")

    def workers(self):
        try:
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as file:
                return [int(pid) for pid in file.read().split()]
        except OSError:
            return []

    def kill(self, *processes):
        for process in processes:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def end(self):
        self.process.terminate()
        self.process.wait()

    @staticmethod
    def send(method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=10)
        try:
            connection.request(method, path, body, {"Content-Type": "text/plain"} if body else {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def write(self, seed, enough):
        """Puts graphs until there are enough; what is not answered does not count."""
        chance = random.Random(seed)
        while not enough():
            name = f"g{chance.randrange(8)}"
            source = f"y = {chance.random()} * x\n# {'z' * chance.randrange(20_000)}".encode()
            try:
                status, body = self.send("PUT", f"/v1/graphs/{name}", source)
            except (OSError, http.client.HTTPException):
                time.sleep(0.01)
                continue
            if status not in (200, 201):
                continue
            version = json.loads(body)["version"]
            with self.lock:
                if self.acknowledged.setdefault((name, version), source) != source:
                    self.faults.append(f"{name}@{version} was acknowledged to two writers")

    def check(self):
        for name in sorted({name for name, _ in self.acknowledged}):
            status, body = self.send("GET", f"/v1/graphs/{name}/versions")
            versions = [entry["version"] for entry in json.loads(body)["versions"]] if status == 200 else []
            if versions != list(range(1, len(versions) + 1)):
                self.faults.append(f"{name} has the versions {versions}")
        for (name, version), source in self.acknowledged.items():
            status, body = self.send("GET", f"/v1/graphs/{name}@{version}/source")
            if status != 200 or hashlib.sha256(body).digest() != hashlib.sha256(source).digest():
                self.faults.append(f"{name}@{version} is answered with {status} and {len(body)} bytes")


def endure(graphs, rounds, puts):
    kills = 0
    for number in range(rounds):
        graphs.start("--workers", "2")
        goal = (number + 1) * puts // rounds
        is_over = threading.Event()

        def enough():
            return is_over.is_set() or len(graphs.acknowledged) >= goal

        writers = [threading.Thread(target=graphs.write, args=(number * 4 + each, enough)) for each in range(4)]
        for writer in writers:
            writer.start()
        end = time.monotonic() + 60
        while not enough() and time.monotonic() < end:
            time.sleep(random.uniform(0.02, 0.4))
            workers = graphs.workers()
            if workers:
                graphs.kill(random.choice(workers))
                kills += 1
        workers = graphs.workers()
        graphs.kill(graphs.process.pid, *workers)
        kills += 1 + len(workers)
        is_over.set()
        for writer in writers:
            writer.join()
        graphs.process.wait()
        graphs.start("--workers", "2")
        graphs.check()
        graphs.end()
        print(f"round {number + 1}: {len(graphs.acknowledged)} acknowledged, {kills} kills, {len(graphs.faults)} faults", flush=True)


def fill(folder, count):
    """As a server would have written them."""
    for number in range(count):
        source = f"y = sum((x - {number}) ** 2)\n".encode()
        line = json.dumps({
            "name": f"n{number}", "version": 1, "type": "text/plain", "created": 1_700_000_000_000, "bytes": len(source),
            "sha256": hashlib.sha256(source).hexdigest()}).encode()
        os.mkdir(f"{folder}/n{number}")
        with open(f"{folder}/n{number}/1", "wb") as file:
            file.write(line + b" " * (-(len(line) + 1) % 64) + b"\n" + source)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--puts", type=int, default=1000)
    options = parser.parse_args()
    folder = tempfile.mkdtemp()
    try:
        graphs = Graphs(options.binary, folder)
        endure(graphs, options.rounds, options.puts)
        fill(folder, 10_000)
        seconds = []
        for workers in ("1", "2"):
            seconds.append(graphs.start("--workers", workers))
            graphs.end()
    finally:
        shutil.rmtree(folder)
    print(f"ready with 10,000 graphs: {seconds[0]:.2f} s with one worker, {seconds[1]:.2f} s with two")
    for fault in graphs.faults:
        print(fault)
    sys.exit(1 if graphs.faults or max(seconds) > 2 else 0)


main()
