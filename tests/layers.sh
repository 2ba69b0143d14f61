#!/bin/sh
# SPDX-License-Identifier: MIT
# What core/README.md says about includes, checked by reading them: who may see whom, one door for each dependency, no
# effects below the services, and no calls that this house does not make. Usage: layers.sh [SOURCE_FOLDER]
set -u
export LC_ALL=C
cd "${1:-$(dirname "$0")/..}" || exit 2
status=0
checked=0

fail() {
    echo "$*" >&2
    status=1
}

sources() { # of a folder, and not of the folders below it
    find "$1" -maxdepth 1 -name '*.[ch]' | sort
}

includes() { # FILE: one a line, as written between the brackets
    sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*\(["<][^">]*[">]\).*/\1/p' "$1"
}

# layer FOLDER 'PUBLIC HEADERS' FOLDER…: its own headers, the public ones and those of the folders named, no others.
# Public headers may be patterns. Headers of the system and of dependencies are not this function's.
layer() {
    folder=$1 public=$2
    shift 2
    for file in $(sources "$folder"); do
        checked=$((checked + 1))
        for name in $(includes "$file"); do
            case $name in
            '"'*) name=${name#?} && own_header "$file" "${name%?}" "$folder" "$@" ;;
            '<paa/'*) name=${name#?} && public_header "$file" "${name%?}" $public ;;
            esac
        done
    done
}

own_header() { # FILE HEADER FOLDER…
    from=$1 header=$2
    shift 2
    for seen in "$@"; do
        [ -e "$seen/$header" ] && return
    done
    fail "$from may not include \"$header\": it sees $*"
}

public_header() { # FILE HEADER PATTERN…
    from=$1 header=$2
    shift 2
    for pattern in "$@"; do
        case $header in
        $pattern) return ;;
        esac
    done
    fail "$from may not include <$header>: of the public headers it sees $*"
}

# door HEADER: one file of the library and its plugins includes it, at most; of paactl, a program of its own, likewise.
door() {
    for found in "$(grep -rlE "^[[:space:]]*#[[:space:]]*include[[:space:]]*<$1>" core plugins --include='*.[ch]' |
        grep -v '^core/paactl/')" \
        "$(grep -rlE "^[[:space:]]*#[[:space:]]*include[[:space:]]*<$1>" core/paactl --include='*.[ch]')"; do
        [ "$(printf '%s\n' "$found" | grep -c .)" -le 1 ] || fail "<$1> has one door, not:" $found
    done
}

# without FOLDER WHY HEADER…: nobody there includes any of these.
without() {
    folder=$1 why=$2
    shift 2
    for header in "$@"; do
        found=$(grep -rlE "^[[:space:]]*#[[:space:]]*include[[:space:]]*<$header>" "$folder" --include='*.[ch]')
        [ -z "$found" ] || fail "<$header> in" $found "- $why"
    done
}

set -f # patterns stay patterns
layer core/base 'paa/types.h'
layer core/services 'paa/*.h' core/base
layer core/config 'paa/*.h' core/base
layer core/loader 'paa/*.h' core/base
layer core/engine 'paa/*.h' core/base core/services core/config core/loader
layer core/paactl 'paa/types.h paa/paa.h paa/with_curl.h' core/base
layer plugins/common 'paa/types.h paa/plugin.h' core/base
for folder in $(find plugins -mindepth 1 -maxdepth 1 -type d ! -name common); do
    layer "$folder" 'paa/types.h paa/plugin.h' core/base plugins/common
done
for folder in $(find examples/hosts -type d); do
    layer "$folder" 'paa/types.h paa/paa.h paa/with_curl.h paa/with_openssl.h'
done
for folder in $(find examples/plugins -mindepth 1 -type d); do
    layer "$folder" 'paa/types.h paa/plugin.h'
done
set +f

for header in libconfig.h curl/curl.h dlfcn.h sqlite3.h qrencode.h; do
    door "$header"
done

effects='dirent.h fcntl.h poll.h pthread.h signal.h sys/epoll.h sys/eventfd.h sys/inotify.h sys/stat.h sys/wait.h time.h'
without core/config 'reading a policy is pure' $effects unistd.h sys/socket.h
without core/base 'the leaf has no state and no effects' $effects
without core 'JSON is written here and read by plugins/common' jansson.h
without plugins 'JSON is read by common/json_tree.h' jansson.h
without plugins 'effects go through the host table' $effects unistd.h sys/socket.h

calls=$(grep -rnE '\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|alloca|system|popen)\(' core plugins examples include \
    --include='*.[ch]')
[ -z "$calls" ] || fail "calls that this house does not make:
$calls"

[ "$checked" -gt 50 ] || fail "only $checked files were found: is this the source folder?"
[ $status -ne 0 ] || echo "$checked files see what they may, and no more"
exit $status
