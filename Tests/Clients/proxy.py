"""A server between a client and the real one that is busy or drops connections, and counts: proxy.py ADDRESS

Prints its own address, then serves until it is ended. The first part of a path says how it behaves:

    /busy/KEY/…          the first two requests of each KEY get 503 with Retry-After: 1
    /always-busy/KEY/…   every request gets 503 with Retry-After: 0
    /dropping/KEY/…      each connection answers once; at its second request it is closed without an answer
    /page/KEY/…          every request gets 502 and a page of HTML, as from a proxy whose server is gone
    /plain/KEY/…         nothing is done

Each forwards the rest of the path. `GET /counts/KEY` answers {"requests": …, "connections": …} of that KEY.
"""

import collections
import http.client
import http.server
import json
import sys
import threading
import urllib.parse

TARGET = urllib.parse.urlsplit(sys.argv[1]).netloc
lock = threading.Lock()
requests = collections.Counter()
connections = collections.defaultdict(set)
latest = 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        global latest
        super().setup()
        with lock:
            latest += 1
            self.number = latest

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        way, key, path = (self.path.lstrip("/").split("/", 2) + ["", ""])[:3]
        if way == "counts":
            return self.send(
                200, json.dumps({"requests": requests[key], "connections": len(connections[key])}).encode()
            )
        with lock:
            if way == "dropping" and self.number in connections[key]:
                self.close_connection = True
                return None
            requests[key] += 1
            connections[key].add(self.number)
            count = requests[key]
        if way == "always-busy" or (way == "busy" and count <= 2):
            problem = {
                "type": "/problems/overloaded",
                "title": "Busy",
                "status": 503,
                "detail": "too busy",
                "code": "overloaded",
            }
            return self.send(503, json.dumps(problem).encode(), {"Retry-After": "0" if way == "always-busy" else "1"})
        if way == "page":
            return self.send(502, b"<html>Bad gateway</html>", {"Content-Type": "text/html"})
        self.forward("/" + path, body)

    do_GET = do_POST = do_PUT = do_DELETE = handle_any

    def forward(self, path, body):
        connection = http.client.HTTPConnection(TARGET, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        connection.request(self.command, path, body or None, headers)
        response = connection.getresponse()
        answer = response.read()
        connection.close()
        kept = {
            name: value
            for name, value in response.getheaders()
            if name.lower() not in ("content-length", "connection", "transfer-encoding")
        }
        self.send(response.status, answer, kept)

    def send(self, status, body, headers=()):
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


if __name__ == "__main__":
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()
