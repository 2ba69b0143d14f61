# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# For tests in shell of the example hosts over HTTPS, sourced with $bin and $plugins set: certificates made on the spot, and the
# example server, which asks for them. With tests/tools.sh.
. "$(dirname "${BASH_SOURCE[0]}")/../tools.sh"
shown+=(server.log)

certificate() { # NAME ISSUER EXTENSIONS: in NAME.crt and NAME.key; an issuer "self" is none
  local by=(-CA "$2.crt" -CAkey "$2.key" -CAcreateserial)
  [ "$2" != self ] || by=(-signkey "$1.key")
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr" 2>/dev/null
  printf '%b' "$3" >"$1.ext"
  openssl x509 -req -in "$1.csr" "${by[@]}" -days 2 -extfile "$1.ext" -out "$1.crt" 2>/dev/null || give_up "no certificate $1"
}

says_or_ended() { # FILE TEXT PID
  says "$1" "$2" || gone "$3"
}

# The example server with here.crt, server.conf and its service "api", whose one origin is "https://127.0.0.1" there, without the
# port: the server finds one, which is put there. Sets $server and $origin.
serve() {
  : >server.log
  "$bin/paa-server" -c here.crt -k here.key -n ca.crt server.conf api 0 "$plugins" >server.log 2>&1 &
  server=$!
  began+=("$server")
  until_true says_or_ended server.log 'listening on ' "$server"
  origin=https://$(sed -n 's/^listening on //p' server.log)
  [ "$origin" != https:// ] || give_up "the server does not start"
  sed -i "s|\"https://127.0.0.1\"|\"$origin\"|" server.conf
  kill -HUP "$server"
  until_true is_ours || give_up "the server does not answer by its policy"
}
is_ours() { # a request for this origin is no longer misdirected
  [ "$(curl -s -o /dev/null -w '%{http_code}' -m "$PATIENCE" --cacert ca.crt "$origin/" 2>/dev/null)" != 421 ]
}
