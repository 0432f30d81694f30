# shellcheck shell=bash
# Finds what builds and runs containers here; sourced by image.sh and image-test.sh. After `container_setup`:
#   engine          the command, docker or podman: what the scripts ask of it both understand
#   build_options   what its `build` needs besides the usual
# It takes Docker if its daemon answers, otherwise podman if it has or can pull the base images. Where neither is so, it makes stand-ins for
# the two base images from Debian's packages and this machine's Swift toolchain. They live in a container storage of their own, so that
# nothing else takes them for the real ones; the Dockerfile is the same. CONTAINER_ENGINE=docker|podman|stand-in chooses by hand.
# shellcheck disable=SC2034  # engine is read by those who source this

readonly swift_image=docker.io/library/swift:6.3-bookworm
readonly debian_image=docker.io/library/debian:bookworm-slim
readonly debian_release=bookworm
readonly cache=${XDG_CACHE_HOME:-$HOME/.cache}/autograd-server/containers
readonly host_certificates=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}

# What the Swift image has beside the toolchain: what the compiler, the linker and SwiftPM load or call.
readonly toolchain_needs="binutils ca-certificates git libc6-dev libcurl4 libedit2 libgcc-12-dev libncurses6 libpython3.11 libsqlite3-0 \
libstdc++-12-dev libxml2 libz3-4 pkg-config tzdata unzip zlib1g-dev"

say() { printf '%s\n' "image: $*" >&2; }
die() { say "$*"; exit 1; }

docker_answers() { command -v docker >/dev/null && timeout 20 docker info >/dev/null 2>&1; }
podman_has_debian() {
  command -v podman >/dev/null || return 1
  podman image exists "$debian_image" 2>/dev/null || timeout 120 podman pull --quiet "$debian_image" >/dev/null 2>&1
}

container_setup() {
  local kind=${CONTAINER_ENGINE:-}
  if [ -z "$kind" ]; then
    if docker_answers; then kind=docker
    elif podman_has_debian; then kind=podman
    else kind=stand-in
    fi
  fi
  # For scripts that call one another: the stand-ins' storage, once chosen, looks like that of a podman that has the real images.
  export CONTAINER_ENGINE=$kind
  build_options=()
  case $kind in
    docker) engine=(docker) ;;
    # Podman's own image format knows no HEALTHCHECK.
    podman) engine=(podman) build_options+=(--format docker) ;;
    # Without systemd podman cannot repeat the health check by itself and says so again and again.
    stand-in) engine=(podman --log-level=fatal) build_options+=(--format docker); stand_in_setup ;;
    *) die "CONTAINER_ENGINE is docker, podman or stand-in" ;;
  esac
}

# --- The rest is for machines without a registry. ---

stand_in_setup() {
  [ "$(id -u)" = 0 ] || die "no Docker daemon and no registry: making stand-ins for the base images needs root"
  command -v swift >/dev/null || die "no Docker daemon and no registry: stand-ins for the base images need a Swift toolchain"
  mkdir -p "$cache"
  # One at a time, if several builds start together.
  exec {stand_in_lock}>"$cache/lock"
  timeout 1800 flock "$stand_in_lock" || die "another set-up has held $cache/lock for half an hour"
  install_missing podman runc mmdebstrap
  configure_podman
  describe_host
  make_stand_ins
  # Every build of changed sources leaves its layers behind.
  podman image prune --force --filter until=24h >/dev/null
  exec {stand_in_lock}>&-
}

# quietly NAME COMMAND...: its output goes to a log, which is shown if it fails.
quietly() {
  local log=$cache/$1.log
  shift
  "$@" >"$log" 2>&1 || { tail -n 40 "$log" >&2; die "failed: $* (all of its output is in $log)"; }
}

install_missing() {
  local missing=() program
  for program; do command -v "$program" >/dev/null || missing+=("$program"); done
  [ "${#missing[@]}" != 0 ] || return 0
  command -v apt-get >/dev/null || die "please install ${missing[*]}"
  say "installing ${missing[*]}"
  quietly apt-update timeout 300 apt-get update
  quietly apt-install env DEBIAN_FRONTEND=noninteractive timeout 900 apt-get install -y --no-install-recommends "${missing[@]}"
}

# A podman that works inside another sandbox: modest limits (podman's own take CAP_SYS_RESOURCE), no systemd for cgroups and events.
configure_podman() {
  local runtime_folder=/run/autograd-server-containers files processes
  files=$(lower "$(ulimit -Hn)" 4096)
  processes=$(lower "$(ulimit -Hu)" 4096)
  cat >"$cache/containers.conf" <<CONF
[containers]
default_ulimits = ["nofile=$files:$files", "nproc=$processes:$processes"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "$runtime_folder/tmp"
CONF
  cat >"$cache/storage.conf" <<CONF
[storage]
driver = "overlay"
graphroot = "$cache/storage"
runroot = "$runtime_folder/run"
CONF
  export CONTAINERS_CONF=$cache/containers.conf CONTAINERS_STORAGE_CONF=$cache/storage.conf
}

lower() { if [ "$1" != unlimited ] && [ "$1" -lt "$2" ]; then echo "$1"; else echo "$2"; fi; }

# Gathers in one folder what the build takes from this machine: the toolchain, the certificates and, where git is configured to read
# packages from local folders instead of the network, those folders with a git configuration that says so. It is mounted at /mnt, which
# every Debian has and which therefore leaves no trace in the image.
describe_host() {
  local made toolchain host key value path folder
  local -A folders=()
  made=$(mktemp -d "$cache/making.XXXXXX")
  mkdir "$made/toolchain"
  # Asked from the driver, because the `swift` on the path may be a link or a version manager's.
  toolchain=$(swift -print-target-info | sed -n 's|.*"runtimeResourcePath": "\(.*\)/lib/swift".*|\1|p')
  [ -x "$toolchain/bin/swiftc" ] || die "found no toolchain behind $(command -v swift)"

  # Inside, the folders may belong to a user whom git does not trust.
  git config --file "$made/gitconfig" --add safe.directory '*'
  while read -r key value; do
    key=${key#url.} key=${key%.insteadof}
    path=${key#file://}
    folder=${path%/*}
    if [ "${path#/}" != "$path" ] && [ -d "$folder" ]; then
      if [ -z "${folders[$folder]:-}" ]; then
        folders[$folder]=packages-${#folders[@]}
        mkdir "$made/${folders[$folder]}"
      fi
      key=/mnt/${folders[$folder]}/${path##*/}
    fi
    git config --file "$made/gitconfig" --add "url.$key.insteadOf" "$value"
  done < <(cd / && git config --get-regexp '^url\..*\.insteadof$')
  value=$(cd / && git config --get http.proxy) && git config --file "$made/gitconfig" http.proxy "$value"
  if [ -r "$host_certificates" ]; then
    cp "$host_certificates" "$made/certificates.crt"
    git config --file "$made/gitconfig" http.sslCAInfo /mnt/certificates.crt
  fi

  # Named by its content and never changed after, since another build may have it mounted.
  host=$cache/host-$(find "$made" -type f | sort | xargs cat | sha256sum | cut -c1-16)
  if [ -d "$host" ]; then rm -rf "$made"; else mv "$made" "$host"; fi

  build_options+=(--network host --volume "$host:/mnt:ro" --volume "$toolchain:/mnt/toolchain:ro")
  for folder in "${!folders[@]}"; do build_options+=(--volume "$folder:/mnt/${folders[$folder]}:ro"); done
}

# Debian's package sources, and the way to them (proxies, certificates), as apt has them on this machine.
apt_sources() {
  apt-get indextargets --format "deb \$(REPO_URI) \$(RELEASE) \$(COMPONENT) \$(ORIGIN)" 'Created-By: Packages' 2>/dev/null |
    sed -n "/ ${debian_release}[^ ]* [^ ]* Debian\$/s/ Debian\$//p" | sort -u
}
apt_settings() { apt-config dump | grep -E '^Acquire::(https?::[^ ]+|Check-[^ ]+|ForceIPv[46]|Retries) "[^"]+'; }

make_stand_ins() {
  local sources settings key
  sources=$(apt_sources)
  settings=$(apt_settings) || true
  # Made again if anything they are made from changes, a new toolchain among it: the layers built on them are stale then.
  key=$(printf '%s\n' "$sources" "$settings" "$toolchain_needs" "$(swift --version 2>/dev/null)" \
    "$(declare -f stand_in_debian stand_in_swift)" | sha256sum | cut -c1-16)
  if has_key "$debian_image" "$key" && has_key "$swift_image" "$key"; then return; fi
  say "no Docker daemon and no registry: making stand-ins for the base images (once; kept in $cache)"
  stand_in_debian "$key" "$sources" "$settings"
  stand_in_swift "$key"
  podman image prune --force >/dev/null
}

has_key() { [ "$(podman image inspect --format '{{index .Labels "stand-in"}}' "$1" 2>/dev/null)" = "$2" ]; }

# A minimal Debian without documentation and translations, which is what the slim image is.
stand_in_debian() {
  local options=() setting certificates path archive=$cache/debian.tar
  while IFS= read -r setting; do
    if [ -n "$setting" ]; then options+=("--aptopt=${setting%;}"); fi
  done <<<"$3"
  certificates=$(sed -n 's/^Acquire::https::CaInfo "\(.*\)";/\1/Ip' <<<"$3" | head -n 1)
  if [ -n "$certificates" ]; then
    options+=("--essential-hook=mkdir -p \"\$1${certificates%/*}\"" "--essential-hook=upload '$certificates' '$certificates'")
  fi
  for path in doc info lintian/overrides locale man; do options+=("--dpkgopt=path-exclude=/usr/share/$path/*"); done
  # With /usr merged from the start, as in the real one: the package that merges it afterwards brings all of perl.
  quietly mmdebstrap timeout 900 mmdebstrap --variant=minbase \
    --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr --include=usr-is-merged \
    "${options[@]}" --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --aptopt='Acquire::Languages "none"' --aptopt='Acquire::GzipIndexes "true"' \
    "$debian_release" "$archive" ${2:+-} <<<"$2"
  quietly import timeout 300 podman import --change 'CMD ["bash"]' --change "LABEL stand-in=$1" "$archive" "$debian_image"
  rm -f "$archive"
}

stand_in_swift() {
  quietly stand-in-swift timeout 1800 podman build --format docker --network host --label "stand-in=$1" --tag "$swift_image" - <<DOCKERFILE
FROM $debian_image
RUN apt-get update && apt-get install -y --no-install-recommends $toolchain_needs && rm -rf /var/lib/apt/lists/*
ENV PATH=/mnt/toolchain/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin GIT_CONFIG_GLOBAL=/mnt/gitconfig
DOCKERFILE
}
