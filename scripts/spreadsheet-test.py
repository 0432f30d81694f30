#!/usr/bin/env python3
"""Whether cells of a spreadsheet can call the server: spreadsheet-test.py BINARY [--keep FOLDER]

Makes an .ods whose cells call WEBSERVICE, recalculates it with LibreOffice, and compares each cell with what curl gets
from the same address. Cells take formulas and inputs from other cells, as docs/spreadsheets.md shows. What is not in a
trusted location must not call anything. Exits with 1 if one of these does not hold."""

import argparse
import csv
import pathlib
import subprocess
import sys
import tempfile
import urllib.parse
import xml.sax.saxutils
import zipfile

from endure.report import Report
from endure.server import Server

# UNO belongs to the distribution's own Python.
PYTHON = "/usr/bin/python3"
RECALCULATE = pathlib.Path(__file__).parent / "spreadsheet-recalculate.py"

#: Column A, from the first row on: a formula as people write it, then the numbers of an input.
FORMULA = "sum(x ** 2) + 3 * x[0]"
NUMBERS = [1.5, -2, 0.25]
LINE = ",".join(str(number) for number in NUMBERS)

WEBSERVICE, ENCODE = "COM.MICROSOFT.WEBSERVICE", "COM.MICROSOFT.ENCODEURL"
CELLS = f'{ENCODE}([.A1])&"&x="&COM.MICROSOFT.TEXTJOIN(",";TRUE();[.A2:.A4])'


def cases(server):
    """What it is, the expression of its cell, and the address that says the same."""
    base = f"http://127.0.0.1:{server.port}/v1"
    asked = "graph=" + urllib.parse.quote(FORMULA, safe="") + "&x=" + LINE

    def call(path, part):
        """The expression that asks for a part with what the cells of column A hold."""
        return f'{WEBSERVICE}("{base}/{path}?graph="&{CELLS}&"&select={part}")'

    plain = f"{base}/evaluate?graph=sum(x**2)%2B3&x=1,2,3&select=/outputs/result"
    yield "an address as it is", f'{WEBSERVICE}("{plain}")', plain
    # What docs/spreadsheets.md says may stay unescaped.
    signs = f"{base}/evaluate?graph=def%20f(a){{a^2/2.5}};y=-f(x)[0:2]@[1,2]&x=1,2,3&select=/gradients/x"
    yield "signs that need no escape", f'{WEBSERVICE}("{signs}")', signs
    for path, part in [("evaluate", "/outputs/result"), ("evaluate", "/gradients/x"),
                       ("evaluate", "/gradients/x/data/1"), ("hessian", "/hessians/x/x")]:
        yield f"from cells, {part}", call(path, part), f"{base}/{path}?{asked}&select={part}"
    part = "/gradients/x/data/2"
    yield "a number", f'NUMBERVALUE({call("evaluate", part)};".")', f"{base}/evaluate?{asked}&select={part}"
    wrong = f"{base}/evaluate?graph=sum(x&x=1"
    yield "a formula that cannot be read", f'{WEBSERVICE}("{wrong}")', wrong


def curl(address):
    """The answer, or None where there is an error."""
    done = subprocess.run(["curl", "--silent", "--fail", "--globoff", address], capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else None


# MARK: The file


def content(rows):
    """content.xml: each cell is a text, a number, or an expression that begins with of:=."""
    def cell(value):
        if isinstance(value, (int, float)):
            return f'<table:table-cell office:value-type="float" office:value="{value}"/>'
        if value.startswith("of:="):
            return f"<table:table-cell table:formula={xml.sax.saxutils.quoteattr(value)}/>"
        text = xml.sax.saxutils.escape(value)
        return f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>'

    names = {name: f"urn:oasis:names:tc:opendocument:xmlns:{name}:1.0" for name in ["office", "table", "text"]}
    declared = " ".join(f'xmlns:{name}="{urn}"' for name, urn in names.items())
    body = "".join("<table:table-row>" + "".join(map(cell, row)) + "</table:table-row>" for row in rows)
    return (f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {declared} '
            f'xmlns:of="urn:oasis:names:tc:opendocument:xmlns:of:1.2" office:version="1.3"><office:body>'
            f'<office:spreadsheet><table:table table:name="Sheet1">{body}</table:table></office:spreadsheet>'
            f"</office:body></office:document-content>")


def write(path, rows):
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    entries = "".join(
        f'<manifest:file-entry manifest:full-path="{name}" manifest:media-type="{media}"/>'
        for name, media in [("/", kind), ("content.xml", "text/xml")])
    manifest = ('<?xml version="1.0" encoding="UTF-8"?><manifest:manifest manifest:version="1.3" '
                f'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">{entries}</manifest:manifest>')
    with zipfile.ZipFile(path, "w") as file:
        # The first entry, not compressed: so programs recognise the file.
        file.writestr("mimetype", kind)
        file.writestr("META-INF/manifest.xml", manifest)
        file.writestr("content.xml", content(rows))


# MARK: The test


def recalculated(folder, rows, *options):
    """The cells of the second column, as texts."""
    source, target = folder / "sheet.ods", folder / "sheet.csv"
    write(source, rows)
    target.unlink(missing_ok=True)
    subprocess.run([PYTHON, RECALCULATE, source, target, *options], check=True, timeout=180)
    with open(target, newline="") as file:
        return [row[1] if len(row) > 1 else "" for row in csv.reader(file)]


def numbers(text):
    """Of a cell or an answer; None of what holds anything else."""
    try:
        return [[float(cell) for cell in line.split(",")] for line in text.strip().splitlines()]
    except ValueError:
        return None


def run(binary, folder):
    report = Report()
    server = Server(binary)
    expected = list(cases(server))
    column = [FORMULA, *NUMBERS] + [""] * len(expected)
    rows = [[a, "of:=" + case[1]] for a, case in zip(column, expected)]
    for (what, _, address), cell in zip(expected, recalculated(folder, rows)):
        answer = curl(address)
        if answer is None:
            report.verdict(numbers(cell) is None, f"{what}: {cell!r} where curl gets an error")
        else:
            is_equal = numbers(cell) is not None and numbers(cell) == numbers(answer)
            report.verdict(is_equal, f"{what}: {cell!r}, curl gets {answer!r}")
    blocked = recalculated(folder, rows, "--untrusted")[:len(expected)]
    report.verdict(len(blocked) == len(expected) and all(numbers(cell) is None for cell in blocked),
                   f"not in a trusted location: {sorted(set(blocked))}")
    return report.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--keep", type=pathlib.Path, help="an existing folder for the files, which stay there")
    options = parser.parse_args()
    if options.keep:
        return run(options.binary, options.keep.resolve())
    with tempfile.TemporaryDirectory() as folder:
        return run(options.binary, pathlib.Path(folder))


sys.exit(main())
