#!/usr/bin/env bash
# Fuzzes one part of the server after the other: fuzz.sh [SECONDS each] [PART...]. Starts from the corpus in Tests/Fuzz/Corpus and the seeds
# made from the test fixtures; what it finds new is kept in Tests/Fuzz/.build/corpus. Stops at the first input that crashes, hangs, leaks or
# is answered with what no answer may be, and leaves it in Tests/Fuzz/.build/.
#
# RUNS=N instead of seconds runs N inputs each. With --keep, as the first argument, the smallest corpus that covers the same is written to
# Tests/Fuzz/Corpus afterwards.
set -euo pipefail
cd "$(dirname "$0")/../Tests/Fuzz"
keeps=""
if [ "${1:-}" = --keep ]; then keeps=1; shift; fi
seconds=${1:-60}
shift || true
parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(json graph evaluate formula stored files safetensors http)

# The last -sanitize is the one that swiftc heeds; SwiftPM's own makes room for the fuzzer's main.
swift build -c release --sanitize=fuzzer -Xswiftc -sanitize=fuzzer,address -Xcc -fsanitize=address
fuzz=$(swift build -c release --show-bin-path)/Fuzz
export LSAN_OPTIONS=suppressions=$PWD/leaks.txt:print_suppressions=0
python3 seeds.py .build/seeds

for part in "${parts[@]}"; do
  corpus=.build/corpus/$part
  mkdir -p "$corpus"
  [ ! -f "Corpus/$part.tar.gz" ] || tar -xzf "Corpus/$part.tar.gz" -C "$corpus"
  echo "fuzz: $part"
  log=.build/fuzz-$part.log
  if [ -n "${RUNS:-}" ]; then length=(-runs="$RUNS"); else length=(-max_total_time="$seconds"); fi
  if ! FUZZ_PART=$part "$fuzz" "${length[@]}" -timeout=10 -rss_limit_mb=2048 -max_len=4096 -artifact_prefix="$PWD/.build/$part-" \
    -print_final_stats=1 "$corpus" ".build/seeds/$part" > "$log" 2>&1; then
    tail -40 "$log"
    exit 1
  fi
  grep -E "stat::number_of_executed_units|stat::peak_rss_mb" "$log"
  grep -oE "cov: [0-9]+ ft: [0-9]+ corp: [0-9]+/[0-9A-Za-z]+" "$log" | tail -1
  if [ -n "$keeps" ]; then
    rm -rf ".build/merged/$part"
    mkdir -p ".build/merged/$part" Corpus
    FUZZ_PART=$part "$fuzz" -merge=1 -max_len=4096 ".build/merged/$part" "$corpus" ".build/seeds/$part" > .build/merge.log 2>&1
    tar --sort=name --owner=0 --group=0 --mtime=@0 -C ".build/merged/$part" -cf - . | gzip -9n > "Corpus/$part.tar.gz"
  fi
done
