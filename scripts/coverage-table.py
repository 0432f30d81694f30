#!/usr/bin/env python3
"""Makes a table of what llvm-cov has counted: coverage-table.py SUMMARY.json PERCENT. Exits with 1 if a target has fewer lines run."""

import json
import sys
from pathlib import Path

from endure.report import Report, table

SHOWN = 15


def main():
    summary, bar = sys.argv[1], float(sys.argv[2])
    root = Path(__file__).resolve().parent.parent / "Sources"
    with open(summary) as file:
        files = json.load(file)["data"][0]["files"]
    lines = {Path(one["filename"]).relative_to(root): one["summary"]["lines"] for one in files if Path(one["filename"]).is_relative_to(root)}
    missed = sorted(lines, key=lambda path: lines[path]["covered"] - lines[path]["count"])
    table([("lines that no test runs", "missed", "of", "run")] + [
        (path, lines[path]["count"] - lines[path]["covered"], lines[path]["count"], f"{lines[path]['percent']:.1f}%") for path in missed[:SHOWN]])
    report = Report()
    for target in sorted({path.parts[0] for path in lines if path.parts[0].startswith("Autograd")}):
        of_target = [counts for path, counts in lines.items() if path.parts[0] == target]
        count, covered = sum(one["count"] for one in of_target), sum(one["covered"] for one in of_target)
        share = 100 * covered / max(count, 1)
        report.verdict(share >= bar, f"{target}: {share:.2f}% of {count} lines are run, at least {bar:.0f}% must be")
    return report.end()


sys.exit(main())
