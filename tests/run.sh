#!/usr/bin/env bash
# Installs what is missing, builds, and runs the whole suite. Everything lands in build/ but the packages.
#   BUILD_DIR=…    another build folder
#   CMAKE_ARGS=…   further arguments for cmake
#   CTEST_ARGS=…   further arguments for ctest ("-R chain")
set -euo pipefail
cd "$(dirname "$0")/.."
. cmake/packages.sh

build=${BUILD_DIR:-build}
cores=$(nproc)

install_packages build tests
mkdir -p "$build"
echo "building in $build/ (what is said there: $build/build.log)"
# The arguments are several words on purpose.
# shellcheck disable=SC2086
cmake -B "$build" -DPAA_TESTS=ON ${CMAKE_ARGS:-} >"$build/configure.log" 2>&1 || { cat "$build/configure.log" >&2; exit 1; }
cmake --build "$build" -j"$cores" >"$build/build.log" 2>&1 || { cat "$build/build.log" >&2; exit 1; }
if grep -qE '(warning|WARNING):' "$build/build.log"; then grep -E '(warning|WARNING):' "$build/build.log" >&2; fi
# shellcheck disable=SC2086
exec ctest --test-dir "$build" --output-on-failure -j"$cores" ${CTEST_ARGS:-}
