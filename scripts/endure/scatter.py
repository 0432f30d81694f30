"""Points over two logarithmic axes, in panels below each other, as SVG that is readable on light and on dark pages."""

import math
from html import escape

WIDTH, PANEL, LEFT, RIGHT, TOP, BOTTOM = 760, 360, 64, 16, 46, 40
STYLE = """
  .page { fill: #ffffff } .text { fill: #1f2328; font: 13px system-ui, sans-serif } .title { font-size: 16px; font-weight: 600 }
  .soft { fill: #59636e } .grid { stroke: #d1d9e0 } .line { stroke: #1a7f37; stroke-width: 2; fill: none }
  .p0, .p1 { fill: none; stroke: #0969da; stroke-width: 4; stroke-linecap: round } .p1 { stroke: #bc4c00 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } .text { fill: #e6edf3 } .soft { fill: #9198a1 } .grid { stroke: #2a313c } .line { stroke: #3fb950 }
    .p0 { stroke: #58a6ff } .p1 { stroke: #f0883e }
  }"""


class Axis:
    """Maps whole powers of ten onto pixels."""

    def __init__(self, values, start, end):
        self.low, self.high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        self.start, self.end = start, end

    def __call__(self, value):
        return self.start + (math.log10(value) - self.low) / max(1, self.high - self.low) * (self.end - self.start)

    def ticks(self):
        return range(self.low, self.high + 1)


def _label(power):
    return f"{10 ** power:,}" if 0 <= power < 5 else f"{10.0 ** power:g}" if -4 < power < 0 else f"10{str(power).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


def _points(points, x, y):
    """One for all that would be drawn at the same place."""
    places = sorted({(2 * round(x(a) / 2), 2 * round(y(b) / 2)) for a, b in points})
    return "".join(f"M{a} {b}h0" for a, b in places)


def _panel(top, label, points, bound, names):
    x = Axis([point[0] for point in points], LEFT, WIDTH - RIGHT)
    low, high = 10.0 ** x.low, 10.0 ** x.high
    y = Axis([point[1] for point in points] + [bound(low)], top + PANEL - BOTTOM, top + TOP)
    parts = [f'<text class="text" x="{LEFT}" y="{top + 20}">{escape(label)}</text>']
    for tick in x.ticks():
        parts += [f'<line class="grid" x1="{x(10.0 ** tick):.0f}" x2="{x(10.0 ** tick):.0f}" y1="{top + TOP}" y2="{top + PANEL - BOTTOM}"/>',
                  f'<text class="text soft" x="{x(10.0 ** tick):.0f}" y="{top + PANEL - BOTTOM + 18}" text-anchor="middle">{_label(tick)}</text>']
    for tick in y.ticks():
        parts += [f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(10.0 ** tick):.0f}" y2="{y(10.0 ** tick):.0f}"/>',
                  f'<text class="text soft" x="{LEFT - 6}" y="{y(10.0 ** tick) + 4:.0f}" text-anchor="end">{_label(tick)}</text>']
    for kind, name in enumerate(names):
        # The others first, so that the first kind stays visible.
        parts.insert(0 if kind else len(parts), f'<path class="p{kind}" d="{_points([p[:2] for p in points if p[2] == bool(kind)], x, y)}"/>')
        parts.append(f'<path class="p{kind}" d="M{400 + 170 * kind} {top + 36}h0"/><text class="text soft" x="{410 + 170 * kind}" y="{top + 40}">{escape(name)}</text>')
    sizes = [low * (high / low) ** (i / 60) for i in range(61)]
    line = " ".join(f"{x(size):.1f},{y(bound(size)):.1f}" for size in sizes if bound(size) <= 10.0 ** y.high)
    return parts + [f'<polyline class="line" points="{line}"/>', f'<text class="text soft" x="{LEFT}" y="{top + 40}">line: the bound</text>']


def panels(title, x_label, described):
    """`described` has for each panel its label, its points with their kind (False or True), the bound by x, and the names of the kinds."""
    height = 34 + PANEL * len(described) + 16
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">',
             f"<style>{STYLE}\n</style>", f'<rect class="page" width="{WIDTH}" height="{height}" rx="6"/>',
             f'<text class="text title" x="{LEFT}" y="26">{escape(title)}</text>']
    for number, one in enumerate(described):
        parts += _panel(34 + PANEL * number, *one)
    parts.append(f'<text class="text soft" x="{WIDTH / 2}" y="{height - 10}" text-anchor="middle">{escape(x_label)}</text>')
    return "\n".join(parts + ["</svg>", ""])
