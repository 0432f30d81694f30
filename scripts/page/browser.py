"""A Chromium that shows the page, driven by Selenium, with what the tests ask it."""

import base64
import json
import os
import shutil
import time

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

WIDTH, HEIGHT = 1280, 900


class Browser:
    def __init__(self, address, chromium="chromium"):
        self.address = address.rstrip("/")
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which(chromium) or chromium
        # Chromium's sandbox refuses to be started by root, as in most containers.
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        for argument in ["--headless=new", "--disable-gpu", "--no-first-run", "--hide-scrollbars", *sandbox]:
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        self.resize(WIDTH, HEIGHT)

    def close(self):
        self.driver.quit()

    def command(self, name, **arguments):
        return self.driver.execute_cdp_cmd(name, arguments)

    def script(self, text, *arguments):
        return self.driver.execute_script(text, *arguments)

    # What is shown

    def open(self, path="/", answered=True):
        """A page of its own, without what an earlier one has left, but for the browser's storage."""
        self.driver.get("about:blank")
        self.driver.get(self.address + path)
        if answered:
            self.wait(lambda: self.script("return performance.getEntriesByName('answered').length"), "the first answer")

    def resize(self, width, height):
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def prefer(self, scheme):
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self, path):
        """All of the page, also what would have to be scrolled to."""
        size = self.command("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        data = self.command("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)["data"]
        path.write_bytes(base64.b64decode(data))

    # Elements

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector):
        found = self.all(selector)
        return found[0].text if found else ""

    def texts(self, selector):
        return self.script("return [...document.querySelectorAll(arguments[0])].map(node => node.textContent)", selector)

    def is_shown(self, selector):
        found = self.all(selector)
        return bool(found) and found[0].is_displayed()

    def wait(self, condition, what, seconds=10):
        """Until the condition holds, and what it gave."""
        end = time.monotonic() + seconds
        while True:
            try:
                value = condition()
            except StaleElementReferenceException:
                value = None
            if value:
                return value
            if time.monotonic() > end:
                raise AssertionError(f"not within {seconds} s: {what}")
            time.sleep(0.02)

    # What a person does

    def write_formula(self, text):
        area = self.one("#formula")
        area.send_keys(Keys.CONTROL, "a")
        area.send_keys(Keys.DELETE)
        # Keys beyond the basic plane cannot be pressed one by one.
        self.command("Input.insertText", text=text)

    def run(self):
        self.one("#formula").send_keys(Keys.CONTROL, Keys.ENTER)

    def answer(self, formula):
        """Runs a formula, and waits until it is answered."""
        self.write_formula(formula)
        self.run()
        self.wait(lambda: self.text("#status").startswith("Answered") and not self.text("#problem"), f"an answer to {formula!r}")

    def set(self, selector, value):
        box = self.one(selector)
        box.send_keys(Keys.CONTROL, "a")
        box.send_keys(value)

    def choose(self, selector, value):
        Select(self.one(selector)).select_by_value(value)

    def tab(self, name):
        self.one(f"#tab-{name}").click()
        view = "code" if name in ("json", "curl", "python", "r", "javascript") else name
        self.wait(lambda: self.is_shown(f"[data-view={view}]"), f"the tab {name}")

    def kind(self, name, kind):
        self.choose(f'select[aria-label="Kind of {name}"]', kind)

    def scalar(self, name):
        """The number that the answer shows under a name."""
        return float(self.text(f'#panel section[aria-label="{name}"] .scalar') or "nan")

    def await_scalar(self, name, value, tolerance=1e-6):
        self.wait(lambda: abs(self.scalar(name) - value) <= tolerance * max(1, abs(value)), f"{name} = {value}")

    def requests(self):
        """Addresses and methods of what was asked for since this was called last."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = [message["params"]["request"] for message in messages if message["method"] == "Network.requestWillBeSent"]
        return [(request["method"], request["url"]) for request in sent if request["url"].startswith(("http:", "https:", "ws:"))]

    def complaints(self):
        """What the console says since this was called last, such as violations of the Content-Security-Policy."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
