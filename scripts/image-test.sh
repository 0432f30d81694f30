#!/usr/bin/env bash
# Builds both images, runs each as a stranger would, locked down and in 256 MB, and checks from outside what it promises: every example
# answered as in examples/, what does not fit in memory refused, the health check, no root, named functions after a crash, a clean stop; and
# the same answers from both. Prints the figures. CONTAINER_ENGINE as in container-setup.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/container-setup.sh
. scripts/container-setup.sh

name=autograd-server-test-$$
inside=8080      # the port that the image exposes
memory=256       # MiB
work=$(mktemp -d)
clean_up() {
  [ "${#engine[@]}" = 0 ] || timeout 60 "${engine[@]}" rm --force "$name" >/dev/null 2>&1 || true
  rm -rf "$work"
}
engine=()
trap clean_up EXIT
trap 'exit 130' INT TERM

fail() {
  if ask inspect "$name" >/dev/null 2>&1; then ask logs --tail 50 "$name" >&2 || true; fi
  say "FAILED: $*"
  exit 1
}
passed() { printf '  ok  %s\n' "$*"; }
milliseconds() { echo $(($(date +%s%N) / 1000000)); }
# Bounded, as everything that talks to the engine or the server is.
ask() { timeout 60 "${engine[@]}" "$@"; }
config() { ask image inspect --format "{{.Config.$1}}" "$image"; }
fetch() { curl --silent --show-error --fail-with-body --noproxy '*' --max-time 10 "$@"; }
# post FILE: the answer to $work/FILE goes to $work/answer; prints its status.
post() {
  curl --silent --show-error --noproxy '*' --max-time 60 --output "$work/answer" --write-out '%{http_code}' \
    --header 'Content-Type: application/json' --data-binary "@$work/$1" "http://$address/v1/evaluate"
}

check_promises() {
  [[ "$(config User)" =~ ^[1-9][0-9]*(:[1-9][0-9]*)?$ ]] || fail "the image's user is '$(config User)', not a number other than 0"
  [ "$(config StopSignal)" = SIGTERM ] || [ "$(config StopSignal)" = 15 ] || fail "the stop signal is '$(config StopSignal)'"
  [[ "$(config Env)" == *AUTOGRAD_HOST=0.0.0.0* ]] || fail "AUTOGRAD_HOST is not set to 0.0.0.0"
  passed "the image names a user, a stop signal and an address"
}

# Where the engine cannot bound memory, as without cgroups of its own, the server is told what it would have read there.
choose_memory() {
  local probe
  if probe=$(ask run --rm --network none --memory "${memory}m" "$image" --version 2>&1) && [[ "$probe" != *iscarded* ]]; then
    memory_options=(--memory "${memory}m")
  else
    say "no bound on the memory of containers here ($(tail -n 1 <<<"$probe")); only the server's own, and its peak is measured"
    memory_options=(--env "AUTOGRAD_MAX_BYTES_IN_FLIGHT=$((memory << 19))")
  fi
}

# On a loopback port of the engine's choice; on loopback in the machine's own network where containers cannot have one.
start_container() {
  local port options=(--detach --name "$name" --read-only --cap-drop ALL --security-opt no-new-privileges "${memory_options[@]}")
  started=$(milliseconds)
  if ask run "${options[@]}" --publish "127.0.0.1::$inside" "$image" >"$work/run" 2>&1; then
    address=$(ask port "$name" "$inside/tcp" | head -n 1)
  else
    say "no network for containers here ($(tail -n 1 "$work/run")); using the machine's"
    ask rm --force "$name" >/dev/null 2>&1 || true
    port=$(free_port)
    started=$(milliseconds)
    ask run "${options[@]}" --network host --env AUTOGRAD_HOST=localhost --env "AUTOGRAD_PORT=$port" "$image" >"$work/run" 2>&1 ||
      fail "it does not start: $(cat "$work/run")"
    address=127.0.0.1:$port
  fi
}

free_port() {
  local candidate
  for _ in {1..50}; do
    candidate=$((20000 + RANDOM % 10000))
    (: <"/dev/tcp/127.0.0.1/$candidate") 2>/dev/null || { echo "$candidate"; return; }
  done
  fail "found no free port"
}

await_readiness() {
  until fetch "http://$address/readyz" >/dev/null 2>&1; do
    [ "$(ask inspect --format '{{.State.Running}}' "$name")" = true ] || fail "it has ended by itself"
    [ $(($(milliseconds) - started)) -lt 20000 ] || fail "it is not ready after 20 seconds"
    sleep 0.05
  done
  passed "ready $(($(milliseconds) - started)) ms after the start of the container"
}

check_examples() {
  no_proxy='*' scripts/demo.sh "http://$address" >"$work/demo" 2>&1 || fail "the examples: $(tail -n 20 "$work/demo")"
  passed "$(tail -n 1 "$work/demo")"
}

# Long enough for the vector forms of the functions, which are chosen by the processor when the program is loaded.
check_functions() {
  local status
  awk 'BEGIN {
    printf "{\"graph\": {\"nodes\": ["
    split("sin cos tanh exp log", functions, " ")
    for (i = 1; i <= 5; i++) printf "%s{\"op\": \"%s\", \"inputs\": [\"x\"], \"outputs\": [\"%s\"]}", (i > 1 ? ", " : ""), functions[i], functions[i]
    printf "], \"outputs\": [\"sin\", \"cos\", \"tanh\", \"exp\", \"log\"]}, \"inputs\": {\"x\": ["
    for (i = 1; i <= 1001; i++) printf "%s%.3f", (i > 1 ? ", " : ""), i * 0.007
    print "]}}"
  }' >"$work/functions"
  status=$(post functions)
  [ "$status" = 200 ] || fail "sin, cos, tanh, exp and log: $status $(head -c 500 "$work/answer")"
  if [ -e "$work/functions.answer" ]; then
    cmp -s "$work/functions.answer" "$work/answer" || fail "sin, cos, tanh, exp and log of 1001 elements differ from the other image's"
    passed "sin, cos, tanh, exp and log of 1001 elements are the other image's, byte for byte"
  fi
  mv "$work/answer" "$work/functions.answer"
}

# large COUNT: a request with a short body whose plan holds about three times COUNT numbers.
large() {
  cat <<JSON
{"graph": {"nodes": [
  {"op": "broadcast_to", "inputs": ["x"], "outputs": ["many"], "attributes": {"shape": [$1]}},
  {"op": "exp", "inputs": ["many"], "outputs": ["powers"]},
  {"op": "cumsum", "inputs": ["powers"], "outputs": ["sums"], "attributes": {"axis": 0}},
  {"op": "max", "inputs": ["sums"], "outputs": ["y"]}], "outputs": ["y"]}, "inputs": {"x": [0]}}
JSON
}

check_memory() {
  local status
  large 4000000 >"$work/moderate"
  large 40000000 >"$work/excessive"
  for _ in 1 2 3; do
    status=$(post moderate)
    [ "$status" = 200 ] || fail "a request that fits in memory: $status $(head -c 500 "$work/answer")"
    status=$(post excessive)
    [[ "$status" = 413 || "$status" = 503 ]] || fail "a request that needs more memory than there is: $status"
    grep -q "\"limit\": $((memory << 19))" "$work/answer" || fail "refused for another limit: $(cat "$work/answer")"
  done
  passed "in $memory MiB it answers what fits and refuses with $status what does not"
}

check_health_command() {
  local health
  # The container's, because podman's view of an image has no such field.
  read -ra health < <(ask inspect --format '{{.Config.Healthcheck.Test}}' "$name" | tr -d '[]')
  [ "${health[0]:-}" = CMD ] || fail "there is no health check in exec form: '${health[*]}'"
  health=("${health[@]:1}")
  ask exec "$name" "${health[@]}" || fail "the health check fails though the server is ready"
  if ask exec --env AUTOGRAD_PORT=1 "$name" "${health[@]}" >/dev/null 2>&1; then fail "the health check succeeds where no server is"; fi
  passed "the health check tells a server from none"
}

# From this machine's side, because the static image has nothing to read it with.
process_status() {
  local process
  process=$(ask inspect --format '{{.State.Pid}}' "$name")
  grep -qs '^Name:.autograd-server$' "/proc/$process/status" && cat "/proc/$process/status" >"$work/status"
}
megabytes() { awk -v field="$1:" '$1 == field {printf "%.1f MB", $2 * 1024 / 1e6}' "$work/status"; }

check_process() {
  if ! process_status; then say "the processes of containers are not on this machine: rights and memory are not checked"; return; fi
  local user capabilities
  user=$(awk '/^Uid:/ {print $3}' "$work/status")
  capabilities=$(awk '/^CapEff:/ {print $2}' "$work/status")
  [ "$user" != 0 ] || fail "the server runs as root"
  [ "$capabilities" = 0000000000000000 ] || fail "the server has capabilities: $capabilities"
  passed "runs as user $user, without capabilities, on a read-only root"
  printf '      resident memory, idle: %s\n' "$(megabytes VmRSS)"
}

check_peak() {
  process_status || return 0
  local peak
  peak=$(awk '/^VmHWM:/ {print $2}' "$work/status")
  [ "$peak" -lt $((memory << 10)) ] || fail "it came to $(megabytes VmHWM)"
  printf '      resident memory, at its peak: %s\n' "$(megabytes VmHWM)"
}

check_stop() {
  local begin took code
  begin=$(milliseconds)
  ask stop -t 20 "$name" >/dev/null 2>&1 || fail "it cannot be stopped"
  took=$(($(milliseconds) - begin))
  code=$(ask inspect --format '{{.State.ExitCode}}' "$name")
  [ "$code" = 0 ] || fail "SIGTERM ended it with exit code $code"
  [ "$took" -lt 10000 ] || fail "it took $took ms to stop"
  passed "SIGTERM ended it with exit code 0 in $took ms"
}

# A command computes on its first thread, which is the one that gets the signal; it takes a second or so. The first process of a container
# outlives what the engine sends it; a fault of its own it would not.
check_crash_report() {
  cat >"$work/product" <<'JSON'
{"graph": {"nodes": [
  {"op": "broadcast_to", "inputs": ["x"], "outputs": ["square"], "attributes": {"shape": [2400, 2400]}},
  {"op": "exp", "inputs": ["square"], "outputs": ["powers"]},
  {"op": "matmul", "inputs": ["powers", "powers"], "outputs": ["product"]},
  {"op": "max", "inputs": ["product"], "outputs": ["y"]}], "outputs": ["y"]}, "inputs": {"x": [0]}}
JSON
  for _ in {1..5}; do
    if interrupt_product; then
      passed "a crash names the functions it was in, $(grep -cE '^ *[0-9]+ .* in autograd-server' "$work/crash") deep"
      return
    fi
  done
  fail "a crash does not tell where it was: $(cat "$work/crash")"
}

# False if the report does not have the functions, or the product was there before the signal.
interrupt_product() {
  local run
  ask rm --force "$name" >/dev/null 2>&1 || true
  ask run --interactive --name "$name" --network none --read-only --cap-drop ALL --security-opt no-new-privileges \
    "$image" evaluate - <"$work/product" >/dev/null 2>"$work/crash" &
  run=$!
  until [ "$(ask inspect --format '{{.State.Running}}' "$name" 2>/dev/null)" = true ] || ! kill -0 "$run" 2>/dev/null; do sleep 0.05; done
  sleep 0.3
  ask kill --signal ILL "$name" >/dev/null 2>&1 || true
  wait "$run" || true
  grep -q 'EvaluateCommand.run()' "$work/crash"
}

container_setup
for target in debian static; do
  image=autograd-server:${target/debian/latest}
  TARGET=$target IMAGE=$image scripts/image.sh
  say "testing $target"
  check_promises
  choose_memory
  start_container
  await_readiness
  check_process
  check_examples
  check_functions
  check_memory
  check_peak
  check_health_command
  check_stop
  check_crash_report
  ask rm --force "$name" >/dev/null
  awk -v bytes="$(ask image inspect --format '{{.Size}}' "$image")" 'BEGIN {printf "      image size %.1f MB\n", bytes / 1e6}'
done
