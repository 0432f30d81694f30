#!/usr/bin/env bash
# Makes the virtual environment of the peers in .venv beside this file. Each is optional: what cannot be installed is left out, and the table
# says so. PyTorch brings gigabytes of libraries for graphics cards where pip's index has no other build; TORCH_INDEX names an index of its
# own, such as PyTorch's for CPUs. Quick when everything is there.
set -euo pipefail
cd "$(dirname "$0")"

[ -x .venv/bin/python ] || python3 -m venv .venv

# install MODULE PACKAGE...
install() {
  local module=$1
  shift
  .venv/bin/python -c "import importlib.util, sys; sys.exit(importlib.util.find_spec('$module') is None)" && return 0
  echo "peers: installing $*"
  timeout 1200 .venv/bin/pip install --quiet "$@" || echo "peers: $module could not be installed and is left out" >&2
}

install jax jax
install torch torch ${TORCH_INDEX:+--index-url "$TORCH_INDEX"}
install orjson --requirement requirements-web.txt
install umbridge umbridge
install tesseract_core 'tesseract-core[runtime]'
