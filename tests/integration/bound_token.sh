#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tokens that are bound to a certificate (RFC 8705), from end to end over real TLS: paactl and the example client obtain them
# from the real provider, known to it by their certificates, and show both to the example server. A server that was shown
# one, and wrote it down, has nothing of it. openssl is that server, curl the foreign client. And tokens that are bound to a
# key (RFC 9449), by the same hosts.
# Usage: bound_token.sh BIN_FOLDER PLUGIN_FOLDER IDP_TOOLS_SH ($IDP_INSTALLED says where the provider is installed)
set -u
bin=$1 plugins=$2
. "$3"
. "$(dirname "$0")/https_tools.sh"
shown+=(other.log audit.log)
PATIENCE=60

# ---- the provider, certificates, servers -----------------------------------------------------------------

use_idp '{}'
idp_certificate idp here /CN=here IP:127.0.0.1 || exit 1
idp_certificate idp thief /CN=thief DNS:thief.test || exit 1
idp_certificate idp renewed /CN=mtls DNS:mtls.test || exit 1 # another key for the same name
for name in {here,thief,renewed,mtls,selfsigned}.{crt,key}; do cp "idp/$name" . || exit 1; done
cp renewed.crt twin.crt && cp renewed.key twin.key
printf the-secret-of-api >api.secret

issuer="plugin = \"oauth2-cc\"; issuer = \"$IDP_ISSUER\"; tls = { ca = \"ca.crt\"; };"
jwts="$issuer audience = \"https://es256.test/\";"
cat >server.conf <<END
audit = { file = "audit.log"; };
instances = {
  bound  = { $jwts certificate_bound = true; };
  any    = { $jwts };
  dpop   = { $jwts dpop = "required"; dpop_nonce = true; };
  opaque = { $issuer audience = "https://opaque.test/"; token = "introspection"; certificate_bound = true;
             client_id = "api"; client_secret = "file:api.secret"; };
  peers  = { plugin = "mtls"; trust = "ca.crt"; identity = "dns"; };
};
services = { api = { direction = "incoming"; origins = [ "https://127.0.0.1" ];
  rules = ( { path = "/bound/**"; chain = ( { required = "bound" } ); },
            { path = "/any/**"; chain = ( { required = "any" } ); },
            { path = "/dpop/**"; chain = ( { required = "dpop" } ); },
            { path = "/opaque/**"; chain = ( { required = "opaque" } ); },
            { path = "/both/**"; chain = ( { required = "peers" }, { required = "bound" } ); identity = [ "bound", "peers" ]; } ); }; };
END
serve
at=$origin

get() { # URL CURL ARGUMENTS…: the status in ./code
  curl -s -m $PATIENCE --cacert ca.crt -D head -o out -w '%{http_code}' "$@" >code 2>err || true
}
is() { [ "$(cat code)" = "$1" ]; }

# It asks for certificates, shows what it was sent, and answers what comes through the pipe.
mkfifo answers
: >other.log
openssl s_server -accept 127.0.0.1:0 -naccept 1 -cert here.crt -key here.key -CAfile ca.crt -verify 1 \
  <answers >other.log 2>&1 &
other_server=$!
began+=($other_server)
exec 3>answers
until_true says_or_ended other.log ACCEPT $other_server
elsewhere=https://$(sed -n 's/^ACCEPT //p' other.log | head -n 1)
[ "$elsewhere" != https:// ] || give_up "openssl s_server does not start"

# ---- clients by policy -----------------------------------------------------------------------------------

client() { # CONF CLIENT RESOURCE AUTHENTICATION
  cat >"$1.conf" <<END
stores = { state = "$1.db"; };
instances = { me = { $issuer client_id = "$2"; resource = "$3"; scope = "orders:read"; $4 }; };
services = { out = { direction = "outgoing"; origins = [ "$at", "$elsewhere" ]; tls = { ca = "ca.crt"; };
                     chain = ( { required = "me" } ); }; };
END
}
shows() { # METHOD CERTIFICATE
  printf 'client_auth = "%s"; client_key = { key = "file:%s.key"; certificate = "%s.crt"; };' "$1" "$2" "$2"
  printf 'certificate_bound = true; token_endpoint = "%s/token";' "$IDP_MTLS"
}
client ca-signed mtls https://es256.test/ "$(shows tls_client_auth mtls)"
client self-signed selfsigned https://es256.test/ "$(shows self_signed_tls_client_auth selfsigned)"
client opaque mtls https://opaque.test/ "$(shows tls_client_auth mtls)"

request() { # CONF URL
  "$bin/paactl" request --plugin-dir "$plugins" -c "$1.conf" out GET "$2" >out 2>err
}
example_client() { "$bin/paa-client" "$1.conf" out "$2" "$plugins" >out 2>err; }
greets() { grep -q "^hello $1 (vouched for by $2)" out; }
obtained() { # how many tokens the provider gave
  idp_order "$work/idp" served | sed -n 's/.*"POST \/token":\([0-9]*\).*/\1/p'
}

for conf in ca-signed self-signed; do
  name=mtls && [ $conf = ca-signed ] || name=selfsigned
  check "$conf: paactl is let in with its token and certificate" request $conf "$at/bound"
  check "$conf: as the client that the token is of" greets $name bound
  check "$conf: another process, another connection" example_client $conf "$at/bound"
  check "$conf: likewise" greets $name bound
  check "$conf: where tokens need not be bound" request $conf "$at/any"
done
check "one token served all of that" test "$(obtained)" = 2
check "the certificate is judged beside the token" request ca-signed "$at/both"
check "and the token says who it is" greets mtls bound
check "a certificate that no CA vouches for proves no more than the token wants" fails request self-signed "$at/both"
check "what is said of it is no" says err 403
check "an opaque token's binding is the issuer's word" request opaque "$at/opaque"
check "it is taken" greets mtls opaque

# ---- a server that keeps what it was shown ---------------------------------------------------------------

"$bin/paa-client" ca-signed.conf out "$elsewhere/x" "$plugins" >out 2>err &
sender=$!
until_true says_or_ended other.log 'Authorization: Bearer ' $sender
printf 'HTTP/1.1 204 No Content\r\n\r\n' >&3
wait $sender
check "another server of the policy gets the token, too" test $? -eq 0
check "over a connection with the certificate" grep -q '^subject=CN *= *mtls$' other.log
tr -d '\r' <other.log | grep '^Authorization: Bearer ' >stolen
stolen=$(sed 's/.* //' stolen)
check "it is the token that served before" test "$(obtained)" = 3

with() { # CERTIFICATE PATH: the token in ./stolen, by curl
  local with=(--cert "$1.crt" --key "$1.key")
  [ "$1" != none ] || with=()
  get "${with[@]}" -H @stolen "$at$2"
}
refused() { # CERTIFICATE PATH: for the certificate's sake, as the audit has it
  with "$1" "$2"
  is 401 && grep -qi '^www-authenticate: Bearer .*error="invalid_token"' head && fails says out hello &&
    until_true grep -qE "\"path\":\"$2\".*\"reason\":\"certificate\"" audit.log
}
with mtls /bound
check "with its certificate it is good, whoever sends it" is 200
for path in /bound /any; do
  check "$path: with another certificate it is not" refused thief $path/thief
  check "$path: nor with one of the same name" refused twin $path/twin
  check "$path: nor with another client's" refused selfsigned $path/selfsigned
  check "$path: nor without any" refused none $path/none
done
check "a certificate that the CA vouches for does not help" refused thief /both/thief
with mtls /bound
check "and with its own it still is good" is 200

# ---- tokens that are not bound, and a certificate that is renewed ----------------------------------------

mv stolen kept
get -d grant_type=client_credentials -d resource=https://es256.test/ -u api:the-secret-of-api "$IDP_ISSUER/token"
printf 'Authorization: Bearer %s\n' "$(sed -n 's/.*"access_token":"\([^"]*\)".*/\1/p' out)" >stolen
with mtls /any
check "a token that is not bound is good where none need be" is 200
with mtls /bound/unbound
check "and not where they must be, whatever certificate is shown" is 401
check "the audit says why" until_true grep -q '"path":"/bound/unbound".*"reason":"unbound"' audit.log

cp renewed.crt mtls.crt && cp renewed.key mtls.key
check "a client whose certificate was renewed obtains another token" request ca-signed "$at/bound"
check "and is let in with both" greets mtls bound
check "that was one more" test "$(obtained)" = 5
mv kept stolen
check "the old token is worth nothing with the new certificate" refused mtls /bound/renewed

# ---- tokens that are bound to a key ----------------------------------------------------------------------

printf the-secret-of-dpop >dpop.secret
for conf in dpop-1 dpop-2; do # what they learn of nonces is their own
  client $conf dpop https://es256.test/ 'client_secret = "file:dpop.secret"; dpop = "required";'
done
check "paactl sends a proof, and once more with the server's nonce" request dpop-1 "$at/dpop"
check "and is let in" greets dpop dpop
check "so does the example client" example_client dpop-2 "$at/dpop"
check "likewise" greets dpop dpop
with mtls /dpop/bearer
check "a token that is bound to no key is not taken there" is 401

check "no token is in the server's log or audit" fails grep -qF -e "$stolen" server.log audit.log
summary 30
