#!/bin/sh
# SPDX-License-Identifier: MIT
# The checks of this folder check: in a copy of the tree, each mistake below is told. Usage: told.sh SOURCE_FOLDER
set -eu
source=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

mkdir "$work/tree"
cp -r "$source"/README.md "$source"/core "$source"/plugins "$source"/include "$source"/examples "$source"/cmake \
    "$source"/tests "$work/tree"

told() { # SENTENCE CHECK FILE SED: after that edit the check fails and says the sentence; then it is taken back
    sed -i "$4" "$work/tree/$3"
    sh "$source/tests/$2" "$work/tree" >"$work/out" 2>&1 && status=0 || status=$?
    cp "$source/$3" "$work/tree/$3"
    if [ "$status" -eq 0 ]; then
        echo "$2 does not see: $4 in $3" >&2
    elif ! grep -qF -e "$1" "$work/out"; then
        echo "$2 sees \"$4\" in $3, but does not say \"$1\":" >&2
        cat "$work/out" >&2
    else
        return 0
    fi
    failures=$((failures + 1))
}

told 'may not include "engine.h"' layers.sh core/base/str.c '2i #include "engine.h"'
told 'may not include <paa/paa.h>' layers.sh plugins/apikey/key.c '2i #include <paa/paa.h>'
told 'may not include "store.h"' layers.sh plugins/apikey/mint.c '2i #include "store.h"'
told 'has one door' layers.sh core/engine/txn.c '2i #include <dlfcn.h>'
told 'reading a policy is pure' layers.sh core/config/lex.c '2i #include <fcntl.h>'
told 'calls that this house does not make' layers.sh core/engine/chain.c '$a static void f(char *s) { strcpy(s, ""); }'
told 'FIELDS_MAX is' docs/facts.sh README.md 's/ | 256 | `FIELDS_MAX`/ | 257 | `FIELDS_MAX`/'
told 'no message of the code' docs/facts.sh README.md 's/restart needed/restart wanted/'
told 'the counters' docs/facts.sh README.md '/^| `paa_generation`/d'
told 'members of services and rules' docs/facts.sh README.md 's/^| `realm`/| `relam`/'
told 'there is no paa_txn_start' docs/facts.sh README.md 's/`paa_txn_end` always/`paa_txn_start` always/'
told 'there is no examples/hosts/ward.c' docs/facts.sh README.md 's,examples/hosts/guard.c,examples/hosts/ward.c,'
told 'an address' docs/lock.sh tests/idp/package-lock.json '0,/"integrity"/s,"integrity","resolved": "https://example.test/a.tgz"\, "integrity",'
told 'without a digest' docs/lock.sh tests/idp/package-lock.json '0,/"integrity"/s/"integrity"/"integrety"/'
told 'is not an exact version' docs/lock.sh tests/idp/package.json 's/"8\./"^8./'
[ "$failures" -eq 0 ] && echo "every mistake was told"
exit "$failures"
