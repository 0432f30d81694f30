"""Runs the programs in clients/README.md and compares what they print: snippets.py ADDRESS PYTHON

Each fenced block of a language is run from the top of the repository, with the server's address in place of the
documented one; the text block that follows it is what it must print. PYTHON is an interpreter that has the client.
Debian has no Julia, so its program is not run. Registered graphs are used if the server has them.
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "clients/README.md"
ADDRESS, PYTHON = sys.argv[1:]
DOCUMENTED = "http://localhost:8080"
COMMANDS = {
    "python": ([PYTHON], ".py"),
    "r": (["Rscript"], ".R"),
    "javascript": (["node"], ".mjs"),
    "octave": (["octave-cli", "--norc", "-q"], ".m"),
}
BLOCK = re.compile(r"(<!-- needs registered graphs -->\n)?```(\w+)\n(.*?)```\n(?:\n```text\n(.*?)```)?", re.DOTALL)
passed = failed = 0


def check(what, holds, got=""):
    global passed, failed
    passed, failed = passed + bool(holds), failed + (not holds)
    if not holds:
        print(f"FAILED README: {what}: {got}", flush=True)


def run(language, program):
    """What the program prints, and whether it ended well."""
    command, suffix = COMMANDS[language]
    # An import is relative to its file, not to the working directory.
    program = program.replace(DOCUMENTED, ADDRESS).replace('"./clients/', f'"{ROOT.as_posix()}/clients/')
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "snippet" + suffix)
        path.write_text(program)
        result = subprocess.run([*command, str(path)], cwd=ROOT, capture_output=True, text=True, timeout=120)
    return result.stdout, result.returncode, result.stderr


def has_registered_graphs():
    try:
        with urllib.request.urlopen(f"{ADDRESS}/v1/graphs"):
            return True
    except urllib.error.HTTPError as error:
        check("only a server without registered graphs has no list", error.code == 404, error)
        print("README: the server has no registered graphs: that snippet is not run")
        return False


def main():
    has_graphs = has_registered_graphs()
    seen, first = set(), {}
    for needs_graphs, language, program, expected in BLOCK.findall(PAGE.read_text()):
        seen.add(language)
        if language == "julia" or (needs_graphs and not has_graphs):
            continue
        if needs_graphs:  # it goes on where the language's first program ends
            program, expected = first[language][0] + program, first[language][1] + expected
        first.setdefault(language, (program, expected))
        printed, status, errors = run(language, program)
        check(language, status == 0 and expected and printed.split() == expected.split(), printed + errors)
    check("every language has a snippet", seen == {*COMMANDS, "julia"}, seen)
    print(f"README: {passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
