#!/bin/bash
# SPDX-License-Identifier: MIT
# configure.sh COPY MODULE LOG: nginx's configure in COPY, with the packaged nginx's flags and this module.
set -eu
cd "$1"
source ./conf_flags
if ! ./configure "${NGX_CONF_FLAGS[@]}" --add-dynamic-module="$2" >"$3" 2>&1; then
    cat "$3" >&2
    exit 1
fi
