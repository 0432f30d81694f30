#!/usr/bin/env bash
# Measures every elementwise function and its derivative at POINTS (12,000) points per dtype against mpmath, in a virtual environment, and writes
# docs/accuracy.md with its charts. Tables are kept in the folder TABLES, and made once: they take about an hour of one processor.
set -euo pipefail
cd "$(dirname "$0")/.."
tables=${TABLES:-.build/accuracy}
environment=Tests/Fixtures/.venv-accuracy
[ -d "$environment" ] || python3 -m venv "$environment"
"$environment/bin/pip" install --quiet --requirement Tests/Fixtures/requirements-accuracy.txt
mkdir -p "$tables"
[ -e "$tables/complete" ] || {
  "$environment/bin/python" Tests/Fixtures/accuracy_tables.py --points "${POINTS:-12000}" --folder "$tables" --seed 2 --jobs "$(nproc)"
  touch "$tables/complete"
}
AUTOGRAD_ACCURACY="$tables" AUTOGRAD_UPDATE_DOCS=1 swift test --filter AccuracyTests
"$environment/bin/python" Tests/Fixtures/accuracy_plots.py "$tables" docs
