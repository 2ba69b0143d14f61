#!/bin/sh
# SPDX-License-Identifier: MIT
# What README.md says of the code, looked up in the code: limits, error sentences, counters, names, places.
# Usage: facts.sh SOURCE_FOLDER
set -u
export LC_ALL=C
cd "$1" || exit 2
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
status=0
checked=0

wrong() {
    echo "README.md: $*" >&2
    status=1
}

section() { # HEADING: up to the next one of the same level
    awk -v heading="## $1" '$0 == heading { inside = 1; next } /^## / { inside = 0 } inside' README.md
}

enough() { # LEAST WHAT: none of these loops may pass because it found nothing
    [ "$checked" -ge "$1" ] || wrong "only $checked $2 were found to check"
    checked=0
}

# ---- limits: "| what | 64 KiB | `NAME` in `FILE` |" ----

in_bytes() { # "64 KiB"
    number=${1%% *}
    case $1 in
    *' KiB') echo $((number * 1024)) ;;
    *' MiB') echo $((number * 1024 * 1024)) ;;
    *) echo "$number" ;;
    esac
}

section Limits | sed -n 's/^| [^|]* | \([0-9][^|]*\) | `\([A-Z_0-9]*\)` in `\([^`]*\)` |$/\1|\2|\3/p' >"$work/limits"
while IFS='|' read -r value name file; do
    checked=$((checked + 1))
    code=$(sed -n "s/.*\<$name = \([0-9 *]*[0-9]\).*/\1/p" "$file" | head -n 1)
    [ -n "$code" ] || { wrong "$file has no $name"; continue; }
    [ "$(in_bytes "$value")" -eq $(($code)) ] || wrong "$name is $code in $file, not $value"
done <"$work/limits"
enough 20 limits

# ---- error sentences: each part between two "…" stands in a string of the code ----

# Strings that follow each other are one; quotes in them as they are printed.
find core plugins -name '*.[ch]' | sort | xargs cat | tr '\n' ' ' |
    sed -e 's/\\"/\a/g' -e 's/" *"//g' -e 's/\a/"/g' >"$work/strings"
section Troubleshooting | sed -n 's/^| \(`.*\) | .* |$/\1/p' | grep -o '`[^`]*`' | tr -d '`' | sed 's/…/\n/g' |
    sed -e 's/^[ :]*//' -e 's/[ :]*$//' >"$work/parts"
while IFS= read -r part; do
    [ ${#part} -ge 8 ] || continue
    checked=$((checked + 1))
    grep -qF -e "$part" "$work/strings" || wrong "no message of the code has \"$part\""
done <"$work/parts"
enough 15 sentences

# ---- counters: all of the code's, and no others ----

grep -o '"paa_[a-z_]*"' core/engine/counters.c | tr -d '"' | sort -u >"$work/code"
section 'Audit, log, counters' | grep '^| `paa_' | grep -o '`paa_[a-z_]*`' | tr -d '`' | sort -u >"$work/page"
diff "$work/code" "$work/page" >"$work/diff" || wrong "the counters (< in the code, > on the page):
$(cat "$work/diff")"
checked=$(grep -c . "$work/page")
enough 5 counters

# ---- members of services and rules: all of the code's, and no others ----

members() { # FILE TABLE: the strings of that array
    awk -v table="$2[] =" 'index($0, table) { inside = 1 } inside { print } inside && /;/ { exit }' "$1" |
        grep -o '"[a-z_]*"' | tr -d '"'
}
{ members core/config/policy_service.c own_members; members core/config/policy_rule.c rule_members; } | sort -u >"$work/code"
section 'The policy file' | sed -n 's/^| \(`[^|]*\) |.*/\1/p' | grep -o '`[a-z_]*`' | tr -d '`' | sort -u >"$work/page"
diff "$work/code" "$work/page" >"$work/diff" || wrong "members of services and rules (< in the code, > on the page):
$(cat "$work/diff")"
checked=$(grep -c . "$work/page")
enough 15 members

# ---- every name of the API that is mentioned exists, and so does every place ----

for name in $(grep -oE '\b(paa|PAA)_[A-Za-z_]*[A-Za-z]' README.md | sort -u); do
    checked=$((checked + 1))
    grep -rqw -e "$name" include core/engine/counters.c cmake/paa-config.cmake.in examples/hosts || wrong "there is no $name"
done
enough 15 names
for path in $(grep -ohE '(^|[^A-Za-z0-9_./-])(core|plugins|include|tests|examples|cmake)/[A-Za-z0-9_./-]*[A-Za-z0-9_/]' README.md core/README.md \
    tests/README.md | sed 's/^[^a-z]//' | sort -u); do
    checked=$((checked + 1))
    [ -e "$path" ] || wrong "there is no $path"
done
enough 15 places
for link in $(grep -o '](#[a-z0-9-]*)' README.md | sed 's/^](#\(.*\))$/\1/' | sort -u); do
    checked=$((checked + 1))
    sed -n 's/^##* //p' README.md | tr 'A-Z' 'a-z' | tr -cd 'a-z0-9 \n-' | tr ' ' '-' | grep -qxF -e "$link" || wrong "nothing has the heading #$link"
done
enough 15 links

[ $status -ne 0 ] || echo "README.md says what the code does"
exit $status
