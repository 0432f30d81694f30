#!/usr/bin/env bash
# Builds the image, runs it as a stranger would, locked down, and checks from outside what it promises: the tutorial's "separate" example
# answered as in examples/, the health check, no root, a clean stop. Prints the figures. Environment as for image.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/container-setup.sh
. scripts/container-setup.sh

image=${IMAGE:-autograd-server:latest}
name=autograd-server-test-$$
port=8080        # inside
example=examples/separate
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

check_promises() {
  [[ "$(config User)" =~ ^[1-9][0-9]*(:[1-9][0-9]*)?$ ]] || fail "the image's user is '$(config User)', not a number other than 0"
  [ "$(config StopSignal)" = SIGTERM ] || [ "$(config StopSignal)" = 15 ] || fail "the stop signal is '$(config StopSignal)'"
  [[ "$(config Env)" == *AUTOGRAD_HOST=0.0.0.0* ]] || fail "AUTOGRAD_HOST is not set to 0.0.0.0"
  passed "the image names a user, a stop signal and an address"
}

# On a loopback port of the engine's choice; on loopback in the machine's own network where containers cannot have one.
start_container() {
  local options=(--detach --name "$name" --read-only --cap-drop ALL --security-opt no-new-privileges)
  started=$(milliseconds)
  if ask run "${options[@]}" --publish "127.0.0.1::$port" "$image" >"$work/run" 2>&1; then
    address=$(ask port "$name" "$port/tcp" | head -n 1)
  else
    say "no network for containers here ($(tail -n 1 "$work/run")); using the machine's"
    ask rm --force "$name" >/dev/null 2>&1 || true
    port=$(free_port)
    started=$(milliseconds)
    ask run "${options[@]}" --network host --env AUTOGRAD_HOST=127.0.0.1 --env "AUTOGRAD_PORT=$port" "$image" >"$work/run" 2>&1 ||
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

check_answer() {
  fetch --header 'Content-Type: application/json' --data-binary "@$example.json" --output "$work/answer" "http://$address/v1/evaluate" ||
    fail "POST $example.json: $(cat "$work/answer" 2>/dev/null)"
  diff "$example.answer.json" "$work/answer" >&2 || fail "the answer to $example.json is not the expected one"
  passed "the answer to $example.json is the expected one"
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

check_process() {
  ask exec "$name" cat /proc/1/status >"$work/status"
  local user capabilities
  user=$(awk '/^Uid:/ {print $3}' "$work/status")
  capabilities=$(awk '/^CapEff:/ {print $2}' "$work/status")
  [ "$user" != 0 ] || fail "the server runs as root"
  [ "$capabilities" = 0000000000000000 ] || fail "the server has capabilities: $capabilities"
  passed "runs as user $user, without capabilities, on a read-only root"
  awk '/^VmRSS:/ {printf "      resident memory %.1f MB\n", $2 * 1024 / 1e6}' "$work/status"
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

scripts/image.sh
container_setup
check_promises
start_container
await_readiness
check_answer
check_health_command
check_process
check_stop
awk -v bytes="$(ask image inspect --format '{{.Size}}' "$image")" 'BEGIN {printf "      image size %.1f MB\n", bytes / 1e6}'
