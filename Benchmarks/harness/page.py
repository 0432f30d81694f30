"""Writes the measured part of docs/performance.md: what is between its two marks. The text around it is written by people."""

from . import places

PAGE = places.docs / "performance.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def write(table, about, rounds):
    text = PAGE.read_text()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    measured = f"{table}\n\n{about}\n- Rounds: {rounds}"
    PAGE.write_text(f"{before}{BEGIN}\n{measured}\n{END}{after}")
