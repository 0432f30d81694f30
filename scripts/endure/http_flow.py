"""Time and order: pipelining, slow and vanishing clients, and what the server's threads do with many that are ready at once."""

import signal
import socket
import time

from endure.conversation import CLOSED, EITHER, NOTHING, Case, Conversation, Drip, HalfClose, Pause, Reset
from endure.wire import TINY, Answers, get, post

# What the server is started with, in seconds; a client is gone a second after at the latest.
HEADER_TIMEOUT, BODY_TIMEOUT, RESPONSE_TIMEOUT, IDLE_TIMEOUT = 2, 3, 3, 20
OPTIONS = ("--header-timeout", "2", "--body-timeout", "3", "--response-timeout", "3", "--idle-timeout", "20", "--max-body-bytes", str(4 << 20))


def in_order(count):
    """Whether the answers are those to requests numbered from 0."""
    def check(answers):
        got = [answer.header("X-Request-Id") for answer in answers]
        return None if got == [f"n{number}" for number in range(count)] else "the answers are not in the order of the requests"
    return check


def numbered(count, request):
    return b"".join(request(f"X-Request-Id: n{number}") for number in range(count))


def connections():
    tiny = post("/v1/evaluate", TINY)
    hidden = get("/smuggled-behind")
    return [
        Case("1,000 requests in one go", [numbered(1000, lambda id: get("/livez", id))], 200, count=1000, check=in_order(1000), within=5),
        Case("300 graphs in one go", [numbered(300, lambda id: post("/v1/evaluate", TINY, id))], 200, count=300, check=in_order(300), within=5),
        Case("kept after problems of handlers", [post("/v1/evaluate", {}) * 20], 400, count=20),
        Case("closed after bad framing, and nothing behind is served", [get("/livez", "Host: b") + hidden * 20], 400, CLOSED),
        Case("closed when asked, and nothing behind is served", [get("/livez", "Connection: close") + hidden * 20], 200, CLOSED),
        Case("half-closed after the request", [tiny, HalfClose()], 200, CLOSED),
        Case("half-closed after three requests", [tiny * 3, HalfClose()], 200, CLOSED, count=3),
        Case("half-closed in the head", [tiny[:30], HalfClose()], (NOTHING, 400, 408), CLOSED, within=HEADER_TIMEOUT + 1),
        Case("half-closed in the body", [tiny[:-10], HalfClose()], (NOTHING, 400, 408), CLOSED, within=BODY_TIMEOUT + 1),
        Case("half-closed without a byte", [HalfClose()], NOTHING, CLOSED, within=HEADER_TIMEOUT + 1),
        Case("reset in the head", [tiny[:30], Reset()], NOTHING),
        Case("reset in the body", [tiny[:-10], Reset()], NOTHING),
        Case("reset after the request", [tiny, Reset()], NOTHING),
        Case("a request in two parts", [tiny[:30], Pause(0.2), tiny[30:]], 200),
        Case("a request byte by byte", [Drip(tiny, 0.002)], 200, within=3),
        Case("a line end in two parts", [b"GET /livez HTTP/1.1\r", Pause(0.1), b"\nHost: localhost\r\n\r", Pause(0.1), b"\n"], 200),
        Case("a TLS ClientHello", [bytes.fromhex("16030100c8010000c40303") + bytes(range(180))], (400, NOTHING), CLOSED, within=HEADER_TIMEOUT + 1),
        Case("a SSH client", [b"SSH-2.0-OpenSSH_9.2\r\n"], (400, NOTHING), CLOSED, within=HEADER_TIMEOUT + 1),
        Case("rubbish", [bytes((7 * i + 3) % 256 for i in range(4096)) + b"\r\n\r\n"], (400, 405, 501, 505, NOTHING), CLOSED, within=HEADER_TIMEOUT + 1),
    ]


def slow_clients():
    tiny = post("/v1/evaluate", TINY)
    endless = b"x" * 10_000
    return [
        Case("silence after connecting", [], (NOTHING, 408), CLOSED, within=IDLE_TIMEOUT + 1),
        Case("a head that never ends", [b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: ", Drip(endless, 0.2)], (NOTHING, 408), CLOSED, within=HEADER_TIMEOUT + 1),
        Case("a request line that never ends", [Drip(b"GET /" + endless, 0.2)], (NOTHING, 408), CLOSED, within=HEADER_TIMEOUT + 1),
        Case("empty lines, one at a time", [Drip(b"\r\n" * 5000, 0.2)], (NOTHING, 400, 408), CLOSED, within=HEADER_TIMEOUT + 1),
        Case("the second request's head never ends", [tiny, Pause(0.3), b"GET /x HTTP/1.1\r\n", Drip(endless, 0.2)], 200, CLOSED, within=HEADER_TIMEOUT + 1.3),
        Case("a body that never ends", [get("/v1/evaluate", "Content-Length: 1000000", method="POST"), Drip(endless, 0.2)],
             (NOTHING, 408), CLOSED, within=BODY_TIMEOUT + 1),
        Case("a chunked body that never ends", [get("/v1/evaluate", "Transfer-Encoding: chunked", method="POST"), Drip(b"1\r\n \r\n" * 5000, 0.1)],
             (NOTHING, 408), CLOSED, within=BODY_TIMEOUT + 1),
        Case("a trailer that never ends", [get("/v1/evaluate", "Transfer-Encoding: chunked", method="POST") + b"1\r\n \r\n0\r\nX: ", Drip(endless, 0.2)],
             (NOTHING, 408), CLOSED, within=BODY_TIMEOUT + 1),
    ]


def cases():
    return connections() + slow_clients()


# MARK: what needs more than one connection


def read_all(connections, seconds):
    """How many of them get an answer in time."""
    end = time.monotonic() + seconds
    answered = 0
    for connection in connections:
        answers, found = Answers(), []
        while not found:
            connection.settimeout(max(end - time.monotonic(), 0.001))
            try:
                data = connection.recv(65536)
            except (TimeoutError, OSError):
                break
            if not data:
                break
            found = answers.feed(data)
        answered += bool(found) and found[0].status == 200
    return answered


def ready_at_once(server, count):
    """So many clients whose requests come while the server stands still, which is how a thread finds them all ready. libmicrohttpd reads 128
    events at a time."""
    connections = [socket.create_connection(server.address, timeout=2) for _ in range(count)]
    try:
        for connection in connections:
            connection.sendall(get("/livez"))
        read_all(connections, 2)
        server.signal(signal.SIGSTOP)
        time.sleep(0.05)
        for connection in connections:
            connection.sendall(get("/livez"))
        server.signal(signal.SIGCONT)
        answered = read_all(connections, 1)
    finally:
        server.signal(signal.SIGCONT)
        for connection in connections:
            connection.close()
    return None if answered == count else f"{answered} of {count} are answered within a second"


def before_accept(server, data, case):
    """The data and the end come while the server stands still, before it has taken the client."""
    server.signal(signal.SIGSTOP)
    try:
        conversation = Conversation(server.address, case)
        conversation.socket.send(data)
        conversation.socket.shutdown(socket.SHUT_WR)
    finally:
        server.signal(signal.SIGCONT)
    return conversation.run()


def vanishes_while_waiting(server):
    """A client that leaves while its graph is computed does no harm to the next."""
    size = 300
    graph = {"nodes": [{"op": "outer", "inputs": ["x", "x"], "outputs": ["m0"]}] + [
        {"op": "matmul", "inputs": [f"m{i}", f"m{i}"], "outputs": [f"m{i + 1}"]} for i in range(20)], "outputs": ["m20"]}
    request = post("/v1/evaluate", {"graph": graph, "inputs": {"x": [0.001] * size}, "outputs": [], "gradients": False})
    for resets in (False, True) * 4:
        with socket.create_connection(server.address, timeout=2) as connection:
            connection.sendall(request)
            time.sleep(0.01)
            if resets:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    end = time.monotonic() + 5
    return None if server.answers() and time.monotonic() < end else "the server does not answer within 5 s"


def scenarios(server, single):
    """Names, and functions that say what is wrong. `single` is a server with one socket thread."""
    tiny = post("/v1/evaluate", TINY)
    whole = Case("", [], 200, CLOSED)
    part = Case("", [], (NOTHING, 400, 408), CLOSED, within=HEADER_TIMEOUT + 1)
    for count in (127, 128, 129, 256):
        yield f"{count} clients ready at once on one thread", lambda: ready_at_once(single, count)
    yield "request and end before the server accepts", lambda: before_accept(server, tiny, whole)
    yield "half a request and end before the server accepts", lambda: before_accept(server, tiny[:40], part)
    yield "the end before the server accepts", lambda: before_accept(server, b"", part)
    yield "clients that leave while their graph is computed", lambda: vanishes_while_waiting(server)


def token_cases(token):
    """With --token-file: who may in. The probes may always."""
    def evaluate(*headers):
        return [post("/v1/evaluate", TINY, *headers)]

    def challenge(answers):
        return None if answers and answers[0].header("WWW-Authenticate") else "there is no WWW-Authenticate"

    wrong = [
        ("none", ()), ("a wrong one", ("Authorization: Bearer wrong",)), ("a part of it", (f"Authorization: Bearer {token[:-1]}",)),
        ("more than it", (f"Authorization: Bearer {token}x",)), ("no scheme", (f"Authorization: {token}",)),
        ("another scheme", (f"Authorization: Basic {token}",)), ("nothing behind the scheme", ("Authorization: Bearer",)),
        ("an empty one", ("Authorization: Bearer ",)), ("in other case", (f"Authorization: Bearer {token.swapcase()}",)),
        ("quoted", (f"Authorization: Bearer \"{token}\"",)), ("of 20,000 bytes", ("Authorization: Bearer " + "a" * 20_000,))]
    twice = ("Authorization: Bearer wrong", f"Authorization: Bearer {token}")
    found = [Case(f"token: {name}", evaluate(*headers), 401, EITHER, check=challenge) for name, headers in wrong]
    found.append(Case("token: two headers, the second right", evaluate(*twice), (400, 401), EITHER))
    found.append(Case("token: in the query", [post(f"/v1/evaluate?access_token={token}", TINY)], 401, EITHER))
    return found + [
        Case("token: the right one", evaluate(f"Authorization: Bearer {token}"), 200),
        Case("token: the scheme in lower case", evaluate(f"authorization: bearer {token}"), 200),
        Case("token: /livez needs none", [get("/livez")], 200),
        Case("token: /readyz needs none", [get("/readyz")], 200),
        Case("token: a body that is too large, without", [get("/v1/evaluate", "Content-Length: 999999999", method="POST")], (401, 413), CLOSED),
    ]
