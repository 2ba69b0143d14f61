#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The provider does what other tests rely on, asked by curl and openssl alone: none of PAA's code is here.
# Usage: smoke.sh ($IDP_INSTALLED answers where it is installed)
set -u
. "$(dirname "$0")/idp_tools.sh"
shown+=(head)

# ---- tools ----

start() { # CONFIG
  rm -f jar
  use_idp "$1"
}

ask() { # CURL ARGUMENTS…: the answer in ./out, its fields in ./head
  curl -sS -m 60 --cacert idp/ca.crt -D head -o out -w '%{http_code}' "$@" >code 2>err || echo 000 >code
  sed -i 's/\r$//' head
}
token() { # CURL ARGUMENTS…
  ask "$IDP_ISSUER/token" -d grant_type=client_credentials "$@"
}
is() { [ "$(cat code)" = "$1" ]; }
has() { grep -qF -e "$1" out; }
answers() { is "$1" && has "$2"; } # STATUS TEXT
field() { sed -n "s/^$1: //Ip" head; }
member() { sed -n 's/.*"'"$1"'":"\{0,1\}\([^",}]*\).*/\1/p' "${2:-out}"; }
encoded() { base64 -w0 | tr '+/' '-_' | tr -d =; }
decoded() { # one part of a JWT
  local text
  text=$(tr '_-' '/+')
  case $((${#text} % 4)) in 2) text=$text== ;; 3) text=$text= ;; esac
  printf '%s' "$text" | base64 -d
}
bytes() { # HEX: the bytes
  printf '%b' "$(printf '%s' "$1" | sed 's/../\\x&/g')"
}

# An ECDSA signature, two numbers in DER, as JWS writes it (RFC 7518 3.4).
joined() {
  local number
  for number in $(openssl asn1parse -inform DER | sed -n 's/.*INTEGER *://p'); do
    bytes "$(printf '%064s' "$number" | tr ' ' 0)"
  done
}
sign() { # ALG KEY, standard input
  cat >signed
  case $1 in
  RS256) openssl dgst -sha256 -sign "$2" signed ;;
  ES256) openssl dgst -sha256 -sign "$2" signed | joined ;;
  EdDSA) openssl pkeyutl -sign -rawin -in signed -inkey "$2" ;;
  esac
}
jwt() { # ALG KEY HEADER CLAIMS: members of both without braces
  local input
  input=$(printf '{"alg":"%s",%s}' "$1" "$3" | encoded).$(printf '{%s}' "$4" | encoded)
  printf '%s.%s' "$input" "$(printf '%s' "$input" | sign "$1" "$2" | encoded)"
}
jti() { openssl rand -hex 16; }

parts() { # of the access token in ./out: ./token, ./claims and the JOSE header in ./jose
  member access_token | tr -d '\n' >token
  cut -d. -f1 token | tr -d '\n' | decoded >jose
  cut -d. -f2 token | tr -d '\n' | decoded >claims
}

# ---- discovery, secrets, JWT access tokens ----

default_provider() {
  start '{}'
  ask "$IDP_ISSUER/.well-known/openid-configuration"
  check 'discovery names the issuer itself (OpenID Connect Discovery 4.3)' answers 200 "\"issuer\":\"$IDP_ISSUER\""
  check 'endpoints that ask for certificates have aliases (RFC 8705 5)' \
    has "\"mtls_endpoint_aliases\":{\"token_endpoint\":\"$IDP_MTLS/token\""
  ask "$IDP_ISSUER/.well-known/oauth-authorization-server"
  check 'it is no RFC 8414 path: clients look below openid-configuration too' is 404
}

secrets() {
  # RFC 6749 2.3.1: form-encoded inside Basic, so the colon and the percent sign are seen through.
  token -u basic:the+secret%3A+of+basic%2B100%25
  check 'client_secret_basic' answers 200 '"token_type":"Bearer"'
  check 'tokens are not stored on the way (RFC 6749 5.1)' test "$(field cache-control)" = no-store
  token -u 'basic:the secret: of basic+100%'
  check 'a secret that was not encoded is refused' answers 400 invalid_request
  token -u basic:wrong
  check 'a wrong secret is refused' answers 401 invalid_client
  token -d client_id=post --data-urlencode 'client_secret=the secret: of post+100%'
  check 'client_secret_post' is 200
  cp out opaque
  token -u post:the+secret%3A+of+post%2B100%25
  check 'its secret in the header is refused' answers 401 invalid_client
  token -d client_id=basic --data-urlencode 'client_secret=the secret: of basic+100%'
  check 'and so is the other one in the form' answers 401 invalid_client
  token -d client_id=nobody -d client_secret=x
  check 'an unknown client is refused' answers 401 invalid_client
}

access_tokens() {
  local alg name
  for alg in RS256 ES256 EdDSA; do
    name=https://$(echo $alg | tr A-Z a-z).test/
    token -u api:the-secret-of-api -d "resource=$name" -d 'scope=orders:read other'
    check "a JWT access token by $alg" is 200
    parts
    check "it is one by RFC 9068 2.1: $(cat jose)" test "$(member typ jose) $(member alg jose)" = "at+jwt $alg"
    for claim in "\"iss\":\"$IDP_ISSUER\"" "\"aud\":\"$name\"" '"sub":"api"' '"client_id":"api"' '"iat":' '"exp":' '"jti":' \
      '"scope":"orders:read"'; do
      check "it claims $claim: $(cat claims)" grep -qF -e "$claim" claims
    done
    ask "$IDP_ISSUER/jwks"
    check "its key is published" has "\"kid\":\"$(member kid jose)\""
    check "private halves are not" test -z "$(member d)"
  done
  token -u api:the-secret-of-api -d resource=https://unknown.test/
  check 'an unknown resource is refused (RFC 8707 2)' answers 400 invalid_target
}

algorithms() {
  local alg secret=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef config=''
  local all="RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA HS256 HS384 HS512"
  for alg in $all; do
    config="$config${config:+,}\"https://$alg.test/\":{\"alg\":\"$alg\",\"scope\":\"a\",\"audience\":\"$alg\""
    config="$config,\"secret\":\"$secret\",\"ttl_s\":9}"
  done
  start "{\"resources\":{$config}}"
  for alg in $all; do
    token -u api:the-secret-of-api -d "resource=https://$alg.test/"
    check "a resource has its lifetime" answers 200 '"expires_in":9'
    parts
    check "its algorithm $alg, its audience" test "$(member alg jose) $(member aud claims)" = "$alg $alg"
  done
  printf '%s' "$(cut -d. -f1,2 token)" | openssl dgst -sha512 -hmac $secret -binary | encoded >mac
  check 'by HS512 with the secret' test "$(cat mac)" = "$(cut -d. -f3 token)"
}

signature() { # the token in ./token is signed by the published Ed25519 key of its kid (RFC 8037)
  grep -o "{[^{]*\"kid\":\"$(member kid jose)\"[^}]*}" out >key
  { bytes 302a300506032b6570032100; member x key | tr -d '\n' | decoded; } >key.der
  openssl pkey -pubin -inform DER -in key.der -out key.pem 2>/dev/null || return 1
  cut -d. -f1,2 token | tr -d '\n' >input
  cut -d. -f3 token | tr -d '\n' | decoded >signature
  openssl pkeyutl -verify -rawin -pubin -inkey key.pem -in input -sigfile signature >/dev/null 2>&1
}

introspection() {
  local opaque
  opaque=$(member access_token opaque)
  ask "$IDP_ISSUER/token/introspection" -u api:the-secret-of-api -d "token=$opaque"
  check 'a resource server introspects an opaque token (RFC 7662)' answers 200 '"active":true'
  check 'it is told whose it is' has '"client_id":"post"'
  ask "$IDP_ISSUER/token/introspection" -u basic:the+secret%3A+of+basic%2B100%25 -d "token=$opaque"
  check 'another client learns nothing' answers 200 '{"active":false}'
  ask "$IDP_ISSUER/token/revocation" -d "token=$opaque" -d client_id=post \
    --data-urlencode 'client_secret=the secret: of post+100%'
  check 'its client revokes it (RFC 7009)' is 200
  ask "$IDP_ISSUER/token/introspection" -u api:the-secret-of-api -d "token=$opaque"
  check 'then it is nothing' answers 200 '{"active":false}'
  token -u api:the-secret-of-api -d resource=https://opaque.test/ -d scope=orders:read
  ask "$IDP_ISSUER/token/introspection" -u api:the-secret-of-api -d "token=$(member access_token)"
  check 'an opaque token for a resource answers for which' answers 200 '"aud":"https://opaque.test/"'
}

# ---- keys of clients ----

assertion() { # ALG KID: by the client jwt, for the issuer (RFC 7523 3)
  jwt "$1" "idp/jwt-$2.key" "\"kid\":\"$2\"" \
    "\"iss\":\"jwt\",\"sub\":\"jwt\",\"aud\":\"$IDP_ISSUER\",\"jti\":\"$(jti)\",\"exp\":$(($(date +%s) + 300))"
}
by_assertion() { # ASSERTION
  token -d client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer -d "client_assertion=$1"
}

assertions() {
  local pair made
  for pair in 'RS256 rsa' 'ES256 p256' 'EdDSA ed25519'; do
    made=$(assertion $pair)
    by_assertion "$made"
    check "private_key_jwt by $pair" is 200
    by_assertion "$made"
    check "the same assertion by $pair again is refused" answers 401 invalid_client
  done
  by_assertion "$(jwt EdDSA idp/jwt-ed25519.key '"kid":"ed25519"' \
    "\"iss\":\"jwt\",\"sub\":\"jwt\",\"aud\":\"https://other.test\",\"jti\":\"$(jti)\",\"exp\":$(($(date +%s) + 300))")"
  check 'an assertion for another issuer is refused' answers 401 invalid_client
}

thumbprint() { # CERTIFICATE: x5t#S256 (RFC 8705 3.1)
  openssl x509 -in "$1" -outform DER | openssl dgst -sha256 -binary | encoded
}
by_certificate() { # CLIENT CERTIFICATE
  ask "$IDP_MTLS/token" -d grant_type=client_credentials -d "client_id=$1" -d resource=https://eddsa.test/ \
    --cert "idp/$2.crt" --key "idp/$2.key"
}

certificates() {
  local client
  for client in mtls selfsigned; do
    by_certificate $client $client
    check "the client $client is known by its certificate" is 200
    parts
    check "its token is bound to it: $(cat claims)" \
      grep -qF -e "\"cnf\":{\"x5t#S256\":\"$(thumbprint idp/$client.crt)\"}" claims
  done
  by_certificate mtls selfsigned
  check 'a certificate of nobody is refused' answers 401 invalid_client
  idp_certificate idp other /CN=other DNS:other.test
  by_certificate mtls other
  check 'one of another subject is refused' answers 401 invalid_client
  token -d client_id=mtls
  check 'none is refused' answers 401 invalid_client
}

# ---- DPoP (RFC 9449) ----

proof() { # ALG URL NONCE: by a key made here
  local jwk point
  if [ "$1" = ES256 ]; then
    point=$(openssl pkey -pubin -in idp/jwt-p256.pub -outform DER | tail -c 64 | od -An -vtx1 | tr -d ' \n')
    jwk="\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"$(bytes "${point:0:64}" | encoded)\""
    jwk="$jwk,\"y\":\"$(bytes "${point:64}" | encoded)\""
    set -- "$1" "$2" "$3" p256
  else
    jwk="\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"$(openssl pkey -pubin -in idp/jwt-ed25519.pub -outform DER | tail -c 32 | encoded)\""
    set -- "$1" "$2" "$3" ed25519
  fi
  jwt "$1" "idp/jwt-$4.key" "\"typ\":\"dpop+jwt\",\"jwk\":{$jwk}" \
    "\"htm\":\"POST\",\"htu\":\"$2\",\"jti\":\"$(jti)\",\"iat\":$(date +%s)${3:+,\"nonce\":\"$3\"}"
}
by_proof() { # ALG URL NONCE
  token -u dpop:the-secret-of-dpop -d resource=https://eddsa.test/ -H "DPoP: $(proof "$1" "$2" "$3")"
}

dpop() {
  local alg
  for alg in ES256 EdDSA; do
    by_proof $alg "$IDP_ISSUER/token" ''
    check "a token bound to a $alg key" answers 200 '"token_type":"DPoP"'
    parts
    check "answers so: $(cat claims)" grep -qE '"cnf":\{"jkt":"[A-Za-z0-9_-]{43}"\}' claims
  done
  check 'the next nonce is told' test -n "$(field dpop-nonce)"
  token -u dpop:the-secret-of-dpop
  check 'no proof, no token' answers 400 invalid_grant
  by_proof ES256 "$IDP_ISSUER/elsewhere" ''
  check 'a proof for elsewhere is refused' answers 400 invalid_dpop_proof
}

nonces() {
  start '{"dpop_nonce":true}'
  by_proof ES256 "$IDP_ISSUER/token" ''
  check 'the provider can demand its nonce' answers 400 use_dpop_nonce
  by_proof ES256 "$IDP_ISSUER/token" "$(field dpop-nonce)"
  check 'and is content with it' answers 200 '"token_type":"DPoP"'
}

# ---- what tests tell it ----

signed_by() { # KID: so is a new token, and the key is there
  token -u api:the-secret-of-api -d resource=https://eddsa.test/
  parts
  ask "$IDP_ISSUER/jwks"
  [ "$(member kid jose)" = "$1" ] && signature
}
fits() { ask "$IDP_ISSUER/jwks" && signature; }
fits_not() { ! fits; }
kept() {
  for part in token jose; do cp "$1.$part" "$part"; done
}
keep() {
  for part in token jose; do cp "$part" "$1.$part"; done
}

orders() {
  check 'the first keys sign' signed_by ed25519-1
  keep first
  idp_order idp rotate >/dev/null
  check 'new keys sign after a rotation' signed_by ed25519-2
  keep second
  kept first
  check 'the old key is still there' fits
  idp_order idp withdraw >/dev/null
  check 'until it is withdrawn' fits_not
  idp_order idp replace >/dev/null
  check 'a replaced key has the same name' signed_by ed25519-2
  kept second
  check 'and is another one' fits_not
  idp_order idp down >/dev/null
  ask "$IDP_ISSUER/jwks"
  check 'it can be down' is 000
  idp_order idp up >/dev/null
  ask "$IDP_ISSUER/jwks"
  check 'and up again' is 200
  idp_order idp served >out
  check 'it counts what it serves' grep -qE '"GET /jwks":[0-9]+' out
  idp_order idp nonsense 2>/dev/null >out
  check 'it obeys no order that it does not know' test $? -ne 0
}

# ---- people ----

verifier=0123456789abcdefghijklmnopqrstuvwxyzABCDEFGH
challenge=$(printf %s $verifier | openssl dgst -sha256 -binary | encoded)
authorize="/auth?client_id=app&response_type=code&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcallback"
authorize="$authorize&scope=openid%20orders%3Aread&state=s1&nonce=n1&code_challenge=$challenge&code_challenge_method=S256"

browse() { # URL CURL ARGUMENTS…: follows to the next page, or to where the client would be
  local url=$1 i
  shift
  for i in 1 2 3 4 5 6 7 8; do
    ask -b jar -c jar "$url" "$@"
    url=$(field location)
    case $url in
    '') return ;;
    http://127.0.0.1:9/*) back=$url && return ;;
    https://*) ;;
    *) url=$IDP_ISSUER$url ;;
    esac
    page=$url
    set --
  done
}
param() { printf '%s' "$back" | sed -n "s/.*[?&]$1=\([^&]*\).*/\1/p"; }
redeem() { # CODE
  ask "$IDP_ISSUER/token" -d grant_type=authorization_code -d client_id=app -d "code=$1" \
    -d redirect_uri=http://127.0.0.1:9/callback -d "code_verifier=$verifier"
}
renew() { # REFRESH TOKEN
  ask "$IDP_ISSUER/token" -d grant_type=refresh_token -d client_id=app -d "refresh_token=$1"
}

person() {
  local old
  back='' page=''
  browse "$IDP_ISSUER$authorize&resource=https%3A%2F%2Feddsa.test%2F"
  check 'who is not logged in sees a login' answers 200 '<h1>Log in</h1>'
  browse "$page" -d login=bob -d answer=yes
  check 'and then is asked' answers 200 'wants to act for'
  browse "$page" -d answer=yes
  check "the code comes back, with state and issuer (RFC 9207): $back" \
    test "$(param state) $(param iss)" = "s1 $(printf %s "$IDP_ISSUER" | sed 's,:,%3A,g; s,/,%2F,g')"
  redeem "$(param code)"
  check 'the code is worth tokens' answers 200 '"id_token":'
  parts
  check "of that person, for that resource: $(cat claims)" grep -qF -e '"sub":"bob"' claims
  check 'with the scope' grep -qF -e '"scope":"orders:read"' claims
  logout_hint=$(member id_token)
  old=$(member refresh_token)
  renew "$old"
  check 'a refresh token is worth another' is 200
  check 'which is a new one' test "$(member refresh_token)" != "$old"
  renew "$old"
  check 'the old one is refused' answers 400 invalid_grant
}

logout() {
  ask "$IDP_ISSUER/session/end?id_token_hint=$logout_hint" -b jar -c jar
  check 'who logs out is asked first' answers 200 '<h1>Log out</h1>'
  browse "$IDP_ISSUER/session/end/confirm" -d "xsrf=$(xsrf)" -d logout=yes
  check 'then is out' answers 200 'You are logged out'
  browse "$IDP_ISSUER$authorize"
  check 'and has to log in again' answers 200 '<h1>Log in</h1>'
}
xsrf() { sed -n 's/.*name="xsrf" value="\([^"]*\)".*/\1/p' out; }

person_says_no() {
  rm -f jar
  browse "$IDP_ISSUER$authorize"
  browse "$page" -d login=bob -d answer=no
  check "who answers no is taken at their word: $back" test "$(param error)" = access_denied
}

automatic() {
  start '{"interactions":"auto","mtls":"main","host":"localhost","ttl_s":{"ClientCredentials":7},"clients":{"basic":{
    "token_endpoint_auth_method":"client_secret_basic","grant_types":["client_credentials"],"client_secret":"mine"}}}'
  browse "$IDP_ISSUER$authorize"
  redeem "$(param code)"
  check 'interactions can be left out' answers 200 '"id_token":'
  ask "$IDP_ISSUER/request" -d client_id=app -d response_type=code -d scope=openid \
    -d redirect_uri=http://127.0.0.1:9/callback -d "code_challenge=$challenge" -d code_challenge_method=S256
  check 'requests can be pushed (RFC 9126)' answers 201 '"request_uri":'
  browse "$IDP_ISSUER/auth?client_id=app&request_uri=$(member request_uri)"
  redeem "$(param code)"
  check 'and are worth a code' is 200
  token -u basic:mine
  check 'lifetimes and clients are the test'"'"'s choice' answers 200 '"expires_in":7'
  check 'the issuer can have another name' test "${IDP_ISSUER%:*}" = https://localhost
  by_certificate mtls mtls
  check 'certificates can be asked for everywhere' test "$(cat code) $IDP_MTLS" = "200 $IDP_ISSUER"
}

device_asks() { # DEVICE CODE
  ask "$IDP_ISSUER/token" -d grant_type=urn:ietf:params:oauth:grant-type:device_code -d client_id=app -d "device_code=$1"
}

device() {
  local code
  ask "$IDP_ISSUER/device/auth" -d client_id=app -d scope=openid
  check 'a device gets a code to show (RFC 8628)' answers 200 '"user_code":'
  code=$(member device_code)
  cp out shown
  device_asks "$code"
  check 'and waits' answers 400 authorization_pending
  browse "$(member verification_uri_complete shown)"
  browse "$IDP_ISSUER/device" -d "xsrf=$(xsrf)" -d "user_code=$(member user_code shown)" -d confirm=yes
  check 'a person enters it' answers 200 'Go back to your device'
  device_asks "$code"
  check 'then the device has its tokens' answers 200 '"access_token":'
}

ending() {
  check 'a folder has one provider' refuses_to_start 'already'
  idp_stop "$work/idp"
  check 'it stops' test $? -eq 0
  check 'and is gone' idp_is_gone "$work/idp"
  local owner
  tail --pid=$$ -f /dev/null &
  owner=$!
  IDP_OWNER=$owner idp_start "$work/idp"
  kill $owner
  wait $owner 2>/dev/null
  check 'it ends with its owner' flock -w 60 idp/alive true
  printf '{"interaction":"auto"}' >idp/config.json
  check 'a misspelt setting is refused' refuses_to_start 'there is no "interaction"'
}
refuses_to_start() { ! idp_start "$work/idp" 2>out && has "$1"; }

default_provider
secrets
access_tokens
introspection
assertions
certificates
dpop
orders
person
logout
person_says_no
nonces
algorithms
automatic
device
ending
summary 100
