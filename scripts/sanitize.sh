#!/usr/bin/env bash
# Runs the tests under a sanitizer, built with optimization, for without it they would take an hour: sanitize.sh [address] [thread]. Each has a
# build of its own in .build. SECONDS_EACH (1800) is how long one may take, building not counted.
set -euo pipefail
cd "$(dirname "$0")/.."
sanitizers=("$@")
[ ${#sanitizers[@]} -gt 0 ] || sanitizers=(address thread)

# LeakSanitizer stops the process from outside, which containers often do not allow; make fuzz has it on.
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1
export TSAN_OPTIONS=second_deadlock_stack=1

# It limits the address space of a server to less than the 15 TB that the shadow memory of either sanitizer takes.
skips=(--skip SupervisorTests/workersThatCannotStartAreNotStartedForEver)

failed=0
for sanitizer in "${sanitizers[@]}"; do
  build=(-c release -Xswiftc -enable-testing --sanitize="$sanitizer" --scratch-path ".build/$sanitizer")
  echo "sanitize: building with $sanitizer"
  swift build --build-tests "${build[@]}" --quiet
  log=.build/sanitize-$sanitizer.log
  status=0
  timeout "${SECONDS_EACH:-1800}" swift test --skip-build "${build[@]}" "${skips[@]}" > "$log" 2>&1 || status=$?
  grep -aE "Test run with|^✘|ERROR: AddressSanitizer|WARNING: ThreadSanitizer|SUMMARY:" "$log" || true
  if [ "$status" -ne 0 ]; then
    echo "FAILED $sanitizer: status $status; everything is in $log"
    failed=1
  else
    echo "OK     $sanitizer"
  fi
done
exit $failed
