"""Tests of the tabs: what each shows is what the server answers."""

import json
import math
import re
import shutil
import subprocess
import urllib.parse
import xml.etree.ElementTree as ElementTree

from selenium.webdriver.common.keys import Keys

from page.report import Skipped, check, near, test


@test("Answer: large tensors are bars and heat maps, whose elements arrow keys read")
def pictures(setting):
    browser = setting.browser
    browser.open()
    browser.answer("input n: float64[300] = [" + ", ".join(str(k) for k in range(300)) + "]\nwave = sin(n / 20)\nsquare = wave[:, None] * wave\nreturn wave, square")
    for name, place, value in [("wave", "[1]", math.sin(1 / 20)), ("square", "[1, 1]", math.sin(1 / 20) ** 2)]:
        canvas = browser.one(f'section[aria-label="{name}"] canvas')
        colours = browser.script("""
          const canvas = arguments[0], data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data, found = new Set();
          for (let at = 0; at < data.length; at += 4 * 97) found.add(data.slice(at, at + 4).join());
          return found.size;""", canvas)
        check(colours >= 3, f"{name}: {colours} colours")
        canvas.send_keys(*([Keys.ARROW_RIGHT, Keys.ARROW_RIGHT] if name == "wave" else [Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_RIGHT]))
        shown = browser.text(f'section[aria-label="{name}"] .readout')
        check(shown.startswith(place), shown)
        near(float(shown.split()[-1]), value, 1e-5)


@test("Answer: warnings are shown, and a refusal greys what is out of date")
def warnings(setting):
    browser = setting.browser
    browser.open()
    browser.answer("a = sum(x)\nb = sum(log(x))")
    check("NaN or infinity" in browser.text(".warnings") and len(browser.all(".warnings li")) >= 2, browser.text(".warnings"))
    browser.write_formula("a = sum(")
    browser.run()
    browser.wait(lambda: browser.all(".view.is-old"), "the old answer greyed")


@test("Graph: values with shapes and operations, forward and backward, none over another; SVG, pan, zoom")
def graph(setting):
    browser = setting.browser
    for formula, operations in [("h = tanh(x * w + b)\nloss = mean((h - y) ** 2)", 6), ("y = x + c; z = sum(y * y); k = z + sum(x)", 5)]:
        browser.open()
        browser.answer(formula)
        browser.tab("graph")
        browser.wait(lambda: browser.all(".graph rect"), "boxes")
        check(browser.text(".graph-tools .hint").startswith(f"{operations} operations"), browser.text(".graph-tools .hint"))
        overlaps = browser.script("""
          return [...document.querySelectorAll(".graph > g")].flatMap(side => {
            const boxes = [...side.querySelectorAll("rect")].map(rect => rect.getBoundingClientRect());
            return boxes.flatMap((a, i) => boxes.slice(i + 1).filter(b => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1));
          }).length;""")
        check(overlaps == 0, f"{overlaps} boxes lie over others")
        outside = browser.script("""
          return [...document.querySelectorAll(".graph rect")].filter(rect => {
            const box = rect.getBoundingClientRect();
            return [...rect.parentNode.querySelectorAll("text")].some(text => {
              const inner = text.getBoundingClientRect();
              return inner.left < box.left || inner.right > box.right || inner.top < box.top || inner.bottom > box.bottom;
            });
          }).length;""")
        check(outside == 0, f"{outside} texts stand out of their boxes")
    words = browser.texts(".graph text")
    for word in ("x", "[8]", "mul", "sum", "Forward", "Backward, from k", "∂x", "∂z"):
        check(any(word in text.split() or word == text for text in words), f"{word} is missing in {words}")
    drawing = browser.one(".graph")
    box = lambda: browser.script("return document.querySelector('.graph').getAttribute('viewBox')")
    before = box()
    drawing.send_keys("+")
    zoomed = box()
    drawing.send_keys(Keys.ARROW_LEFT)
    panned = box()
    check(len({before, zoomed, panned}) == 3 and float(zoomed.split()[2]) < float(before.split()[2]), (before, zoomed, panned))
    drawing.send_keys("0")
    check(box() == before, "0 shows all again")
    text = saved(browser, "Save the drawing as SVG")
    root = ElementTree.fromstring(text)
    check(root.tag.endswith("svg") and "mul" in text and "class=" not in text and "var(" not in text, text[:300])


def saved(browser, title):
    """What a button saves: the address of a file in memory is caught before the browser takes it."""
    return browser.driver.execute_async_script("""
      const done = arguments[arguments.length - 1], make = URL.createObjectURL;
      URL.createObjectURL = blob => { blob.text().then(done); return make.call(URL, blob); };
      (document.querySelector(`button[aria-label="${arguments[0]}"]`) ?? [...document.querySelectorAll("button")].find(button => button.textContent === arguments[0])).click();
      URL.createObjectURL = make;""", title)


@test("Derivative: the server's gradient as a formula, which can be opened and gives the same numbers")
def derivative(setting):
    browser = setting.browser
    browser.open()
    browser.tab("derivative")
    browser.wait(lambda: browser.all("[data-view=derivative] pre"), "the formula")
    report = setting.post("/v1/inspect", setting.sent())
    check(browser.texts("[data-view=derivative] pre") == [report["gradient_text"], report["text"]], browser.texts("[data-view=derivative] pre"))
    browser.script("[...document.querySelectorAll('button')].find(button => button.textContent === 'Open as formula').click()")
    browser.wait(lambda: browser.is_shown('section[aria-label="grad_slope"]'), "the answer of the opened formula")
    near(browser.scalar("grad_slope"), 7.375)


@test("Plot: value and derivative over one input are those of the closed form, in one request")
def plot(setting):
    browser = setting.browser
    browser.open("/#graph=y+%3D+exp(a)+*+sin(3+*+a)+%2B+c&a=0.5&c=2&page={%22tab%22:%22plot%22,%22fields%22:{%22a%22:{%22range%22:[-1,2]}}}")
    browser.wait(lambda: browser.all(".plot-surface"), "the plot")
    browser.requests()
    browser.choose(".plot-controls select", "c")
    browser.wait(lambda: browser.text("[data-view=plot] .readout").count("c"), "the plot over c")
    browser.choose(".plot-controls select", "a")
    browser.wait(lambda: " a " in browser.text("[data-view=plot] .readout"), "the plot over a")
    posts = [address for method, address in browser.requests() if method == "POST"]
    check(len(posts) == 4, f"two changes took {len(posts)} requests: an answer and a plot for each are enough")
    surface = browser.one(".plot-surface")
    seen = 0
    for keys in ([Keys.ARROW_LEFT] * 7, [Keys.PAGE_DOWN] * 2, [Keys.PAGE_UP] * 5, [Keys.ARROW_RIGHT] * 3):
        surface.send_keys(*keys)
        found = re.match(r"a (\S+) +y (\S+) +∂ (\S+)", browser.text("[data-view=plot] .readout"))
        a, value, slope = map(float, found.groups())
        near(value, math.exp(a) * math.sin(3 * a) + 2, 1e-4)
        near(slope, math.exp(a) * (math.sin(3 * a) + 3 * math.cos(3 * a)), 1e-4)
        seen += 1
    check(seen == 4)
    # The drawn curve itself: a point every 3 / 240, on the axes' scales.
    points = browser.script("return document.querySelector('.curve.series-0').getAttribute('d')")
    pairs = [tuple(map(float, pair.split())) for pair in re.split("[ML]", points)[1:]]
    check(len(pairs) == 241, len(pairs))
    ys = [math.exp(a) * math.sin(3 * a) + 2 for a in (-1 + 3 * k / 240 for k in range(241))]
    lows, highs = min(range(241), key=ys.__getitem__), max(range(241), key=ys.__getitem__)
    scale = (pairs[highs][1] - pairs[lows][1]) / (ys[highs] - ys[lows])
    worst = max(abs(pairs[lows][1] + (y - ys[lows]) * scale - pair[1]) for y, pair in zip(ys, pairs))
    check(worst < 0.05, f"the curve is {worst} pixels beside the closed form")
    surface.send_keys(Keys.ENTER)
    browser.wait(lambda: browser.one('input[aria-label="a"]').get_attribute("value") != "0.5", "Enter takes the point")


@test("Plot: over two inputs contours, with arrows along the gradient; a click takes the point")
def contours(setting):
    browser = setting.browser
    browser.open("/#graph=f+%3D+a+**+2+%2B+b+**+2&a=0.5&b=0.5&page={%22tab%22:%22plot%22,%22plot%22:{%22x%22:%22a%22,%22y%22:%22b%22,%22ranges%22:{%22a%22:[-1,1],%22b%22:[-1,1]}}}")
    browser.wait(lambda: browser.all("path.arrow"), "arrows")
    check(len(browser.all("path.contour")) >= 8, "contours")
    shapes = browser.script("""
      const frame = document.querySelector(".chart clipPath rect"), part = name => Number(frame.getAttribute(name));
      const centre = [part("x") + part("width") / 2, part("y") + part("height") / 2], unit = [part("width") / 2, part("height") / 2];
      return {centre, unit, arrows: [...document.querySelectorAll("path.arrow")].map(path => path.getAttribute("d")),
              contours: [...document.querySelectorAll("path.contour")].map(path => path.getAttribute("d"))};""")
    for arrow in shapes["arrows"]:
        x0, y0, x1, y1 = map(float, re.match(r"M(\S+) (\S+?)L(\S+) (\S+?)M", arrow).groups())
        # The gradient (2a, 2b) in pixels: a step of one pixel changes f by the derivative over pixels.
        gx = (x0 - shapes["centre"][0]) / shapes["unit"][0] ** 2
        gy = (y0 - shapes["centre"][1]) / shapes["unit"][1] ** 2
        cosine = (gx * (x1 - x0) + gy * (y1 - y0)) / (math.hypot(gx, gy) * math.hypot(x1 - x0, y1 - y0) or 1)
        check(cosine > 0.99, f"the arrow {arrow} has the cosine {cosine} with the gradient")
    for path in shapes["contours"]:
        levels = [((x - shapes["centre"][0]) / shapes["unit"][0]) ** 2 + ((y - shapes["centre"][1]) / shapes["unit"][1]) ** 2
                  for x, y in ((float(a), float(b)) for a, b in re.findall(r"[ML](\S+?) ([\d.-]+)", path))]
        check(max(levels) - min(levels) < 0.01, f"a contour goes from {min(levels)} to {max(levels)}")
    surface = browser.one(".plot-surface")
    surface.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_UP, Keys.ENTER)
    browser.wait(lambda: browser.one('input[aria-label="a"]').get_attribute("value") == "0.55", "the chosen point")
    check(browser.one('input[aria-label="b"]').get_attribute("value") == "0.55")


@test("Plot: an element of a tensor, and an element of the value")
def plot_elements(setting):
    browser = setting.browser
    browser.open("/#graph=y+%3D+x+*+x+*+x&x=[1,2,3]&page={%22tab%22:%22plot%22}")
    browser.wait(lambda: browser.all(".plot-surface"), "the plot")
    first, _, value = browser.all(".plot-controls select")
    names = [option.text for option in first.find_elements("css selector", "option")]
    check(names == ["x[0]", "x[1]", "x[2]"], names)
    browser.script("const [x, , of] = document.querySelectorAll('.plot-controls select'); x.value = 'x[1]'; of.value = 'y[1]';"
                   "for (const select of [x, of]) select.dispatchEvent(new Event('change', {bubbles: true}));")
    browser.wait(lambda: browser.text("[data-view=plot] .readout").startswith("y[1]"), "the plot of y[1]")
    browser.one(".plot-surface").send_keys(Keys.ARROW_RIGHT * 5)
    at, cube, slope = map(float, re.match(r"x\[1\] (\S+) +y\[1\] (\S+) +∂ (\S+)", browser.text("[data-view=plot] .readout")).groups())
    near(cube, at ** 3, 1e-3)
    near(slope, 3 * at ** 2, 1e-3)


def shown_code(browser, tab):
    browser.tab(tab)
    browser.wait(lambda: browser.text("[data-view=code] pre"), f"the code of {tab}")
    return browser.script("return document.querySelector('[data-view=code] pre').textContent")


def shell(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, **options)
    check(done.returncode == 0, done.stderr or done.stdout)
    return done.stdout


#: A formula that needs quoting in each of the languages, and fields of every shape.
AWKWARD = ("/#graph=%23+it's+%22quoted%22+%24{x}+`not`+%5Cn%0A" + urllib.parse.quote("y = sum(x ** 2) + sum(m @ m) * k\nz = sum(cast(x, dtype='float32'))")
           + "&x=[1,2.5,-3]&m=[[1,2],[3,4]]&k=[0.1]&of=y&outputs=y,z")


def snippets_agree(setting, tab, run, agree=lambda got, wanted: got == wanted):
    """What the pasted snippet prints is what a request of our own is answered."""
    for path in ("/", AWKWARD):
        setting.browser.open(path)
        code = shown_code(setting.browser, tab)
        wanted = setting.post("/v1/evaluate", json.loads(shown_code(setting.browser, "json")))
        got = run(code)
        check(agree(got, wanted), f"{json.dumps(got)[:500]}\ninstead of\n{json.dumps(wanted)[:500]}\nby\n{code}")


@test("JSON: the request as it is sent, and its answer")
def json_tab(setting):
    browser = setting.browser
    browser.open()
    request = json.loads(shown_code(browser, "json"))
    shown = json.loads(browser.script("return document.querySelectorAll('[data-view=code] pre')[1].textContent"))
    check(shown == setting.post("/v1/evaluate", request), shown)


@test("curl: the command, pasted into a shell, gives the same answer")
def curl_tab(setting):
    snippets_agree(setting, "curl", lambda code: json.loads(shell(["sh", "-c", code])))


@test("Python: the program gives the same answer")
def python_tab(setting):
    snippets_agree(setting, "python", lambda code: json.loads(shell(["python3", "-c", code])))


@test("JavaScript: the program gives the same answer")
def javascript_tab(setting):
    if not shutil.which("node"):
        raise Skipped("there is no node")
    snippets_agree(setting, "javascript", lambda code: json.loads(shell(["node", "--input-type=module", "-"], input=code)))


@test("R: the program gives the same answer")
def r_tab(setting):
    if not shutil.which("Rscript") or subprocess.run(["Rscript", "-e", "library(httr2); library(jsonlite)"], capture_output=True).returncode:
        raise Skipped("there is no R with httr2 and jsonlite")
    path = setting.folder / "snippet.R"

    def run(code):
        printed = "\ncat(toJSON(answer, auto_unbox = TRUE, digits = NA))\n"
        path.write_text(code.replace("simplifyVector = TRUE", "simplifyVector = FALSE").replace("\nstr(answer)\n", printed))
        return json.loads(shell(["Rscript", str(path)]))
    snippets_agree(setting, "r", run, almost)


def almost(got, wanted):
    """Equal but for the digits behind the fifteenth, which R does not print."""
    if isinstance(wanted, dict):
        return got.keys() == wanted.keys() and all(almost(got[key], wanted[key]) for key in wanted)
    if isinstance(wanted, list):
        return len(got) == len(wanted) and all(map(almost, got, wanted))
    return abs(got - wanted) <= 1e-13 * max(1, abs(wanted)) if isinstance(wanted, float) else got == wanted
