# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# For tests in shell, sourced first: a folder of its own, where the test is from then on; checks, and what there is to see when
# one fails; waiting; an end that leaves nothing behind.
[ -z "${work:-}" ] || return 0 # a test's tools may each want it
umask 077
unset OPENSSL_CONF
work=$(mktemp -d) || exit 1
cd "$work" || exit 1
failures=0
checks=0
began=()        # processes that end with the test
endings=()      # what else is to be done then
shown=(out err) # files to look at when a check fails
PATIENCE=300    # seconds; only what is broken takes them

# ---- checks ----

fail() { # SENTENCE
  local file
  failures=$((failures + 1))
  echo "FAILED: $1"
  for file in "${shown[@]}"; do
    [ ! -f "$file" ] || tail -n 40 "$file" | sed "s|^|    $file: |"
  done
}
check() { # SENTENCE COMMAND…
  local sentence=$1
  checks=$((checks + 1))
  shift
  "$@" || fail "$sentence"
}
give_up() { # SENTENCE: there is no sense in going on
  fail "$1"
  exit 1
}
summary() { # CHECKS: the test's end and status; fewer than those cannot be all
  echo "$checks checks, $failures failed"
  [ "$failures" -eq 0 ] && [ "$checks" -ge "$1" ]
}
fails() { ! "$@"; } # COMMAND…
says() { grep -qF -e "$2" "$1"; } # FILE TEXT
lacks() { ! grep -qiF -e "$2" "$1"; }

# ---- waiting ----

until_true() { # COMMAND…: asks again and again
  local end=$((SECONDS + PATIENCE))
  until "$@"; do [ $SECONDS -lt $end ] || return 1; done
}
gone() { ! kill -0 "$1" 2>/dev/null || grep -q "^State:.Z" "/proc/$1/status" 2>/dev/null; } # PID; nobody may reap it

# ---- the end ----

finish() {
  local each
  for each in "${endings[@]}"; do $each || true; done
  for each in "${began[@]}"; do
    kill -TERM "$each" 2>/dev/null && until_true gone "$each" || true
  done
  rm -rf "$work"
}
trap finish EXIT
