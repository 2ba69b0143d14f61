#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A real browser (Debian's Chromium, without a window) logs in at the real provider (tests/idp), in front of the example server.
#   browser.sh SERVER PLUGIN_DIR CHROMIUM        the pages it saw are kept as pictures in $BROWSER_PICTURES, if that is set
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
server=$1 plugins=$2 chromium=$3
. "$here/../idp/idp.sh"
BROWSER_INSTALLED=${BROWSER_INSTALLED:-$(dirname "$(dirname "$here")")/build/browser}
work=$(mktemp -d /tmp/paa-browser-XXXXXX)
server_pid=

finish() {
  [ -z "$server_pid" ] || kill "$server_pid" 2>/dev/null || true
  idp_stop "$work/idp" || true
  rm -rf "$work"
}
trap finish EXIT

install_driver() { # from the lock file, checked against its digest; no script of it runs
  mkdir -p "$BROWSER_INSTALLED"
  exec 8>"$BROWSER_INSTALLED.lock"
  flock 8
  if ! cmp -s "$here/package-lock.json" "$BROWSER_INSTALLED/package-lock.json" || [ ! -d "$BROWSER_INSTALLED/node_modules" ]; then
    install -m 644 "$here/package.json" "$here/package-lock.json" "$BROWSER_INSTALLED"
    idp_lower "$BROWSER_INSTALLED" "$BROWSER_INSTALLED/package.json"
    (cd "$BROWSER_INSTALLED" && HOME=$PWD npm_config_cache=$PWD/cache npm_config_update_notifier=false \
      "${idp_as[@]}" npm ci --ignore-scripts --no-audit --no-fund --prefer-offline --loglevel=error >/dev/null)
  fi
  install -m 644 "$here/browser.mjs" "$BROWSER_INSTALLED"
}

browse() { # PART: with no more rights than it needs, and a home of its own
  mkdir -p "$work/home"
  idp_lower "$work/home" "$BROWSER_INSTALLED/browser.mjs"
  (cd "$BROWSER_INSTALLED" && HOME=$work/home "${idp_as[@]}" node browser.mjs "$chromium" "$origin" "$1" "$work/home")
}

free_port() {
  node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'
}

start_server() {
  "$server" "$work/paa.conf" shop "$port" "$plugins" >"$work/server.out" 2>>"$work/server.log" &
  server_pid=$!
  until grep -q listening "$work/server.out"; do
    kill -0 "$server_pid" || { cat "$work/server.log" >&2; exit 1; }
  done
}

install_driver
port=$(free_port)
origin=http://127.0.0.1:$port
mkdir -m 755 "$work/idp"
cat >"$work/idp/config.json" <<CONFIG
{"clients":{"shop":{"grant_types":["authorization_code"],"token_endpoint_auth_method":"client_secret_basic",
"client_secret":"the secret of the shop","redirect_uris":["$origin/callback"],
"post_logout_redirect_uris":["$origin/bye"]}}}
CONFIG
chmod 755 "$work"
idp_start "$work/idp"
. "$work/idp/ready"
install -m 600 "$work/idp/ca.crt" "$work/ca.crt"
(umask 077 && printf 'the secret of the shop' >"$work/secret")
cat >"$work/paa.conf" <<CONF
instances = { login = { plugin = "oauth2-code"; issuer = "$IDP_ISSUER"; client_id = "shop"; client_secret = "file:secret";
  callback = "/callback"; logout = "/logout"; after_logout = "/bye"; tls = { ca = "ca.crt"; }; }; };
services = { shop = { direction = "incoming"; origins = [ "$origin" ];
  rules = ( { path = "/bye"; chain = ( { required = "permit" } ); }, { path = "/**"; chain = ( { required = "login" } ); } ); }; };
CONF
chmod 600 "$work/paa.conf"
start_server
for part in login denial tabs logout; do
  browse "$part" || { cat "$work/server.log" "$work/idp/log" >&2; exit 1; }
done
[ -z "${BROWSER_PICTURES:-}" ] || cp "$work"/home/*.png "$BROWSER_PICTURES"
echo "the browser's tests passed"
