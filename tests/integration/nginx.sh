#!/bin/bash
# SPDX-License-Identifier: MIT
# The nginx module in a real nginx with 4 workers: decisions, identity, suspension, aborts, internal redirects,
# `satisfy any`, reload and quit. Everything lives in a folder of its own; waits poll for what they wait for.
# Usage: nginx.sh NGINX MODULE PLUGIN_DIR SCRIPTED WITNESS PAACTL
set -u
nginx=$1 module=$2 plugins=$3 scripted=$4 witness=$5 paactl=$6
. "$(dirname "$0")/nginx_tools.sh"
here=http://localhost
ABORTED=70
EACH=20

# ---- policy and configuration ----

write_policy() { # RULE FOR /open
    cat >policy.conf <<END
stores = { keys = "keys.db"; };
audit  = { file = "audit.log"; };
instances = {
  clients = { plugin = "apikey"; };
  sleeper = { plugin = "$scripted"; verify = "log:asleep after:300 who:sleeper accept"; };
  stuck   = { plugin = "$scripted"; verify = "log:stuck after:3000000 accept"; };
  refuser = { plugin = "$scripted"; verify = "after:100 reject"; challenge = "challenge:Scripted"; };
  witness = { plugin = "$witness"; };
  searched = { plugin = "apikey"; query = "key"; allow_query = true; }; # nginx -t warns
  kept    = { plugin = "apikey"; cookie = "key"; };
  giver   = { plugin = "$scripted"; verify = "response:X-Given=renewed response:X-From-Upstream=replaced accept"; };
};
services = {
  api = { direction = "incoming"; origins = [ "http://localhost", "https://secure.localhost" ]; timeout = "1h";
    upstream = { subject = "X-Auth-Subject"; client_id = "X-Auth-Client"; };
    rules = (
      { path = "/open/**";    chain = ( { required = "$1" } ); },
      { path = "/slow/**";    chain = ( { required = "sleeper" } ); },
      { path = "/stuck/**";   chain = ( { required = "stuck" } ); },
      { path = "/refused/**"; chain = ( { required = "refuser" } ); },
      { path = "/witness/**"; chain = ( { required = "witness" } ); },
      { path = "/query/**";   chain = ( { required = "searched" } ); },
      { path = "/cookie/**";  chain = ( { required = "kept" } ); },
      { path = "/given/**";   chain = ( { required = "giver" } ); },
      { path = "/errors/**";  chain = ( { required = "permit" } ); },
      { path = "/never/**";   chain = ( { required = "deny" } ); },
      { path = "/**";         chain = ( { required = "clients" } ); }
    ); };
  documented = { direction = "incoming"; origins = [ "http://localhost", "https://secure.localhost" ]; problem_json = true; failure_delay = "200ms";
    chain = ( { required = "clients" } ); };
};
END
}

write_upstream() { # a second nginx: the application, says what it sees
    cat >upstream.conf <<END
$(common upstream)
  server {
    listen unix:$work/upstream.sock;
    underscores_in_headers on; ignore_invalid_headers off;
    add_header X-From-Upstream original;
    location / {
      return 200 "uri=\$request_uri subject=[\$http_x_auth_subject] client=[\$http_x_auth_client] key=[\$http_apikey] cookie=[\$http_cookie]\n";
    }
  }
}
END
}

write_configuration() {
    cat >nginx.conf <<END
load_module $module;
worker_processes 4;
$(common nginx)
  keepalive_timeout 60s;
  paa_policy policy.conf;
  paa_plugin_dir $plugins;
  set_real_ip_from unix:; real_ip_header X-Forwarded-For;

  server {
    listen unix:$work/front.sock; listen unix:$work/tls.sock ssl http2;
    ssl_certificate $work/server.pem; ssl_certificate_key $work/server.key;
    ssl_verify_client optional_no_ca; ssl_session_cache shared:paa:1m;
    underscores_in_headers on;
    root $work/html;
    paa api;
    set \$early "\$http_x_auth_subject"; # what is read before the access phase must not stick
    location / { proxy_pass http://unix:$work/upstream.sock; }
    location /off/ { paa off; proxy_pass http://unix:$work/upstream.sock; }
    location /early/ { proxy_set_header X-Auth-Client "\$http_x_auth_subject"; proxy_pass http://unix:$work/upstream.sock; }
    location /query/rewritten { rewrite ^ /query/elsewhere?added=yes break; proxy_pass http://unix:$work/upstream.sock; }
    location /documented/ { paa documented; proxy_pass http://unix:$work/upstream.sock; }
    location /files/ { try_files \$uri \$uri.txt /files/other.txt; }
    location /folder/ { index page.html; }
    location /open/rewritten/ { rewrite ^/open/rewritten/(.*) /secret/\$1 last; }
    location /secret/open/ { rewrite ^/secret/(.*) /\$1 last; }
    location /never/page { error_page 403 /errors/page.html; }
    location /never/again { error_page 403 /never/error.html; }
    location /never/named { error_page 403 = @fallback; }
    location /slow/missing/ { root $work/html; error_page 404 /slow/found/page; }
    location /errors/ { root $work/html; }
    location @fallback { paa off; return 418 "a fallback\n"; }
    location /any/ {
      satisfy any; auth_basic "basic"; auth_basic_user_file $work/users;
      proxy_pass http://unix:$work/upstream.sock;
    }
    location /refused/any/ {
      satisfy any; auth_basic "basic"; auth_basic_user_file $work/users;
      proxy_pass http://unix:$work/upstream.sock;
    }
    location /any/internal/ {
      satisfy any; auth_basic "basic"; auth_basic_user_file $work/users;
      error_page 401 /errors/page.html;
      proxy_pass http://unix:$work/upstream.sock;
    }
  }
}
END
}

mkdir -p tmp html/files html/folder html/errors html/slow/missing
echo "a file" >html/files/a.txt
echo "another file" >html/files/other.txt
echo "the page of a folder" >html/folder/page.html
echo "a page for errors" >html/errors/page.html
echo "basic-user:{PLAIN}basic-password" >users
for who in server client; do
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
        -keyout $who.key -out $who.pem 2>/dev/null || exit 1
done
write_policy permit
write_upstream
write_configuration

"$paactl" run -c policy.conf --plugin-dir "$plugins" clients mint client=alice instance=clients instance=searched instance=kept --json >minted 2>err ||
    { cat err; exit 1; }
key=$(sed -n 's/.*"key": *"\([^"]*\)".*/\1/p' minted)
check "paactl mints a key" test -n "$key"

"$nginx" -p "$work/" -c "$work/upstream.conf" -e "$work/error.log" || exit 1

# ---- the configuration test ----

run_nginx -t >out 2>&1
check "nginx -t takes a good configuration" test $? -eq 0
sed 's/paa api;/paa nobody;/' nginx.conf >wrong.conf
"$nginx" -p "$work/" -c "$work/wrong.conf" -e stderr -t >out 2>&1
check "nginx -t refuses an unknown service" test $? -ne 0
check "and names it" says out nobody
check "and says where" says out "wrong.conf:$(grep -n 'paa nobody' wrong.conf | cut -d: -f1)"
sed 's/paa_policy .*//' nginx.conf >wrong.conf
"$nginx" -p "$work/" -c "$work/wrong.conf" -e stderr -t >out 2>&1
check "nginx -t refuses a service without a policy" test $? -ne 0
check "and says what to do" says out "set paa_policy"
sed 's/plugin = "apikey"/plugin = "apikey"; headr = "X"/' policy.conf >misspelt.conf
sed 's/paa_policy policy.conf/paa_policy misspelt.conf/' nginx.conf >wrong.conf
"$nginx" -p "$work/" -c "$work/wrong.conf" -e stderr -t >out 2>&1
check "nginx -t refuses a wrong policy" test $? -ne 0
check "and says where in the policy" says out "misspelt.conf:4"

# ---- decisions ----

: >error.log
run_nginx || { cat error.log; exit 1; }
check "nginx starts with 4 workers" until_true serving

expect 200 "an open path is open" $here/open/x
expect 401 "no key, no entry" $here/v1/orders
check "a refusal carries the challenge" says out "WWW-Authenticate:"
check "a refusal is not kept" says out "Cache-Control: no-store"
expect 401 "a wrong key is refused" -H "apikey: ${key%?????}aaaaa" $here/v1/orders
expect 200 "a key opens" -H "apikey: $key" $here/v1/orders?a=b
check "the upstream learns who it was" says out "client=[alice]"
check "the request line is passed on" says out "uri=/v1/orders?a=b "
check "the key stays here" says out "key=[]"
expect 400 "a path that can be read in two ways is refused" --path-as-is "$here/open/..%2fv1/orders"
expect 200 "off is off" $here/off/x
expect 401 "a longer path falls under its own rule" $here/openx
expect 200 "a body is passed on" -d "some content" -H "apikey: $key" $here/v1/orders
expect 401 "a body is discarded" -d "some content" $here/v1/orders
checks=$((checks + 1))
ask $here/v1/orders $here/open/x $here/v1/orders
[ "$(grep -c '^HTTP/1.1 401' out)" -eq 2 ] && [ "$(grep -c '^HTTP/1.1 200' out)" -eq 1 ] ||
    fail "requests of one connection are judged one by one"

# ---- answers of PAA's own ----

began=$(date +%s%N)
expect 401 "problem+json is sent" $here/documented/x
took=$((($(date +%s%N) - began) / 1000000))
check "with its type" says out "Content-Type: application/problem+json"
check "and its members" says out '"status":401'
check "and its challenge" says out "WWW-Authenticate:"
check "a refusal is delayed where the policy says so ($took ms)" test $took -ge 90
expect 401 "HEAD is answered alike" -I $here/documented/x
check "but without content" lacks out '"status"'
expect 200 "the response carries what a plugin gave" $here/given/x
check "a field is added" says out "X-Given: renewed"
check "a field of the upstream is replaced" says out "X-From-Upstream: replaced"
check "and not kept beside it" lacks out "original"

# ---- what PAA is shown ----

tls=(--unix-socket tls.sock --insecure)
expect 200 "a witness sees the request" -H "X-Forwarded-For: 203.0.113.7" $here/witness/a%20b?c=d%65
check "as it came" says out "GET scheme=http authority=localhost path=/witness/a%20b target=/witness/a%20b?c=d%65 body=0 "
check "the transport apart from the client" says out " peer=unix: client=203.0.113.7 certificates=0 leaf=0 "
expect 200 "a body is announced" -d "some content" $here/witness/x
check "with its size" says out " body=12 "
expect 200 "an absolute target" --request-target http://localhost/witness/y $here/
check "is read as such" says out "path=/witness/y target=/witness/y "
expect 400 "and must name the same host" --request-target http://elsewhere/witness/y $here/
expect 200 "TLS without a certificate" "${tls[@]}" https://secure.localhost/witness/x
check "is seen" says out "GET scheme=https authority=secure.localhost path=/witness/x target=/witness/x body=0 sni=secure.localhost "
check "and has none" says out " certificates=0 leaf=0 "
leaf=$(openssl x509 -in client.pem -outform der | wc -c)
for version in --http1.1 --http2; do
    expect 200 "TLS with a certificate" $version "${tls[@]}" --cert client.pem --key client.key \
        https://secure.localhost/witness/x https://secure.localhost/witness/y
    checks=$((checks + 1))
    [ "$(grep -c "certificates=1 leaf=$leaf " out)" -eq 2 ] || fail "is seen by both requests of the connection"
done
expect 200 "a key in the query" "$here/query/x?a=1&key=$key&b=2"
check "stays here" says out "uri=/query/x?a=1&b=2 "
expect 200 "also after a rewrite" "$here/query/rewritten?key=$key&b=2"
check "that adds to it" says out "uri=/query/elsewhere?added=yes&b=2 "
expect 200 "a key in a cookie" -b "one=1; key=$key; two=2" $here/cookie/x
check "stays here, the others do not" says out "cookie=[one=1; two=2]"

# ---- forged identity ----

for name in X-Auth-Subject x-auth-subject X_Auth_Subject X-AUTH_SUBJECT x_auth-subject; do
    ask -H "$name: root" $here/open/x
    check "a forged $name is stripped from an open path" says out "subject=[]"
    ask -H "$name: root" -H "$name: root" -H "apikey: $key" $here/v1/orders
    check "a forged $name is stripped beside a key" lacks out "root"
    ask -H "$name: root" $here/off/x
    check "(and would have been seen: $name)" says out "subject=[root]"
done
ask -H "X-Auth-Subject: root" -H "apikey: $key" $here/early/x
check "a variable that was read too early is read again" lacks out "root"

# ---- keys that come and go ----

keys() { "$paactl" run -c policy.conf --plugin-dir "$plugins" clients "$@" --json 2>err; }
keys mint client=bob >minted
second=$(sed -n 's/.*"key": *"\([^"]*\)".*/\1/p' minted)
for ((i = 0; i < 16; i++)); do expect 200 "a key opens as soon as it is minted, in every worker" -H "apikey: $second" $here/v1/orders; done
keys revoke "id=$(sed -n 's/.*"id": *"\([^"]*\)".*/\1/p' minted)" >out
check "paactl revokes it" says out revoked
for ((i = 0; i < 16; i++)); do expect 401 "a revoked key opens nothing any more, in no worker" -H "apikey: $second" $here/v1/orders; done
expect 200 "the other one does" -H "apikey: $key" $here/v1/orders

# ---- internal redirects ----

expect 200 "try_files finds a file" -H "apikey: $key" $here/files/a
check "after the redirect the key is still known" says out "a file"
expect 200 "try_files falls back" -H "apikey: $key" $here/files/none
check "to its last" says out "another file"
expect 401 "try_files asks for a key" $here/files/a
expect 200 "an index is an internal redirect" -H "apikey: $key" $here/folder/
check "and is found" says out "the page of a folder"
expect 401 "what is rewritten is judged by where it goes" $here/open/rewritten/x
expect 200 "and lets a key in" -H "apikey: $key" $here/open/rewritten/x
expect 200 "likewise the other way round" $here/secret/open/x
expect 403 "an error page is judged, and shown" $here/never/page
check "an open one" says out "a page for errors"
check "with the fields of the refusal" says out "Cache-Control: no-store"
expect 403 "an error page that is refused itself ends" $here/never/again
expect 418 "a named location goes by its own word" $here/never/named
expect 404 "suspended, redirected and suspended again" $here/slow/missing/x
check "once each" logged asleep 2

# ---- satisfy any ----

expect 401 "neither key nor password" $here/any/x
check "the challenge of basic" says out 'Basic realm="basic"'
checks=$((checks + 1))
[ "$(grep -c '^WWW-Authenticate:' out)" -eq 2 ] || fail "and that of the key"
expect 200 "a key satisfies" -H "apikey: $key" $here/any/x
check "without a challenge" lacks out "WWW-Authenticate"
check "with its identity" says out "client=[alice]"
expect 200 "a password satisfies" -u basic-user:basic-password $here/any/x
check "without a challenge of ours" lacks out "WWW-Authenticate"
check "or anything else of the refusal" lacks out "no-store"
ask -u basic-user:basic-password -H "X_Auth-Subject: root" $here/any/x
check "nothing forged passes by it" says out "subject=[]"
expect 401 "a wrong password does not" -u basic-user:wrong $here/any/x
expect 401 "the error page keeps the challenges" $here/any/internal/x
check "of both" says out "Basic realm"
check "and is shown" says out "a page for errors"
checks=$((checks + 1))
[ "$(grep -c '^WWW-Authenticate:' out)" -eq 2 ] || fail "two challenges with an error page"
expect 401 "a suspended refusal lets the others decide" $here/refused/any/x
expect 200 "and a password satisfies then" -u basic-user:basic-password $here/refused/any/x

# ---- suspension ----

many() { # COUNT PATH FILE: statuses of that many requests at once, in the background
    local urls=() i
    for ((i = 0; i < $1; i++)); do urls+=(-o /dev/null "$here$2/$i"); done
    curl -s -Z --parallel-immediate --parallel-max "$1" --max-time $PATIENCE --unix-socket front.sock \
        -w '%{http_code}\n' "${urls[@]}" >"$3" 2>/dev/null &
    curl_pid=$!
}
all_ok() { [ "$(grep -c '^200$' "$1")" -eq "$2" ]; }

new_log
many $EACH /slow statuses
wait $curl_pid
check "$EACH requests are suspended and resumed at once" all_ok statuses $EACH
head -c 300000 /dev/zero | tr '\0' x >body
expect 200 "a request waits with its content unread" --data-binary @body $here/slow/x
streams() { # COUNT PATH FILE: the same as streams of one HTTP/2 connection
    local urls=() i
    for ((i = 0; i < $1; i++)); do urls+=(-o /dev/null "https://secure.localhost$2/$i"); done
    curl -s --http2 -Z --parallel-max "$1" --max-time $PATIENCE "${tls[@]}" -w '%{http_code}\n' "${urls[@]}" \
        >"$3" 2>/dev/null &
    curl_pid=$!
}
streams $EACH /slow statuses
wait $curl_pid
check "likewise as streams of an HTTP/2 connection" all_ok statuses $EACH
new_log
many $ABORTED /stuck statuses
check "$ABORTED requests are suspended" until_true logged stuck $ABORTED
expect 200 "others do not wait for them" $here/open/x
kill -KILL $curl_pid
wait $curl_pid 2>/dev/null
check "each client that leaves is noticed" until_true logged "prematurely closed connection" $ABORTED
new_log
streams $EACH /stuck statuses
check "$EACH streams are suspended" until_true logged stuck $EACH
kill -KILL $curl_pid
wait $curl_pid 2>/dev/null
expect 200 "nothing has happened to the others" $here/open/x

# ---- reload ----

new_log
many $EACH /slow statuses
check "requests are under way" until_true logged asleep $EACH
before=$(workers)
write_policy deny
kill -HUP "$(cat nginx.pid)"
wait $curl_pid
check "a reload loses none of them" all_ok statuses $EACH
check "the old workers leave" until_true bash -c "for p in $(echo $before); do ! kill -0 \$p 2>/dev/null || exit 1; done"
check "new ones are there" until_true serving
expect 403 "the new policy serves" $here/open/x
new_log
before=$(workers)
echo 'services = {' >policy.conf
kill -HUP "$(cat nginx.pid)"
check "a broken policy is reported" until_true logged "[emerg]" 1
check "with its place" logged policy.conf: 1
expect 403 "and the old one serves on" $here/open/x
check "with the old workers" test "$before" = "$(workers)"
write_policy permit
for ((round = 0; round < 3; round++)); do
    many $EACH /slow statuses
    run_nginx -s reload
    wait $curl_pid
    check "reload $round while requests come in loses none" all_ok statuses $EACH
done
check "one generation of workers is left" until_true serving

# ---- quit ----

new_log
many $EACH /slow statuses
check "requests are under way" until_true logged asleep $EACH
master=$(cat nginx.pid)
kill -QUIT "$master"
wait $curl_pid
check "quit waits for suspended requests" all_ok statuses $EACH
check "and then nginx ends" until_true gone "$master"
new_log
run_nginx || exit 1
check "nginx starts again" until_true serving
many $EACH /stuck statuses
check "requests are under way" until_true logged stuck $EACH
master=$(cat nginx.pid)
kill -TERM "$master"
check "a fast stop waits for nobody" until_true gone "$master"
wait $curl_pid
rm -f nginx.pid

# ---- one process ----

run_nginx -g 'daemon off; master_process off;' &
check "without a master nginx serves too" until_true curl -s -o out --unix-socket front.sock $here/open/x
single=$(cat nginx.pid)
expect 200 "and suspends" $here/slow/x
kill -QUIT $single
check "and quits" until_true gone $single

# ---- what nginx says about it all ----

new_log
for bad in '\[alert\]' '\[crit\]' 'open socket' 'zero size buf' 'exited on signal' 'exited with code [1-9]'; do
    checks=$((checks + 1))
    grep -q -e "$bad" all.log && { grep -e "$bad" all.log | head -n 5 >out; fail "the log says: $bad"; }
done
check "no key is in the log" bash -c "! grep -qF -e '$key' all.log audit.log"

summary 170
