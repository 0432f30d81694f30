"""Figures and verdicts, in lines that are easy to read and to search."""

import sys


class Report:
    def __init__(self):
        self.failures = 0

    def verdict(self, passed, text):
        self.failures += not passed
        print(f"{'OK    ' if passed else 'FAILED'} {text}", flush=True)
        return passed

    def end(self):
        """The exit status."""
        print(f"{self.failures} failed" if self.failures else "all as it should be", flush=True)
        return 1 if self.failures else 0


def table(rows):
    """Columns as wide as their widest entry, the first to the left and the others to the right."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        cells = [cell.rjust(width) if index else cell.ljust(width) for index, (cell, width) in enumerate(zip(row, widths))]
        print("  ".join(cells).rstrip(), flush=True)


def quantile(values, share):
    """Of a sorted list; NaN of none."""
    return values[min(int(share * len(values)), len(values) - 1)] if values else float("nan")


def milliseconds(seconds):
    """p50, p99 and the most of some times."""
    values = sorted(seconds)
    return [f"{1000 * quantile(values, share):.2f}" for share in (0.5, 0.99, 1)]


def mebibytes(size):
    return f"{size / (1 << 20):.1f} MiB"


def progress(text):
    """Something that is only of interest while one waits."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
