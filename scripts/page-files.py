#!/usr/bin/env python3
"""Makes Sources/CEmbedded/page.c, which embeds the files of the page, from the folder Sources/CEmbedded/page/.

    page-files.py           writes it
    page-files.py --check   fails if it is not up to date
"""
import pathlib
import re
import sys

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "Sources/CEmbedded"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
HEAD = """// Made by scripts/page-files.py from the folder page/. Lint holds it to be up to date.
#include "CEmbedded.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

"""

TAIL = """};

const embedded_file *embedded_page(size_t *count) {
  *count = sizeof files / sizeof *files;
  return files;
}
"""


def page(files):
    text = [HEAD]
    for file in files:
        text.append(f"static const unsigned char {name(file)}[] = {{\n#embed \"page/{file.name}\"\n}};\n\n")
    text.append("static const embedded_file files[] = {\n")
    for file in files:
        text.append(f"  {{\"{file.name}\", \"{TYPES[file.suffix]}\", {{{name(file)}, sizeof {name(file)}}}}},\n")
    text.append(TAIL)
    return "".join(text)


def name(file):
    return re.sub(r"\W", "_", file.name)


def main():
    files = sorted(file for file in (FOLDER / "page").iterdir() if file.is_file())
    unknown = [file.name for file in files if file.suffix not in TYPES]
    if unknown:
        sys.exit(f"page-files.py: no media type is known for {', '.join(unknown)}")
    target = FOLDER / "page.c"
    text = page(files)
    if "--check" in sys.argv[1:]:
        if not target.exists() or target.read_text() != text:
            sys.exit("Sources/CEmbedded/page.c is out of date: python3 scripts/page-files.py")
    else:
        target.write_text(text)


main()
