#!/usr/bin/env bash
# Lets Schemathesis make requests from openapi.yaml, valid and not, and hold the answers to it: no 5xx, no status, header or body that is not
# documented. schemathesis.sh EXAMPLES ADDRESS; `make schemathesis` starts a server for it.
#
# Two of its checks are not asked for. A request can fit the schema and still be wrong (a name that nothing defines), and a request
# identifier that no log should carry is not refused but replaced.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=.build/schemathesis
[ -x $venv/bin/st ] || { python3 -m venv $venv && $venv/bin/pip install --quiet 'schemathesis==4.32.5'; }
exec $venv/bin/st run openapi.yaml --url "$2" --max-examples "$1" --seed 1 --checks \
  not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance,unsupported_method,missing_required_header
