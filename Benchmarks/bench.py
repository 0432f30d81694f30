#!/usr/bin/env python3
"""Measures the server beside its limits and its peers. `make bench`, `make bench-quick` and `make bench-check` call it; see README.md.

    bench.py full|quick|curves|check --server BINARY [--first-port N] [--rounds N] [--seconds N] [--only TEXT] [--no-peers] [--update]
"""

import argparse
import shutil
import sys

from harness import build, check, curves, machine, measure, page, rows_compute, rows_http, rows_operations, rows_process, table
from harness.cast import Cast


def main():
    options = arguments()
    build.native_programs()
    cast = Cast(options.server, options.first_port, with_peers=not options.no_peers)
    try:
        return {"full": full, "quick": quick, "curves": draw, "check": hold}[options.mode](cast, options)
    finally:
        cast.end()


def arguments():
    parser = argparse.ArgumentParser(description="Measures the server beside its limits and its peers.")
    parser.add_argument("mode", choices=["full", "quick", "curves", "check"])
    parser.add_argument("--server", required=True, help="the binary")
    parser.add_argument("--first-port", type=int, default=9200)
    parser.add_argument("--rounds", type=int, help="rounds at most")
    parser.add_argument("--seconds", type=float, help="begin no round that would end later than this")
    parser.add_argument("--only", default="", help="only rows whose name holds this; nothing is written then")
    parser.add_argument("--no-peers", action="store_true", help="leave the peers out")
    parser.add_argument("--update", action="store_true", help="check: write thresholds.json anew from what is measured")
    options = parser.parse_args()
    if not shutil.which(options.server):
        parser.error(f"{options.server} is not a program")
    if not shutil.which("taskset") or not shutil.which("gcc"):
        parser.error("taskset and gcc are needed: make bench installs them")
    return options


def measured(cast, options, is_quick, rounds, seconds):
    modules = (rows_http, rows_compute, rows_operations, rows_process)
    rows = [row for module in modules for row in module.rows(cast, is_quick) if options.only in row.name]
    cast.launch()
    # What comes first also loads, compiles and warms up. Nobody's first time counts.
    if not is_quick:
        measure.run(rows, 1, 600)
        for party in (party for row in rows for party in row.parties):
            party.samples.clear()
            party.notes.clear()
    measure.run(rows, options.rounds or rounds, options.seconds or seconds)
    return table.table(rows), max(len(row.ours().samples) for row in rows)


def quick(cast, options):
    print(measured(cast, options, True, rounds=3, seconds=75)[0])
    return 0


def full(cast, options):
    about = machine.description(cast.version())
    text, rounds = measured(cast, options, False, rounds=15, seconds=1500)
    print(text)
    if not options.only:
        page.write(text, about, rounds)
        draw(cast, options)
    return 0


def draw(cast, options):
    curves.draw(cast)
    return 0


def hold(cast, options):
    return check.run(cast, options)


if __name__ == "__main__":
    sys.exit(main())
