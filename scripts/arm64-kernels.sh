#!/usr/bin/env bash
# Compiles the kernels for arm64, runs them in an emulator and compares the results with what this processor gets: bit for
# bit, but for functions that call the C library's, which may be some ulp apart. For x86-64 with AVX2, whose products
# multiply and add with one rounding as those of arm64 do.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/deps.sh gcc libc6-dev gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static python3

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
clang=$(command -v clang || echo "$(dirname "$(readlink -f "$(command -v swift)")")/clang")
sources="scripts/kernel-digests.c $(ls Sources/CKernels/*.c)"

# shellcheck disable=SC2086
"$clang" -O2 -Wall -Werror -ISources/CKernels/include $sources Sources/CKernels/libmvec.S -lmvec -lm -o "$work/here"
for source in $sources; do
  "$clang" --target=aarch64-linux-gnu --sysroot=/usr/aarch64-linux-gnu -isystem /usr/aarch64-linux-gnu/include -O2 -Wall -Werror \
    -ISources/CKernels/include -c "$source" -o "$work/$(basename "$source").o"
done
aarch64-linux-gnu-gcc -static "$work"/*.o -lm -o "$work/there"

"$work/here" avx2 "$work/here.bin" > "$work/here.txt"
timeout 300 qemu-aarch64-static "$work/there" baseline "$work/there.bin" > "$work/there.txt"
diff "$work/here.txt" "$work/there.txt"
echo "arm64: $(wc -l < "$work/there.txt") kernels have the results of x86-64, bit for bit"
python3 scripts/kernel-distances.py "$work/here.bin" "$work/there.bin"
