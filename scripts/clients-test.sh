#!/usr/bin/env bash
# Tests the clients, the programs of their README and the examples that use them: clients-test.sh BINARY [PART…], with parts out of
# python, r, javascript, octave, readme, examples and torch; if none is named, all except torch. Starts a server, one that asks for a
# token, and a proxy that is busy or drops connections. Ends with 1 if a test fails.
#
# The part torch is the one for Python with PyTorch, NumPy and SciPy from Debian instead of JAX from PyPI.
set -euo pipefail
cd "$(dirname "$0")/.."
tests=Tests/Clients
work=.build/clients-test

if [ "${CLIENTS_TEST_RUNS:-}" != yes ]; then
  binary=$1
  shift
  scripts/deps.sh python3-venv r-base-core r-cran-curl r-cran-jsonlite r-cran-mass octave nodejs default-jdk-headless chromium
  mkdir -p $work
  if ! cmp -s $tests/python/requirements.txt $work/python/requirements.txt; then
    python3 -m venv --clear $work/python
    $work/python/bin/pip install --quiet --disable-pip-version-check -r $tests/python/requirements.txt
    cp $tests/python/requirements.txt $work/python/requirements.txt
  fi
  # As a user installs it; without the versions of its dependencies, which are there.
  $work/python/bin/pip install --quiet --disable-pip-version-check --no-deps --force-reinstall ./clients/python
  rm -rf clients/python/build clients/python/*.egg-info
  (umask 077 && echo a-token-for-the-clients >$work/tokens)
  page_port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  unset AUTOGRAD_URL AUTOGRAD_TOKEN
  # Each server's address becomes the last argument of this script, the second time it is run.
  export CLIENTS_TEST_RUNS=yes CLIENTS_TEST_ORIGIN=http://localhost:$page_port
  AUTOGRAD_CORS_ORIGINS=$CLIENTS_TEST_ORIGIN scripts/with-server.sh "$binary" \
    env -u AUTOGRAD_CORS_ORIGINS AUTOGRAD_TOKEN_FILE=$work/tokens scripts/with-server.sh "$binary" "$0" "$@"
  exit
fi

address=${*: -2:1}
guarded=${*: -1}
parts=${*:1:$#-2}
proxied=$(mktemp)
python3 $tests/proxy.py "$address" >"$proxied" &
proxy=$!
trap 'kill "$proxy"; rm -f "$proxied"' EXIT
until [ -s "$proxied" ]; do sleep 0.1; done
arguments=("$address" "$guarded" "$(cat $work/tokens)" "$(cat "$proxied")")
failed=0
log=$work/log
: >$log

run() {
  "$@" 2>&1 | tee -a $log || failed=1
}

test_torch() {
  scripts/deps.sh python3-torch python3-scipy
  PYTHONPATH=clients/python run /usr/bin/python3 $tests/python/client_test.py "${arguments[@]}"
}

for part in ${parts:-python r javascript octave readme examples}; do
  case $part in
    torch) test_torch ;;
    python) run $work/python/bin/python $tests/python/client_test.py "${arguments[@]}" ;;
    r) run Rscript $tests/r/client_test.R "${arguments[@]}" ;;
    javascript) run node $tests/javascript/client_test.mjs "${arguments[@]}" ;;
    octave) run octave-cli --norc -q $tests/octave/client_test.m "${arguments[@]}" ;;
    readme) run python3 $tests/snippets.py "$address" $work/python/bin/python ;;
    examples) run python3 $tests/examples.py "$address" "$CLIENTS_TEST_ORIGIN" ;;
    *) echo "no such part: $part" >&2; failed=1 ;;
  esac
done
awk '/: [0-9]+ passed, [0-9]+ failed$/ { passed += $(NF - 3); failed += $(NF - 1) }
     END { print passed + 0 " passed, " failed + 0 " failed"; exit passed == 0 }' $log || failed=1
exit $failed
