#!/usr/bin/env bash
# PAA in two minutes: installs what is missing, builds, and lets real HTTP requests in or turns them away, in a C
# server and in nginx, with API keys, with tokens of a real OpenID provider, with client certificates, and with logins of
# people. Everything it makes lies in build/ (the demonstration in build/quickstart).
#   QUICKSTART_BROWSER=curl   is the browser, even where Chromium is installed
set -euo pipefail
cd "$(dirname "$0")/.."
. cmake/packages.sh

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n%s\n' "$*"; }
run() { printf '$ %s\n' "$*"; "$@"; }

# ---- build ----------------------------------------------------------------------------------------------

say '1. Install what is missing, and build'
install_packages build quickstart idp
cmake -B build -DCMAKE_BUILD_TYPE=RelWithDebInfo -DPAA_TESTS=OFF >/dev/null
cmake --build build -j"$(nproc)" | tail -n 1
bin=build/bin
demo=build/quickstart
rm -rf "$demo"
mkdir -p "$demo"
chmod go-w "$demo"

free_port() { # a port of 127.0.0.1 that nobody listens on
  local port
  for port in $(seq "$1" $(($1 + 200))); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}
wait_for() { # until a server listens on port $1
  local i
  for i in $(seq 200); do
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
    read -r -t 0.02 <> <(:) || true
  done
  echo "nothing listens on port $1" >&2
  return 1
}

# ---- policy ---------------------------------------------------------------------------------------------

port=$(free_port 8080)
say '2. One policy: who may come in, and what goes out'
cat >"$demo/policy.conf" <<END
stores = { keys = "keys.db"; };

instances = {
  partner-keys = { plugin = "apikey"; header = "X-API-Key"; };
  billing-key  = { plugin = "apikey"; header = "X-API-Key"; key = "file:billing.key"; };
};

services = {
  orders-api = {
    direction = "incoming";  origins = [ "http://127.0.0.1:$port" ];
    upstream  = { subject = "X-Auth-Subject"; scope = "X-Auth-Scope"; };
    rules = (
      { path = "/healthz";      chain = ( { required = "permit" } ); },
      { path = "/v1/orders/**"; methods = [ "GET", "POST" ];
        chain   = ( { required = "partner-keys" } );
        require = { scope = [ "orders:read" ]; }; }
    );
  };
  orders-client = {
    direction = "outgoing";  origins = [ "http://127.0.0.1:$port" ];  http_loopback = true;
    chain = ( { required = "billing-key" } );
  };
};
END
cat "$demo/policy.conf"
policy=$demo/policy.conf
(umask 077; echo 'not a key yet' >"$demo/billing.key")
say '3. paactl reads it before anybody trusts it'
run $bin/paactl check "$policy"
say '   A slip of the hand is named with its line and the right word:'
sed 's/required = "partner-keys"/requierd = "partner-keys"/' "$policy" >"$demo/slip.conf"
run $bin/paactl check "$demo/slip.conf" || true
rm "$demo/slip.conf"

# ---- keys -----------------------------------------------------------------------------------------------

say '4. Keys: shown once, kept as a digest only'
run $bin/paactl run -c "$policy" partner-keys mint client=acme scope=orders:read label='quickstart' \
  | tee "$demo/minted"
key=$(awk '$1 == "key" { print $2 }' "$demo/minted")
$bin/paactl run -c "$policy" partner-keys mint client=nosy scope=invoices:read >"$demo/minted2"
other=$(awk '$1 == "key" { print $2 }' "$demo/minted2")
run $bin/paactl run -c "$policy" partner-keys list
rm "$demo/minted" "$demo/minted2"
(umask 077; printf '%s\n' "$key" >"$demo/billing.key")

# ---- a C server -----------------------------------------------------------------------------------------

say '5. Real requests to a C server (examples/hosts/server.c, libevent)'
$bin/paa-server "$policy" orders-api "$port" >"$demo/server.log" 2>&1 &
server=$!
trap 'kill $server 2>/dev/null || true; [ ! -f "$demo/nginx.pid" ] || kill "$(cat "$demo/nginx.pid")" 2>/dev/null || true' EXIT
wait_for "$port"
shown() { # words, quoted where a shell needs it
  local word
  for word in "$@"; do
    case $word in
    *[!A-Za-z0-9_./:=@%-]*) printf " '%s'" "$word" ;;
    *) printf ' %s' "$word" ;;
    esac
  done
  printf '\n'
}
ask() { # what, then curl's arguments
  printf '\n# %s\n$ curl' "$1"
  shift
  shown "$@" | sed "s/$key/paa_…the key…/; s/$other/paa_…another key…/"
  curl -sS -i "$@" | tr -d '\r' | grep -Ev '^(Date|Content-(Length|Type)|Server|Connection):|^$'
}
base=http://127.0.0.1:$port
ask 'anybody may ask for health' "$base/healthz"
ask 'no key: 401, and how to do better' "$base/v1/orders/7"
ask 'the right key' -H "X-API-Key: $key" "$base/v1/orders/7"
ask 'a key with a typing error' -H "X-API-Key: ${key%?}_" "$base/v1/orders/7"
ask 'a good key without the scope' -H "X-API-Key: $other" "$base/v1/orders/7"
ask 'the key twice: nobody guesses which one counts' -H "X-API-Key: $key" -H "X-API-Key: $other" "$base/v1/orders/7"
ask 'a path that two readers could read in two ways' --path-as-is "$base/v1/orders/..%2fadmin"
ask 'a method the rule does not name' -X DELETE -H "X-API-Key: $key" "$base/v1/orders/7"

say '6. Why? The chain, step by step (and no request was sent)'
printf 'X-API-Key: %s\n' "$other" >"$demo/fields"
run $bin/paactl explain -c "$policy" orders-api GET "$base/v1/orders/7" -H "@$demo/fields" || true
rm "$demo/fields"

say '7. Outgoing: the key is attached for the policy'"'"'s origin only'
run $bin/paa-client "$policy" orders-client "$base/v1/orders/7"
run $bin/paa-client "$policy" orders-client "http://127.0.0.1:1/v1/orders/7" || true
run $bin/paactl explain -c "$policy" orders-client GET "$base/v1/orders/7"

# ---- nginx ----------------------------------------------------------------------------------------------

module=$(find build -name ngx_http_paa_module.so | head -n 1)
if [ -n "$module" ] && command -v nginx >/dev/null; then
  say '8. The same policy inside nginx (examples/hosts/nginx), in front of an application that echoes who it was told'
  kill $server
  wait $server 2>/dev/null || true
  app=$(free_port $((port + 1)))
  cat >"$demo/nginx.conf" <<END
load_module $PWD/$module;
$([ "$(id -u)" -ne 0 ] || echo 'user root; # whoever made the store may read it')
pid nginx.pid;
error_log error.log notice;
worker_processes 4;
events { }
http {
  access_log off;
  client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
  paa_policy $PWD/$policy;
  paa_plugin_dir $PWD/build/lib/paa;
  server {
    listen 127.0.0.1:$port;
    paa orders-api;
    location / { proxy_set_header Host \$http_host; proxy_pass http://127.0.0.1:$app; }
  }
  server {
    listen 127.0.0.1:$app;
    location / { return 200 "the application sees: \$http_x_auth_subject, scope \$http_x_auth_scope, key [\$http_x_api_key]\n"; }
  }
}
END
  run nginx -p "$PWD/$demo" -c nginx.conf
  wait_for "$port"
  ask 'no key' "$base/v1/orders/7"
  ask 'the right key, and a forged identity field' -H "X-API-Key: $key" -H 'X_Auth-Subject: root' "$base/v1/orders/7"
  say '9. Revoked: counts at the next request, in every worker'
  id=$($bin/paactl run -c "$policy" partner-keys list --json | sed -n 's/.*"id":"\([^"]*\)".*"client":"acme".*/\1/p' | head -n 1)
  run $bin/paactl run -c "$policy" partner-keys revoke "id=$id"
  ask 'the same key again' -H "X-API-Key: $key" "$base/v1/orders/7"
  kill "$(cat "$demo/nginx.pid")"
fi

# ---- tokens ---------------------------------------------------------------------------------------------

say '10. Tokens: a certified OpenID provider issues them (npm oidc-provider, on this machine); one policy asks and checks'
kill $server 2>/dev/null || true
mkdir -p "$demo/idp"
echo '{ }' >"$demo/idp/config.json"
export IDP_OWNER=$$
tests/idp/idp.sh start "$PWD/$demo/idp"
. "$demo/idp/ready"
cp "$demo/idp/ca.crt" "$demo/idp.crt" # PAA believes files of root and of its own user only
port=$(free_port "$port")
base=http://127.0.0.1:$port
(umask 077; echo 'the secret: of basic+100%' >"$demo/client.secret")
cat >"$demo/tokens.conf" <<END
instances = {
  tokens  = { plugin = "oauth2-cc"; issuer = "$IDP_ISSUER"; audience = "https://rs256.test/";
              tls = { ca = "idp.crt"; }; };
  machine = { plugin = "oauth2-cc"; issuer = "$IDP_ISSUER"; client_id = "basic"; client_secret = "file:client.secret";
              resource = [ "https://rs256.test/" ]; scope = [ "orders:read" ]; tls = { ca = "idp.crt"; }; };
};
services = {
  orders-api = {
    direction = "incoming";  origins = [ "$base" ];  metadata = true;
    rules = (
      { path = "/v1/orders/**"; chain = ( { required = "tokens" } ); require = { scope = [ "orders:read" ]; }; },
      { path = "/v1/admin/**";  chain = ( { required = "tokens" } ); require = { scope = [ "admin" ]; }; }
    );
  };
  orders-client = {
    direction = "outgoing";  origins = [ "$base" ];  http_loopback = true;
    chain = ( { required = "machine" } );
  };
};
END
cat "$demo/tokens.conf"
policy=$demo/tokens.conf
run $bin/paactl run -c "$policy" machine status
$bin/paa-server "$policy" orders-api "$port" >"$demo/server.log" 2>&1 &
server=$!
wait_for "$port"
ask 'no token: 401, and where to learn who issues them' "$base/v1/orders/7"
ask 'that document (RFC 9728)' "$base/.well-known/oauth-protected-resource"
say '    The client obtains a token, sends it, and the server verifies it: neither has a line of OAuth code'
run $bin/paa-client "$policy" orders-client "$base/v1/orders/7"
run $bin/paa-client "$policy" orders-client "$base/v1/admin/7" || true
ask 'a forged token' -H 'Authorization: Bearer eyJhbGciOiJub25lIn0.e30.' "$base/v1/orders/7"
run $bin/paactl explain --online -c "$policy" orders-client GET "$base/v1/orders/7"
tests/idp/idp.sh stop "$PWD/$demo/idp"

# ---- certificates ---------------------------------------------------------------------------------------

say '11. Client certificates (mutual TLS): a CA made on the spot, a C server that speaks HTTPS, and curl as a stranger'
kill $server
wait $server 2>/dev/null || true
ca=$demo/ca
examples/ca.sh make "$ca"
examples/ca.sh issue "$ca" server IP:127.0.0.1
for name in orders lost; do examples/ca.sh issue "$ca" $name URI:spiffe://example.com/$name; done
examples/ca.sh issue "$ca" old URI:spiffe://example.com/old 20210101000000Z
examples/ca.sh make "$demo/other-ca"
examples/ca.sh issue "$demo/other-ca" stranger URI:spiffe://example.com/orders
port=$(free_port "$port")
base=https://127.0.0.1:$port
cat >"$demo/certificates.conf" <<END
keys      = { orders = { key = "file:ca/orders.key"; certificate = "ca/orders.crt"; }; };
instances = {
  peers = { plugin = "mtls"; trust = "ca/ca.crt"; crl = "ca/crl.pem";
            identity = "spiffe"; trust_domain = "example.com"; };
  ours  = { plugin = "mtls"; client_key = "orders"; };
};
services = {
  orders-api = {
    direction = "incoming";  origins = [ "$base" ];
    rules = (
      { path = "/healthz";      chain = ( { required = "permit" } ); },
      { path = "/v1/orders/**"; chain = ( { required = "peers" } ); }
    );
  };
  orders-client = {
    direction = "outgoing";  origins = [ "$base" ];  tls = { ca = "ca/ca.crt"; };
    chain = ( { required = "ours" } );
  };
};
END
cat "$demo/certificates.conf"
policy=$demo/certificates.conf
run $bin/paactl check "$policy"
$bin/paa-server -c "$ca/server.crt" -k "$ca/server.key" "$policy" orders-api "$port" >"$demo/server.log" 2>&1 &
server=$!
wait_for "$port"
tls() { # what, folder, name, URL
  ask "$1" --cacert "$ca/ca.crt" --cert "$2/$3.crt" --key "$2/$3.key" "$4"
}
ask 'nobody needs a certificate to ask for health' --cacert "$ca/ca.crt" "$base/healthz"
ask 'none: 403, since there is no challenge for certificates' --cacert "$ca/ca.crt" "$base/v1/orders/7"
tls 'the right one' "$ca" orders "$base/v1/orders/7"
tls 'one that has expired' "$ca" old "$base/v1/orders/7"
tls 'the same name from another CA' "$demo/other-ca" stranger "$base/v1/orders/7"
tls 'one that will be lost' "$ca" lost "$base/v1/orders/7"
run examples/ca.sh revoke "$ca" lost
for i in $(seq 250); do # the server hears of the new list by itself
  code=$(curl -s -o /dev/null -w '%{http_code}' --cacert "$ca/ca.crt" --cert "$ca/lost.crt" --key "$ca/lost.key" "$base/v1/orders/7")
  [ "$code" = 200 ] || break
  read -r -t 0.02 <> <(:) || true
done
tls 'revoked' "$ca" lost "$base/v1/orders/7"
say '    Why? The server knows, and does not tell strangers'
run $bin/paactl explain -c "$policy" --client-cert "$ca/lost.crt" orders-api GET "$base/v1/orders/7" || true
say '    Outgoing: the same policy names the certificate to present, and whom to believe'
run $bin/paa-client "$policy" orders-client "$base/v1/orders/7"
run $bin/paactl request -c "$policy" orders-client GET "$base/v1/orders/7"

# ---- people ---------------------------------------------------------------------------------------------

chromium=
[ "${QUICKSTART_BROWSER:-chromium}" = curl ] || chromium=$(command -v chromium || true)
say '12. People log in: to a web page, and so that a program may act for them. The provider is the real one'
if [ -n "$chromium" ]; then
  interactions=pages
  echo '    A script leads a real browser (Chromium, without a window) from page to page, and tells what it does and sees'
else
  interactions=auto
  echo '    curl is the browser, and the person has just agreed to everything (the provider'"'"'s interactions are set to that).'
  echo '    Where Debian'"'"'s chromium is installed, a real browser clicks through the pages'
fi
kill $server
wait $server 2>/dev/null || true
port=$(free_port "$port")
base=http://127.0.0.1:$port
mkdir -p "$demo/people-idp"
cat >"$demo/people-idp/config.json" <<END
{ "interactions": "$interactions",
  "clients": { "shop": { "grant_types": ["authorization_code", "refresh_token"], "client_secret": "the secret of the shop",
    "token_endpoint_auth_method": "client_secret_basic",
    "redirect_uris": ["$base/callback"], "post_logout_redirect_uris": ["$base/bye"] } } }
END
tests/idp/idp.sh start "$PWD/$demo/people-idp"
. "$demo/people-idp/ready"
cp "$demo/people-idp/ca.crt" "$demo/people-idp.crt"
(umask 077; echo 'the secret of the shop' >"$demo/shop.secret")
cat >"$demo/people.conf" <<END
stores    = { state = "state.db"; };
instances = {
  people = { plugin = "oauth2-code"; issuer = "$IDP_ISSUER"; client_id = "shop"; client_secret = "file:shop.secret";
             callback = "/callback"; logout = "/logout"; after_logout = "/bye"; cookie_key = "file:cookie.key";
             audience = "https://rs256.test/"; tls = { ca = "people-idp.crt"; }; };
  me     = { plugin = "oauth2-code"; issuer = "$IDP_ISSUER"; client_id = "app"; client_auth = "none";
             scope = "openid offline_access orders:read"; resource = "https://rs256.test/";
             parameters = [ "prompt=consent" ]; tls = { ca = "people-idp.crt"; }; };
};
services = {
  shop = {
    direction = "incoming";  origins = [ "$base" ];
    rules = ( { path = "/bye"; chain = ( { required = "permit" } ); },
              { path = "/**";  chain = ( { required = "people" } ); } );
  };
  shop-client = {
    direction = "outgoing";  origins = [ "$base" ];  http_loopback = true;
    chain = ( { required = "me" } );
  };
};
END
cat "$demo/people.conf"
policy=$demo/people.conf
run $bin/paactl check "$policy"
$bin/paa-server "$policy" shop "$port" >"$demo/server.log" 2>&1 &
server=$!
wait_for "$port"
page=(-H 'Sec-Fetch-Mode: navigate' -H 'Accept: text/html')
masked() { sed -E 's/(paa-people[^=]*=)[^;]*/\1…/; s/(state|nonce|code_challenge)=[^&]*/\1=…/g'; }
browse() { # PART ADDRESS: of tests/browser/browser.mjs
  tests/browser/driver.sh "$chromium" "$PWD/$demo/browser" "$1" "$2"
}
by_curl() { # curl's arguments
  curl -sS -L -m 60 --cacert "$demo/people-idp.crt" -c "$demo/jar" -b "$demo/jar" "${page[@]}" "$@"
}
ask 'a program without a login is told so' "$base/cart"
ask 'a browser is sent to the provider' "${page[@]}" "$base/cart" | masked
if [ -n "$chromium" ]; then
  printf '\n# it logs in there, and lands where it wanted to go; then out, and a copy of the cookie is worth nothing\n$ chromium %s/cart\n' "$base"
  browse logout "$base"
else
  printf '\n# it logs in there, comes back to /callback, and lands where it wanted to go\n$ curl -L %s/cart\n' "$base"
  by_curl -w '(%{http_code} after %{num_redirects} redirects: %{url_effective})\n' "$base/cart"
  cp "$demo/jar" "$demo/stolen"
  printf '\n# logged in: no redirect any more. Then out, and a copy of the cookie is worth nothing\n'
  by_curl -w '(%{http_code} after %{num_redirects} redirects)\n' "$base/cart"
  by_curl -H 'Sec-Fetch-Site: same-origin' -o /dev/null -w '(logout: %{http_code})\n' "$base/logout"
  curl -sS -o /dev/null -b "$demo/stolen" -w '(the stolen cookie: %{http_code})\n' "$base/cart"
  rm -f "$demo/jar"
fi

say '    A program acts for a person, who logs in once'
agree() { # ADDRESS that the program wants a browser to go to
  if [ -n "$chromium" ]; then
    browse program "$1"
  else
    by_curl "$1" | sed -n 's/.*<h1>\(.*\)<\/h1>.*/  sees the page "\1"/p'
  fi
}
printf '$ %s\n' "$bin/paactl run -c $policy me login --no-browser"
exec 4< <(exec $bin/paactl run -c "$policy" me login --no-browser </dev/null 2>&1)
login=$!
while IFS= read -r line <&4; do
  masked <<<"$line"
  case $line in *https://*client_id=*) agree "${line##* }" || kill $login ;; esac
done
wait $login
say '    Another process uses that login; the server sees the person behind the token'
run $bin/paactl run -c "$policy" me status
run $bin/paa-client "$policy" shop-client "$base/orders"
run $bin/paactl run -c "$policy" me logout
run $bin/paa-client "$policy" shop-client "$base/orders" || true
tests/idp/idp.sh stop "$PWD/$demo/people-idp"

say 'Done. Next: README.md; the policies are in build/quickstart'
