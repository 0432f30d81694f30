#!/usr/bin/env bash
# with-server.sh BINARY COMMAND [ARG…]: starts a server on a free port, runs the command with the server's address as its last argument, stops
# the server, and exits as the command did.
set -euo pipefail

binary=$1
shift
log=$(mktemp)
"$binary" serve --port 0 2>"$log" &
server=$!
stop() {
  kill -TERM "$server" 2>/dev/null || true
  wait "$server" || true
  rm -f "$log"
}
trap stop EXIT

for _ in $(seq 100); do
  address=$(grep -o 'http://[^ ]*' "$log" | head -n 1 || true)
  [ -n "$address" ] && break
  kill -0 "$server" 2>/dev/null || { cat "$log" >&2; exit 1; }
  sleep 0.1
done
[ -n "${address:-}" ] || { echo "the server did not start within 10 s" >&2; cat "$log" >&2; exit 1; }

"$@" "$address"
