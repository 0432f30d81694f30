#!/usr/bin/env python3
"""Checks the Markdown files of this repository: words.py [FILE...]

- Lines have at most 100 columns. Tables, code blocks and lines that hold one long link or picture
  cannot be broken, so they are excepted; so are pages that a program writes.
- None of the phrases below stands in them, outside of code and of what a program writes between two
  marks (<!-- settings --> and the like). Each has a plainer one.
- No line ends in white space.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
WIDTH = 100

#: Written by a program, from texts that are data of the program: any width.
GENERATED = {
  "docs/operations.md": "autograd-server operations --page",
}

#: What must not stand there, and what to write instead.
PHRASES = {
  r"weigh(ed|s|t) with": "weighted by",
  r"weighed": "weighted",
  r"held against": "compared with",
  r"belongs? into": "belongs in",
  r"\bof whom\b": "name who",
  r"\bit is looked\b": "say who looks",
  r"\bso many\b": "that many, or the number",
  r"\bthat there are not\b": "that do not exist",
  r"\bpaths that there are\b": "paths that exist",
  r"\bis to be seen\b": "can be seen, or shows",
  r"\bhave been taken who\b|\bhas been taken who\b": "say who is accepted",
  r"\bby whatever program\b": "with the program",
  r"\bnone of ours\b|\bone of ours\b": "name it",
  r"\ban? own\b": "its own",
  r"\bof (one's|their|its) own making\b": "that it makes",
  r"\b(write|writes|writing|written|made|make|makes|read|reads) (\w+ )?anew\b": "again",
  r"\bwhat it holds it gives\b": "releases what it holds",
  r"\bthe dearest\b|\bdearest\b|\bto be dear\b": "the most expensive",
  r"\bhas no max\b": "max needs at least one element",
  r"\bhas \d+ MB\b": "is N MB in size",
  r"\bin the place of this one\b": "at the same path",
  r"\bby DNS rebinding neither\b": "nor by DNS rebinding",
  r"\bwhoever has it\b": "its owner",
  r"\bbut for\b": "except",
  r"\bnone of it\b": "not part of it",
  r"\bwhereof\b|\bthereof\b|\bwherein\b|\btherein\b": "use plain words",
}
PATTERNS = [(re.compile(pattern, re.IGNORECASE), instead) for pattern, instead in PHRASES.items()]

TABLE = re.compile(r"^\s*\|")
#: A list item or a line that holds only one link, picture or address.
UNBREAKABLE = re.compile(r"^\s*(?:[-*] )?\S*$|^\s*(?:[-*] )?!?\[[^\]]*\]\(\S+\)[.,;:]?$")


def complaints(name, text):
    in_code = in_generated = False
    for number, line in enumerate(text.split("\n"), 1):
        where = f"{name}:{number}"
        if line != line.rstrip():
            yield f"{where}: white space at the end of the line"
        if line.lstrip().startswith("```"):
            in_code = not in_code
            continue
        # An indented block is code too; a list's text is indented by less.
        code = in_code or line.startswith("    ") and not re.match(r"^\s+([-*]|\d+\.) ", line)
        if code:
            continue
        if name not in GENERATED and len(line) > WIDTH and not TABLE.match(line) and not UNBREAKABLE.match(line):
            yield f"{where}: {len(line)} columns, at most {WIDTH}"
        if line.startswith("<!-- "):
            in_generated = not line.startswith(("<!-- end of ", "<!-- measured: end"))
        if name in GENERATED or in_generated:
            continue
        prose = re.sub(r"`[^`]*`", "", line)
        for pattern, instead in PATTERNS:
            found = pattern.search(prose)
            if found:
                yield f"{where}: \"{found.group()}\"; {instead}"


def main():
    names = sys.argv[1:] or subprocess.run(
      ["git", "ls-files", "*.md"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    found = [line for name in names for line in complaints(name, (ROOT / name).read_text())]
    print("\n".join(found), end="\n" if found else "", file=sys.stderr)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
