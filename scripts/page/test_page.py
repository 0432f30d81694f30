"""Tests of the page as a whole: examples, links, search, registered graphs, tokens, colours, widths, keys, readers, network."""

import gzip
import json
import math
import pathlib
import re
import urllib.error
import urllib.parse

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from page.browser import HEIGHT, WIDTH
from page.report import Skipped, check, near, test

TABS = ["answer", "graph", "derivative", "plot", "json", "curl", "python", "r", "javascript"]
EXAMPLES = ["line", "add", "reshape", "transpose", "sum", "matmul", "split", "xor", "rosenbrock", "option-price", "physics", "equation"]
#: Bytes of all files of the page, compressed.
MOST_BYTES = 150_000


def numbers(tree):
    if isinstance(tree, dict):
        return [number for key, value in tree.items() if key not in ("shape", "dtype") for number in numbers(value)]
    if isinstance(tree, list):
        return [number for value in tree for number in numbers(value)]
    return [tree]


@test("every example is answered with finite numbers, those of a request of our own, and has all its views")
def examples(setting):
    browser = setting.browser
    browser.open()
    known = browser.script("return [...document.querySelectorAll('#examples option')].map(option => option.value).filter(Boolean)")
    check(known == EXAMPLES, known)
    for name in EXAMPLES:
        browser.choose("#examples", name)
        browser.tab("json")
        browser.wait(lambda: len(browser.all("[data-view=code] pre")) == 2 and browser.all("[data-view=code] pre")[1].is_displayed(), f"the answer of {name}")
        title = browser.text("[data-view=code] h2")
        request, shown = (json.loads(text) for text in browser.texts("[data-view=code] pre"))
        answer = setting.post(title.removeprefix("POST "), request)
        check(shown == answer, f"{name}: {shown} instead of {answer}")
        check(all(isinstance(number, float) and math.isfinite(number) for number in numbers(answer)), f"{name}: {answer}")
        check(not answer.get("warnings"), f"{name}: {answer.get('warnings')}")
        for tab in ("graph", "derivative", "plot", "answer"):
            browser.tab(tab)
            wanted = {"graph": ".graph rect", "derivative": "pre", "plot": ".plot-surface", "answer": ".tensor"}[tab]
            browser.wait(lambda: browser.all(f"[data-view={tab}] {wanted}"), f"{tab} of {name}")
            check(not browser.text(".refused"), f"{tab} of {name}: {browser.text('.refused')}")
    return f"{len(EXAMPLES)} examples"


@test("the example that learns has learned: predictions near 0, 1, 1, 0, and the drawn losses fall")
def learns(setting):
    browser = setting.browser
    browser.open()
    browser.choose("#examples", "xor")
    browser.wait(lambda: browser.is_shown('section[aria-label="prediction"]'), "the predictions")
    got = [float(text) for text in browser.texts('section[aria-label="prediction"] td')]
    check(all(abs(value - wanted) < 0.1 for value, wanted in zip(got, (0, 1, 1, 0))), got)
    check(len(browser.all(".answer-chart path.curve")) == 1, "the losses are drawn")


@test("Greeks: the gradients beside the inputs are those of the textbook")
def greeks(setting):
    browser = setting.browser
    browser.open()
    browser.choose("#examples", "option-price")
    browser.wait(lambda: browser.is_shown('section[aria-label="gamma"]'), "the answer")
    near(browser.scalar("gamma"), 0.066, 0.01)
    for name, value in (("spot", 0.522), ("volatility", 12.1), ("rate", 8.91), ("years", 4.31)):
        near(float(browser.text(f'section[aria-label="Input {name}"] .gradient')), value, 0.003)


@test("a link shares what is seen: formula, numbers, options, tab; the address follows what is typed")
def links(setting):
    browser = setting.browser
    browser.open()
    browser.set('input[aria-label="slope"]', "0.25")
    browser.tab("plot")
    browser.wait(lambda: "slope=0.25" in browser.script("return location.hash") and "plot" in browser.script("return location.hash"), "the address")
    link = browser.script("return location.hash")
    browser.open("/" + link)
    check(browser.one("#tab-plot").get_attribute("aria-selected") == "true", "the tab")
    check(browser.one('input[aria-label="slope"]').get_attribute("value") == "0.25", "the number")
    check(browser.one("#option-outputs").get_attribute("value") == "loss, line", "the option")
    browser.wait(lambda: browser.all(".plot-surface"), "the plot")
    # What GET /v1/evaluate has behind the question mark opens here behind the number sign.
    browser.open("/#graph=sum(x**2)&x=1,2,3")
    near(browser.scalar("result"), 14)
    browser.script("location.hash = '#graph=prod(x)&x=2,3,4'")
    browser.wait(lambda: browser.is_shown('section[aria-label="result"]') and browser.scalar("result") == 24, "another link, in the same page")
    browser.open("/#graph=x*page&x=3&inputs={%22page%22:5}")
    near(browser.scalar("result"), 15)


@test("operations: Ctrl-K, a search by name and by words, signature and derivative, Enter inserts the call")
def operations(setting):
    browser = setting.browser
    browser.open()
    browser.write_formula("y = ")
    browser.one("#formula").send_keys(Keys.CONTROL, "k")
    browser.wait(lambda: browser.all("#operation-list [role=option]"), "the list")
    count = len(setting.get("/v1/operations")["operations"])
    check(len(browser.all("#operation-list [role=option]")) == count, "all operations")
    search = browser.driver.switch_to.active_element
    search.send_keys("standard deviation")
    browser.wait(lambda: browser.texts("#operation-list b")[:1] == ["std"], "a search by words")
    search.send_keys(Keys.CONTROL, "a")
    search.send_keys("logsum")
    browser.wait(lambda: browser.texts("#operation-list b") == ["logsumexp"], "a search by name")
    facts = setting.get("/v1/operations/logsumexp")
    shown = browser.text("#operations .detail")
    check(facts["derivative"] in shown and facts["shape"] in shown and "logsumexp(x)" in shown, shown)
    search.send_keys(Keys.ENTER)
    text = browser.script("return document.querySelector('#formula').value")
    check(text == "y = logsumexp(x)", f"the inserted call: {text!r}")
    selected = browser.script("const area = document.querySelector('#formula'); return area.value.slice(area.selectionStart, area.selectionEnd)")
    check(selected == "x", f"{selected!r} is selected")


@test("registered graphs: save, open, an old version, and no overwriting of what another saved meanwhile")
def registered(setting):
    browser = setting.browser
    try:
        setting.get("/v1/graphs")
    except urllib.error.HTTPError as error:
        check(error.code == 404, error)
        browser.open()
        check(not browser.is_shown("#open-graphs"), "a button for what the server does not have")
        raise Skipped("the server has no /v1/graphs, and the page no button for it")
    name = "page-test"
    setting.request("DELETE", f"/v1/graphs/{name}", check_status=False)
    browser.open()
    browser.answer("y = sum(x) * 2")
    browser.wait(lambda: browser.is_shown("#open-graphs"), "the button")

    def save():
        browser.one("#open-graphs").click()
        browser.wait(lambda: browser.is_shown("#graphs form"), "the form")
        browser.set("#graphs input", name)
        browser.one("#graphs form button").click()
    save()
    browser.wait(lambda: "is saved as version" in browser.text("#graphs"), "saved")
    first = int(re.search(r"saved as version (\d+)", browser.text("#graphs"))[1])
    setting.request("PUT", f"/v1/graphs/{name}", {"graph": "y = sum(x) * 30", "description": "theirs"})
    browser.one("#graphs .dialog-head button").click()
    browser.answer("y = sum(x) * 5")
    save()
    browser.wait(lambda: "changed meanwhile" in browser.text("#graphs"), "the conflict")
    check("* 30" in setting.get(f"/v1/graphs/{name}")["text"], "theirs is still there")
    browser.one(f'#graphs button[aria-label="Save over version {first + 1} of {name}"]').click()
    browser.wait(lambda: f"is saved as version {first + 2}" in browser.text("#graphs"), "saved over it")
    check("* 5" in setting.get(f"/v1/graphs/{name}")["text"], "ours is the newest")
    browser.one(f'#graphs button[aria-label="Versions of {name}"]').click()
    browser.wait(lambda: browser.all(f'#graphs button[aria-label="Open version {first + 1} of {name}"]'), "the versions")
    browser.one(f'#graphs button[aria-label="Open version {first + 1} of {name}"]').click()
    browser.wait(lambda: "* 30" in browser.script("return document.querySelector('#formula').value"), "their version, opened")
    browser.await_scalar("y", 30 * 28)
    setting.request("DELETE", f"/v1/graphs/{name}")


@test("a server with tokens: the page asks, a wrong one is refused, the right one is kept until the tab closes")
def tokens(setting):
    if not setting.guarded:
        raise Skipped("no --guarded server was named")
    address, token = setting.guarded
    browser = setting.browser
    own, browser.address = browser.address, address.rstrip("/")
    try:
        browser.open(answered=False)
        browser.script("sessionStorage.clear()")
        browser.open(answered=False)
        browser.wait(lambda: browser.is_shown("#token"), "the field for the token")
        check(browser.script("return document.activeElement.id") == "token-text", "the cursor is in it")
        browser.one("#token-text").send_keys("wrong" + Keys.ENTER)
        browser.wait(lambda: "refused" in browser.text("#status"), "the refusal")
        browser.one("#token-text").send_keys(token + Keys.ENTER)
        browser.wait(lambda: browser.is_shown('section[aria-label="loss"]') and not browser.is_shown("#token"), "the answer")
        near(browser.scalar("loss"), 0.925)
        browser.open()
        check(not browser.is_shown("#token"), "it is kept")
        check(browser.script("return Object.keys(localStorage).every(key => !key.includes('token')) && !location.href.includes(arguments[0])", token), "and nowhere else")
        browser.tab("curl")
        browser.wait(lambda: "AUTOGRAD_TOKEN" in browser.text("[data-view=code] pre"), "the variable in the command")
        check(token not in browser.text("[data-view=code] pre"), "the token itself is in the command")
        browser.script("sessionStorage.clear()")
    finally:
        browser.address = own


@test("dark and light follow the system, the switch overrides and is remembered")
def colours(setting):
    browser = setting.browser

    def brightness():
        return sum(map(int, re.findall(r"\d+", browser.script("return getComputedStyle(document.body).backgroundColor"))[:3])) / 3
    for scheme, is_dark in (("light", False), ("dark", True)):
        browser.prefer(scheme)
        browser.open()
        check((brightness() < 128) == is_dark, f"{scheme}: brightness {brightness()}")
    browser.one("#theme").click()
    check(brightness() > 128, "the switch")
    browser.open()
    check(brightness() > 128, "remembered")
    browser.script("localStorage.clear()")
    browser.prefer("light")


@test("at 360 pixels nothing stands out on the right, in every tab of every example")
def narrow(setting):
    browser = setting.browser
    browser.resize(360, 780)
    try:
        for name in EXAMPLES:
            browser.open()
            browser.choose("#examples", name)
            for tab in TABS:
                browser.tab(tab)
                width = browser.script("return document.documentElement.scrollWidth")
                check(width <= 360, f"{name}, {tab}: {width} pixels wide")
        for button, dialog in (("#open-operations", "#operations"),):
            browser.one(button).click()
            browser.wait(lambda: browser.all(f"{dialog} [role=option]"), dialog)
            check(browser.script("return document.querySelector(arguments[0]).getBoundingClientRect().right", dialog) <= 360, dialog)
            browser.one(f"{dialog} .dialog-head button").click()
    finally:
        browser.resize(WIDTH, HEIGHT)


FOCUS = """
const node = document.activeElement;
if (!node || node === document.body) return null;
const box = node.getBoundingClientRect(), style = getComputedStyle(node.id === "formula" ? node.closest(".editor") : node);
return {label: node.id || node.getAttribute("aria-label") || node.textContent.trim(), width: box.width, outline: style.outlineStyle + style.outlineWidth,
        inView: box.bottom > 0 && box.top < innerHeight};
"""


@test("keyboard only: to the formula, run, into a field, through the tabs, each place with a visible outline")
def keyboard(setting):
    browser = setting.browser
    browser.open()
    keys = lambda *pressed: ActionChains(browser.driver).send_keys(*pressed).perform()
    keys(Keys.TAB)
    check(browser.script("return document.activeElement.textContent") == "Go to the formula", "the way past the bar")
    keys(Keys.ENTER)
    ActionChains(browser.driver).key_down(Keys.CONTROL).send_keys("a").key_up(Keys.CONTROL).send_keys("y = k ** 2 + sum(x)").perform()
    ActionChains(browser.driver).key_down(Keys.CONTROL).send_keys(Keys.ENTER).key_up(Keys.CONTROL).perform()
    browser.await_scalar("y", 29)
    seen = []
    for _ in range(60):
        keys(Keys.TAB)
        focus = browser.script(FOCUS)
        if not focus:
            break
        check(focus["inView"] and not focus["outline"].startswith("none"), f"the focus cannot be seen: {focus}")
        seen.append(focus["label"])
        if focus["label"] == "k":
            ActionChains(browser.driver).key_down(Keys.CONTROL).send_keys("a").key_up(Keys.CONTROL).send_keys("3").perform()
            browser.await_scalar("y", 37)
        if focus["label"] == "tab-answer":
            for tab in TABS[1:]:
                keys(Keys.ARROW_RIGHT)
                check(browser.script("return document.activeElement.id") == f"tab-{tab}", tab)
            keys(Keys.HOME)
    for label in ("run", "k", "k, slider", "x [0]", "tab-answer", "panel"):
        check(label in seen, f"Tab does not come to {label}: {seen}")
    return f"{len(seen)} places"


@test("axe finds nothing to complain of, in any tab, light and dark, nor in the dialogs")
def axe(setting):
    browser = setting.browser
    source = pathlib.Path(setting.axe).read_text()

    def complaints(where):
        found = browser.driver.execute_async_script(source + """
          const done = arguments[arguments.length - 1];
          axe.run(document, {resultTypes: ["violations"]}).then(result => done(result.violations), error => done([{id: String(error), nodes: []}]));""")
        return [f"{where}: {violation['id']}: {', '.join(node['html'][:160] + ' ' + node.get('failureSummary', '')[:300] for node in violation['nodes'][:3])}" for violation in found]
    wrong = []
    for scheme in ("light", "dark"):
        browser.prefer(scheme)
        browser.open()
        for tab in TABS:
            browser.tab(tab)
            wrong += complaints(f"{scheme}, {tab}")
        browser.choose("#examples", "xor")
        browser.one("#options-box summary").click()
        browser.write_formula("y = summ(x)")
        browser.run()
        browser.wait(lambda: browser.all(".suggestion"), "a problem")
        wrong += complaints(f"{scheme}, a problem")
        browser.one("#open-operations").click()
        browser.wait(lambda: browser.all("#operation-list [role=option]"), "operations")
        wrong += complaints(f"{scheme}, operations")
        browser.one("#operations .dialog-head button").click()
        if browser.is_shown("#open-graphs"):
            browser.one("#open-graphs").click()
            browser.wait(lambda: browser.is_shown("#graphs form"), "graphs")
            wrong += complaints(f"{scheme}, graphs")
    browser.prefer("light")
    check(not wrong, "\n".join(wrong))


@test("without the server the page says so, and goes on when it is back")
def offline(setting):
    browser = setting.browser
    browser.open()
    network = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    browser.command("Network.enable")
    browser.command("Network.emulateNetworkConditions", offline=True, **network)
    try:
        browser.run()
        browser.wait(lambda: "does not answer" in browser.text("#problem"), "the complaint")
    finally:
        browser.command("Network.emulateNetworkConditions", offline=False, **network)
    browser.run()
    browser.wait(lambda: browser.text("#status").startswith("Answered"), "an answer")


@test("all files are small, come from the server alone, under a policy that allows nothing else")
def files(setting):
    browser = setting.browser
    browser.requests()
    browser.complaints()
    browser.open()
    for tab in TABS:
        browser.tab(tab)
    browser.one("#open-operations").click()
    browser.wait(lambda: browser.all("#operation-list [role=option]"), "operations")
    if browser.is_shown("#open-graphs"):
        browser.script("document.querySelector('#operations').close(); document.querySelector('#open-graphs').click()")
        browser.wait(lambda: browser.is_shown("#graphs form"), "graphs")
    browser.open()
    browser.kind("x", "file")
    path = setting.folder / "x.csv"
    path.write_text("\n".join(map(str, range(8))))
    browser.one('input[aria-label="File for x"]').send_keys(str(path))
    browser.wait(lambda: "x.csv" in browser.text('section[aria-label="Input x"] .hint'), "the file")
    asked = [address for _, address in browser.requests()]
    hosts = {urllib.parse.urlsplit(address).netloc for address in asked}
    check(hosts == {urllib.parse.urlsplit(browser.address).netloc}, hosts)
    check(not browser.complaints(), browser.complaints())
    pieces = {urllib.parse.urlsplit(address).path for address in asked}
    pieces = {piece for piece in pieces if piece == "/" or piece.startswith("/page/")}
    total, listed = 0, set()
    for piece in sorted(pieces):
        headers, body = setting.fetch(piece, {"Accept": "text/html,*/*"})
        total += len(gzip.compress(body, 9))
        if piece == "/":
            check(headers["Content-Security-Policy"] == "default-src 'self'" or "default-src 'self'" in headers["Content-Security-Policy"], headers["Content-Security-Policy"])
            check(headers["Content-Type"] == "text/html; charset=utf-8", headers["Content-Type"])
        listed |= {f"/page/{name}" for name in re.findall(rb"""["'](?:\./|/page/)([\w.-]+\.(?:js|css|svg))["']""", body) for name in [name.decode()]}
    check(listed <= pieces | {"/page/icon.svg"}, f"files that no test has loaded: {sorted(listed - pieces)}")
    check(total <= MOST_BYTES, f"{total} bytes")
    return f"{len(pieces)} files, {total} bytes compressed"
