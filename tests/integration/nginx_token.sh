#!/bin/bash
# SPDX-License-Identifier: MIT
# nginx protects an API by examples/policies/tokens.conf with tokens of the real identity provider, and says what README.md
# says that it says. Usage: nginx_token.sh NGINX MODULE PLUGIN_DIR SOURCE_FOLDER ($IDP_INSTALLED: where the provider is)
set -u
nginx=$1 module=$2 plugins=$3 source=$4
. "$source/tests/idp/idp_tools.sh"
. "$source/tests/integration/nginx_tools.sh"
here=https://api.example.com
orders=$here/v1/orders/7
metadata=$here/.well-known/oauth-protected-resource
audience=https://rs256.test/ # a resource of the provider

# ---- the provider, the policy, nginx ----

use_idp '{}'
mkdir tmp html
idp_certificate idp api /CN=api DNS:api.example.com || exit 1
cp idp/api.crt idp/api.key . || exit 1
sed -e "s,\"https://id.example.com\";,\"$IDP_ISSUER\"; tls = { ca = \"ca.crt\"; };," \
    -e "s,audience = \"https://api.example.com\",audience = \"$audience\"," "$source/examples/policies/tokens.conf" >tokens.conf
cat >upstream.conf <<END
$(common upstream)
  server {
    listen unix:$work/upstream.sock;
    location / { return 200 "client=[\$http_x_auth_client] authorization=[\$http_authorization]\n"; }
  }
}
END
cat >nginx.conf <<END
load_module $module;
worker_processes 4;
$(common nginx)
  paa_policy tokens.conf;
  paa_plugin_dir $plugins;
  server {
    listen unix:$work/front.sock ssl http2;
    server_name api.example.com;
    ssl_certificate api.crt; ssl_certificate_key api.key;
    paa orders-api;
    location / { proxy_pass http://unix:$work/upstream.sock; }
  }
}
END
"$nginx" -p "$work/" -c "$work/upstream.conf" -e "$work/error.log" || exit 1
run_nginx -t >out 2>&1
check "nginx -t takes the policy" test $? -eq 0
run_nginx || { cat error.log; exit 1; }
check "nginx starts" until_true serving

# ---- tools ----

token() { # RESOURCE SCOPE: of the client "api"
    curl -s --max-time $PATIENCE --cacert ca.crt -u api:the-secret-of-api "$IDP_ISSUER/token" -d grant_type=client_credentials \
        -d resource="$1" -d scope="$2" | sed -n 's/.*"access_token":"\([^"]*\)".*/\1/p'
}
with() { # STATUS SENTENCE TOKEN URL CURL ARGUMENTS…
    local status=$1 sentence=$2 bearer=$3
    shift 3
    expect "$status" "$sentence" --cacert ca.crt -H "Authorization: Bearer $bearer" "$@"
}
challenge() { tr -d '\r' <out | sed -n 's/^[Ww][Ww][Ww]-[Aa]uthenticate: //p' | sed "s,\"$metadata\",\"…\","; }
readme_challenge() { # STATUS PART: what README.md says of it
    sed -n '/^## nginx$/,/^## A plugin/s/^| .* | '"$1"' | `WWW-Authenticate: \(.*\)` |$/\1/p' "$source/README.md" | grep -e "$2"
}
is_challenged() { # STATUS PART
    [ -n "$(challenge)" ] && [ "$(challenge)" = "$(readme_challenge "$1" "$2")" ]
}

# ---- what is let in, and what not ----

good=$(token $audience orders:read)
check "the provider gives a JWT" test "$(printf '%s' "$good" | tr -cd . | wc -c)" -eq 2
with 200 "a token is let in" "$good" $orders
check "the application learns whose it is" says out "client=[api]"
check "the token stays here" says out "authorization=[]"
with 200 "likewise on HTTP/1.1" "$good" --http1.1 $orders

expect 401 "nothing is not" --cacert ca.crt $orders
check "it is told where tokens come from" is_challenged 401 '"orders-api", scope'
check "and of no error" lacks out "error="

signature=${good##*.}
case $signature in A*) other=B ;; *) other=A ;; esac
with 401 "a token with another signature is not" "${good%.*}.$other${signature#?}" $orders
check "and the challenge says so" is_challenged 401 'error="invalid_token"'
payload=${good#*.} payload=${payload%.*}
with 401 "nor one with other claims" "${good%%.*}.${payload%??????}AAAAAA.$signature" $orders
check "with the same challenge" is_challenged 401 'error="invalid_token"'
with 401 "nor one for somebody else" "$(token https://es256.test/ orders:read)" $orders
check "likewise" is_challenged 401 'error="invalid_token"'
with 403 "a token without the scope is refused" "$(token $audience orders:write)" $orders
check "and the scope is named" is_challenged 403 insufficient_scope

expect 200 "what is open is open" --cacert ca.crt $here/healthz
expect 403 "what no rule names is not" --cacert ca.crt $here/other
expect 200 "the metadata of the API is there for everybody" --cacert ca.crt $metadata
check "and names the issuer" says out "\"authorization_servers\":[\"$IDP_ISSUER\"]"

# ---- the issuer ----

idp_order "$work/idp" down >served
with 200 "while the issuer is away its tokens are taken" "$good" $orders
idp_order "$work/idp" up >served

new_log
check "no token is in the log" bash -c "! grep -qF -e '$signature' all.log"
summary 24
