"""What a server uses, read from outside: processor time of each of its threads, memory, and whether others are served meanwhile."""

import os
import socket
import threading
import time

from endure.wire import get

# Names of the threads that stand between a client and its answer.
SERVING = ("MHD", "accept")
LIVEZ = get("/livez", "Connection: close")


class Meter:
    def __init__(self, process):
        self.process, self.names = process, {}

    def threads(self):
        """Nanoseconds of processor time that each thread has had, by its identifier and name.

        They are exact, where /proc/PID/stat counts in hundredths of a second."""
        return {(thread, name): fields[0] for thread, name, fields in self._read()}

    def _read(self):
        """Identifier, name, and nanoseconds at work and in wait of each thread."""
        directory = f"/proc/{self.process}/task"
        for thread in _entries(directory):
            try:
                if thread not in self.names:
                    with open(f"{directory}/{thread}/comm") as file:
                        self.names[thread] = file.read().strip()
                with open(f"{directory}/{thread}/schedstat") as file:
                    yield thread, self.names[thread], [int(field) for field in file.read().split()[:2]]
            except OSError:
                # It has ended since.
                continue

    def waits(self):
        """Seconds that each thread that accepts or serves sockets has waited for a processor, by its identifier."""
        return {thread: fields[1] / 1e9 for thread, name, fields in self._read() if name.startswith(SERVING)}

    def seconds(self):
        return sum(self.threads().values()) / 1e9

    def rest(self, longest=0.5, quiet=0.0005, step=0.004):
        """Waits until the threads have next to nothing more to do. How long that was, in seconds; None if they have not stopped."""
        began = time.monotonic()
        last = self.seconds()
        while time.monotonic() < began + longest:
            time.sleep(step)
            now = self.seconds()
            if now - last < quiet:
                return time.monotonic() - began - step
            last = now
        return None

    def busy(self, window):
        """Seconds of processor time in the next `window` seconds."""
        before = self.seconds()
        time.sleep(window)
        return self.seconds() - before


def _entries(directory):
    try:
        return os.listdir(directory)
    except FileNotFoundError:
        return []


def used(before, after):
    """Seconds in all, and of the busiest thread that serves sockets, between two looks at the threads."""
    each = {key: (nanoseconds - before.get(key, 0)) / 1e9 for key, nanoseconds in after.items()}
    sockets = [seconds for (_, name), seconds in each.items() if name.startswith("MHD")]
    return sum(each.values()), max(sockets, default=0.0)


def own_wait():
    """Seconds that this thread has waited for a processor."""
    with open("/proc/thread-self/schedstat") as file:
        return int(file.read().split()[1]) / 1e9


def probe(address, timeout=5.0):
    """Seconds that GET /livez takes on a new connection; infinity without a right answer."""
    began = time.monotonic()
    try:
        with socket.create_connection(address, timeout=timeout) as connection:
            connection.settimeout(timeout)
            connection.sendall(LIVEZ)
            head = connection.recv(4096)
    except OSError:
        return float("inf")
    return time.monotonic() - began if head.startswith(b"HTTP/1.1 200") else float("inf")


class Scheduling:
    """How much of what takes place inside `with` was waiting for a processor: this thread's, and that of the thread of the server that waited
    most. Another thread of the server may have answered, so this is an upper bound: what is left was surely not the machine's."""

    def __init__(self, meter):
        self.meter, self.waited = meter, 0.0

    def __enter__(self):
        self._own, self._server = own_wait(), self.meter.waits()
        return self

    def __exit__(self, *_):
        server = [seconds - self._server.get(thread, 0) for thread, seconds in self.meter.waits().items()]
        self.waited = own_wait() - self._own + max(server, default=0)


class Prober:
    """Probes from a thread until it is left; `times` are those of each, `stalls` what of them was not waiting for a processor."""

    def __init__(self, address, meter, interval):
        self.address, self.meter, self.interval, self.times, self.stalls = address, meter, interval, [], []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self._stop.is_set():
            with Scheduling(self.meter) as scheduling:
                seconds = probe(self.address)
            self.times.append(seconds)
            self.stalls.append(max(0.0, seconds - scheduling.waited))
            self._stop.wait(self.interval)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
