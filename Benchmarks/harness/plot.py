"""Line charts with two logarithmic axes, as SVG that is readable on light and on dark pages."""

import math
from html import escape

WIDTH, HEIGHT = 760, 440
LEFT, RIGHT, TOP, BOTTOM = 74, 24, 78, 56
# Told apart without their colours too: each has its own mark.
MARKS = ["circle", "square", "diamond", "triangle"]

STYLE = """
  .page { fill: #ffffff } .text { fill: #1f2328; font: 13px system-ui, sans-serif } .title { font-size: 16px; font-weight: 600 }
  .soft { fill: #59636e } .grid { stroke: #d1d9e0; stroke-width: 1 } .axis { stroke: #59636e; stroke-width: 1.2 }
  .line { fill: none; stroke-width: 2.2 }
  .s0 { stroke: #0969da } .s1 { stroke: #bc4c00 } .s2 { stroke: #1a7f37 } .s3 { stroke: #8250df }
  .m0 { fill: #0969da } .m1 { fill: #bc4c00 } .m2 { fill: #1a7f37 } .m3 { fill: #8250df }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } .text { fill: #e6edf3 } .soft { fill: #9198a1 } .grid { stroke: #2a313c } .axis { stroke: #9198a1 }
    .s0 { stroke: #58a6ff } .s1 { stroke: #f0883e } .s2 { stroke: #3fb950 } .s3 { stroke: #bc8cff }
    .m0 { fill: #58a6ff } .m1 { fill: #f0883e } .m2 { fill: #3fb950 } .m3 { fill: #bc8cff }
  }"""


class Axis:
    """Maps a logarithmic range onto pixels. The range ends at whole powers of ten, or at 2 or 5 times one."""

    def __init__(self, values, start, end):
        self.low, self.high = _below(min(values)), _above(max(values))
        if self.high <= self.low:
            self.high = 2 * self.low
        self.start, self.end = start, end

    def __call__(self, value):
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self):
        """Powers of ten, and the steps between them where these would be too few."""
        decades = math.log10(self.high / self.low)
        steps = (1, 2, 5) if decades <= 3 else (1,)
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        every = 1 if decades <= 9 else 2
        return [
            step * 10.0**power for power in powers[::every] for step in steps
            if self.low * 0.999 <= step * 10.0**power <= self.high * 1.001]


def _below(value):
    power = 10.0 ** math.floor(math.log10(value))
    return max(step * power for step in (1, 2, 5) if step * power <= value * 1.0001)


def _above(value):
    power = 10.0 ** math.floor(math.log10(value))
    return min(step * power for step in (1, 2, 5, 10) if step * power >= value * 0.9999)


def chart(title, x_label, y_label, lines):
    """`lines` maps a name to a list of points."""
    lines = {name: points for name, points in lines.items() if points}
    x = Axis([point[0] for points in lines.values() for point in points], LEFT, WIDTH - RIGHT)
    y = Axis([point[1] for points in lines.values() for point in points], HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">',
        f"<style>{STYLE}\n</style>", f'<rect class="page" width="{WIDTH}" height="{HEIGHT}" rx="6"/>',
        f'<text class="text title" x="{LEFT}" y="28">{escape(title)}</text>']
    parts += _axes(x, y, x_label, y_label) + _legend(lines)
    for index, points in enumerate(lines.values()):
        path = " ".join(f"{x(px):.1f},{y(py):.1f}" for px, py in points)
        parts.append(f'<polyline class="line s{index}" points="{path}"/>')
        parts += [_mark(index, x(px), y(py)) for px, py in points]
    return "\n".join(parts + ["</svg>", ""])


def _axes(x, y, x_label, y_label):
    parts = []
    for tick in x.ticks():
        parts += [
            f'<line class="grid" x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>',
            f'<text class="text soft" x="{x(tick):.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{_label(tick)}</text>']
    for tick in y.ticks():
        parts += [
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>',
            f'<text class="text soft" x="{LEFT - 10}" y="{y(tick) + 4:.1f}" text-anchor="end">{_label(tick)}</text>']
    middle = (TOP + HEIGHT - BOTTOM) / 2
    return parts + [
        f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{HEIGHT - BOTTOM}" y2="{HEIGHT - BOTTOM}"/>',
        f'<line class="axis" x1="{LEFT}" x2="{LEFT}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>',
        f'<text class="text" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 14}" text-anchor="middle">{escape(x_label)}</text>',
        f'<text class="text" x="18" y="{middle}" text-anchor="middle" transform="rotate(-90 18 {middle})">{escape(y_label)}</text>']


def _legend(lines):
    parts, left = [], LEFT
    for index, name in enumerate(lines):
        parts += [_mark(index, left + 6, 52), f'<text class="text" x="{left + 18}" y="56">{escape(name)}</text>']
        left += 40 + 7.2 * len(name)
    return parts


def _mark(index, x, y):
    name, kind = MARKS[index % len(MARKS)], f'class="m{index % len(MARKS)}"'
    if name == "circle":
        return f'<circle {kind} cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>'
    if name == "square":
        return f'<rect {kind} x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8"/>'
    corners = {"diamond": [(0, -6), (6, 0), (0, 6), (-6, 0)], "triangle": [(0, -6), (6, 5), (-6, 5)]}[name]
    return f'<polygon {kind} points="{" ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in corners)}"/>'


def _label(value):
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size * 0.999:
            return f"{value / size:g}{suffix}"
    return f"{value:.6g}"
