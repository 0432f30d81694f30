#!/usr/bin/env bash
# What a generated client and a JSON Schema validator make of openapi.yaml: client-test.sh ADDRESS; `make client-test` starts a server for it.
# Checks the document, generates a client of it, posts its examples with that, and holds its schemas to the fixtures. Ends with 0 or 1.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$PWD/.build/client-test
tests=Tests/Clients
if ! cmp -s $tests/requirements.txt "$venv/requirements.txt"; then
  python3 -m venv --clear "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r $tests/requirements.txt
  cp $tests/requirements.txt "$venv/requirements.txt"
fi
export PATH=$venv/bin:$PATH
failed=0

openapi-spec-validator openapi.yaml
openapi-python-client generate --path openapi.yaml --config $tests/generator.yaml --fail-on-warning --overwrite --output-path "$venv/client"
PYTHONPATH=$venv/client python $tests/generated_client_test.py "$1" || failed=1
python $tests/schema_test.py "$1" || failed=1
exit $failed
