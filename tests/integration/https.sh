#!/usr/bin/env bash
# The example hosts and paactl over real HTTPS, with a CA made on the spot: the server asks for client certificates and lets
# the policy decide; clients verify it and present what their policy says. curl and openssl are the foreign clients.
#   https.sh BIN_FOLDER PLUGIN_FOLDER PEER_NAME
set -euo pipefail
umask 077
bin=$1 plugins=$2 peer_name=$3
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work"

fail() {
  echo "$*" >&2
  for file in server.log out err; do [ ! -e "$file" ] || sed "s/^/$file: /" "$file" >&2; done
  exit 1
}
expect() { # what WORD: the file `out` or `err` has it
  grep -qF -- "$2" "$1" || fail "$1 does not have: $2"
}

# certificate NAME ISSUER EXTENSIONS
certificate() {
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr" 2>/dev/null
  printf '%b' "$3" >"$1.ext"
  if [ "$2" = self ]; then
    openssl x509 -req -in "$1.csr" -signkey "$1.key" -days 2 -extfile "$1.ext" -out "$1.crt" 2>/dev/null
  else
    openssl x509 -req -in "$1.csr" -CA "$2.crt" -CAkey "$2.key" -CAcreateserial -days 2 -extfile "$1.ext" -out "$1.crt" 2>/dev/null
  fi
}
certificate ca self 'basicConstraints=critical,CA:TRUE\n'
certificate here ca 'subjectAltName=IP:127.0.0.1\n'
certificate alice ca 'extendedKeyUsage=clientAuth\n'
certificate mallory self 'extendedKeyUsage=clientAuth\n'

cat >server.conf <<END
instances = { peers = { plugin = "$peer_name"; }; };
services = { api = { direction = "incoming"; origins = [ "https://127.0.0.1" ];
  rules = ( { path = "/open"; chain = ( { required = "permit" } ); },
            { path = "/**"; chain = ( { required = "peers" } ); } ); }; };
END
"$bin/paa-server" -c here.crt -k here.key -n ca.crt server.conf api 0 "$plugins" >server.log 2>&1 &
server=$!
until grep -q '^listening on ' server.log; do
  kill -0 "$server" 2>/dev/null || fail "the server has ended"
done
origin=https://$(sed -n 's/^listening on //p' server.log)
# The policy names the public origin, which has the port that the server found.
sed -i "s|\"https://127.0.0.1\"|\"$origin\"|" server.conf
kill -HUP "$server"

get() { curl -s -o out -w '%{http_code}' --cacert ca.crt "$@" 2>err || true; }

for try in $(seq 1000); do # until the reload has come
  [ "$(get "$origin/open")" = 200 ] && break
done
[ "$(get "$origin/open")" = 200 ] || fail "a client without a certificate does not reach the policy"
[ "$(get "$origin/x")" = 403 ] || fail "a client without a certificate is let in"
[ "$(get --cert alice.crt --key alice.key "$origin/x")" = 200 ] || fail "alice is not let in"
expect out 'hello alice'
# Nobody's certificate is the policy's to judge: this one only reads it.
[ "$(get --cert mallory.crt --key mallory.key "$origin/x")" = 200 ] || fail "mallory does not reach the policy"
expect out 'hello mallory'
[ "$(curl -s -o /dev/null -w '%{http_code}' "$origin/open" 2>err || true)" = 000 ] || fail "curl knows the CA"
openssl s_client -connect "${origin#https://}" -CAfile ca.crt </dev/null >out 2>err || true
expect out 'CN = ca'
# Two requests of one connection, the second with what the first found out.
curl -s --cacert ca.crt --cert alice.crt --key alice.key "$origin/x" "$origin/y" >out 2>err
[ "$(grep -c 'hello alice' out)" = 2 ] || fail "a kept connection forgets who it is of"

# ---- clients by policy -----------------------------------------------------------------------------------

client() { # CONF NAME TLS KEY
  cat >"$1.conf" <<END
instances = { me = { plugin = "mtls"; client_key = { key = "file:$4.key"; certificate = "$4.crt"; }; }; };
services = { out = { direction = "outgoing"; origins = [ "$origin" ]; tls = { $3 };
                     chain = ( { required = "$2" } ); }; };
END
}
client right me 'ca = "ca.crt";' alice
client bare permit 'ca = "ca.crt";' alice
client stranger me 'ca = "mallory.crt";' alice
client careless me 'verify = false; insecure_reason = "a test";' alice

"$bin/paa-client" right.conf out "$origin/x" "$plugins" >out 2>err || fail "paa-client is not let in"
expect out 'hello alice'
"$bin/paa-client" bare.conf out "$origin/x" "$plugins" >out 2>err && fail "paa-client is let in without a certificate"
expect err 'HTTP 403'
"$bin/paa-client" stranger.conf out "$origin/x" "$plugins" >out 2>err && fail "paa-client takes any server"
grep -q 'hello' out && fail "paa-client has spoken with a server that it does not know"
"$bin/paactl" request --plugin-dir "$plugins" -c right.conf out GET "$origin/x" >out 2>err || fail "paactl is not let in"
expect out 'hello alice'
status=0
"$bin/paactl" request --plugin-dir "$plugins" -c stranger.conf out GET "$origin/x" >out 2>err || status=$?
[ "$status" = 3 ] || fail "paactl takes any server: $status"
"$bin/paactl" request --plugin-dir "$plugins" -c careless.conf out GET "$origin/x" >out 2>err || fail "verify = false verifies"
expect out 'hello alice'
"$bin/paactl" check --plugin-dir "$plugins" careless.conf >out 2>&1 || fail "verify = false on loopback is an error"
expect out 'certificates of loopback addresses are not verified, so anybody on the way can be that server: "a test"'
for format in '' --json; do
  "$bin/paactl" explain $format --plugin-dir "$plugins" -c right.conf out GET "$origin/x" >out 2>err || fail "explain says no"
  grep -q 'PRIVATE KEY' out && fail "explain shows the private key"
  expect out '***'
done
expect out 'BEGIN CERTIFICATE'

# It ends in order, with a connection that is still open.
curl -s --cacert ca.crt --cert alice.crt --key alice.key "$origin/x" >out
kill -TERM "$server"
status=0
wait "$server" || status=$?
[ "$status" = 0 ] || fail "the server ends with $status"
server=
echo "HTTPS both ways, and policy decides"
