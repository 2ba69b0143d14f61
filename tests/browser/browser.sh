#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A real browser (Debian's Chromium, without a window) logs in at the real provider (tests/idp).
#   browser.sh server CHROMIUM PLUGIN_DIR SERVER           in front of the example server
#   browser.sh nginx CHROMIUM PLUGIN_DIR NGINX MODULE      in front of nginx with four workers
#   browser.sh terminal CHROMIUM PLUGIN_DIR PAACTL         for a program, which it comes back to
# The pages it saw are kept as pictures in $BROWSER_PICTURES, if that is set. Nothing waits for time to pass; what waits, waits
# for what is to come, and is patient.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
kind=$1 chromium=$2 plugins=$3 program=$4 module=${5:-} nginx=$4
. "$here/driver.sh"
. "$here/../idp/idp_tools.sh" # makes $work and goes there
. "$here/../integration/nginx_tools.sh"

broken() { # what everybody has to say of it
  cat "$work"/*.log "$work/idp/log" >&2 2>/dev/null || true
  exit 1
}

# ---- the browser ----

visit() { # PART ADDRESS
  browse "$chromium" "$work/home" "$1" "$2"
}

keep_pictures() {
  [ -z "${BROWSER_PICTURES:-}" ] || cp "$work"/home/*.png "$BROWSER_PICTURES"
}

# ---- the hosts ----

# Below the ports that the system gives to connections and to who asks for any: nobody takes it until it is listened at.
free_port() {
  node -e '
    const words = require("fs").readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8").split(/\s+/);
    const high = Number(words[0]) > 12000 ? Number(words[0]) : 60000;
    const listen = () => {
      const server = require("net").createServer().on("error", listen);
      server.listen(10000 + Math.floor(Math.random() * (high - 10000)), "127.0.0.1",
        () => { console.log(server.address().port); server.close(); });
    };
    listen();'
}

write_policy() {
  (umask 077 && printf 'the secret of the shop' >secret)
  cat >paa.conf <<END
stores = { state = "state.db"; };
instances = {
  login = { plugin = "oauth2-code"; issuer = "$IDP_ISSUER"; client_id = "shop"; client_secret = "file:secret";
    callback = "/callback"; logout = "/logout"; after_logout = "/bye"; cookie_key = "file:cookie.key"; tls = { ca = "ca.crt"; }; };
  brief = { plugin = "oauth2-code"; issuer = "$IDP_ISSUER"; client_id = "shop"; client_secret = "file:secret";
    callback = "/brief-callback"; cookie_key = "file:cookie.key"; lifetime = "10s"; tls = { ca = "ca.crt"; }; };
};
services = { shop = { direction = "incoming"; origins = [ "$origin" ]; upstream = { subject = "X-Auth-Subject"; };
  rules = ( { path = "/bye"; chain = ( { required = "permit" } ); }, { path = "/brief/**"; chain = ( { required = "brief" } ); },
    { path = "/**"; chain = ( { required = "login" } ); } ); }; };
END
}

start_server() {
  "$program" paa.conf shop "$port" "$plugins" >server.out 2>>server.log &
  began+=($!)
  until grep -q listening server.out; do
    kill -0 $! || broken
  done
}

start_nginx() {
  mkdir -p tmp
  cat >upstream.conf <<END
$(common upstream)
  server { listen unix:$work/upstream.sock; location / { return 200 "hello \$http_x_auth_subject\n"; } }
}
END
  cat >nginx.conf <<END
load_module $module;
worker_processes 4;
$(common nginx)
  paa_policy paa.conf;
  paa_plugin_dir $plugins;
  server {
    listen 127.0.0.1:$port; listen unix:$work/front.sock;
    paa shop;
    location / { proxy_pass http://unix:$work/upstream.sock; }
  }
}
END
  "$nginx" -p "$work/" -c "$work/upstream.conf" -e "$work/error.log" && run_nginx && until_true serving || broken
}

serve_pages() {
  port=$(free_port)
  origin=http://127.0.0.1:$port
  use_idp "{\"clients\":{\"shop\":{\"grant_types\":[\"authorization_code\"],\"token_endpoint_auth_method\":\"client_secret_basic\",
    \"client_secret\":\"the secret of the shop\",\"redirect_uris\":[\"$origin/callback\",\"$origin/brief-callback\"],
    \"post_logout_redirect_uris\":[\"$origin/bye\"]}}}"
  write_policy
  "start_$kind"
  for part in login denial tabs expiry logout; do
    visit "$part" "$origin" || broken
  done
}

# ---- a program ----

log_in() { # PART STATUS: the browser is told the address, and the program says how it ended
  local line said=''
  while IFS= read -r line; do
    printf '%s\n' "$line" >>terminal.log
    case $line in
    *https://*client_id=*) line=${line##* } && visit "$1" "${line%$'\r'}" || broken ;;
    *"status "*) said=${line%$'\r'} ;;
    esac
  done < <(TERM=xterm script -qec "'$program' run --plugin-dir '$plugins' -c paa.conf me login --no-browser; echo \"status \$?\"" \
    /dev/null </dev/null)
  [ "$said" = "status $2" ] || { echo "FAILED: $1 ends with '$said'" >&2; broken; }
}

run_terminal() {
  use_idp '{}'
  cat >paa.conf <<END
stores = { state = "state.db"; };
instances = { me = { plugin = "oauth2-code"; issuer = "$IDP_ISSUER"; client_id = "app"; client_auth = "none";
  scope = "openid offline_access"; parameters = [ "prompt=consent" ]; tls = { ca = "ca.crt"; }; }; };
services = { out = { direction = "outgoing"; origins = [ "https://out.example.com" ]; chain = ( { required = "me" } ); }; };
END
  log_in program_no 1
  log_in program 0
}

install_driver
if [ "$kind" = terminal ]; then run_terminal; else serve_pages; fi
keep_pictures
echo "the browser's tests passed"
