#!/usr/bin/env bash
# Formatting, file lengths, words of documents, and what must not be in the product.
set -euo pipefail
cd "$(dirname "$0")/.."

swift format lint --strict --recursive Package.swift Sources Tests

failed=0
while read -r lines file; do
  if [ "$lines" -gt 500 ]; then
    echo "$file has $lines lines; more than 500 is more than one idea" >&2
    failed=1
  fi
done < <(git ls-files 'Sources/*.swift' 'Sources/*.c' 'Tests/*.swift' | xargs wc -l | grep -v ' total$')

# Foundation doubles the start time and the memory of the server.
if git grep -nE '^ *(public |internal |package |private )?import Foundation$' -- 'Sources/*.swift'; then
  echo "Foundation must stay out of Sources/" >&2
  failed=1
fi
# The list of commands is read in a terminal.
if make --no-print-directory help | awk 'length > 100 { print; found = 1 } END { exit !found }'; then
  echo "these lines of make help have more than 100 columns" >&2
  failed=1
fi
# The bytes of a buffer that nobody holds are gone before they are read.
if git grep -nE '\)\.bytes\b' -- 'Sources/*.swift' | grep -v 'withExtendedLifetime\|amhd_'; then
  echo "hold the buffer while its bytes are used: ByteBuffer.append(_: ByteBuffer), or withExtendedLifetime" >&2
  failed=1
fi
# Swift and C have at most 120 columns.
python3 scripts/width.py || failed=1
# Documents: their width, and words that have a plainer one.
python3 scripts/words.py || failed=1
# What each folder of the core may use; the check must find planted faults.
python3 scripts/directions.py --self-test || failed=1
python3 scripts/directions.py || failed=1
# What each target may import; the check must find planted faults.
python3 scripts/page-files.py --check || failed=1
python3 scripts/imports.py --self-test || failed=1
python3 scripts/imports.py || failed=1
# The page is made from the fixtures, and must say what they say.
python3 scripts/kinks-page.py --check || failed=1
# A mutation whose text is gone would test nothing.
if ! mutations=$(python3 scripts/mutations.py --list); then
  echo "scripts/mutations.py replaces texts that are no longer there:" >&2
  grep STALE <<< "$mutations" >&2
  failed=1
fi
exit $failed
