#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What drives a real browser (Debian's Chromium, without a window): npm's playwright-core, on behalf of browser.mjs.
#   driver.sh CHROMIUM FOLDER PART ADDRESS   a part of browser.mjs, which tells what it did and saw. The driver is installed into
#                                            $BROWSER_INSTALLED (build/browser), unless it is there already
# FOLDER is the browser's home; if root starts it, it is given to the user nobody. Or source this file, and call install_driver once,
# then browse.

browser_source=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BROWSER_INSTALLED=${BROWSER_INSTALLED:-$(dirname "$(dirname "$browser_source")")/build/browser}
. "$browser_source/../idp/idp.sh"

driver_is_complete() {
  [ -e "$BROWSER_INSTALLED/complete" ] && cmp -s "$browser_source/package-lock.json" "$BROWSER_INSTALLED/package-lock.json"
}

fetch_driver() { # from the lock file, checked against its digest; no script of it runs
  rm -f "$BROWSER_INSTALLED/complete"
  install -m 644 "$browser_source/package.json" "$browser_source/package-lock.json" "$BROWSER_INSTALLED" || return 1
  idp_lower "$BROWSER_INSTALLED" "$BROWSER_INSTALLED/package.json"
  (umask 022 && cd "$BROWSER_INSTALLED" && HOME=$PWD npm_config_cache=$PWD/cache npm_config_update_notifier=false \
    "${idp_as[@]}" npm ci --ignore-scripts --no-audit --no-fund --prefer-offline --loglevel=error >/dev/null) &&
    touch "$BROWSER_INSTALLED/complete"
}

update_driver() { # browser.mjs is renamed into place: another browser may be starting
  driver_is_complete || fetch_driver || return 1
  install -m 644 "$browser_source/browser.mjs" "$BROWSER_INSTALLED/browser.mjs.new" &&
    mv "$BROWSER_INSTALLED/browser.mjs.new" "$BROWSER_INSTALLED/browser.mjs"
}

install_driver() { # under a lock, since tests start at the same time
  (umask 022 && mkdir -p "$BROWSER_INSTALLED" && exec 8>"$BROWSER_INSTALLED.lock" && flock 8 && update_driver)
}

browse() { # CHROMIUM FOLDER PART ADDRESS: with no more rights than it needs, and a home of its own
  mkdir -p "$2"
  idp_lower "$2" "$BROWSER_INSTALLED/browser.mjs"
  (cd "$BROWSER_INSTALLED" && HOME=$2 "${idp_as[@]}" node browser.mjs "$1" "$3" "$4" ${BROWSER_PICTURES:+"$2"} </dev/null)
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  set -euo pipefail
  [ $# -eq 4 ] || { sed -n '3,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
  install_driver
  browse "$@"
fi
