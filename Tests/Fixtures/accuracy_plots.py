"""Draws the errors that AccuracyTests wrote into a folder, one SVG an operation, and lists them in docs/accuracy.md.

    python accuracy_plots.py FOLDER DOCS

Operands stand in the order of numbers, each stretch holding equally many of them: that is the only axis on which 1e-300 and 1e300 are both
seen. Only the standard library is needed.
"""

import math
import sys
from html import escape
from pathlib import Path

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 760, 220, 60, 40, 36
STRETCHES, MOST = 180, 16
COLOURS = {"value": "#0969da", "derivative": "#bc4c00"}
HEADING = "## Over the domain\n"


def read(file):
  rows = [tuple(float(cell) for cell in line.split()) for line in file.read_text().splitlines()]
  return sorted(row for row in rows if all(math.isfinite(x) for x in row))


def stretches(rows):
  size = max(1, len(rows) // STRETCHES)
  for start in range(0, len(rows), size):
    part = rows[start:start + size]
    yield part[0][0], max(row[1] for row in part), max(row[2] for row in part)


def chart(title, rows):
  parts = list(stretches(rows))
  across = lambda i: LEFT + (WIDTH - LEFT - 16) * i / max(1, len(parts) - 1)
  down = lambda error: HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(error, MOST) / MOST
  svg = [
    f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">',
    '<style>.p{fill:#fff}.t{fill:#59636e;font:12px system-ui,sans-serif}.g{stroke:#d1d9e0}'
    '@media(prefers-color-scheme:dark){.p{fill:#0d1117}.t{fill:#9198a1}.g{stroke:#2a313c}}</style>',
    f'<rect class="p" width="{WIDTH}" height="{HEIGHT}"/>', f'<text class="t" x="{LEFT}" y="20">{escape(title)}</text>']
  for i, (name, colour) in enumerate(COLOURS.items()):
    svg.append(f'<text x="{WIDTH - 180 + 80 * i}" y="20" class="t" style="fill:{colour}">{name}</text>')
  for error in (0, 4, 8, 16):
    svg += [f'<line class="g" x1="{LEFT}" x2="{WIDTH - 16}" y1="{down(error):.1f}" y2="{down(error):.1f}"/>',
            f'<text class="t" x="{LEFT - 8}" y="{down(error) + 4:.1f}" text-anchor="end">{error}</text>']
  for i in range(0, len(parts), max(1, len(parts) // 6)):
    svg.append(f'<text class="t" x="{across(i):.1f}" y="{HEIGHT - 14}" text-anchor="middle">{parts[i][0]:.2g}</text>')
  for column, colour in zip((1, 2), COLOURS.values()):
    line = " ".join(f"{across(i):.1f},{down(part[column]):.1f}" for i, part in enumerate(parts))
    svg.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.4" points="{line}"/>')
  return "\n".join(svg + ["</svg>", ""])


def main(folder, docs):
  pictures = docs / "accuracy"
  pictures.mkdir(exist_ok=True)
  shown = []
  for file in sorted(Path(folder).glob("* float64.errors")):
    name = file.name.removesuffix(" float64.errors")
    picture = pictures / (name.replace(", ", "-").replace(" ", "-") + ".svg")
    picture.write_text(chart(f"{name}, float64: error in ulp", read(file)))
    shown.append(f"![{name}](accuracy/{picture.name})\n")
  page = docs / "accuracy.md"
  text = page.read_text()
  head, rest = text.split(HEADING)
  introduction = rest.split("\n![")[0].rstrip()
  page.write_text(head + HEADING + introduction + "\n\n" + "\n".join(shown))
  print(f"{len(shown)} charts")


if __name__ == "__main__":
  main(Path(sys.argv[1]), Path(sys.argv[2]))
