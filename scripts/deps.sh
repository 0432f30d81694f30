#!/usr/bin/env bash
# Installs what the build and the tests need on Debian 12 and its relatives, and the packages named as arguments. Quick when everything is
# there.
set -euo pipefail

if ! command -v swift >/dev/null; then
  echo "Swift 6.2 or newer is needed: https://www.swift.org/install/linux/debian/12/" >&2
  exit 1
fi

missing=()
for package in libmicrohttpd-dev nettle-dev liblapack-dev libblas-dev curl python3-yaml "$@"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
  echo "please install: libmicrohttpd and nettle with their headers, the static libraries of LAPACK and BLAS, curl, PyYAML${*:+, $*}" >&2
  exit 1
fi
as_root=""
[ "$(id -u)" -eq 0 ] || as_root="sudo"
echo "installing ${missing[*]}"
$as_root apt-get update -qq
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
