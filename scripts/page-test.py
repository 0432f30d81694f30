#!/usr/bin/env python3
"""What a person sees of the server's page, in a real Chromium: page-test.py BASE_URL [--screenshots DIR]

Each test opens the page, does what a person would do, and looks at what is shown; numbers are compared with requests of its own and with
closed forms. `--guarded URL TOKEN` names a server that asks for a token. `--axe FILE` is axe-core's script, by default that of the package
axe-core-python. With `--screenshots` it paints each tab, light and dark, wide and narrow, and tests nothing. Exits with 1 if a test fails."""

import argparse
import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

from page import screenshots, test_page, test_request, test_views  # noqa: F401: the tests list themselves.
from page.browser import Browser
from page.report import run_all


class Setting:
    """What tests share: the browser, and requests of our own to the same server."""

    def __init__(self, arguments, browser, folder):
        self.address = arguments.address.rstrip("/")
        self.browser, self.folder = browser, folder
        self.guarded, self.axe = arguments.guarded, arguments.axe

    def fetch(self, path, headers):
        with urllib.request.urlopen(urllib.request.Request(self.address + path, headers=headers)) as reply:
            return reply.headers, reply.read()

    def get(self, path):
        return json.loads(self.fetch(path, {"Accept": "application/json"})[1])

    def post(self, path, request):
        return self.request("POST", path, request)

    def request(self, method, path, request=None, check_status=True):
        body = None if request is None else json.dumps(request).encode()
        call = urllib.request.Request(self.address + path, body, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(call) as reply:
                text = reply.read()
                return json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            if check_status:
                raise AssertionError(error.read().decode()) from error
            return None

    def problem(self, request):
        """What /v1/evaluate refuses the request with."""
        call = urllib.request.Request(self.address + "/v1/evaluate", json.dumps(request).encode())
        try:
            urllib.request.urlopen(call)
        except urllib.error.HTTPError as error:
            return json.loads(error.read())
        raise AssertionError(f"{request} is not refused")

    def sent(self):
        """The request of the page's example, as it opens."""
        return {
            "graph": self.browser.script("return document.querySelector('#formula').value"),
            "inputs": {"slope": 0.8, "x": list(range(8)), "intercept": 0.5, "y": [1.1, 1.4, 2.3, 2.4, 3.2, 3.3, 4.1, 4.2]}, "of": ["loss"],
        }


def installed_axe():
    found = importlib.util.find_spec("axe_core_python")
    return pathlib.Path(found.submodule_search_locations[0]) / "axe.min.js" if found else None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", help="of a server with the page, such as http://127.0.0.1:8080")
    parser.add_argument("--screenshots", type=pathlib.Path, metavar="DIR")
    parser.add_argument("--guarded", nargs=2, metavar=("URL", "TOKEN"))
    parser.add_argument("--axe", default=installed_axe())
    parser.add_argument("--chromium", default="chromium")
    parser.add_argument("--only", default="", help="tests that have these words")
    arguments = parser.parse_args()
    if not arguments.axe:
        sys.exit("axe-core-python is not installed: pip install selenium axe-core-python")
    version = subprocess.run([arguments.chromium, "--version"], capture_output=True, text=True, check=True).stdout
    print(version.strip(), flush=True)
    browser = Browser(arguments.address, arguments.chromium)
    try:
        if arguments.screenshots:
            return screenshots.take(browser, arguments.screenshots)
        with tempfile.TemporaryDirectory() as folder:
            sys.exit(run_all(Setting(arguments, browser, pathlib.Path(folder)), arguments.only) > 0)
    finally:
        browser.close()


main()
