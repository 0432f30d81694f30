#!/usr/bin/env bash
# Tests the server's page in Chromium: page-test.sh ADDRESS, or page-test.sh --screenshots DIR ADDRESS; `make page-test` starts a server for
# it. Selenium and axe-core come from PyPI.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=.build/page-test
[ -x $venv/bin/python ] || { python3 -m venv $venv && $venv/bin/pip install --quiet 'selenium==4.51.0' 'axe-core-python==0.1.0'; }
exec $venv/bin/python scripts/page-test.py "$@"
