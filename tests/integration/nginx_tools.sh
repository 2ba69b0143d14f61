#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# For tests that run a real nginx, sourced with $nginx set: a folder of its own for each, checks, requests, waiting. Ends what it
# began, and removes the folder.
umask 077
unset OPENSSL_CONF
work=$(mktemp -d) || exit 1
cd "$work" || exit 1
failures=0
checks=0
PATIENCE=300 # seconds; only what is broken takes them

fail() {
    failures=$((failures + 1))
    echo "FAILED: $1"
    [ -f out ] && sed 's/^/    /' out
}

check() { # SENTENCE COMMAND…
    checks=$((checks + 1))
    local sentence=$1
    shift
    "$@" || fail "$sentence"
}

until_true() { # COMMAND…: asks again and again
    local end=$((SECONDS + PATIENCE))
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
    done
}

new_log() { # what it said so far is looked at in the end
    cat error.log >>all.log
    : >error.log
}
gone() { ! kill -0 "$1" 2>/dev/null || grep -q "^State:.Z" "/proc/$1/status"; } # nobody may reap it
logged() { # TEXT COUNT
    [ "$(grep -cF -e "$1" error.log)" -ge "$2" ]
}
workers() { pgrep -P "$(cat nginx.pid)"; }
serving() { [ "$(workers | wc -l)" -eq 4 ] && [ -S front.sock ]; }

finish() {
    local pid
    for pid in $(cat nginx.pid upstream.pid 2>/dev/null); do
        kill -TERM "$pid" 2>/dev/null && until_true gone "$pid"
    done
    rm -rf "$work"
}
trap finish EXIT

ask() { # CURL ARGUMENTS…: the whole response in ./out
    curl -s -i --max-time $PATIENCE --unix-socket front.sock "$@" >out 2>/dev/null
}
is_status() { head -n 1 out | grep -q "^HTTP/[0-9.]* $1"; }
says() { grep -qF -e "$1" out; }
says_not() { ! grep -qiF -e "$1" out; }
expect() { # STATUS SENTENCE CURL ARGUMENTS…
    local status=$1 sentence=$2
    shift 2
    ask "$@"
    check "$sentence (not $status)" is_status "$status"
}

common() { # NAME: what both nginx begin with
    [ "$(id -u)" -ne 0 ] || echo "user root;"
    cat <<END
pid $work/$1.pid;
error_log $work/error.log info;
events { worker_connections 512; }
http {
  access_log off;
  client_body_temp_path $work/tmp; proxy_temp_path $work/tmp; fastcgi_temp_path $work/tmp;
  uwsgi_temp_path $work/tmp; scgi_temp_path $work/tmp;
END
}

run_nginx() { "$nginx" -p "$work/" -c "$work/nginx.conf" -e "$work/error.log" "$@"; }

summary() { # the script's end and status
    echo "$checks checks, $failures failures"
    [ $failures -eq 0 ]
}
