#!/bin/sh
# SPDX-License-Identifier: MIT
# The packages that npm installs for tests are named exactly, each with its digest, and without saying from where: that
# is the registry's business of whoever installs. Usage: lock.sh SOURCE_FOLDER
set -u
export LC_ALL=C
cd "$1/tests" || exit 2
status=0
all=0

check() { # FOLDER LEAST: how many packages there must be, or npm has changed its form
    lock=$1/package-lock.json

    wrong() {
        echo "tests/$lock: $*" >&2
        status=1
    }
    packages=$(grep -c '^    "node_modules/' "$lock")
    digests=$(grep -cE '^      "integrity": "sha512-[A-Za-z0-9+/]{86}=="' "$lock")
    all=$((all + packages))
    [ "$packages" -ge "$2" ] || wrong "hardly any package: has npm changed its form?"
    [ "$packages" -eq "$digests" ] || wrong "$((packages - digests)) packages without a digest"
    # The pages that ask for donations are the only ones that may be named.
    if grep -E '"resolved"|://|"(link|version)": "?(true|git|file|http)' "$lock" | grep -vE '^ *"url": "https://[^"]*"$' >&2; then
        wrong "an address to load from, above"
    fi
    grep -A 20 '"dependencies"' "$1/package.json" | grep '": "' | grep -vE '": "[0-9]+\.[0-9]+\.[0-9]+",?$' >&2 &&
        wrong "the above, in package.json, is not an exact version"
}

check idp 10
check browser 1
[ $status -ne 0 ] || echo "$all packages, each with its digest, none with an address"
exit $status
