#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# People log in as they do: paactl in a pseudo-terminal, the real provider, and curl for a browser, started by paactl
# where it would start one.
# Usage: people.sh PAACTL PLUGIN_DIR IDP_TOOLS_SH ($IDP_INSTALLED says where the provider is installed)
set -u
paactl=$1
plugins=$2
. "$3"
export LC_ALL=C.UTF-8 TERM=xterm
unset DISPLAY WAYLAND_DISPLAY

run() { # VERB ARGUMENTS…: without a terminal
  "$paactl" run --plugin-dir "$plugins" -c paa.conf me "$@" >out 2>err </dev/null
  status=$?
}

# VERB ARGUMENTS…: in a terminal. What it shows goes line by line to on_line, and into ./out.
on_terminal() {
  local line
  : >out
  while IFS= read -r line; do
    printf '%s\n' "$line" >>out
    on_line "${line%$'\r'}"
  done < <(script -qec "'$paactl' run --plugin-dir '$plugins' -c paa.conf me $*; echo \"status \$?\"" /dev/null </dev/null)
}

# ---- the browser ----

visit() { # CURL ARGUMENTS…: the page in ./page
  curl -sL -m 60 --cacert ca.crt -c jar -b jar -o page "$@"
}

inputs() { # the hidden ones of the form in ./page, for curl
  sed -n 's/.*<input type="hidden" name="\([^"]*\)" value="\([^"]*\)".*/--data-urlencode\n\1=\2/p' page
}

agree_to_code() { # URL
  local action given
  visit "$1"
  action=$(grep -o 'action="[^"]*"' page | head -1 | cut -d'"' -f2)
  mapfile -t given < <(inputs)
  visit "${given[@]}" "$action"
  visit "${given[@]}" -d confirm=yes "$action"
}

mkdir bin
cat >bin/xdg-open <<'END'
#!/bin/sh
printf '%s\n' "$#" "$1" >opened
curl -sL -m 60 --cacert ca.crt -c jar -b jar -o page "$1"
END
chmod 755 bin bin/xdg-open

use_idp '{"interactions":"auto"}'
cat >paa.conf <<END
stores = { state = "state.db"; };
instances = { me = { plugin = "oauth2-code"; issuer = "$IDP_ISSUER"; client_id = "app"; client_auth = "none";
  scope = "openid offline_access"; parameters = [ "prompt=consent" ]; tls = { ca = "ca.crt"; }; }; };
services = { out = { direction = "outgoing"; origins = [ "https://out.example.com" ]; chain = ( { required = "me" } ); }; };
END

# ---- a browser on this machine ----

on_line() { :; }
DISPLAY=:0 PATH=$work/bin:$PATH on_terminal login
check "the login ends well" says out "status 0"
check "it says who it is" says out alice
check "the browser gets the address and nothing else" test "$(head -1 opened)" = 1
check "the address is shown, too" says out "$(tail -1 opened)"
check "the page says that it is over" says page "You are logged in"
run status
check "another process sees the login" test "$status" -eq 0
check "and who it is" says out alice
run logout
check "logout revokes and forgets" test "$status" -eq 0
run status
check "afterwards nobody is logged in" test "$status" -eq 1
check "and the command that helps is told" says err "paactl run -c FILE me login"

# ---- one that is told the address ----

rm -f opened
on_line() {
  case $1 in
  *https://*client_id=*) visit "${1##* }" ;;
  esac
}
DISPLAY=:0 PATH=$work/bin:$PATH on_terminal login --no-browser
check "a person may take the address elsewhere" says out "status 0"
check "no browser is started then" test ! -e opened
PATH=$work/bin:$PATH on_terminal login
check "where no screen is, neither" test ! -e opened
run logout

# ---- another device ----

on_line() {
  case $1 in
  *https://*user_code=*) agree_to_code "${1##* }" ;;
  esac
}
on_terminal login device=true
check "a login on another device ends well" says out "status 0"
check "the code is shown" grep -q 'code: [A-Z]\{4\}-[A-Z]\{4\}' out
if "$paactl" version >/dev/null && grep -q "QRcode_encode" "$paactl"; then
  check "and a picture of the address" says out $'\e[30;107m'
fi
check "no token is on the terminal" lacks out eyJ

# ---- one that says no ----

rm -f jar
use_idp '{}'
sed -i "s|issuer = \"[^\"]*\"|issuer = \"$IDP_ISSUER\"|" paa.conf
on_line() {
  case $1 in
  *https://*client_id=*)
    visit -d answer=no "$(curl -s -o page -w '%{redirect_url}' --cacert ca.crt -c jar -b jar "${1##* }")"
    ;;
  esac
}
on_terminal login
check "who says no is not logged in" says out "status 1"
check "and is told so" says page "You are not logged in"

summary 18
