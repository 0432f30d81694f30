"""Many connections in one thread: an epoll loop with prepared requests, cheap enough to share a small machine with the server that it loads."""

import select
import socket
import time

from endure.wire import Answers


class Connection:
    """One that sends requests one after the other. `on_answer(connection, answer)` is called for each answer, `on_end(connection)` when it is over."""

    def __init__(self, loop, on_answer, on_end, receive_buffer=None):
        self.loop, self.on_answer, self.on_end = loop, on_answer, on_end
        self.answers, self.out, self.is_open, self.context = Answers(), b"", True, None
        self.reads = True
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if loop.source:
            self.socket.bind((loop.source, 0))
        self.socket.connect_ex(loop.address)
        # Writable once it is connected.
        self.waits_to_write = True
        loop.add(self)

    def send(self, data):
        self.out += data
        if not self.waits_to_write:
            self._write()

    def _write(self):
        try:
            sent = self.socket.send(self.out) if self.out else 0
        except BlockingIOError:
            sent = 0
        except OSError:
            return self.close()
        self.out = self.out[sent:]
        if self.waits_to_write != bool(self.out):
            self.waits_to_write = bool(self.out)
            self.loop.watch(self)

    def handle(self, events):
        if self.reads and events & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
            try:
                data = self.socket.recv(1 << 18)
            except BlockingIOError:
                data = None
            except OSError:
                data = b""
            if data == b"":
                return self.close()
            for answer in self.answers.feed(data) if data else ():
                self.on_answer(self, answer)
        elif events & (select.EPOLLHUP | select.EPOLLERR):
            return self.close()
        if self.is_open and events & select.EPOLLOUT:
            self._write()

    def close(self, resets=False):
        if not self.is_open:
            return
        self.is_open = False
        self.loop.remove(self)
        if resets:
            # No farewell: the other side finds out when it writes, or by the reset.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()
        self.on_end(self)


class Loop:
    """`source` is the address that connections come from, where that matters."""

    def __init__(self, address, source=None):
        self.address, self.source, self.epoll, self.connections = address, source, select.epoll(), {}

    def add(self, connection):
        self.connections[connection.socket.fileno()] = connection
        self.epoll.register(connection.socket, self._events(connection))

    def watch(self, connection):
        self.epoll.modify(connection.socket, self._events(connection))

    def remove(self, connection):
        self.epoll.unregister(connection.socket)
        del self.connections[connection.socket.fileno()]

    @staticmethod
    def _events(connection):
        return (select.EPOLLIN if connection.reads else 0) | (select.EPOLLOUT if connection.waits_to_write else 0)

    def poll(self, until):
        """Serves what is ready, waiting for it until then at most."""
        wait = max(until - time.monotonic(), 0)
        for descriptor, events in self.epoll.poll(wait, 256):
            connection = self.connections.get(descriptor)
            if connection:
                connection.handle(events)

    def run(self, until, condition=lambda: True):
        """As long as the condition holds, at most until then. False if it held to the end."""
        while condition():
            if time.monotonic() >= until:
                return False
            self.poll(min(until, time.monotonic() + 0.1))
        return True
