"""Starts, pins, asks and ends the programs that are measured. Every process is ended by its own handle."""

import os
import select
import shutil
import socket
import subprocess
import time

from . import places
from .errors import Missing

# One CPU for the rows "on the same core": the last, because systems put their own work on the first.
ALL_CPUS = sorted(os.sched_getaffinity(0))
ONE_CPU = ALL_CPUS[-1:]


def pinned(command, cpus):
    return ["taskset", "--cpu-list", ",".join(map(str, cpus))] + [str(part) for part in command]


class Ports:
    """Hands out ports that nobody listens on."""

    def __init__(self, first):
        self._next = first

    def take(self):
        for _ in range(1000):
            port, self._next = self._next, self._next + 1
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                    return port
                except OSError:
                    continue
        raise Missing("no free port")


class Server:
    """A program that listens. `command` is a function of the port."""

    def __init__(self, name, command, port, cpus=ONE_CPU, environment=None, directory=None):
        self.name, self.port, self.cpus = name, port, cpus
        self._command, self._directory = command, directory
        self._environment = {**os.environ, **(environment or {})}
        self._process, self._begun, self._taken = None, 0.0, None

    @property
    def pid(self):
        return self._process.pid if self._process else 0

    def start(self):
        """Returns the seconds until it took connections."""
        self.launch()
        return self.wait()

    def launch(self):
        """Starts it without waiting, unless it runs."""
        if self._process:
            return
        command = pinned(self._command(self.port), self.cpus)
        if not shutil.which(command[3]):
            raise Missing("not installed")
        places.logs.mkdir(parents=True, exist_ok=True)
        # A file, as a service's log is: throwing the lines away would be cheaper than what users have.
        with open(places.logs / f"{self.name}.log", "wb") as log:
            self._begun, self._taken = time.perf_counter(), None
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=self._environment, cwd=self._directory)

    def wait(self, patience=120.0):
        while self._taken is None and time.perf_counter() - self._begun < patience:
            if self._process.poll() is not None:
                self._process = None
                raise Missing(_why_it_ended(self.name))
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                self._taken = time.perf_counter() - self._begun
            except OSError:
                time.sleep(0.0005)
        if self._taken is None:
            self.stop()
            raise Missing(f"did not listen within {patience:.0f} s")
        return self._taken

    def stop(self):
        process, self._process = self._process, None
        if process:
            _end(process)

    def status(self, field):
        """Bytes of a field of /proc/PID/status."""
        with open(f"/proc/{self.pid}/status") as file:
            for line in file:
                if line.startswith(field + ":"):
                    return int(line.split()[1]) * 1024
        raise Missing(f"the system does not say {field}")

    def reset_peak(self):
        """Makes VmHWM start anew."""
        with open(f"/proc/{self.pid}/clear_refs", "w") as file:
            file.write("5")


class Worker:
    """A program that runs cases when asked, one line each; see native/limits.c."""

    def __init__(self, name, command, cpus, environment=None):
        self.name, self.cpus = name, cpus
        self._command, self._environment = command, {**os.environ, **(environment or {})}
        self._process = None
        self._fault = None

    def seconds(self, case, size, repeats, patience=180.0):
        if self._fault:
            raise Missing(self._fault)
        self.launch()
        print(case, size, repeats, file=self._process.stdin, flush=True)
        if not select.select([self._process.stdout], [], [], patience)[0]:
            self._give_up(f"took longer than {patience:.0f} s")
        answer = self._process.stdout.readline().strip()
        if not answer:
            self._give_up(_why_it_ended(self.name))
        if answer.startswith("error:"):
            raise Missing(answer.removeprefix("error: "))
        return float(answer)

    def launch(self):
        """Starts it, unless it runs."""
        if self._process:
            return
        if not shutil.which(str(self._command[0])):
            self._fault = "not installed"
            raise Missing(self._fault)
        places.logs.mkdir(parents=True, exist_ok=True)
        with open(places.logs / f"{self.name}.log", "wb") as log:
            self._process = subprocess.Popen(
                pinned(self._command, self.cpus), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=self._environment)

    def _give_up(self, why):
        self.stop()
        self._fault = why
        raise Missing(why)

    def stop(self):
        process, self._process = self._process, None
        if process:
            process.stdin.close()
            _end(process)


def _why_it_ended(name):
    log = places.logs / f"{name}.log"
    return "not installed" if b"ModuleNotFoundError" in log.read_bytes() else f"ended by itself, see {log.name}"


def _end(process):
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)
