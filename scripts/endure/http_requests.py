"""Request lines, methods, headers and bodies of every kind."""

import gzip
import json

from endure.conversation import CLOSED, EITHER, NOTHING, OPEN, Case
from endure.wire import TINY, get, post


def has_header(name, value=None):
    def check(answers):
        found = answers[0].header(name) if answers else None
        return None if found and (value is None or value in found) else f"{name} is {found}"
    return check


def has_code(code):
    return lambda answers: None if answers and answers[0].json().get("code") == code else f"not {code}: {answers[0].body[:200]}"


def is_empty(answers):
    return None if not answers[0].body else "there is a body"


def lines():
    host = b"Host: localhost\r\n\r\n"
    return [
        Case("no Host", [get("/livez", host=None)], 400, CLOSED),
        Case("no Host, HTTP/1.0", [get("/livez", host=None, version="HTTP/1.0")], 200, CLOSED),
        Case("Host twice", [get("/livez", "Host: b")], 400, CLOSED),
        Case("Host twice, equal", [get("/livez", "Host: localhost")], 400, CLOSED),
        Case("Host empty", [get("/livez", host="Host:")], (200, 400), EITHER),
        Case("Host with a path in it", [get("/livez", host="Host: a/b?c@d")], (200, 400), EITHER),
        Case("Host of 4,000 bytes", [get("/livez", host="Host: " + "a" * 4000)], (200, 400), EITHER),
        Case("absolute form", [get("http://localhost/livez")], 200),
        Case("absolute form without a path", [get("http://localhost")], 200),
        Case("absolute form of another scheme", [get("ftp://elsewhere/livez")], 404),
        Case("authority form", [get("elsewhere:443", method="CONNECT")], (404, 405, 501), EITHER),
        Case("asterisk form", [get("*", method="OPTIONS")], (200, 204, 404, 405), EITHER),
        Case("OPTIONS", [get("/v1/evaluate", method="OPTIONS")], (200, 204, 405), EITHER),
        Case("TRACE echoes nothing", [get("/livez", "X-Secret: hidden", method="TRACE")], (405, 501), EITHER,
             check=lambda answers: "it is echoed" if b"hidden" in answers[0].body else None),
        Case("PUT", [get("/v1/evaluate", "Content-Length: 0", method="PUT")], 405, check=has_header("Allow", "POST")),
        Case("DELETE", [get("/livez", method="DELETE")], 405, check=has_header("Allow", "GET")),
        Case("GET where POST is meant", [get("/v1/evaluate")], 405, check=has_header("Allow", "POST")),
        Case("a method nobody knows", [get("/livez", method="BREW")], (405, 501), EITHER),
        Case("a method in lower case", [get("/livez", method="get")], (400, 405, 501), EITHER),
        Case("a method of 10,000 bytes", [get("/livez", method="A" * 10_000)], (400, 405, 414, 431, 501), EITHER),
        Case("HTTP/0.9", [b"GET /livez\r\n\r\n"], (400, 505, NOTHING), CLOSED),
        Case("the preface of HTTP/2", [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"], (400, 505), CLOSED),
        Case("HTTP/2.0", [get("/livez", version="HTTP/2.0")], (400, 505), CLOSED),
        Case("HTTP/1.2", [get("/livez", version="HTTP/1.2")], (200, 400, 505), EITHER),
        Case("HTTP/1.10", [get("/livez", version="HTTP/1.10")], (400, 505), CLOSED),
        Case("HTTP/11", [get("/livez", version="HTTP/11")], (400, 505), CLOSED),
        Case("http/1.1 in lower case", [get("/livez", version="http/1.1")], (400, 505), CLOSED),
        Case("another protocol", [get("/livez", version="SIP/2.0")], (400, 505), CLOSED),
        Case("empty lines before a request", [b"\r\n\r\n" + get("/livez")], 200),
        Case("two spaces in the request line", [b"GET  /livez HTTP/1.1\r\n" + host], (200, 400, 404), EITHER),
        Case("a space in the path", [b"GET /livez /x HTTP/1.1\r\n" + host], (400, 404), EITHER),
        Case("a tab in the request line", [b"GET\t/livez\tHTTP/1.1\r\n" + host], (NOTHING, 400, 404, 405, 501, 505), EITHER),
        Case("a URI of 8,000 bytes", [get("/" + "a" * 8000)], (404, 414), EITHER),
        Case("a URI of 64 KiB", [get("/" + "a" * 65536)], 414, CLOSED),
        Case("a URI of 1 MiB", [get("/" + "a" * (1 << 20))], (414, NOTHING), CLOSED),
        Case("an endless request line", [b"GET /"], (414, 431, NOTHING), CLOSED, endless=b"a" * 65536),
        Case("an endless header", [b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "], (431, NOTHING), CLOSED, endless=b"a" * 65536),
        Case("endless headers", [b"GET / HTTP/1.1\r\nHost: localhost\r\n"], (431, NOTHING), CLOSED, endless=b"X: y\r\n" * 10_000),
        Case("8,000 headers", [get("/livez", *["X: y"] * 8000)], 431, CLOSED),
        Case("200 headers", [get("/livez", *["X: y"] * 200)], 200),
        Case("a header of 64 KiB", [get("/livez", "X: " + "a" * 65536)], 431, CLOSED),
        Case("endless empty lines", [], (400, 408, 414, 431, NOTHING), CLOSED, within=4, endless=b"\r\n" * 10_000),
    ]


def origins():
    """Requests as pages in browsers send them, to a server on a loopback address that names no origins."""
    misdirected, foreign = has_code("misdirected_request"), has_code("origin_not_allowed")
    asks = ("Access-Control-Request-Method: POST", "Access-Control-Request-Private-Network: true")
    plain = {"content_type": "text/plain"}
    return [
        Case("Host of a rebound name", [get("/version", host="Host: evil.example:8080")], 421, CLOSED, check=misdirected),
        Case("Host of a rebound name, with the page's origin",
             [post("/v1/evaluate", TINY, "Origin: http://evil.example", host="Host: evil.example", **plain)], 421, CLOSED, check=misdirected),
        Case("Host that begins with localhost", [get("/version", host="Host: localhost.evil.example")], 421, CLOSED, check=misdirected),
        Case("Host that begins with 127.0.0.1", [get("/version", host="Host: 127.0.0.1.evil.example")], 421, CLOSED, check=misdirected),
        Case("Host empty, not of a probe", [get("/version", host="Host:")], 421, CLOSED, check=misdirected),
        Case("absolute form of another host", [get("http://evil.example/version")], 421, CLOSED, check=misdirected),
        Case("absolute form of this host", [get("http://127.0.0.1/version", host="Host: evil.example")], 200),
        Case("a probe under another name", [get("/readyz", host="Host: 10.1.2.3")], 200),
        Case("a page's text/plain", [post("/v1/evaluate", TINY, "Origin: http://evil.example", **plain)], 403, CLOSED, check=foreign),
        Case("a file's page", [post("/v1/evaluate", TINY, "Origin: null", **plain)], 403, CLOSED, check=foreign),
        Case("an origin twice", [post("/v1/evaluate", TINY, "Origin: http://localhost", "Origin: http://localhost")], 403, CLOSED, check=foreign),
        Case("an origin with line ends around", [get("/version", "Origin:\r\n http://localhost")], (400, 403), CLOSED),
        Case("the server's own page", [post("/v1/evaluate", TINY, "Origin: http://localhost")], 200),
        Case("another site's, without an origin", [post("/v1/evaluate", TINY, "Sec-Fetch-Site: cross-site")], 403, CLOSED, check=foreign),
        Case("a link of another site", [get("/version", "Sec-Fetch-Site: cross-site")], 200),
        Case("a preflight", [get("/v1/evaluate", "Origin: http://evil.example", *asks, method="OPTIONS")], 403, CLOSED, check=foreign),
        Case("a preflight of nobody", [get("/v1/evaluate", *asks, method="OPTIONS")], 405, check=has_header("Allow", "POST")),
    ]


def paths():
    return [
        Case("%00 in a path", [get("/livez%00/x")], 400, CLOSED),
        Case("%00 at the end", [get("/livez%00")], 400, CLOSED),
        Case("../ in a path", [get("/v1/../livez")], 404),
        Case("%2e%2e/ in a path", [get("/v1/%2e%2e/livez")], 400, CLOSED),
        Case("../../etc/passwd", [get("/../../../../etc/passwd")], 404),
        Case("a percent sign alone", [get("/%")], 400, CLOSED),
        Case("half of an escape", [get("/livez%6")], 400, CLOSED),
        Case("an escape that is none", [get("/livez%zz")], 400, CLOSED),
        Case("an escaped letter", [get("/live%7a")], 400, CLOSED),
        Case("a line end escaped", [get("/x%0d%0aX-Forged:%201")], 400, CLOSED,
             check=lambda answers: "a forged header" if answers[0].header("X-Forged") else None),
        Case("a query", [get("/livez?a=b&c=%00")], 200),
        Case("a query of 200 parameters", [get("/livez?" + "a&" * 200)], 200),
        # libmicrohttpd has no memory for them and then none to say so: the end of the time for heads ends it.
        Case("a query of 10,000 parameters", [get("/livez?" + "a&" * 10_000)], (408, 414, 431, NOTHING), CLOSED, within=3),
        Case("a fragment", [get("/livez#x")], (200, 404), EITHER),
        Case("bytes that are not ASCII", [get("/\xff\xfe")], (400, 404), EITHER),
        Case("a double slash", [get("//livez")], 404),
        Case("a request id that is not fit to be repeated", [get("/livez", "X-Request-Id: a b\"c")], 200,
             check=lambda answers: "repeated" if "a b" in (answers[0].header("X-Request-Id") or "") else None),
    ]


def bodies():
    body = json.dumps(TINY).encode()
    encoded = gzip.compress(body)
    return [
        Case("GET with a body", [get("/livez", "Content-Length: 4") + b"null"], 200),
        Case("GET with a chunked body", [get("/livez", "Transfer-Encoding: chunked") + b"4\r\nnull\r\n0\r\n\r\n"], 200),
        Case("HEAD", [get("/livez", method="HEAD")], 200, is_head=True, check=has_header("Content-Length", "17")),
        Case("HEAD of what is not there", [get("/nowhere", method="HEAD")], 404, is_head=True, check=is_empty),
        Case("Expect: 100-continue", [get("/v1/evaluate", f"Content-Length: {len(body)}", "Expect: 100-continue", method="POST"), body], 200),
        Case("Expect: something else", [post("/v1/evaluate", TINY, "Expect: 200-maybe")], (200, 417), EITHER),
        Case("Expect: 100-continue with a body that is too large",
             [get("/v1/evaluate", "Content-Length: 999999999", "Expect: 100-continue", method="POST")], 413, CLOSED, check=has_code("limit_exceeded")),
        Case("a body that is much too large, refused before it comes",
             [get("/v1/evaluate", "Content-Length: 999999999", method="POST")], 413, CLOSED, check=has_code("limit_exceeded")),
        Case("a body that is a little too large, refused after it has come", [post("/v1/evaluate", b" " * (4 << 20 | 1))], 413,
             check=has_code("limit_exceeded")),
        Case("gzip", [post("/v1/evaluate", encoded, "Content-Encoding: gzip")], 415, check=has_code("unsupported_media_type")),
        Case("gzip that is not said", [post("/v1/evaluate", encoded)], 400, check=has_code("invalid_json")),
        Case("Content-Encoding: identity", [post("/v1/evaluate", TINY, "Content-Encoding: identity")], 200),
        Case("an image", [post("/v1/evaluate", TINY, content_type="image/png")], 415),
        Case("multipart", [post("/v1/evaluate", TINY, content_type="multipart/form-data; boundary=x")], 415),
        Case("a form, as curl -d has it", [post("/v1/evaluate", TINY, content_type="application/x-www-form-urlencoded")], 200),
        Case("an Accept that rules everything out", [post("/v1/evaluate", TINY, "Accept: image/png")], 406),
        Case("an Accept of 5,000 types", [post("/v1/evaluate", TINY, "Accept: " + "a/b," * 5000 + "*/*")], (200, 431), EITHER),
        Case("no body", [get("/v1/evaluate", "Content-Length: 0", method="POST")], 400),
        Case("a problem keeps the connection", [post("/v1/evaluate", b"{")], 400, OPEN, check=has_code("invalid_json")),
        Case("Connection: close", [get("/livez", "Connection: close")], 200, CLOSED),
        Case("HTTP/1.0", [get("/livez", version="HTTP/1.0")], 200, CLOSED),
        Case("HTTP/1.0 with keep-alive", [get("/livez", "Connection: keep-alive", version="HTTP/1.0")], 200, EITHER),
        Case("Connection: of many tokens", [get("/livez", "Connection: a, b, close, c")], 200, CLOSED),
        Case("an upgrade", [get("/livez", "Connection: Upgrade", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__")], 200),
        Case("a range", [get("/livez", "Range: bytes=0-1")], 200),
        Case("cookies and others that mean nothing here", [get("/livez", "Cookie: a=b", "If-None-Match: *", "TE: trailers")], 200),
    ]


def timeouts():
    """Values of Request-Timeout."""
    good = [("0.5", 200), ("30", 200), ("1000000", 200)]
    bad = ["-1", "0x10", "ten", "nan", "inf", "1e400", "1,5", "", "1 2", "9" * 400, "--1"]
    return [Case(f"Request-Timeout: {value}", [post("/v1/evaluate", TINY, f"Request-Timeout: {value}")], status) for value, status in good] + [
        Case(f"Request-Timeout: {value[:20]}", [post("/v1/evaluate", TINY, f"Request-Timeout: {value}")],
             (200, 400) if value.isdigit() else 400) for value in bad]


def cases():
    return lines() + origins() + paths() + bodies() + timeouts()
