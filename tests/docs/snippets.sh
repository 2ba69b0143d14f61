#!/bin/sh
# SPDX-License-Identifier: MIT
# What README.md shows is what the tree has. Before a block stands, in a comment, where it comes from:
#   <!-- from FILE -->              the whole file
#   <!-- from FILE: FUNCTION -->    that function, with the comment before it
#   <!-- a whole policy -->         paactl check finds no error in it
# Usage: snippets.sh SOURCE_FOLDER PAACTL PLUGIN_FOLDER
set -eu
export LC_ALL=C
source=$1 paactl=$2 plugins=$3
readme=$source/README.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 700 "$work"
status=0
checked=0

block_after() { # LINE: the first fenced block after that line of the README
    awk -v line="$1" 'NR <= line { next } /^```/ { if (inside) exit; inside = 1; next } inside' "$readme"
}

function_of() { # FILE NAME: from the comment or first line before it to its closing brace
    awk -v name="$2" '
        /^$/ { kept = ""; next_kept = 1 }
        { kept = kept == "" && next_kept ? ($0 == "" ? "" : $0 "\n") : kept $0 "\n" }
        index($0, name "(") && $0 !~ /;$/ && $0 !~ /^[ \t]/ { found = 1; printf "%s", kept; next }
        found { print }
        found && /^}/ { exit }' "$1"
}

compare() { # WHAT: $work/page against $work/file
    checked=$((checked + 1))
    diff -u "$work/file" "$work/page" >"$work/diff" && return
    echo "README.md differs from $1:" >&2
    cat "$work/diff" >&2
    status=1
}

lay_pem() { # NAME.pem: CAs, revocation lists, else a certificate whose key is NAME.key
    [ -d "$work/ca" ] || "$source/examples/ca.sh" make "$work/ca" || return
    case $1 in
    *-ca.pem) cp "$work/ca/ca.crt" "$work/$1" ;;
    *-crl.pem) cp "$work/ca/crl.pem" "$work/$1" ;;
    *)
        "$source/examples/ca.sh" issue "$work/ca" "${1%.pem}" URI:spiffe://example.com/test || return
        cp "$work/ca/${1%.pem}.crt" "$work/$1"
        cp "$work/ca/${1%.pem}.key" "$work/"
        ;;
    esac
}

check_policy() { # LINE: secrets and certificates that it names lie beside it
    checked=$((checked + 1))
    block_after "$1" >"$work/policy.conf"
    for secret in $(grep -o '"file:[^"]*"' "$work/policy.conf" | tr -d '"' | sed 's/^file://'); do
        (umask 077 && echo 'a secret of some length, which is over 32 bytes' >"$work/$secret")
    done
    for pem in $(grep -o '"[a-z-]*[.]pem"' "$work/policy.conf" | tr -d '"'); do lay_pem "$pem"; done
    "$paactl" check --plugin-dir "$plugins" "$work/policy.conf" >"$work/out" 2>&1 && return
    echo "README.md:$1: the policy below has errors:" >&2
    cat "$work/out" >&2
    status=1
}

grep -nE '^<!-- (from |a whole policy)' "$readme" >"$work/marks"
while IFS=: read -r line mark; do
    what=$(printf '%s\n' "$mark" | sed -n 's/^<!-- from \(.*\) -->$/\1/p')
    file=${what%%:*}
    case $what in
    '') check_policy "$line" ;;
    *:*)
        function_of "$source/$file" "${what#*: }" >"$work/file"
        block_after "$line" >"$work/page"
        compare "$what"
        ;;
    *)
        cp "$source/$file" "$work/file"
        block_after "$line" >"$work/page"
        compare "$what"
        ;;
    esac
done <"$work/marks"

[ "$checked" -ge 3 ] || { echo "only $checked blocks of README.md say where they come from" >&2; exit 1; }
[ $status -ne 0 ] || echo "$checked blocks are as the tree has them"
exit $status
