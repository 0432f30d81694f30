#!/usr/bin/env bash
# Builds the image from the Dockerfile with whatever container engine there is (see container-setup.sh).
#   scripts/image.sh [OPTION...]     further options for the engine's `build`, as --no-cache
#   TARGET=debian                    what it stands on: Debian, or nothing (static)
#   IMAGE=autograd-server:latest     the name it gets; the static one's is autograd-server:static
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/container-setup.sh
. scripts/container-setup.sh

target=${TARGET:-debian}
case $target in
  debian) image=${IMAGE:-autograd-server:latest} ;;
  static) image=${IMAGE:-autograd-server:static} ;;
  *) die "TARGET is debian or static" ;;
esac
container_setup
timeout 3600 "${engine[@]}" build "${build_options[@]}" --tag "$image" \
  --build-arg VARIANT="$target" \
  --build-arg VERSION="$(sed -n 's/.*current = "\(.*\)"/\1/p' Sources/AutogradServer/Version.swift)" \
  --build-arg REVISION="$(git describe --always --abbrev=40 --exclude '*' --dirty 2>/dev/null || echo unknown)" \
  "$@" .
say "built $image"
if [ -n "${CONTAINERS_STORAGE_CONF:-}" ]; then
  say "to use it by hand: export CONTAINERS_CONF=$CONTAINERS_CONF CONTAINERS_STORAGE_CONF=$CONTAINERS_STORAGE_CONF"
fi
