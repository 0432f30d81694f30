"""Requests whose end is in doubt, and chunked bodies. Behind each stands a request that must never be answered."""

from endure.conversation import CLOSED, EITHER, OPEN, Case
from endure.wire import TINY, get, post
import json

BODY = json.dumps(TINY).encode()


def marker(number):
    return get(f"/smuggled-{number}")


def doubtful(number, name, head, status=400, body=b"0\r\n\r\n", after=CLOSED, version="HTTP/1.1"):
    """The lines of a head, a body, and the hidden request."""
    request = f"POST /v1/evaluate {version}\r\n{head}\r\n".encode("latin-1")
    return Case(name, [request + body + marker(number)], status, after)


HEADS = [
    ("CL.TE", "Host: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400),
    ("TE.CL", "Host: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n", 400),
    ("CL.TE, length 0", "Host: localhost\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n", 400),
    ("TE.TE, chunked twice", "Host: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400),
    ("TE.TE, then identity", "Host: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", 400),
    ("TE.TE, identity first", "Host: localhost\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", 400),
    ("TE in a list", "Host: localhost\r\nTransfer-Encoding: gzip, chunked\r\n", 501),
    ("TE xchunked", "Host: localhost\r\nTransfer-Encoding: xchunked\r\n", 501),
    ("TE quoted", "Host: localhost\r\nTransfer-Encoding: \"chunked\"\r\n", 501),
    ("TE with a parameter", "Host: localhost\r\nTransfer-Encoding: chunked;q=1\r\n", 501),
    ("TE empty", "Host: localhost\r\nTransfer-Encoding:\r\n", 501),
    ("TE identity", "Host: localhost\r\nTransfer-Encoding: identity\r\n", 501),
    ("TE behind a vertical tab", "Host: localhost\r\nTransfer-Encoding: \x0bchunked\r\n", 400),
    ("TE with a space before the colon", "Host: localhost\r\nTransfer-Encoding : chunked\r\n", 400),
    ("TE folded", "Host: localhost\r\nTransfer-Encoding:\r\n chunked\r\n", (400, 501)),
    ("TE with a bare CR", "Host: localhost\r\nTransfer-Encoding: chun\rked\r\n", 400),
    ("TE with NUL", "Host: localhost\r\nTransfer-Encoding: chunked\0\r\n", 400),
    ("TE in a name of another", "Host: localhost\r\nTransfer-Encoding-X: chunked\r\n", 400),
    ("TE behind a bare LF", "Host: localhost\r\nX: y\nTransfer-Encoding: chunked\r\n", 400),
    ("TE with an underscore is another header", "Host: localhost\r\nTransfer_Encoding: chunked\r\nContent-Length: x\r\n", 400),
    ("CL twice, equal", "Host: localhost\r\nContent-Length: 5\r\nContent-Length: 5\r\n", 400),
    ("CL twice, different", "Host: localhost\r\nContent-Length: 0\r\nContent-Length: 45\r\n", 400),
    ("CL twice, cases differ", "Host: localhost\r\nContent-Length: 0\r\ncONTENT-lENGTH: 5\r\n", 400),
    ("CL with a plus", "Host: localhost\r\nContent-Length: +5\r\n", 400),
    ("CL negative", "Host: localhost\r\nContent-Length: -1\r\n", 400),
    ("CL hexadecimal", "Host: localhost\r\nContent-Length: 0x5\r\n", 400),
    ("CL in a list", "Host: localhost\r\nContent-Length: 5, 5\r\n", 400),
    ("CL with an inner space", "Host: localhost\r\nContent-Length: 5 5\r\n", 400),
    ("CL with a point", "Host: localhost\r\nContent-Length: 5.0\r\n", 400),
    ("CL with an exponent", "Host: localhost\r\nContent-Length: 5e0\r\n", 400),
    ("CL empty", "Host: localhost\r\nContent-Length:\r\n", 400),
    ("CL with letters behind", "Host: localhost\r\nContent-Length: 5a\r\n", 400),
    ("CL of 2^63 - 1", "Host: localhost\r\nContent-Length: 9223372036854775807\r\n", 413),
    ("CL of 2^63", "Host: localhost\r\nContent-Length: 9223372036854775808\r\n", 413),
    ("CL of 2^64 + 5", "Host: localhost\r\nContent-Length: 18446744073709551621\r\n", 413),
    ("CL of 30 digits", "Host: localhost\r\nContent-Length: 999999999999999999999999999999\r\n", 413),
    ("CL with a space before the colon", "Host: localhost\r\nContent-Length : 45\r\n", 400),
    ("CL with a tab before the colon", "Host: localhost\r\nContent-Length\t: 45\r\n", 400),
    ("CL in a name of another", "Host: localhost\r\nContent-Length-X: 3\r\n", 400),
    ("CL folded", "Host: localhost\r\nContent-Length: 0\r\n 45\r\n", 400),
    ("CL in two lines", "Host: localhost\r\nContent-Leng: 45\r\n th\r\n", 400),
    ("CL behind NUL", "Host: localhost\r\nX: one\0\0Content-Length: 45\r\n", 400),
    ("a bare LF ends a line", "Host: localhost\nX: y\r\n", 400),
    ("bare LFs end the head", "Host: localhost\r\nX: y\n\n", 400),
    ("a bare CR in a value", "Host: localhost\r\nX: y\rContent-Length: 45\r\n", 400),
    ("NUL in a value", "Host: localhost\r\nX: a\0b\r\n", 400),
    ("NUL in a name", "Host: localhost\r\nX\0Y: b\r\n", 400),
    ("a control character in a value", "Host: localhost\r\nX: \x1b[2J\r\n", 400),
    ("a space in a name", "Host: localhost\r\nX Y: 3\r\n", 400),
    ("an at sign in a name", "Host: localhost\r\nX@Y: 3\r\n", 400),
    ("a name that is not ASCII", "Host: localhost\r\nX\xe9: 3\r\n", 400),
    ("an empty name", "Host: localhost\r\n: nobody\r\n", 400),
    ("a line without a colon", "Host: localhost\r\nnothing\r\n", 400),
    ("the first header folded", " Host: localhost\r\nHost: localhost\r\n", 400),
    ("a folded header", "Host: localhost\r\nX: one\r\n\ttwo\r\n", 400),
]


def chunked(name, body, status=200, after=OPEN, within=2.0, **more):
    head = get("/v1/evaluate", "Transfer-Encoding: chunked", method="POST")
    return Case(name, [head + body], status, after, within=within, **more)


def chunk(data, extension=b""):
    return b"%x%s\r\n%s\r\n" % (len(data), extension, data)


END = b"0\r\n\r\n"
# The server's --body-timeout, and a second to notice.
SLOW = 4.0


def chunked_cases():
    hidden = marker("chunk")
    return [
        chunked("a chunked body", chunk(BODY) + END),
        chunked("chunks of a byte", b"".join(chunk(bytes([byte])) for byte in BODY) + END),
        chunked("a chunk extension", chunk(BODY, b";a=b;c=\"d\"") + END),
        chunked("a chunk size with leading zeros", b"0000%x\r\n" % len(BODY) + BODY + b"\r\n" + END),
        chunked("a trailer", chunk(BODY) + b"0\r\nX-Trailer: 1\r\n\r\n"),
        chunked("a trailer with a length", chunk(BODY) + b"0\r\nContent-Length: 45\r\n\r\n"),
        # The 500 is libmicrohttpd's own: it has no better word for a line of a chunk that does not fit its memory.
        chunked("a flood of chunk extensions", chunk(BODY, b";" + b"a" * 1_000_000) + END + hidden, (400, 413, 431, 500, 0), CLOSED),
        chunked("10,000 chunks, each with an extension", b"".join(chunk(b" ", b";x") for _ in range(10_000)) + chunk(BODY) + END),
        chunked("a flood of trailers", chunk(BODY) + b"0\r\n" + b"X: y\r\n" * 100_000 + b"\r\n" + hidden, (400, 413, 431, 0), CLOSED),
        chunked("a chunk size that is no number", b"zz\r\n" + BODY + hidden, (400, 0), CLOSED),
        chunked("a negative chunk size", b"-5\r\n" + BODY + hidden, (400, 0), CLOSED),
        chunked("a chunk size with 0x", b"0x%x\r\n" % len(BODY) + BODY + b"\r\n" + END + hidden, (400, 0), CLOSED),
        chunked("no chunk size", b"\r\n" + BODY + b"\r\n" + END + hidden, (400, 0), CLOSED),
        chunked("a chunk size of 2^64 + 5", b"10000000000000005\r\nabcde\r\n" + END + hidden, (400, 413, 0), CLOSED),
        chunked("a chunk size of 2^63", b"8000000000000000\r\nabcde\r\n" + END + hidden, (400, 408, 413, 0), CLOSED, within=SLOW),
        chunked("a chunk size of 40 digits", b"f" * 40 + b"\r\nabcde\r\n" + END + hidden, (400, 413, 0), CLOSED),
        chunked("a chunk longer than it says", b"3\r\nabcdefgh\r\n" + END + hidden, (400, 0), CLOSED),
        chunked("no last chunk", chunk(BODY), (408, 0), CLOSED, within=SLOW),
        chunked("half of a chunk", chunk(BODY)[:-10], (408, 0), CLOSED, within=SLOW),
        chunked("no end of the trailer", chunk(BODY) + b"0\r\nX: y", (408, 0), CLOSED, within=SLOW),
        chunked("an endless chunked body", b"", (413, 0), CLOSED, within=10, endless=chunk(b" " * 65536)),
        chunked("an endless chunk", b"7fffffff\r\n", (413, 0), CLOSED, within=10, endless=b" " * 65536),
        # What follows the end of a body is the next request, and an honest one is answered.
        Case("a second request behind a chunked body",
             [get("/v1/evaluate", "Transfer-Encoding: chunked", method="POST") + chunk(BODY) + END + post("/v1/evaluate", TINY)],
             200, count=2),
    ]


def cases():
    found = [doubtful(number, name, head, status) for number, (name, head, status) in enumerate(HEADS)]
    found.append(doubtful("te10", "TE on HTTP/1.0", "Transfer-Encoding: chunked\r\n", version="HTTP/1.0"))
    found.append(doubtful("te10cl", "TE and CL on HTTP/1.0", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", version="HTTP/1.0"))
    # A request inside a body is a body.
    inside = post("/v1/evaluate", marker("inside"))
    found.append(Case("a request inside a body", [inside], 400))
    inside = get("/livez", f"Content-Length: {len(marker('get'))}") + marker("get")
    found.append(Case("a request inside the body of a GET", [inside], 200))
    inside = get("/livez", f"Content-Length: {len(marker('head'))}", method="HEAD") + marker("head")
    found.append(Case("a request inside the body of a HEAD", [inside], 200, is_head=True))
    inside = get("/nowhere", f"Content-Length: {len(marker('lost'))}", method="POST") + marker("lost")
    found.append(Case("a request inside the body of one for no path", [inside], 404, EITHER))
    return found + chunked_cases()
