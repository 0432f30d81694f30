#!/usr/bin/env bash
# Which lines the tests run, in the tests' process and in the servers that they start: coverage.sh [PERCENT]. Prints the files with most lines
# that no test runs; fails if less than PERCENT (90) of the lines of one target are run. .build/coverage/lines.txt shows every line.
set -euo pipefail
cd "$(dirname "$0")/.."
bar=${1:-90}
build=(--enable-code-coverage --scratch-path .build/coverage)
swift build --build-tests "${build[@]}" --quiet
products=$(swift build "${build[@]}" --show-bin-path)
rm -rf "$products/codecov"
# Each process writes a file of its own, those that end by a signal none.
swift test --skip-build "${build[@]}" > .build/coverage/tests.log 2>&1 || { grep -E "✘|error:" .build/coverage/tests.log; exit 1; }

# Those of the toolchain: others cannot read its format.
tools=$(dirname "$(readlink -f "$(command -v swift)")")
"$tools/llvm-profdata" merge -sparse "$products"/codecov/*.profraw -o .build/coverage/all.profdata
objects=("$products"/*PackageTests.xctest -object "$products/autograd-server")
"$tools/llvm-cov" show -instr-profile .build/coverage/all.profdata "${objects[@]}" -sources Sources > .build/coverage/lines.txt
"$tools/llvm-cov" export -summary-only -instr-profile .build/coverage/all.profdata "${objects[@]}" -sources Sources > .build/coverage/summary.json
python3 scripts/coverage-table.py .build/coverage/summary.json "$bar"
