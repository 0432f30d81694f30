#!/usr/bin/env bash
# Posts every request of examples/ to a running server with curl, shows the answers, and compares them with the expected ones.
#   scripts/demo.sh [URL]      the server, http://127.0.0.1:8080 unless given
#   WAIT=10                    seconds to wait until it is live
# Exits with 1 if an answer differs or does not come.
set -euo pipefail
cd "$(dirname "$0")/.."

url=${1:-http://127.0.0.1:8080}
url=${url%/}
deadline=$((SECONDS + ${WAIT:-10}))
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

until curl --silent --fail --output /dev/null --max-time 2 "$url/livez"; do
  if ((SECONDS >= deadline)); then
    echo "demo: no live server at $url; start one with: make run" >&2
    exit 1
  fi
  sleep 0.1
done

count=0
failed=()
# The README's table has the order, the paths and the purposes; a test holds it complete.
while IFS='|' read -r _ request path purpose _; do
  name=${request#*[}
  name=${name%%]*}
  path=${path#*\`}
  path=${path%%\`*}
  purpose=${purpose# }
  count=$((count + 1))
  printf '\n# %s: %s\n' "$name" "${purpose% }"
  printf '$ curl -s %s%s -d @examples/%s.json\n' "$url" "$path" "$name"
  if ! curl --silent --show-error --max-time 30 --output "$answer" "$url$path" --data "@examples/$name.json" </dev/null; then
    failed+=("$name")
    continue
  fi
  cat "$answer"
  if ! diff "examples/$name.answer.json" "$answer" >/dev/null; then
    failed+=("$name")
    printf 'demo: this is not the expected answer, which is:\n' >&2
    cat "examples/$name.answer.json" >&2
  fi
done < <(grep '^| \[' examples/README.md)

echo
if ((count == 0)); then
  echo "demo: examples/README.md lists no examples" >&2
  exit 1
fi
if ((${#failed[@]} > 0)); then
  echo "demo: ${#failed[@]} of $count answers are not as expected: ${failed[*]}" >&2
  exit 1
fi
echo "all $count answers are as expected"
