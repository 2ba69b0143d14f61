#!/bin/sh
# SPDX-License-Identifier: MIT
# The man pages are well-formed. 77: mandoc is not installed. Usage: man.sh PAGE…
set -u
command -v mandoc >/dev/null || { echo "skipped: install mandoc"; exit 77; }
[ $# -gt 0 ] || exit 2
for page in "$@"; do
    [ -s "$page" ] || { echo "there is no $page" >&2; exit 1; }
done
exec mandoc -Tlint -Wwarning "$@"
