#!/bin/bash
# SPDX-License-Identifier: MIT
# Client certificates with a real nginx, two ways: it ends TLS and its module judges the connection's certificate; and it
# ends TLS in front of the example server, which believes the certificate that nginx passes on, and nobody else's.
# A CA is made on the spot; curl is the client. Waits poll for what they wait for.
# Usage: nginx_mtls.sh NGINX MODULE PLUGIN_DIR SERVER CA_SH
set -u
nginx=$1 module=$2 plugins=$3 server=$4 make_ca=$5
. "$(dirname "$0")/nginx_tools.sh"

ask() { # CURL ARGUMENTS…: the whole response in ./out
    curl -sS -i --http1.1 --max-time $PATIENCE --cacert ca/ca.crt "$@" >out 2>&1
}
by() { # FOLDER NAME: curl's arguments for that certificate
    printf -- '--cert\n%s/%s.crt\n--key\n%s/%s.key\n' "$1" "$2" "$1" "$2"
}
free_port() {
    local port
    for port in $(seq "$1" $(($1 + 500))); do
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
    done
}
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# ---- certificates, policies, servers -------------------------------------------------------------

"$make_ca" make ca && "$make_ca" make other || exit 1
"$make_ca" issue ca server IP:127.0.0.1 || exit 1
for name in good lost; do "$make_ca" issue ca $name URI:spiffe://example.com/$name || exit 1; done
"$make_ca" issue ca old URI:spiffe://example.com/old 20210101000000Z || exit 1
"$make_ca" issue other good URI:spiffe://example.com/good || exit 1

escaped() { # FILE: as nginx's $ssl_client_escaped_cert
    sed -e 's/%/%25/g; s/+/%2B/g; s/ /%20/g; s/=/%3D/g; s,/,%2F,g' "$1" | awk '{ printf "%s%%0A", $0 }'
}

peers='plugin = "mtls"; trust = "ca/ca.crt"; crl = "ca/crl.pem"; identity = "spiffe"; trust_domain = "example.com";'
write_policy() { # FILE ORIGINS SOURCE
    cat >"$1" <<END
instances = { peers = { $peers $3 }; };
services  = {
  api = { direction = "incoming"; origins = [ $2 ]; upstream = { subject = "X-Auth-Subject"; };
    rules = ( { path = "/open/**"; chain = ( { required = "permit" } ); },
              { path = "/**";      chain = ( { required = "peers" } ); } ); };
};
END
}

front=$(free_port 20800)
app=$(free_port $((front + 1)))
passing=$(free_port $((app + 1)))
write_policy direct.conf "\"https://127.0.0.1:$front\"" ''
write_policy passed.conf "\"https://127.0.0.1:$passing\"" \
    'source = "pem"; field = "X-Client-Cert"; proxies = [ "127.0.0.1" ];'
cat >nginx.conf <<END
load_module $module;
$([ "$(id -u)" -ne 0 ] || echo 'user root;')
pid $work/nginx.pid;
error_log $work/error.log info;
worker_processes 2;
events { }
http {
  access_log off;
  client_body_temp_path $work/tmp; proxy_temp_path $work/tmp; fastcgi_temp_path $work/tmp;
  uwsgi_temp_path $work/tmp; scgi_temp_path $work/tmp;
  paa_policy direct.conf;
  paa_plugin_dir $plugins;
  ssl_certificate ca/server.crt; ssl_certificate_key ca/server.key;
  ssl_verify_client optional_no_ca; ssl_session_cache shared:paa:1m;
  underscores_in_headers on; ignore_invalid_headers off;
  server { # judges by itself
    listen 127.0.0.1:$front ssl;
    root $work/html;
    paa api;
    add_header X-Seen "\$http_x_auth_subject" always;
  }
  server { # passes on
    listen 127.0.0.1:$passing ssl;
    proxy_set_header Host \$http_host;
    location / { proxy_set_header X-Client-Cert \$ssl_client_escaped_cert; proxy_set_header Host \$http_host; proxy_pass http://127.0.0.1:$app; }
    location /careless/ { proxy_pass http://127.0.0.1:$app; } # what clients send goes through
  }
}
END
mkdir -p tmp html/v1 html/open
echo "an order" >html/v1/order
echo "a page" >html/open/page
run_nginx || exit 1
"$server" passed.conf api "$app" "$plugins" >server.log 2>&1 &
began+=($!)
for port in $front $passing $app; do until_true listens "$port" || exit 1; done

# nginx itself answers 400 to a certificate that it finds expired: optional_no_ca forgives an unknown CA only.

# ---- nginx judges --------------------------------------------------------------------------------

mapfile -t good < <(by ca good)
mapfile -t lost < <(by ca lost)
mapfile -t old < <(by ca old)
mapfile -t foreign < <(by other good)
direct=https://127.0.0.1:$front
expect 200 "nobody needs a certificate where anybody is let in" $direct/open/page
expect 403 "no certificate" $direct/v1/order
expect 200 "a good certificate" "${good[@]}" $direct/v1/order
check "who it was reaches the application" says out "X-Seen: spiffe://example.com/good"
expect "40[03]" "a certificate that has expired" "${old[@]}" $direct/v1/order
expect 403 "a certificate of another CA with the same name" "${foreign[@]}" $direct/v1/order
expect 200 "a certificate that will be revoked" "${lost[@]}" $direct/v1/order
expect 200 "two requests on one connection" "${good[@]}" $direct/v1/order $direct/v1/order
for name in X-Client-Cert x_client_cert Client-Cert X-Forwarded-Client-Cert X-SSL-Client-Verify; do
    expect 403 "$name means nothing where TLS ends here" -H "$name: $(escaped ca/good.crt)" $direct/v1/order
done
expect 200 "an identity field of the client's own does not pass" "${good[@]}" -H 'X-Auth-Subject: root' -H 'x_auth.subject: root' $direct/v1/order
check "and the right one does" says out "X-Seen: spiffe://example.com/good"

# ---- nginx passes on -----------------------------------------------------------------------------

passed=https://127.0.0.1:$passing
own=http://127.0.0.1:$app
host="Host: 127.0.0.1:$passing"
expect 403 "no certificate, passed on" $passed/v1/order
expect 200 "a good certificate, passed on" "${good[@]}" $passed/v1/order
check "who it was" says out "hello spiffe://example.com/good"
expect "40[03]" "a certificate that has expired, passed on" "${old[@]}" $passed/v1/order
expect 403 "a certificate of another CA, passed on" "${foreign[@]}" $passed/v1/order
expect 200 "a field of the client's own is replaced by the proxy's" "${good[@]}" -H "X-Client-Cert: $(escaped other/good.crt)" $passed/v1/order
check "by the certificate that was shown" says out "hello spiffe://example.com/good"
expect 403 "without a certificate it is replaced by nothing" -H "X-Client-Cert: $(escaped ca/good.crt)" $passed/v1/order

# Every other spelling that some application might read as the field: beside the proxy's own it is there twice.
for name in X_Client_Cert x-client_cert X.Client.Cert X_CLIENT-CERT; do
    expect '40[03]' "$name, and no certificate" -H "$name: $(escaped ca/good.crt)" $passed/v1/order
    expect '40[03]' "$name, beside a certificate" "${foreign[@]}" -H "$name: $(escaped ca/good.crt)" $passed/v1/order
    expect 400 "$name beside a good certificate is one too many" "${good[@]}" -H "$name: $(escaped ca/good.crt)" $passed/v1/order
done
expect 400 "the field twice, past a proxy that does not set it" -H "X-Client-Cert: $(escaped ca/good.crt)" -H "X-Client-Cert: $(escaped ca/good.crt)" $passed/careless/x
expect '40[03]' "half a certificate" -H "X-Client-Cert: -----BEGIN%20CERTIFICATE-----" $passed/careless/x

# The same field straight from somebody who is no proxy of the policy's.
expect 403 "from an address that is no proxy" --interface 127.0.0.2 -H "$host" -H "X-Client-Cert: $(escaped ca/good.crt)" $own/v1/order
expect 403 "however it claims to be one" --interface 127.0.0.2 -H "$host" -H 'X-Forwarded-For: 127.0.0.1' -H 'Forwarded: for=127.0.0.1' \
    -H "X-Client-Cert: $(escaped ca/good.crt)" $own/v1/order
expect 200 "where anybody is let in, it is taken off" --interface 127.0.0.2 -H "$host" -H "X-Client-Cert: $(escaped ca/good.crt)" $own/open/page

# ---- revoked while connections are kept ----------------------------------------------------------

"$make_ca" revoke ca lost
is_refused() { [ "$(curl -s -o out -w '%{http_code}' --cacert ca/ca.crt "${lost[@]}" "$1")" = 403 ]; }
check "a revoked certificate is refused by nginx" until_true is_refused $direct/v1/order
check "a revoked certificate is refused behind nginx" until_true is_refused $passed/v1/order
expect 200 "the others are not" "${good[@]}" $direct/v1/order
expect 200 "nor behind nginx" "${good[@]}" $passed/v1/order
shown=(error.log)
check "nginx has nothing to complain about" fails grep -qE '\[(alert|crit|emerg)\]' error.log
summary 40
