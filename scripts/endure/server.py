"""A server of one's own: started on a free port, watched from outside, ended with the script."""

import atexit
import http.client
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time


class Server:
    """`options` are those of `serve`. One that this program does not have is left out and said: then a bar that needs it fails by itself.
    `prefix` is a command that sets limits and becomes the server."""

    def __init__(self, binary, *options, logs_requests=False, prefix=()):
        self.stderr = tempfile.TemporaryFile()
        self.left_out, options = known_options(binary, options)
        for name in self.left_out:
            print(f"note: {name} is left out, this server does not have it", flush=True)
        self.process = subprocess.Popen(
            [*prefix, binary, "serve", "--port", "0", "--log-requests", str(logs_requests).lower(), *options], stderr=self.stderr)
        # Its workers end with it.
        atexit.register(self.process.kill)
        self.port = self._port()
        wait_for(self.answers, 10)

    def _port(self):
        end = time.monotonic() + 10
        while time.monotonic() < end and self.process.poll() is None:
            found = re.search(r"listening on \S+:(\d+)\n", self.log())
            if found:
                return int(found[1])
            time.sleep(0.01)
        sys.exit("the server did not start:\n" + self.log())

    def log(self):
        """All that it has said so far."""
        size = os.fstat(self.stderr.fileno()).st_size
        return os.pread(self.stderr.fileno(), size, 0).decode(errors="replace")

    @property
    def address(self):
        return ("127.0.0.1", self.port)

    def answers(self):
        try:
            connection = http.client.HTTPConnection(*self.address, timeout=2)
            connection.request("GET", "/livez")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False

    @property
    def is_running(self):
        return self.process.poll() is None

    def workers(self):
        """Their process identifiers, oldest first."""
        children = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(children) as file:
            return [int(pid) for pid in file.read().split()]

    def memory(self, what="VmRSS"):
        """Bytes that are resident, or were at most (VmHWM)."""
        with open(f"/proc/{self.process.pid}/status") as file:
            return int(re.search(rf"{what}:\s+(\d+) kB", file.read())[1]) << 10

    def forget_peak(self):
        """The peak counts from now on."""
        with open(f"/proc/{self.process.pid}/clear_refs", "w") as file:
            file.write("5")

    def processor_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        self.signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def await_workers(self, count, without, seconds):
        """Until there are so many, none of them among `without`."""
        def are_there():
            if not self.is_running:
                sys.exit(f"the server has ended with {self.process.returncode}:\n" + self.log()[-2000:])
            workers = self.workers()
            return len(workers) == count and not without & set(workers)
        wait_for(are_there, seconds)


def known_options(binary, options):
    """Those that are not listed by `serve --help`, and the rest with their values."""
    if not options:
        return [], []
    listed = subprocess.run([binary, "serve", "--help"], capture_output=True, text=True, check=True).stdout
    pairs = list(zip(options[::2], options[1::2]))
    unknown = [name for name, _ in pairs if not re.search(rf"{name}\b", listed)]
    return unknown, [text for name, value in pairs if name not in unknown for text in (name, value)]


def wait_for(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"not within {seconds} s: {condition}")
        time.sleep(0.002)


def raise_descriptor_limit():
    """How many descriptors this process, and servers that it starts, may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return 1 << 20 if hard == resource.RLIM_INFINITY else hard
