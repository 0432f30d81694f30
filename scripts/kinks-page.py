#!/usr/bin/env python3
"""Writes docs/kinks.md from the fixtures of kinks; with --check, only fails if the page is not what they say.

The fixtures are tested against the server, so a page equal to them is true of the server."""
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "kinks.md"
FIXTURES = ("kinks.jsonl", "kinks_reductions.jsonl")
INTRODUCTION = """# At kinks and edges

What this server answers where a function has a kink, a pole or a tie, in float64, and what JAX answers: the tensors
that differ beyond the tolerance of the test, the rest being the same.
Made by `scripts/kinks-page.py` from `Tests/Fixtures/kinks.jsonl` and `kinks_reductions.jsonl`: do not edit.
"""


def text(value):
    """Lists and numbers as JSON, in a cell."""
    return "`" + json.dumps(value).replace("|", "\\|") + "`"


def members(answer):
    cells = []
    for kind in ("outputs", "gradients"):
        for name, tensor in answer.get(kind, {}).items():
            value = tensor["data"] if isinstance(tensor, dict) else tensor
            cells.append(f"{'gradient of ' if kind == 'gradients' else ''}{name} {text(value)}")
    return "<br>".join(cells)


def page():
    lines = [INTRODUCTION, "| case | inputs | ours | JAX |", "|---|---|---|---|"]
    for file in FIXTURES:
        for line in (ROOT / "Tests" / "Fixtures" / file).read_text().splitlines():
            case = json.loads(line)
            if not case["name"].endswith("/float64"):
                continue
            inputs = "<br>".join(f"{name} {text(value)}" for name, value in case["request"]["inputs"].items())
            jax = case.get("jax", "the same")
            jax = jax if isinstance(jax, str) else members(jax)
            lines.append(f"| {case['name'].removesuffix('/float64')} | {inputs} | {members(case['expected'])} | {jax} |")
    return "\n".join(lines) + "\n"


if "--check" in sys.argv[1:]:
    if not PAGE.exists() or PAGE.read_text() != page():
        sys.exit("docs/kinks.md is not what the fixtures say: run scripts/kinks-page.py")
else:
    PAGE.write_text(page())
