#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A client key that stays in a token (SoftHSM's): paactl and the example client present it to the example server, whose policy
# demands a certificate. The key is nowhere else, and the environment has no say.
#   token.sh BIN_FOLDER PLUGIN_FOLDER SOFTHSM_UTIL SOFTHSM_MODULE
set -u
bin=$1 plugins=$2 util=$3 module=$4
. "$(dirname "$0")/https_tools.sh"
pin=4711-secret

certificate ca self 'basicConstraints=critical,CA:TRUE\n'
certificate here ca 'subjectAltName=IP:127.0.0.1\n'
certificate alice ca 'extendedKeyUsage=clientAuth\n'
certificate bob ca 'extendedKeyUsage=clientAuth\n'

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
serve

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
}
example_client() { "$bin/paa-client" "$1.conf" out "$origin/x" "$plugins" >out 2>err; }
explain() { "$bin/paactl" explain "$@" --plugin-dir "$plugins" -c right.conf out GET "$origin/x" >out 2>err; }
is() { [ "$status" = "$1" ]; }
hides_pin() { fails grep -qF -e "$pin" -e not-the-pin out err; }

request right
check "paactl is let in" is 0
check "as who the certificate says" says out 'hello CN=alice'
check "no PIN is shown" hides_pin
request bare
check "without a certificate it is not" is 1
check "but refused" says err 403
request other
check "another one's certificate is not shown" is 3
request locked
check "a token does not open with a wrong PIN" is 3
check "no PIN is shown, right or wrong" hides_pin

check "paa-client is let in" example_client right
check "as who the certificate says, too" says out 'hello CN=alice'
check "it opens no token with a wrong PIN" fails example_client locked
check "and is not let in" lacks out hello

for format in '' --json; do
  check "explain explains" explain $format
  check "but not the PIN" hides_pin
  check "it tells whose key it is" says out "$module"
done
check "and that there is a PIN" says out '"key_pin":"***"'
summary 19
