#!/usr/bin/env bash
# Builds the image from the Dockerfile with whatever container engine there is (see container-setup.sh).
#   scripts/image.sh [OPTION...]     further options of `docker build` or `podman build`, as --no-cache
#   IMAGE=autograd-server:latest     the name it gets
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/container-setup.sh
. scripts/container-setup.sh

image=${IMAGE:-autograd-server:latest}
container_setup
timeout 3600 "$engine" build "${build_options[@]}" --tag "$image" \
  --build-arg VERSION="$(git describe --tags --always --dirty 2>/dev/null || echo unknown)" \
  --build-arg REVISION="$(git rev-parse HEAD 2>/dev/null || echo unknown)" \
  "$@" .
say "built $image: $(("$("$engine" image inspect --format '{{.Size}}' "$image")" / 1000000)) MB"
if [ "$network" = none ]; then
  say "to use it by hand: export CONTAINERS_CONF=$CONTAINERS_CONF CONTAINERS_STORAGE_CONF=$CONTAINERS_STORAGE_CONF"
fi
