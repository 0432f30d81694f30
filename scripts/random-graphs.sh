#!/usr/bin/env bash
# Makes COUNT further random graphs over the catalog with JAX, and holds the server's answers against JAX's. The first 3,000 are kept in
# Tests/Fixtures, so these begin with number 3,000 (START). KIND=third makes graphs with third derivatives, KIND=more those that hold the
# operations of the enlarged catalog.
set -euo pipefail
cd "$(dirname "$0")/.."
kind="${KIND:-graphs}" count="${1:-7000}"
fixtures=Tests/Fixtures
[ -d "$fixtures/.venv" ] || python3 -m venv "$fixtures/.venv"
"$fixtures/.venv/bin/pip" install --quiet --requirement "$fixtures/requirements.txt"
made="$(mktemp)"
trap 'rm -f "$made"' EXIT
flags="$(cd "$fixtures" && .venv/bin/python -c 'import catalog_graphs; print(catalog_graphs.XLA_FLAGS)')"
(cd "$fixtures" && XLA_FLAGS="$flags" .venv/bin/python "catalog_$kind.py" "$count" "${START:-3000}") > "$made"
AUTOGRAD_RANDOM_GRAPHS="$made" swift test --filter furtherRandomGraphsEqualTheOracle
