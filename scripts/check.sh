#!/usr/bin/env bash
# What to run while working: lint, then the tests that are fast in a debug build. `make test` runs all.
set -euo pipefail
cd "$(dirname "$0")/.."

# Suites of the core that take more than a few seconds each; a new suite runs unless it is put here.
slow='Corner|DecompositionOrder|DeepGraph|EinsumPath|Fusion|GradientCheck|Growth|Interruption|Kernel|Limit|NearValue|Parts|RandomGraph'
slow+='|Reduction|SpecialPoint|Sum|Sweep|TransformSweep'
# Suites of the server that need no sockets, processes or long lists.
server='Batch|CheckEndpoint|Contract|DerivativeEndpoint|Documentation|Example|FirstHour|FormatError|JSONDocument|OneTable|OpenAPI|Safetensors'

scripts/lint.sh
swift build --build-tests
swift test --skip-build --filter "^AutogradCoreTests\.|^AutogradServerTests\.($server)Tests/" --skip "^AutogradCoreTests\.($slow)Tests/"
