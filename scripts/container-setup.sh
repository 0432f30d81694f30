# shellcheck shell=bash
# Finds what builds and runs containers here; sourced by image.sh and image-test.sh. After `container_setup`:
#   engine          docker or podman; the same commands work with both
#   build_options   what `$engine build` needs besides the usual
#   network         bridge, or none where the engine has no network to offer
# It takes Docker if its daemon answers, otherwise podman if it has or can pull the base images. Where no registry can be reached at all
# it makes stand-ins for the two base images out of Debian packages and the Swift toolchain of this machine, in a container storage of its
# own, so that they are never taken for the real ones; the Dockerfile is the same. CONTAINER_ENGINE=docker|podman|stand-in chooses.

readonly swift_image=docker.io/library/swift:6.3-bookworm
readonly debian_image=docker.io/library/debian:bookworm-slim
readonly debian_release=bookworm
readonly cache=${XDG_CACHE_HOME:-$HOME/.cache}/autograd-server/containers

# What the swift image installs beside the toolchain: what a compiler, a linker and SwiftPM call or load.
readonly toolchain_needs="binutils ca-certificates git libc6-dev libcurl4 libedit2 libgcc-12-dev libncurses6 libpython3.11 libsqlite3-0
  libstdc++-12-dev libxml2 libz3-4 pkg-config tzdata unzip zlib1g-dev"

say() { printf '%s\n' "image: $*" >&2; }
die() { say "$*"; exit 1; }

docker_answers() { command -v docker >/dev/null && timeout 20 docker info >/dev/null 2>&1; }

podman_has() { podman image exists "$1" || timeout 300 podman pull --quiet "$1" >/dev/null 2>&1; }
podman_has_bases() { command -v podman >/dev/null && podman_has "$debian_image" && podman_has "$swift_image"; }

container_setup() {
  build_options=()
  network=bridge
  case ${CONTAINER_ENGINE:-} in
    docker | podman) engine=$CONTAINER_ENGINE ;;
    stand-in) engine=podman network=none ;;
    "")
      if docker_answers; then engine=docker
      elif podman_has_bases; then engine=podman
      else engine=podman network=none
      fi ;;
    *) die "CONTAINER_ENGINE is docker, podman or stand-in" ;;
  esac
  # Only Docker's format has a HEALTHCHECK.
  if [ "$engine" = podman ]; then build_options+=(--format docker); fi
  if [ "$network" = none ]; then stand_in_setup; fi
}

# --- The rest is for machines without a registry. ---

stand_in_setup() {
  say "no Docker daemon and no registry: building on stand-ins for the base images, kept in $cache"
  [ "$(id -u)" = 0 ] || die "the stand-ins need root (packages are installed into them)"
  command -v swift >/dev/null || die "the stand-ins need a Swift toolchain on this machine"
  install_missing podman runc mmdebstrap
  mkdir -p "$cache"
  # One at a time: another build may be at the same storage. Held until the script ends, and not by what it starts.
  exec {stand_in_lock}>"$cache/lock"
  timeout 1800 flock "$stand_in_lock" || die "another build has held $cache/lock for half an hour"
  configure_podman
  describe_host
  make_stand_ins
}

install_missing() {
  local missing=() program
  for program; do command -v "$program" >/dev/null || missing+=("$program"); done
  [ "${#missing[@]}" = 0 ] && return
  command -v apt-get >/dev/null || die "please install ${missing[*]}"
  say "installing ${missing[*]}"
  { timeout 120 apt-get update && DEBIAN_FRONTEND=noninteractive timeout 600 apt-get install -y --no-install-recommends "${missing[@]}"; } \
    >"${TMPDIR:-/tmp}/autograd-server-apt.log" 2>&1 || die "apt-get failed, see ${TMPDIR:-/tmp}/autograd-server-apt.log"
}

# A podman that works inside another sandbox: modest limits (podman's own take CAP_SYS_RESOURCE), no systemd for cgroups and events.
configure_podman() {
  local runtime_directory=/run/autograd-server-containers files processes
  files=$(lower "$(ulimit -Hn)" 4096)
  processes=$(lower "$(ulimit -Hu)" 4096)
  cat >"$cache/containers.conf" <<CONF
[containers]
default_ulimits = ["nofile=$files:$files", "nproc=$processes:$processes"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "$runtime_directory/tmp"
CONF
  cat >"$cache/storage.conf" <<CONF
[storage]
driver = "overlay"
graphroot = "$cache/storage"
runroot = "$runtime_directory/run"
CONF
  export CONTAINERS_CONF=$cache/containers.conf CONTAINERS_STORAGE_CONF=$cache/storage.conf
}

lower() { if [ "$1" != unlimited ] && [ "$1" -lt "$2" ]; then echo "$1"; else echo "$2"; fi; }

# Gathers under one folder what the build takes from this machine: the toolchain, and where git is configured to read packages from local
# folders instead of the network, those folders and a configuration that says so. Mounted at /mnt, which the base images have anyway and
# which therefore leaves no trace in the image.
describe_host() {
  local host=$cache/host toolchain key value path folder count=0
  rm -rf "$host" && mkdir -p "$host/toolchain"
  # The driver knows its toolchain even if the `swift` on the path is a link or a version manager's.
  toolchain=$(swift -print-target-info | sed -n 's|.*"runtimeResourcePath": "\(.*\)/lib/swift".*|\1|p')
  [ -x "$toolchain/bin/swiftc" ] || die "found no toolchain behind $(command -v swift)"
  build_options+=(--network host --volume "$host:/mnt:ro" --volume "$toolchain:/mnt/toolchain:ro")
  : >"$host/gitconfig"
  while read -r key value; do
    path=${key#url.} path=${path%.insteadof} path=${path#file://}
    folder=${path%/*}
    if [ "${path#/}" != "$path" ] && [ -d "$folder" ]; then
      count=$((count + 1))
      mkdir "$host/packages-$count"
      build_options+=(--volume "$folder:/mnt/packages-$count:ro")
      path=/mnt/packages-$count/${path##*/}
    else
      path=${key#url.} path=${path%.insteadof}
    fi
    git config --file "$host/gitconfig" --add "url.$path.insteadOf" "$value"
  done < <(cd / && git config --get-regexp '^url\..*\.insteadof$')
  # Inside, the folders may belong to a user that git does not trust.
  git config --file "$host/gitconfig" --add safe.directory '*'
}

# Debian's package sources and the ways to them (proxies, certificates) as apt uses them here.
apt_sources() {
  apt-get indextargets --format "deb \$(REPO_URI) \$(RELEASE) \$(COMPONENT) \$(ORIGIN)" 'Created-By: Packages' 2>/dev/null |
    sed -n "/ $debian_release[^ ]* [^ ]* Debian\$/s/ Debian\$//p" | sort -u
}
apt_settings() { apt-config dump | grep -E '^Acquire::(https?::[^ ]+|Check-[^ ]+|ForceIPv[46]|Retries) "[^"]+'; }

make_stand_ins() {
  local sources settings key
  sources=$(apt_sources)
  settings=$(apt_settings || true)
  key=$(printf '%s\n' "$sources" "$settings" "$toolchain_needs" "$(swift --version 2>/dev/null)" \
    "$(declare -f stand_in_debian stand_in_swift)" | sha256sum | cut -c1-16)
  has_key() { [ "$(podman image inspect --format '{{index .Labels "stand-in"}}' "$1" 2>/dev/null)" = "$key" ]; }
  has_key "$debian_image" || { say "making a stand-in for $debian_image"; stand_in_debian "$key" "$sources" "$settings"; }
  has_key "$swift_image" || { say "making a stand-in for $swift_image"; stand_in_swift "$key"; }
}

# A minimal Debian without documentation and translations: what the slim image is.
stand_in_debian() {
  local options=() setting certificates
  while IFS= read -r setting; do [ -z "$setting" ] || options+=("--aptopt=${setting%;}"); done <<<"$3"
  certificates=$(sed -n 's/^Acquire::https::CaInfo "\(.*\)";/\1/Ip' <<<"$3" | head -n 1)
  if [ -n "$certificates" ]; then
    options+=("--essential-hook=mkdir -p \"\$1${certificates%/*}\"" "--essential-hook=upload '$certificates' '$certificates'")
  fi
  local path
  for path in doc info lintian/overrides locale man; do options+=("--dpkgopt=path-exclude=/usr/share/$path/*"); done
  # With /usr merged from the start, as debootstrap has it: the package that merges it later needs all of perl.
  timeout 600 mmdebstrap --quiet --variant=minbase --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr --include=usr-is-merged \
    --dpkgopt='path-include=/usr/share/doc/*/copyright' "${options[@]}" \
    --aptopt='Acquire::Languages "none"' --aptopt='Acquire::GzipIndexes "true"' "$debian_release" - ${2:+-} <<<"$2" |
    timeout 300 podman import --quiet --change 'CMD ["bash"]' --change "LABEL stand-in=$1" - "$debian_image" >/dev/null
}

stand_in_swift() {
  timeout 900 podman build --quiet --format docker --network host --label "stand-in=$1" --tag "$swift_image" - >/dev/null <<DOCKERFILE
FROM $debian_image
RUN apt-get update && apt-get install -y --no-install-recommends ${toolchain_needs//$'\n'/ } && rm -rf /var/lib/apt/lists/*
ENV PATH=/mnt/toolchain/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin GIT_CONFIG_GLOBAL=/mnt/gitconfig
DOCKERFILE
}
