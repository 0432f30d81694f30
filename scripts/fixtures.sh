#!/usr/bin/env bash
# Makes the oracle's data in Tests/Fixtures anew, with JAX in a virtual environment beside it.
set -euo pipefail
cd "$(dirname "$0")/../Tests/Fixtures"
[ -d .venv ] || python3 -m venv .venv
.venv/bin/pip install --quiet --requirement requirements.txt
.venv/bin/python generate.py
