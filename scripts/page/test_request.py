"""Tests of what a person enters: the opening, the formula, its errors, the fields."""

import json
import os
import re
import statistics
import struct

from selenium.webdriver.common.keys import Keys

from page.report import check, near, test

#: Milliseconds from opening the page to its first answer, on loopback.
OPENING = 100
#: Answers drawn in a second while a slider is dragged.
RATE = 30


def load():
    """What else the machine does: times of a busy one say little."""
    return f"{os.getloadavg()[0]:.1f} programs ran on {os.cpu_count()} processors"


@test("opens with a line fit, answered: points, a line, the loss, a gradient beside each input")
def opens_answered(setting):
    browser = setting.browser
    browser.open()
    near(browser.scalar("loss"), 0.925)
    check(len(browser.all(".answer-chart circle.point")) == 8, "points")
    check(len(browser.all(".answer-chart path.curve")) == 1, "lines")
    gradients = browser.texts(".number-field .gradient")
    check(gradients == ["7.375", "1.1"], gradients)
    for name in ("x", "y"):
        cells = browser.texts(f'section[aria-label="Input {name}"] .gradients td')
        check(len(cells) == 8 and all(cell for cell in cells), cells)


@test("the first answer is there within 100 ms of opening")
def opens_quickly(setting):
    browser = setting.browser
    times = []
    for _ in range(9):
        browser.open()
        times.append(browser.script("return performance.getEntriesByName('answered')[0].startTime"))
    middle = statistics.median(times)
    note = f"median {middle:.0f} ms of {', '.join(f'{time:.0f}' for time in times)}; {load()}"
    check(middle <= OPENING, note)
    return note


@test("Ctrl-Enter runs the formula")
def ctrl_enter(setting):
    browser = setting.browser
    browser.open()
    browser.write_formula("y = sum(x ** 3)")
    check(browser.text("#status").startswith("Edited"), browser.text("#status"))
    browser.run()
    browser.await_scalar("y", sum(value ** 3 for value in range(8)))


@test("a changed number runs without another key, also with the arrow keys")
def changed_number(setting):
    browser = setting.browser
    browser.open()
    browser.answer("y = x ** 2")
    browser.kind("x", "number")
    browser.set('input[aria-label="x"]', "3")
    browser.await_scalar("y", 9)
    check(browser.text('section[aria-label="Input x"] .gradient') == "6", browser.text('section[aria-label="Input x"] .gradient'))
    before = browser.scalar("y")
    browser.one('input[aria-label="x"]').send_keys(Keys.ARROW_UP)
    browser.wait(lambda: browser.scalar("y") > before, "a larger value")
    browser.set('input[aria-label="x"]', "-Inf")
    browser.wait(lambda: browser.text('section[aria-label="y"] .scalar') == "Infinity", "the infinity")


DRAG = """
const done = arguments[arguments.length - 1], slider = document.querySelector('input[aria-label="slope, slider"]');
let open = 0, most = 0, sent = 0;
const fetched = window.fetch;
window.fetch = async (...options) => {
  sent++; open++; most = Math.max(most, open);
  try { return await fetched(...options); } finally { open--; }
};
const watched = {loss: document.querySelector('section[aria-label="loss"] .scalar'), gradient: document.querySelector(".number-field .gradient")};
const changed = {loss: false, gradient: false}, drawn = {loss: 0, gradient: 0}, frames = [];
for (const name in watched) new MutationObserver(() => { changed[name] = true; }).observe(watched[name], {childList: true, characterData: true, subtree: true});
const start = performance.now();
function frame(now) {
  frames.push(now);
  for (const name in changed) { if (changed[name]) drawn[name]++; changed[name] = false; }
  if (now - start > 2000) {
    slider.value = 700;
    slider.dispatchEvent(new Event("input", {bubbles: true}));
    window.fetch = fetched;
    return setTimeout(() => done({seconds: (now - start) / 1000, frames: frames.length, drawn, most, sent}), 800);
  }
  slider.value = 500 + 400 * Math.sin((now - start) / 150);
  slider.dispatchEvent(new Event("input", {bubbles: true}));
  requestAnimationFrame(frame);
}
requestAnimationFrame(frame);
"""


@test("dragging a slider draws 30 answers a second, one request at a time, and ends at the newest")
def slider(setting):
    browser = setting.browser
    browser.open()
    got = browser.driver.execute_async_script(DRAG)
    rates = {name: count / got["seconds"] for name, count in got["drawn"].items()}
    note = f"{rates['loss']:.0f} losses and {rates['gradient']:.0f} gradients drawn a second, {got['frames'] / got['seconds']:.0f} frames; {load()}"
    check(got["most"] == 1, f"{got['most']} requests at once")
    check(min(rates.values()) >= RATE, note)
    # 700 of 1,000 from -1 to 2.
    slope, xs, ys = 1.1, range(8), [1.1, 1.4, 2.3, 2.4, 3.2, 3.3, 4.1, 4.2]
    near(browser.scalar("loss"), sum((slope * x + 0.5 - y) ** 2 for x, y in zip(xs, ys)) / 8)
    return note


@test("an error is underlined at its line and column, with the server's words beside")
def underlined(setting):
    browser = setting.browser
    browser.open()
    for formula, line, start, word in [
        ("y = summ(x)", 1, 4, "summ"), ("a = x + 1\n\nµ = 𝑥 + 1; y = summ(a)", 3, 15, "summ"), ("y = x // 2", 1, 6, "/"), ("y = (x", 1, 4, "("),
    ]:
        browser.write_formula(formula)
        browser.run()
        browser.wait(lambda: browser.text("#status") == "Refused", f"the problem of {formula!r}")
        place = browser.script("""
          const fault = document.querySelector(".paint .fault"), area = document.querySelector("#formula");
          const box = fault.getBoundingClientRect(), code = area.getBoundingClientRect(), style = getComputedStyle(area);
          const range = document.createRange(), text = document.querySelector(".paint");
          range.setStart(text, 0);
          range.setEndBefore(fault);
          const before = range.toString();
          return {word: fault.textContent, line: before.split("\\n").length, start: [...before.split("\\n").at(-1)].length,
                  row: Math.round((box.top + box.height / 2 - code.top - parseFloat(style.paddingTop)) / parseFloat(style.lineHeight) + 0.5),
                  shape: getComputedStyle(fault).textDecorationStyle};""")
        check(place["word"].startswith(word), f"{formula!r}: {place}")
        check((place["line"], place["start"], place["row"], place["shape"]) == (line, start, line, "wavy"), f"{formula!r}: {place}")
        shown = browser.text("#problem")
        detail = setting.problem({"graph": formula, "inputs": {"x": 1, "𝑥": 1}})["detail"]
        check(detail in shown, f"{shown!r} does not hold {detail!r}")


@test("a click on what the server suggests mends the formula and runs it")
def suggestion(setting):
    browser = setting.browser
    browser.open()
    browser.write_formula("y = summ(x, axi=0)")
    browser.run()
    browser.wait(lambda: browser.all(".suggestion"), "a suggestion")
    browser.one(".suggestion").click()
    browser.wait(lambda: browser.texts(".suggestion") == ["Write axis"], "the next suggestion")
    browser.one(".suggestion").click()
    browser.await_scalar("y", 28)
    check(browser.script("return document.querySelector('#formula').value") == "y = sum(x, axis=0)")
    browser.one("#formula").send_keys(Keys.CONTROL, "z")
    check(browser.script("return document.querySelector('#formula').value") == "y = sum(x, axi=0)", "one step back")


@test("vectors and matrices are tables: cells, rows, columns, numbers from a spreadsheet")
def tables(setting):
    browser = setting.browser
    browser.open()
    browser.answer("y = sum(m * m)")
    browser.kind("m", "matrix")
    browser.one('button[aria-label="Add a column of m"]').click()
    browser.one('button[aria-label="Add a row of m"]').click()
    for place, value in [("[0, 0]", "1"), ("[0, 1]", "2"), ("[1, 0]", "3"), ("[1, 1]", "4.5")]:
        browser.set(f'input[aria-label="m {place}"]', value)
    browser.await_scalar("y", 1 + 4 + 9 + 4.5 ** 2)
    cells = browser.texts('section[aria-label="Input m"] .gradients td')
    check(cells == ["2", "4", "6", "9"], cells)
    browser.script("""
      const data = new DataTransfer(), cell = document.querySelector('input[aria-label="m [0, 1]"]');
      data.setData("text/plain", "10\\t20\\n30\\t40\\n50\\t60\\n");
      cell.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));""")
    browser.await_scalar("y", 1 + 9 + sum(value ** 2 for value in (10, 20, 30, 40, 50, 60)))
    check(browser.texts('section[aria-label="Input m"] .type') == ["[3, 3]"], browser.texts(".field .type"))
    cell = browser.one('input[aria-label="m [0, 1]"]')
    cell.click()
    cell.send_keys(Keys.ARROW_DOWN)
    check(browser.script("return document.activeElement.ariaLabel") == "m [1, 1]", "arrow keys move between cells")


@test("text takes any tensor as JSON; what is no JSON is said at its field and not sent")
def texts(setting):
    browser = setting.browser
    browser.open()
    browser.write_formula("y = sum(take(x, i, axis=0))")
    browser.kind("i", "text")
    browser.set('textarea[aria-label="i, as JSON"]', '{"dtype": "int64", "data": [7, 7, 1]}')
    browser.await_scalar("y", 15)
    browser.set('textarea[aria-label="i, as JSON"]', "[1, 2")
    browser.wait(lambda: "JSON" in browser.text('section[aria-label="Input i"] .field-note'), "the complaint")
    browser.set('textarea[aria-label="i, as JSON"]', "[1, [2]]")
    browser.wait(lambda: "differ" in browser.text('section[aria-label="Input i"] .field-note'), "the server's complaint at its field")


def npy(values, shape, order="False"):
    header = f"{{'descr': '<f8', 'fortran_order': {order}, 'shape': {shape}, }}".encode()
    header += b" " * (63 - (10 + len(header)) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + struct.pack(f"<{len(values)}d", *values)


def safetensors(tensors):
    header, data = {}, b""
    for name, (dtype, code, shape, values) in tensors.items():
        part = struct.pack(f"<{len(values)}{code}", *values)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(part)]}
        data += part
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


@test("files: .csv, .npy in both orders, .safetensors with its tensor of that name")
def files(setting):
    browser = setting.browser
    browser.open()
    browser.write_formula("y = sum(x * [[1, 10, 100], [1000, 10000, 100000]])")
    browser.kind("x", "file")
    wanted = 654321
    half = [1, 2, 3, 4, 5, 6]
    for name, data in [
        ("a.csv", b"p,q,r\n1,2,3\n4,5,6\n"), ("b.csv", b"1;2;3\r\n4;5;6\r\n"), ("c.npy", npy(half, "(2, 3)")), ("d.npy", npy([1, 4, 2, 5, 3, 6], "(2, 3)", "True")),
        ("e.safetensors", safetensors({"w": ("F32", "f", [1], [5]), "x": ("F64", "d", [2, 3], half)})),
    ]:
        path = setting.folder / name
        path.write_bytes(data)
        browser.one('input[aria-label="File for x"]').send_keys(str(path))
        browser.wait(lambda: browser.text('section[aria-label="Input x"] .hint').startswith(f"{name}: float64 [2, 3]"), f"{name} is read")
        browser.await_scalar("y", wanted)
        if name != "e.safetensors":
            browser.kind("x", "number")
            browser.kind("x", "file")
    bad = setting.folder / "bad.csv"
    bad.write_text("1,2\n3,four\n")
    browser.one('input[aria-label="File for x"]').send_keys(str(bad))
    browser.wait(lambda: '"four" is not a number' in browser.text('section[aria-label="Input x"] .hint'), "the complaint about a file")


@test("a declared default fills its field, and a graph in JSON runs as a formula does")
def declared(setting):
    browser = setting.browser
    browser.open()
    browser.answer("input q: float64[3] = [1, 2, 3]\ninput r = 0.5\ny = r * sum(q)")
    browser.await_scalar("y", 3)
    browser.set('input[aria-label="r"]', "2")
    browser.await_scalar("y", 12)
    browser.answer('{"nodes": [{"op": "mul", "inputs": ["r", "r"], "outputs": ["z"]}]}')
    browser.await_scalar("z", 4)
    names = browser.texts(".fields h3")
    check(names == ["r"], names)


@test("options change what is computed: Hessian, Jacobian, jvp, check, float32")
def options(setting):
    browser = setting.browser
    browser.open()
    browser.answer("y = sum(x ** 3)")
    browser.one("#options-box summary").click()
    browser.choose("#compute", "hessian")
    browser.wait(lambda: browser.is_shown('section[aria-label="Hessian of x and x"]'), "the Hessian")
    cells = browser.texts('section[aria-label="Hessian of x and x"] td')
    check([float(cell) for cell in cells[9::9]] == [6.0 * k for k in range(1, 8)], cells)
    browser.choose("#compute", "check")
    browser.wait(lambda: browser.text(".verdict").startswith("passes"), "the check")
    browser.choose("#compute", "jvp")
    browser.set("#option-tangents", '{"x": [0, 1, 0, 0, 0, 0, 0, 0]}' + Keys.ENTER)
    browser.wait(lambda: browser.is_shown('section[aria-label="Tangent of y"]'), "the tangent")
    browser.await_scalar("Tangent of y", 3)
    browser.choose("#compute", "evaluate")
    browser.choose("#option-dtype", "float32")
    browser.wait(lambda: re.match("float32", browser.text('#panel section[aria-label="y"] .type')), "float32")
    browser.set("#option-wrt", "q" + Keys.ENTER)
    browser.wait(lambda: browser.one("#option-wrt").get_attribute("aria-invalid") == "true", "the mark at the option")
    check('"q"' in browser.text("#problem"), browser.text("#problem"))
