# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# For tests that run a real nginx, sourced with $nginx set: configuration, requests, its end. With tests/tools.sh.
. "$(dirname "${BASH_SOURCE[0]}")/../tools.sh"

new_log() { # what it said so far is looked at in the end
    cat error.log >>all.log
    : >error.log
}
logged() { # TEXT COUNT
    [ "$(grep -cF -e "$1" error.log)" -ge "$2" ]
}
workers() { pgrep -P "$(cat nginx.pid)"; }
serving() { [ "$(workers | wc -l)" -eq 4 ] && [ -S front.sock ]; }

end_nginx() {
    local pid
    for pid in $(cat nginx.pid upstream.pid 2>/dev/null); do
        kill -TERM "$pid" 2>/dev/null && until_true gone "$pid"
    done
}
endings+=(end_nginx)

ask() { # CURL ARGUMENTS…: the whole response in ./out
    curl -s -i --max-time $PATIENCE --unix-socket front.sock "$@" >out 2>/dev/null
}
is_status() { head -n 1 out | grep -q "^HTTP/[0-9.]* $1"; }
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
