#!/bin/sh
# SPDX-License-Identifier: MIT
# Every function that paa.h declares is in the library, and the library shows no other. Usage: exported.sh HEADER LIBRARY
set -eu
export LC_ALL=C
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
awk '/^PAA_API/ { inside = 1 }
    inside && match($0, /paa_[a-z_]+\(/) { print substr($0, RSTART, RLENGTH - 1); inside = 0 }' "$1" | sort >"$work/declared"
nm -D --defined-only "$2" | awk '$2 == "T" { print $3 }' | sed 's/@.*//' | grep '^paa_' | sort >"$work/shown"
[ "$(grep -c . "$work/declared")" -ge 30 ] || { echo "$1 declares hardly anything" >&2; exit 1; }
diff "$work/declared" "$work/shown" >"$work/diff" && exit 0
echo "declared in $1 (<), shown by $2 (>):" >&2
cat "$work/diff" >&2
exit 1
