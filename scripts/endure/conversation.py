"""One case of raw bytes on a socket: what is sent, what must come, and by when it must be over."""

import select
import socket
import struct
import time
from dataclasses import dataclass, field
from typing import Callable

from endure.wire import Answers, get

# What must become of the connection.
OPEN, CLOSED, EITHER = "kept", "closed", "either"
# No answer at all: the connection is closed without one.
NOTHING = 0


# What can be done beside sending bytes.
@dataclass
class Pause:
    seconds: float


@dataclass
class Drip:
    """A byte at a time."""
    data: bytes
    every: float


class HalfClose:
    pass


class Reset:
    pass


@dataclass
class Case:
    name: str
    # Bytes, or one of the above.
    steps: list
    # Of the first answer; several where more than one is right.
    status: int | tuple
    after: str = OPEN
    # How many answers come, all of them with that status where there are more.
    count: int = 1
    # By when it is over, in seconds.
    within: float = 2
    # Looks at the answers; what is wrong with them, or None.
    check: Callable = field(default=lambda answers: None)
    # The bytes of an endless stream that are sent after the steps until the server has had enough.
    endless: bytes = b""
    # Whether the answer is one to HEAD.
    is_head: bool = False

    @property
    def statuses(self):
        return self.status if isinstance(self.status, tuple) else (self.status,)


class Conversation:
    def __init__(self, address, case):
        self.case, self.answers, self.received, self.closed = case, Answers(), [], False
        self.answers.heads = int(case.is_head)
        self.started = time.monotonic()
        self.deadline = self.started + case.within
        self.socket = socket.create_connection(address, timeout=2)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)

    def run(self):
        """What went wrong, or None."""
        with self.socket:
            for step in self.case.steps:
                if self.closed or not self.do(step):
                    break
            while self.case.endless and not self.closed and time.monotonic() < self.deadline:
                self.send(self.case.endless)
            return self.verdict()

    def do(self, step):
        """False when nothing follows."""
        if isinstance(step, bytes):
            self.send(step)
        elif isinstance(step, Pause):
            self.listen(until=time.monotonic() + step.seconds)
        elif isinstance(step, Drip):
            for byte in step.data:
                if self.closed or time.monotonic() > self.deadline:
                    break
                self.send(bytes([byte]))
                self.listen(until=time.monotonic() + step.every)
        elif isinstance(step, HalfClose):
            self.socket.shutdown(socket.SHUT_WR)
        elif isinstance(step, Reset):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.closed = True
            return False
        return True

    def send(self, data):
        view = memoryview(data)
        while view and not self.closed and time.monotonic() < self.deadline:
            readable, writable, _ = select.select([self.socket], [self.socket], [], 0.1)
            if readable:
                self.read()
            if writable and not self.closed:
                try:
                    view = view[self.socket.send(view):]
                except BlockingIOError:
                    continue
                except OSError:
                    # There may be an answer all the same.
                    self.listen(until=time.monotonic() + 0.2)
                    self.closed = True

    def listen(self, until, condition=lambda: True):
        while not self.closed and condition():
            wait = min(until, self.deadline) - time.monotonic()
            if wait <= 0:
                return
            if select.select([self.socket], [], [], wait)[0]:
                self.read()

    def read(self):
        try:
            data = self.socket.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.closed = self.closed or not data
        # An interim answer is none.
        self.received += [answer for answer in self.answers.feed(data) if answer.status >= 200]

    def verdict(self):
        case = self.case
        if any(isinstance(step, Reset) for step in case.steps):
            return None
        if case.after == CLOSED or case.statuses == (NOTHING,):
            self.listen(self.deadline)
        else:
            self.listen(self.deadline, lambda: len(self.received) < case.count)
        wrong = self.wrong_answers() or case.check(self.received)
        if wrong:
            return wrong
        if case.after == CLOSED and not self.closed:
            return f"the connection is still open after {case.within} s"
        return self.wrong_end() if case.after == OPEN else None

    def wrong_answers(self):
        statuses = [answer.status for answer in self.received]
        # Who is too slow with the next request is told so.
        if self.closed and len(statuses) == self.case.count + 1 and statuses[-1] == 408: statuses.pop()
        if self.answers.is_garbage:
            return f"no answer at all: {bytes(self.answers.buffer[:60])}"
        if not statuses:
            return None if NOTHING in self.case.statuses else "no answer" + ("" if self.closed else f" in {self.case.within} s")
        if statuses[0] not in self.case.statuses:
            return f"{statuses[0]} instead of {' or '.join(map(str, self.case.statuses))}"
        # libmicrohttpd says some refusals of its own twice before it closes.
        is_twice = self.case.count == 1 and self.closed and len(set(statuses)) == 1 and len(statuses) == 2 and statuses[0] >= 400
        if not is_twice and (len(statuses) != self.case.count or len(set(statuses)) > 1):
            return f"{len(statuses)} answers ({statuses[:8]}) instead of {self.case.count}"
        return None

    def wrong_end(self):
        """A kept connection must serve another request, and that must be the next thing that it answers."""
        if self.closed:
            return "the connection is closed"
        before = len(self.received)
        self.deadline = max(self.deadline, time.monotonic() + 1)
        self.send(get("/livez"))
        self.listen(self.deadline, lambda: len(self.received) == before)
        after = [answer.status for answer in self.received[before:]]
        return None if after == [200] else f"another request on the connection is answered with {after}"
