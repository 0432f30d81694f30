#!/usr/bin/env python3
"""What pages in a real Chromium can do with the server: browser-test.py BINARY [--chromium chromium]

Serves pages on ports of their own, which call the server as pages do and report what they got. A page gets gradients where `--cors-origin`
names its origin, and else nothing: then nothing may be computed either, whatever a page can send without asking. A page whose name comes to
resolve to the server's address (DNS rebinding) gets nothing. Exits with 1 if one of these does not hold."""

import argparse
import http.client
import http.server
import json
import os
import pathlib
import queue
import re
import subprocess
import sys
import tempfile
import threading

from endure.server import Server

BODY = json.dumps({"graph": {"nodes": [{"op": "square", "inputs": ["x"], "outputs": ["y"]}]}, "inputs": {"x": 3}})
TOKEN = "a-token-for-pages"

# Runs `calls` one after the other, [what, path, options of fetch], and posts what came of them to the address of the reports.
PAGE = """<!doctype html><title>test</title><script>
const calls = %(calls)s, got = {};
async function call(path, options) {
  try {
    const answer = await fetch(%(server)s + path, options);
    return {status: answer.status, type: answer.type, text: await answer.text(), id: answer.headers.get("X-Request-Id"),
            digest: answer.headers.get("X-Graph-Digest")};
  } catch (error) { return {error: String(error)}; }
}
const pause = time => new Promise(resolve => setTimeout(resolve, time));
async function run() {
  for (const [what, path, options] of calls) {
    got[what] = await call(path, options);
    // The server takes the place of this page's own: see `rebinding`.
    while (%(waits)s && (got[what].error || got[what].status == 501)) { await pause(100); got[what] = await call(path, options); }
  }
  %(more)s
  fetch(%(reports)s, {method: "POST", mode: "no-cors", body: JSON.stringify(got)});
}
run();
</script>"""

# What a page can send without asking beforehand, by other means than fetch.
SIMPLE = """
  navigator.sendBeacon(%(server)s + "/v1/evaluate", %(body)s);
  document.body.innerHTML = `<iframe name="frame" sandbox="allow-forms"></iframe>
    <form method="post" enctype="text/plain" target="frame"><input name='{"graph": {"nodes": [], "outputs": ["x"]}, "inputs": {"x": 3}, "of' value='": []}'></form>`;
  document.forms[0].action = %(server)s + "/v1/evaluate";
  document.forms[0].submit();
  await pause(1500);
"""

# Reports what the documented page shows, once that is there.
REPORT = """<script type="module">
while (!document.querySelector("output").textContent) await new Promise(resolve => setTimeout(resolve, 50));
fetch("/reports", {method: "POST", body: JSON.stringify(document.querySelector("p").textContent)});
</script>"""


class Pages:
    """Serves one page on a port of its own, and takes the reports of pages."""

    def __init__(self, port=0):
        pages = self
        self.html, self.reports = "", queue.Queue()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self._send(200 if self.path == "/" else 404, pages.html.encode() if self.path == "/" else b"")

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path != "/reports":
                    return self._send(501, b"")
                pages.reports.put(json.loads(body))
                self._send(200, b"")

            def _send(self, status, body):
                self.send_response(status)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                if self.path == "/" and status == 200:
                    pages.was_fetched.set()

            def log_message(self, *arguments):
                pass

        self.was_fetched = threading.Event()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def set(self, server, calls, reports=None, simple=False, waits=False):
        more = SIMPLE % {"server": json.dumps(server), "body": json.dumps(BODY)} if simple else ""
        self.html = PAGE % {
            "calls": json.dumps(calls), "server": json.dumps(server), "waits": json.dumps(waits), "more": more,
            "reports": json.dumps(f"http://localhost:{(reports or self).port}/reports")}


class Browser:
    """A Chromium without a window that shows one page; ended when the block is."""

    def __init__(self, chromium, address, *options):
        self.home = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        # Chromium's sandbox refuses to be started by root, as in most containers.
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        self.process = subprocess.Popen(
            [chromium, "--headless=new", "--disable-gpu", "--no-first-run", f"--user-data-dir={self.home.name}", *sandbox, *options, address],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.home.cleanup()


failures = 0


def check(what, holds, got=""):
    global failures
    failures += not holds
    print(f"{'ok    ' if holds else 'FAILED'} {what}" + (f": {got}" if not holds else ""), flush=True)


def post(content_type, body=BODY, **headers):
    return {"method": "POST", "headers": {"Content-Type": content_type, **headers}, "body": body}


CALLS = [
    ["application/json", "/v1/evaluate", post("application/json")],
    ["text/plain", "/v1/evaluate", post("text/plain")],
    ["Authorization", "/v1/evaluate", post("application/json", Authorization=f"Bearer {TOKEN}")],
]
FAULTS = [["bad JSON", "/v1/evaluate", post("application/json", "{")], ["no such path", "/nowhere", post("application/json")]]
HIDDEN = [["no-cors", "/v1/evaluate", {**post("text/plain"), "mode": "no-cors"}]]


def counts(server):
    """Requests of /v1/evaluate by method and status."""
    connection = http.client.HTTPConnection(*server.address, timeout=10)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    found = re.findall(r'autograd_requests_total\{route="/v1/evaluate",method="(\w+)",status="(\w+)"\} (\d+)', text)
    return {(method, status): int(count) for method, status, count in found}


def show(chromium, pages, server, calls, **options):
    """What a page gets whose server is at http://127.0.0.1."""
    pages.set(f"http://127.0.0.1:{server.port}", calls, **options)
    with Browser(chromium, f"http://localhost:{pages.port}/"):
        return pages.reports.get(timeout=60)


def documented_page(binary, chromium):
    """The page of docs/browsers.md shows what it says."""
    pages = Pages()
    server = Server(binary, "--cors-origin", f"http://localhost:{pages.port}")
    text = (pathlib.Path(__file__).resolve().parents[1] / "docs/browsers.md").read_text()
    page = re.search(r"```html\n(.*?)```", text, re.DOTALL)[1]
    assert "http://localhost:8080/" in page
    pages.html = page.replace("http://localhost:8080/", f"http://127.0.0.1:{server.port}/") + REPORT
    with Browser(chromium, f"http://localhost:{pages.port}/"):
        shown = pages.reports.get(timeout=60)
    check("the page of docs/browsers.md shows the gradient", shown == "The gradient of x² at 3 is 6.", shown)


def foreign_pages(binary, chromium):
    pages, server = Pages(), Server(binary)
    got = show(chromium, pages, server, CALLS + HIDDEN, simple=True)
    for what, _, _ in CALLS:
        check(f"without --cors-origin: {what} fails", "error" in got[what], got[what])
    check("without --cors-origin: a no-cors answer is opaque", got["no-cors"].get("type") == "opaque", got["no-cors"])
    sums = counts(server)
    print(f"       /v1/evaluate by method and status: {sums}")
    # Asked before: two of fetch. Sent without asking: text/plain, no-cors, a beacon and a form.
    check("without --cors-origin: all that came was refused with 403", sums == {("other", "403"): 2, ("POST", "403"): 4}, sums)


def allowed_pages(binary, chromium):
    pages, others = Pages(), Pages()
    server = Server(binary, "--cors-origin", f"http://localhost:{pages.port}")
    got = show(chromium, pages, server, CALLS + FAULTS)
    for what, _, _ in CALLS:
        answer = got[what]
        is_right = answer.get("status") == 200 and json.loads(answer["text"])["gradients"]["x"]["data"] == 6.0
        check(f"with --cors-origin: {what} gets the gradient", is_right, answer)
        check(f"with --cors-origin: {what} can read X-Request-Id and X-Graph-Digest", answer.get("id") and answer.get("digest"), answer)
    for what, code in [("bad JSON", "invalid_json"), ("no such path", "not_found")]:
        check(f"with --cors-origin: {what} can be read as {code}", f'"code": "{code}"' in got[what].get("text", ""), got[what])
    sums = counts(server)
    print(f"       /v1/evaluate by method and status: {sums}")
    check("with --cors-origin: browsers asked before", sums.get(("other", "204"), 0) > 0 and sums.get(("POST", "200")) == len(CALLS), sums)
    got = show(chromium, others, server, CALLS)
    for what, _, _ in CALLS:
        check(f"with --cors-origin of another page: {what} fails", "error" in got[what], got[what])
    check("with --cors-origin of another page: nothing more was computed", counts(server).get(("POST", "200")) == len(CALLS), counts(server))


def tokens(binary, chromium):
    pages = Pages()
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(TOKEN + "\n")
        file.flush()
        server = Server(binary, "--cors-origin", f"http://localhost:{pages.port}", "--token-file", file.name)
        got = show(chromium, pages, server, CALLS)
        check("with tokens: a page without one can read the 401", '"code": "unauthorized"' in got["text/plain"].get("text", ""), got["text/plain"])
        check("with tokens: a page that has one gets the gradient", got["Authorization"].get("status") == 200, got["Authorization"])


def rebinding(binary, chromium, options, status, what):
    """A page of evil.example, whose address is by then the server's: it calls its own origin."""
    pages, reports = Pages(), Pages()
    pages.set("", [["own", "/v1/evaluate", post("application/json")]], reports=reports, waits=True)
    rule = "--host-resolver-rules=MAP evil.example 127.0.0.1"
    with Browser(chromium, f"http://evil.example:{pages.port}/", rule):
        if not pages.was_fetched.wait(60):
            sys.exit("the browser did not fetch the page")
        pages.close()
        server = Server(binary, "--port", str(pages.port), *options)
        got = reports.reports.get(timeout=60)["own"]
        check(f"rebinding, {what}", got.get("status") == status, got)
        computed = counts(server).get(("POST", "200"), 0)
        check(f"rebinding, {what}: {'computed' if status == 200 else 'nothing is computed'}", computed == (status == 200), computed)
        if status == 421:
            check("rebinding: the answer says what to do", "--allowed-host" in got["text"] and "evil.example" in got["text"], got)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("--chromium", default="chromium")
    arguments = parser.parse_args()
    both = (arguments.binary, arguments.chromium)
    version = subprocess.run([arguments.chromium, "--version"], capture_output=True, text=True, check=True).stdout
    print(f"{version.strip()}", flush=True)
    documented_page(*both)
    foreign_pages(*both)
    allowed_pages(*both)
    tokens(*both)
    rebinding(*both, [], 421, "is refused")
    # That it is the name which is refused: with the name allowed the page is the server's own.
    rebinding(*both, ["--allowed-host", "evil.example"], 200, "with --allowed-host of its name")
    rebinding(*both, ["--allowed-host", "*"], 403, "with --allowed-host *")
    print("FAILED" if failures else "all as it should be")
    sys.exit(1 if failures else 0)


main()
