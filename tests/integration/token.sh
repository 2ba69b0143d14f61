#!/usr/bin/env bash
# A client key that stays in a token (SoftHSM's): paactl and the example client present it to the example server, whose policy
# demands a certificate. The key is nowhere else, and the environment has no say.
#   token.sh BIN_FOLDER PLUGIN_FOLDER SOFTHSM_UTIL SOFTHSM_MODULE
set -euo pipefail
umask 077
bin=$1 plugins=$2 util=$3 module=$4
pin=4711-secret
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work"

fail() {
  echo "$*" >&2
  for file in server.log out err; do [ ! -e "$file" ] || sed "s/^/$file: /" "$file" >&2; done
  exit 1
}
expect() { # FILE WORD
  grep -qF -- "$2" "$1" || fail "$1 does not have: $2"
}

# certificate NAME EXTENSIONS
certificate() {
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr" 2>/dev/null
  printf '%b' "$2" >"$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile "$1.ext" -out "$1.crt" 2>/dev/null
}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=ca -days 2 -keyout ca.key -out ca.crt 2>/dev/null
certificate here 'subjectAltName=IP:127.0.0.1\n'
certificate alice 'extendedKeyUsage=clientAuth\n'
certificate bob 'extendedKeyUsage=clientAuth\n'

mkdir tokens
printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n' "$work" >softhsm2.conf
export SOFTHSM2_CONF=$work/softhsm2.conf
"$util" --init-token --free --label paa --pin "$pin" --so-pin 5678 >/dev/null
openssl pkcs8 -topk8 -nocrypt -in alice.key -out alice.p8
"$util" --import alice.p8 --token paa --pin "$pin" --label alice --id 01 >/dev/null
rm alice.key alice.p8
printf %s "$pin" >pin
printf %s "not-the-pin" >wrong-pin
# What OpenSSL and libp11 would believe.
export OPENSSL_ENGINES=/nowhere PKCS11_MODULE_PATH=/nowhere.so OPENSSL_CONF=/dev/null

cat >server.conf <<END
instances = { peers = { plugin = "mtls"; trust = "ca.crt"; }; };
services = { api = { direction = "incoming"; origins = [ "https://127.0.0.1" ]; chain = ( { required = "peers" } ); }; };
END
"$bin/paa-server" -c here.crt -k here.key -n ca.crt server.conf api 0 "$plugins" >server.log 2>&1 &
server=$!
until grep -q '^listening on ' server.log; do
  kill -0 "$server" 2>/dev/null || fail "the server has ended"
done
origin=https://$(sed -n 's/^listening on //p' server.log)
sed -i "s|\"https://127.0.0.1\"|\"$origin\"|" server.conf
kill -HUP "$server"

client() { # CONF CERTIFICATE PIN CHAIN
  cat >"$1.conf" <<END
keys = { hsm = { uri = "pkcs11:token=paa;object=alice"; module = "$module"; certificate = "$2.crt"; pin = "file:$3"; }; };
instances = { me = { plugin = "mtls"; client_key = "hsm"; }; };
services = { out = { direction = "outgoing"; origins = [ "$origin" ]; tls = { ca = "ca.crt"; };
                     chain = ( { required = "$4" } ); }; };
END
}
client right alice pin me
client bare alice pin permit
client locked alice wrong-pin me
client other bob pin me

request() { # CONF: what paactl's status is
  status=0
  "$bin/paactl" request --plugin-dir "$plugins" -c "$1.conf" out GET "$origin/x" >out 2>err || status=$?
  ! grep -qF -e "$pin" -e not-the-pin out err || fail "the PIN is shown"
}

for try in $(seq 1000); do # until the reload has come
  request right
  [ "$status" = 0 ] && break
done
[ "$status" = 0 ] || fail "paactl is not let in: $status"
expect out 'hello CN=alice'
request bare
[ "$status" = 1 ] || fail "paactl is let in without a certificate: $status"
expect err 403
request other
[ "$status" = 3 ] || fail "another one's certificate is shown: $status"
request locked
[ "$status" = 3 ] || fail "a token opens with a wrong PIN: $status"

"$bin/paa-client" right.conf out "$origin/x" "$plugins" >out 2>err || fail "paa-client is not let in"
expect out 'hello CN=alice'
"$bin/paa-client" locked.conf out "$origin/x" "$plugins" >out 2>err && fail "paa-client opens a token with a wrong PIN"
! grep -q hello out || fail "paa-client is let in with a wrong PIN"

for format in '' --json; do
  "$bin/paactl" explain $format --plugin-dir "$plugins" -c right.conf out GET "$origin/x" >out 2>err || fail "explain says no"
  ! grep -qF -e "$pin" out err || fail "explain shows the PIN"
  expect out "$module"
done
expect out '"key_pin":"***"'
echo "a key in a token is shown, and stays there"
