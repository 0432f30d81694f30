"""Requests as bytes, and answers out of bytes as they come."""

import json
import re
from dataclasses import dataclass

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked\r\n", re.IGNORECASE)
CLOSES = re.compile(rb"\r\nconnection: *close\r\n", re.IGNORECASE)


def get(path, *headers, method="GET", version="HTTP/1.1", host="Host: localhost"):
    lines = [f"{method} {path} {version}", *([host] if host else []), *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def post(path, body, *headers, content_type="application/json", host="Host: localhost"):
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    head = get(path, f"Content-Type: {content_type}", f"Content-Length: {len(body)}", *headers, method="POST", host=host)
    return head + body


# A request that costs nothing: y = tanh(x) and its gradient.
TINY = {"graph": {"nodes": [{"op": "tanh", "inputs": ["x"], "outputs": ["y"]}]}, "inputs": {"x": 0.5}}


@dataclass
class Answer:
    status: int
    head: bytes
    body: bytes

    def header(self, name):
        found = re.search(rb"\r\n" + name.encode() + rb": *([^\r]*)\r\n", self.head, re.IGNORECASE)
        return found[1].decode("latin-1") if found else None

    @property
    def closes(self):
        return bool(CLOSES.search(self.head))

    def json(self):
        return json.loads(self.body)


class Answers:
    """Takes bytes as they come and gives back the answers that are complete."""

    def __init__(self):
        self.buffer = bytearray()
        # How many of the next answers have no body, whatever their length says: those to HEAD.
        self.heads = 0
        # Bytes of which no answer can be made.
        self.is_garbage = False
        # Where the head of the first answer ends, once it is there, and where its body does. In chunks: where the next
        # chunk begins, and what the chunks so far hold.
        self._head = self._end = 0
        self._chunks = None

    def feed(self, data):
        self.buffer += data
        found = []
        while not self.is_garbage and (answer := self._next()):
            found.append(answer)
        return found

    def _next(self):
        if not self._end and not self._read_head():
            return None
        if self._chunks is not None and not self._read_chunks():
            return None
        if len(self.buffer) < self._end:
            return None
        head = bytes(self.buffer[:self._head])
        body = bytes(self.buffer[self._head:self._end]) if self._chunks is None else bytes(self._chunks)
        del self.buffer[:self._end]
        self._head, self._end, self._chunks = 0, 0, None
        return Answer(int(head[9:12]), head, body)

    def _read_chunks(self):
        """Whether the last one is there. No answer of this server has trailers."""
        while (line := self.buffer.find(b"\r\n", self._end)) >= 0:
            size = int(self.buffer[self._end:line], 16)
            end = line + 2 + size + 2
            if len(self.buffer) < end:
                return False
            self._chunks += self.buffer[line + 2:end - 2]
            self._end = end
            if size == 0:
                return True
        return False

    def _read_head(self):
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = bytes(self.buffer[:end + 4])
        if not re.match(rb"HTTP/1\.[01] \d{3} ", head):
            self.is_garbage = True
            return False
        length = LENGTH.search(head)
        size = int(length[1]) if length and head[9:10] != b"1" else 0
        if self.heads and head[9:10] != b"1":
            self.heads, size = self.heads - 1, 0
        elif CHUNKED.search(head):
            self._chunks = bytearray()
        self._head, self._end = end + 4, end + 4 + size
        return True
