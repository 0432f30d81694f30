"""Runs the programs in examples/ that use the clients: examples.py ADDRESS ORIGIN

Each ends with 0 if its numbers are those that it compares with. The page with the slider is opened in Chromium; ORIGIN
is where it is served from, http://localhost:PORT, which the server at ADDRESS must allow. The sizes in the READMEs are
those of the programs, between their marks.
"""

import contextlib
import http.server
import json
import math
import os
import pathlib
import queue
import re
import subprocess
import sys
import tempfile
import threading
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
ADDRESS, ORIGIN = sys.argv[1:]
#: Folder, the program by hand, the one with a client, and the commands to run.
EXAMPLES = [
    ("negative-binomial", "by-hand.R", "fit.R", [["Rscript", "fit.R"]]),
    ("option-prices", "ByHand.java", "OptionPrices.java", [["java", "OptionPrices.java"], ["java", "ByHand.java"]]),
    ("robot-arm", "by_hand.m", "arm.m", [["octave-cli", "--norc", "-q", "arm.m"]]),
    ("slider-page", "by-hand.mjs", "index.html", [["node", "by-hand.mjs"]]),
]
MARKED = re.compile(
    r"^[^\n]*--- the graph and its derivatives?: begin ---\n(.*?)^[^\n]*--- end ---$", re.DOTALL | re.MULTILINE
)
passed = failed = 0


def check(what, holds, got=""):
    global passed, failed
    passed, failed = passed + bool(holds), failed + (not holds)
    if not holds:
        print(f"FAILED examples: {what}: {got}", flush=True)


def sizes(folder):
    """The figures of a README: characters and lines by hand, then with the client."""
    rows = re.findall(
        r"^\| (?:by hand|with)[^|]*\| ([\d,]+) \| (\d+) \|$", (folder / "README.md").read_text(), re.MULTILINE
    )
    return [(int(characters.replace(",", "")), int(lines)) for characters, lines in rows]


def marked(path):
    text = MARKED.search(path.read_text())[1]
    return len(text), text.count("\n")


def curves(damping, time):
    """Position, velocity and effect of the damping of the oscillation: closed forms."""
    root = math.sqrt(1 - damping**2)
    envelope, wave, slope = math.exp(-damping * time), math.cos(root * time), math.sin(root * time)
    return (
        envelope * wave,
        envelope * (-damping * wave - root * slope),
        envelope * (-time * wave + slope * time * damping / root),
    )


# Waits for the first curves, moves the slider, as fast as a hand would not, and reports the last curves.
MOVES = """<script type="module">
const drawn = value => document.querySelector("#status").textContent.startsWith(`drawn for ${value} `);
const until = async value => {
  while (!drawn(value)) await new Promise(resolve => setTimeout(resolve, 20));
};
await until("0.2");
const slider = document.querySelector("#damping");
for (let damping = 30; damping <= 70; damping++) {
  slider.value = damping / 100;
  slider.dispatchEvent(new Event("input"));
}
await until("0.7");
const paths = ["position", "velocity", "sensitivity"].map(name => document.getElementById(name).getAttribute("d"));
fetch("/reports", {method: "POST", body: JSON.stringify({paths, shown: document.querySelector("output").textContent})});
</script>"""


class Pages(http.server.SimpleHTTPRequestHandler):
    """The repository's files; the page gets MOVES at its end, and its report is put into a queue."""

    reports = queue.Queue()
    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript"}

    def __init__(self, *arguments):
        super().__init__(*arguments, directory=ROOT)

    def do_GET(self):
        if not self.path.startswith("/examples/slider-page/?"):
            return super().do_GET()
        body = (ROOT / "examples/slider-page/index.html").read_text().replace("</html>", MOVES + "</html>").encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.reports.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def chromium(address):
    """A Chromium without a window that shows one page."""
    # Its sandbox refuses to be started by root, as in most containers.
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        process = subprocess.Popen(
            [
                "chromium",
                "--headless=new",
                "--disable-gpu",
                "--no-first-run",
                f"--user-data-dir={home}",
                *sandbox,
                address,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait()


def slider_page():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", urllib.parse.urlsplit(ORIGIN).port), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with chromium(f"{ORIGIN}/examples/slider-page/?server={urllib.parse.quote(ADDRESS, safe='')}"):
            report = Pages.reports.get(timeout=60)
    except queue.Empty:
        return check("the page draws in Chromium", False, "no report within 60 s")
    finally:
        server.shutdown()
        server.server_close()
    check("the page shows the newest position", report["shown"] == "0.70", report["shown"])
    for i, path in enumerate(report["paths"]):
        points = [tuple(map(float, point.split())) for point in path.removeprefix("M").split("L")]
        worst = max(abs(-value - curves(0.7, time)[i]) for time, value in points)
        check(f"curve {i} of the page", len(points) == 401 and worst < 1e-13, (len(points), worst))


def main():
    environment = {**os.environ, "AUTOGRAD_URL": ADDRESS}
    for name, by_hand, with_client, commands in EXAMPLES:
        folder = ROOT / "examples" / name
        figures = [marked(folder / by_hand), marked(folder / with_client)]
        check(f"{name}: the sizes in the README", sizes(folder) == figures, f"{sizes(folder)}, should be {figures}")
        for command in commands:
            result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
            check(f"{name}: {command[-1]}", result.returncode == 0, result.stdout + result.stderr)
            if command[-1] == "ByHand.java":
                expected = "4.7594 0.7791 0.0500 8.8134 -4.5591 13.9820 -0.9316 21.2833"
                check(f"{name}: by hand", result.stdout.strip() == expected, result.stdout)
            if command[-1] == "by-hand.mjs":
                got = list(map(float, result.stdout.split()))
                near = len(got) == 3 and all(abs(a - b) < 1e-14 for a, b in zip(got, curves(0.2, 1)))
                check(f"{name}: by hand", near, got)
    slider_page()
    print(f"examples: {passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
