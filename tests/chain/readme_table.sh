#!/bin/sh
# SPDX-License-Identifier: MIT
# readme_table.sh README BIN: README has, between the markers, exactly what BIN prints. 77: there is no README.
set -eu

readme=$1
program=$2
begin='<!-- control words -->'
end='<!-- /control words -->'

if [ ! -e "$readme" ]; then
    echo "skipped: there is no $readme yet"
    exit 77
fi
for marker in "$begin" "$end"; do
    if [ "$(grep -cxF -- "$marker" "$readme")" != 1 ]; then
        echo "$readme needs exactly one line '$marker'" >&2
        exit 1
    fi
done

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$program" >"$folder/code"
# Blank lines beside the markers are Markdown's business.
awk -v begin="$begin" -v end="$end" '
    $0 == end { inside = 0 }
    inside && $0 != "" { print }
    $0 == begin { inside = 1 }' "$readme" >"$folder/page"
if ! diff -u "$folder/page" "$folder/code"; then
    echo "$readme differs from the code: put the output of $(basename "$program") between the markers" >&2
    exit 1
fi
