#!/usr/bin/env python3
"""Which target of Sources/ may import what: the walls between them, which SwiftPM does not keep.

    imports.py               fails and names file and line where a target imports what it may not
    imports.py --self-test   plants faults in a folder of its own and fails unless each is found

A build finds every module that was built before, whether or not a target names it as a dependency.
"""
import pathlib
import re
import sys
import tempfile

SYSTEM = {"Glibc", "Musl", "Darwin", "Synchronization"}
MAY_IMPORT = {
    "AutogradCore": {"CKernels", "CLapack"},
    "AutogradFormats": {"AutogradCore"},
    "AutogradGraphs": {"AutogradCore", "AutogradFormats", "CCounters", "CDigest", "CSystem"},
    # No target of ours in Swift: any program could serve with it.
    "AutogradHTTP": {"CMicroHTTPD", "CSystem"},
    "AutogradServer": {"AutogradCore", "AutogradFormats", "AutogradGraphs", "AutogradHTTP", "CEmbedded", "CCounters",
                       "CSystem", "ArgumentParser", "Logging"},
}
IMPORT = re.compile(r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:public |package |internal |private |fileprivate )?"
                    r"import (?:(?:struct|class|enum|protocol|func|var|let|typealias) )?(\w+)")


def faults(sources):
    for folder in sorted(path for path in sources.iterdir() if any(path.rglob("*.swift"))):
        allowed = MAY_IMPORT.get(folder.name)
        if allowed is None:
            yield f"{folder}: a target without a row in scripts/imports.py: say there what it may import"
            continue
        for file in sorted(folder.rglob("*.swift")):
            for number, line in enumerate(file.read_text().splitlines(), 1):
                found = IMPORT.match(line)
                if found and found.group(1) not in allowed | SYSTEM:
                    yield f"{file}:{number}: {folder.name} may not import {found.group(1)}"


def self_test():
    planted = {
        "AutogradHTTP/A.swift": ("import AutogradFormats\n", 1), "AutogradHTTP/B.swift": ("import Glibc\n", 0),
        "AutogradServer/A.swift": ("@preconcurrency import CMicroHTTPD\n", 1),
        "AutogradServer/B.swift": ("import struct AutogradHTTP.Response\n// import CMicroHTTPD\n", 0),
        "AutogradCore/A.swift": ("package import AutogradFormats\n", 1), "New/A.swift": ("", 1),
    }
    with tempfile.TemporaryDirectory() as folder:
        sources = pathlib.Path(folder)
        for name, (text, _) in planted.items():
            (sources / name).parent.mkdir(exist_ok=True)
            (sources / name).write_text(text)
        found = list(faults(sources))
        for name, (_, count) in planted.items():
            key = name if count == 0 or "New" not in name else "New"
            if sum(str(sources / key) in fault for fault in found) != count:
                sys.exit(f"scripts/imports.py does not judge {name} rightly: {found}")


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    found = list(faults(pathlib.Path(__file__).parent.parent / "Sources"))
    if found:
        sys.exit("\n".join(found))


main()
