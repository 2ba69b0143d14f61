#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The example hosts and paactl over real HTTPS, with a CA made on the spot: the server asks for client certificates and lets
# the policy decide; clients verify it and present what their policy says. curl and openssl are the foreign clients.
#   https.sh BIN_FOLDER PLUGIN_FOLDER PEER_NAME
set -u
bin=$1 plugins=$2 peer_name=$3
. "$(dirname "$0")/https_tools.sh"

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
serve

get() { # URL CURL ARGUMENTS…: the status in ./code, that of the last of several
  curl -s -m $PATIENCE -o out -w '%{http_code}' --cacert ca.crt "$@" >code 2>err || true
}
is() { [ "$(cat code)" = "$1" ]; }
shows() { # NAME: curl's arguments for that certificate
  printf -- '--cert\n%s.crt\n--key\n%s.key\n' "$1" "$1"
}
mapfile -t alice < <(shows alice)
mapfile -t mallory < <(shows mallory)

get "$origin/open"
check "a client without a certificate reaches the policy" is 200
get "$origin/x"
check "and is not let in" is 403
get "${alice[@]}" "$origin/x"
check "alice is let in" is 200
check "as alice" says out 'hello alice'
# Nobody's certificate is the policy's to judge: this one only reads it.
get "${mallory[@]}" "$origin/x"
check "mallory reaches the policy" is 200
check "as mallory" says out 'hello mallory'
curl -s -m $PATIENCE -o out -w '%{http_code}' "$origin/open" >code 2>err
check "who does not know the CA takes the server for no server" is 000
openssl s_client -connect "${origin#https://}" -CAfile ca.crt </dev/null >out 2>err
check "certificates of that CA are asked for" says out 'CN = ca'
curl -s -m $PATIENCE --cacert ca.crt "${alice[@]}" "$origin/x" "$origin/y" >out 2>err
check "the second request of a connection knows what the first found out" test "$(grep -c 'hello alice' out)" = 2

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

example_client() { "$bin/paa-client" "$1.conf" out "$origin/x" "$plugins" >out 2>err; }
request() { "$bin/paactl" request --plugin-dir "$plugins" -c "$1.conf" out GET "$origin/x" >out 2>err; }
explain() { "$bin/paactl" explain "$@" --plugin-dir "$plugins" -c right.conf out GET "$origin/x" >out 2>err; }

check "paa-client is let in" example_client right
check "as alice, too" says out 'hello alice'
check "without a certificate it is not" fails example_client bare
check "but refused" says err 'HTTP 403'
check "it takes not any server" fails example_client stranger
check "nor has it spoken with it" lacks out hello
check "paactl is let in" request right
check "as alice, as well" says out 'hello alice'
request stranger
check "it takes not any server either" test $? = 3
check "verify = false does not verify" request careless
check "and lets alice in" says out 'hello alice'
"$bin/paactl" check --plugin-dir "$plugins" careless.conf >out 2>&1
check "on loopback that is no error" test $? = 0
check "but warned of" says out 'certificates of loopback addresses are not verified, so anybody on the way can be that server: "a test"'
for format in '' --json; do
  check "explain explains" explain $format
  check "but not the private key" lacks out 'PRIVATE KEY'
  check "and says that it does not" says out '***'
done
check "the certificate is no secret" says out 'BEGIN CERTIFICATE'

# With a connection that is still open.
curl -s -m $PATIENCE --cacert ca.crt "${alice[@]}" "$origin/x" >out
kill -TERM "$server"
wait "$server"
check "the server ends in order" test $? = 0
summary 28
