#!/bin/sh
# SPDX-License-Identifier: MIT
# paactl as operators meet it: the built program, real plugins, policies in a folder of its own.
# Usage: paactl.sh PAACTL PLUGIN_DIR SOURCE_DIR
set -u
umask 077
paactl=$1
plugins=$2
source=$3
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset NO_COLOR
LC_ALL=C
TERM=xterm
export LC_ALL TERM
failures=0
checks=0

# What the last command said: $work/out, $work/err, $status.
run() {
    "$paactl" "$@" >out 2>err </dev/null
    status=$?
}

fail() {
    failures=$((failures + 1))
    echo "FAILED: $1"
    sed 's/^/    out: /' out
    sed 's/^/    err: /' err
}

exits() { # STATUS SENTENCE
    checks=$((checks + 1))
    [ "$status" -eq "$1" ] || fail "$2 (exit $status, not $1)"
}

says() { # FILE TEXT
    checks=$((checks + 1))
    grep -qF -e "$2" "$1" || fail "no \"$2\" in $1"
}

says_not() { # FILE TEXT
    checks=$((checks + 1))
    ! grep -qF -e "$2" "$1" || fail "\"$2\" in $1"
}

escape=$(printf '\033')
cp "$source"/examples/policies/*.conf . || exit 1
printf 'weather-key-0123456789abcdef\n' >weather.key
printf 'billing-key-0123456789abcdef\n' >billing.key
here=http://localhost:8080

# ---- check ----

for policy in first both-ways orders; do
    run check --plugin-dir "$plugins" "$policy.conf"
    exits 0 "the example $policy.conf has no error"
    says out "$policy.conf: no errors, no warnings"
    run check --json --plugin-dir "$plugins" "$policy.conf"
    exits 0 "the example $policy.conf has no error, says JSON"
    says out '{"findings":[],"ok":true}'
done

sed 's/plugin = "apikey"; }/plugin = "apikey"; headr = "X-Key"; }/' first.conf >misspelt.conf
run check --plugin-dir "$plugins" misspelt.conf
exits 1 "a misspelt option is an error"
says out "misspelt.conf:4: error: "
says out headr
says out '"header"'
says out "misspelt.conf: 1 error, 0 warnings"
run check --json --plugin-dir "$plugins" misspelt.conf
exits 1 "a misspelt option is an error in JSON"
says out '"level":"error","file":"misspelt.conf","line":4,"sentence":"'
says out '"ok":false}'

sed 's/{ required = "clients" }/{ optional = "clients" }, { required = "permit" }/' first.conf \
    >careless.conf
run check --plugin-dir "$plugins" careless.conf
exits 0 "warnings are no errors"
says out "careless.conf:8: warning: "
says out "0 errors, "

# A folder: its *.conf in byte order, and what else lies there is named.
mkdir -m 755 folder
sed 's/^services.*//; /hello = {/,$d' first.conf >folder/10-keys.conf
sed -n '/^services/,$p' first.conf >folder/20-services.conf
echo 'not a policy' >folder/notes.txt
run check --plugin-dir "$plugins" folder
exits 0 "a folder of two files is one policy"
says out "folder/notes.txt: notice: skipped"
cp folder/20-services.conf folder/30-again.conf
run check --plugin-dir "$plugins" folder
exits 1 "a service in two files of a folder is an error"
says out "folder/30-again.conf:"
mkdir -m 755 hollow
run check --plugin-dir "$plugins" hollow
exits 1 "a folder without a policy is an error"
says out "no *.conf"

run check --plugin-dir "$plugins" missing.conf
exits 1 "a policy that is not there is an error"
says out "missing.conf: error: "

# What no policy can be, as a file: each has its sentence, and none takes long or much.
: >empty.conf
run check --plugin-dir "$plugins" empty.conf
exits 0 "an empty policy is one that lets nobody in"
truncate -s 100M huge.conf
run check --plugin-dir "$plugins" huge.conf
exits 1 "a policy of 100 MB is an error"
says out "huge.conf: error: huge.conf is larger than 16777216 bytes"
rm huge.conf
head -c 100000 /dev/zero | tr '\0' '(' >deep.conf
run check --plugin-dir "$plugins" deep.conf
exits 1 "a policy that is nested without end is an error"
says out "deep.conf:1: error: "
mkfifo pipe.conf
run check --plugin-dir "$plugins" pipe.conf
exits 1 "a pipe is an error and not waited for"
says out "not a regular file"
if [ "$(id -u)" -ne 0 ]; then # root reads everything
    cp first.conf closed.conf
    chmod 000 closed.conf
    run check --plugin-dir "$plugins" closed.conf
    exits 1 "a policy that cannot be read is an error"
    says out "Permission denied"
fi

# A policy from elsewhere must not run anything here (F14).
printf '#!/bin/sh\ntouch "%s/executed"\necho key-from-exec-0123456789\n' "$work" >helper
chmod 700 helper
sed "s|file:billing.key|exec:$work/helper|" orders.conf >exec.conf
run check --plugin-dir "$plugins" exec.conf
exits 0 "an exec: secret is no error"
checks=$((checks + 1))
[ ! -e executed ] || fail "check ran an exec: secret"

mkdir elsewhere
cp "$plugins/apikey.so" elsewhere/apikey.so
chmod 755 elsewhere elsewhere/apikey.so
sed "s|plugin = \"apikey\"|plugin = \"$work/elsewhere/apikey.so\"|" first.conf >absolute.conf
run check --plugin-dir "$plugins" absolute.conf
exits 1 "check loads no plugin from outside the plugin directory"
says out "absolute.conf:4: error: "
run check --plugin-dir "$plugins" --allow-plugin "$work/elsewhere/apikey.so" absolute.conf
exits 0 "unless it is allowed by name"
run check --allow-plugin elsewhere/apikey.so absolute.conf
exits 2 "which must be absolute"

# ---- explain: incoming ----

run explain --plugin-dir "$plugins" -c first.conf hello GET $here/healthz
exits 0 "permit lets in"
says out "GET $here/healthz"
says out "incoming, service hello, offline"
says out "/healthz  first.conf:7"
says out "+ required  permit"
says out "ALLOW  the request goes on to the application"
says out "nobody: let in without a name"
says_not out "$escape"

run explain --plugin-dir "$plugins" -c first.conf hello GET /other -H 'Host: localhost:8080'
exits 1 "without a key there is no way in"
says out "/**  first.conf:8"
says out "o required  clients (apikey)  absent"
says out "ANSWER  401 Unauthorized  credentials"
says out "WWW-Authenticate: ApiKey"
says out "set    Cache-Control: no-store"

run explain --plugin-dir "$plugins" -c first.conf hello GET /other
exits 1 "nobody knows whom a path alone is for"
says out "421 Misdirected Request"
says out "Note"
says out "-H 'Host: ...'"

run run --plugin-dir "$plugins" -c first.conf clients mint client=acme expires=30d --json
exits 0 "a key is minted"
key=$(sed -n 's/.*"\(paa_[0-9A-Za-z_]*\)".*/\1/p' out)
checks=$((checks + 1))
[ -n "$key" ] || fail "mint printed no key"
says_not err "$key"

printf 'apikey: %s\r\n\n' "$key" >fields
before=$(cat keys.db keys.db-wal keys.db.gen | cksum)
run explain --plugin-dir "$plugins" -c first.conf hello GET $here/other -H @fields
exits 0 "the key lets in"
says out "+ required  clients (apikey)  accept"
says out "ALLOW"
says out "Principal  acme"
says_not out "$key"
printf 'apikey: %s' "$key" | "$paactl" explain --plugin-dir "$plugins" -c first.conf hello GET $here/other \
    -H @- >out 2>err
status=$?
exits 0 "the key lets in from standard input"
run explain --plugin-dir "$plugins" -c first.conf hello GET $here/other -H @fields --at 2099-01-01
exits 1 "it will have expired"
says out "as of 2099-01-01T00:00:00Z"
says out "x required  clients (apikey)  reject"
says out "ANSWER  401 Unauthorized  credentials"
run explain --plugin-dir "$plugins" -c first.conf hello GET $here/other -H @fields
exits 0 "and still lets in today"
checks=$((checks + 1))
[ "$before" = "$(cat keys.db keys.db-wal keys.db.gen | cksum)" ] || fail "explain wrote the store"

run explain --json --plugin-dir "$plugins" -c first.conf hello GET "$here/other?q=query-text" -H @fields
exits 0 "the key lets in, says JSON"
says out '"verdict":"allow","status":null'
says out '"rule":{"file":"first.conf","line":8,"pattern":"/**","service":"hello","index":1}'
says out '"principal":{"instance":"clients"'
says out '"steps":[{"instance":"clients","plugin":"apikey","control":"required","result":"accept"'
says out '"audit":{'
says_not out "$key"
says_not out query-text

run explain --plugin-dir "$plugins" -c orders.conf orders-api GET \
    https://api.example.com/healthz --peer 192.0.2.1 --client 2001:db8::7
exits 0 "permit lets in, whoever it is"
says out "set    X-Auth-Subject: (empty)"
run explain --json --plugin-dir "$plugins" -c orders.conf orders-api GET \
    https://api.example.com/healthz --peer 192.0.2.1 --client 2001:db8::7
exits 0 "permit lets in, whoever it is, says JSON"
says out '"peer":"192.0.2.1","client":"2001:db8::7"'
run explain --plugin-dir "$plugins" -c orders.conf orders-api GET \
    https://api.example.com/internal/x
exits 1 "deny lets nobody in"
says out "403 Forbidden"
run explain --plugin-dir "$plugins" -c orders.conf orders-api GET \
    https://other.example.com/v1/orders
exits 1 "a request for another origin is none of ours"
says out "421 Misdirected Request"
says out "none was walked"
run explain --plugin-dir "$plugins" -c orders.conf orders-api GET \
    https://api.example.com/v1/orders/1 -H 'X-API-Key: nonsense'
exits 1 "a wrong key is refused"
says out "x required  partner-keys (apikey)"
says out ". required  "
says out "staff-keys (apikey)"
says out "not run: "
says out "application/problem+json"

# ---- explain: outgoing ----

run explain --plugin-dir "$plugins" -c both-ways.conf weather GET https://weather.example.com/now
exits 0 "a key is attached"
says out "outgoing, service weather, offline"
says out "the request may be sent to https://weather.example.com"
says out "Authorization: ***"
says_not out weather-key-0123456789abcdef
run explain --reveal --plugin-dir "$plugins" -c both-ways.conf weather GET \
    https://weather.example.com/now
says out "Authorization: Bearer weather-key-0123456789abcdef"
run explain --json --plugin-dir "$plugins" -c both-ways.conf weather GET \
    https://weather.example.com/now
says out '"name":"Authorization","value":"***","secret":true,"size":35'
says_not out weather-key-0123456789abcdef
run explain --plugin-dir "$plugins" -c both-ways.conf weather GET https://weather.example.net/now
exits 1 "but for no other origin"
says out "DO NOT SEND"
says out origin
says_not out Authorization

cat >loopback.conf <<'END'
services = { here = { direction = "outgoing"; origins = [ "http://127.0.0.1:9" ]; http_loopback = true;
                      chain = ( { required = "permit" } ); }; };
END
run explain -c loopback.conf here GET http://127.0.0.1:9/x
exits 0 "plain http to a loopback address may be allowed"
says out "none: plain http, to a loopback address"
says_not out "trusts"
run explain --json -c loopback.conf here GET http://127.0.0.1:9/x
says out '"connection":null'

# ---- explain: called wrongly ----

run explain hello GET /
exits 2 "the policy is missing"
run explain -c first.conf hello GET
exits 2 "the URL is missing"
run explain --plugin-dir "$plugins" -c first.conf nobody GET /
exits 2 "there is no such service"
says err nobody
run explain -c first.conf hello GET orders
exits 2 "that is no URL"
run explain -c first.conf --at 2099-01-01 --online hello GET /
exits 2 "a stated time and the network exclude each other"
run explain -c first.conf --at yesterday hello GET /
exits 2 "that is no time"
run explain -c first.conf --peer localhost hello GET /
exits 2 "that is no numeric address"
run explain -c first.conf --client-cert first.conf hello GET /
exits 2 "that is no certificate"
run explain -c first.conf -H 'secret-without-colon' hello GET /
exits 2 "that is no header field"
says_not err secret-without-colon
run explain --plugin-dir "$plugins" -c misspelt.conf hello GET /
exits 2 "a broken policy explains nothing"
says err "misspelt.conf:4: error: "
run explain --plugin-dir "$plugins" -c first.conf hello "G${escape}[31mET" /
says_not out "$escape"
run explain --onlin
says err "did you mean --online?"

# ---- run ----

run run --plugin-dir "$plugins" -c first.conf clients list
exits 0 "keys are listed"
says out acme
says_not out "$key"
run run --plugin-dir "$plugins" -c first.conf clients frobnicate
exits 2 "there is no such verb"
says err frobnicate
run run --plugin-dir "$plugins" -c first.conf nobody list
exits 2 "there is no such instance"
run run --plugin-dir "$plugins" -c first.conf clints list
says err 'there is no instance clints: did you mean "clients"?'
run run --plugin-dir "$plugins" -c first.conf clients mint clint=acme
exits 2 "there is no such argument"
says err client
printf 'imported-key-of-22-characters-or-more\n' | "$paactl" run --plugin-dir "$plugins" -c first.conf \
    clients import client=other >out 2>err
status=$?
exits 0 "keys come in by standard input"
run explain --plugin-dir "$plugins" -c first.conf hello GET $here/other \
    -H 'apikey: imported-key-of-22-characters-or-more'
exits 0 "and let in"
says out "Principal  other"

# ---- plugins, version, help ----

run plugins --plugin-dir "$plugins"
exits 0 "plugins are listed"
says out "apikey "
run plugins --plugin-dir "$plugins" apikey
exits 0 "a plugin tells its options"
says out "  header  string"
says out "  key  secret, required, outgoing only"
says out "  mint  make a key and show it, once"
says out "      client  string, required"
says out "      grace  duration, default 7d"
run plugins --json --plugin-dir "$plugins" apikey
says out '[{"plugin":"apikey","version":"'
says out '{"option":"header","type":"string"'
says out '],"verbs":[{"verb":"mint","help":"make a key and show it, once","arguments":[{"argument":"client","type":"string",'
says out '{"verb":"show","help":"show all that is kept of a key; its text is not","arguments":[{"argument":"id",'
run plugins --json --plugin-dir "$plugins"
says out ']}]},{"plugin":"mtls",'
says out '"verbs":[]},{"plugin":"oauth2-cc",'
run plugins --plugin-dir "$plugins" nosuch
exits 1 "there is no such plugin"
says err nosuch
mkdir empty
run plugins --plugin-dir "$work/empty"
exits 1 "an empty folder has no plugins"

run version
exits 0 "the version is told"
says out "paactl "
run --help
exits 0 "help is printed"
for command in check explain plugins request run version; do
    says out "  $command"
done
for command in check explain plugins request run version; do
    run $command --help
    exits 0 "$command has help"
    says out "Usage: paactl $command"
    says out Examples
    checks=$((checks + 1))
    awk 'length > 100 { exit 1 }' out || fail "$command --help is wider than 100 columns"
done
run explan
exits 2 "there is no such command"
says err "did you mean \`explain\`?"
run
exits 2 "a command must be given"

# ---- terminals ----

if command -v script >/dev/null; then
    on_terminal() { # COMMAND...: its standard output is a terminal
        script -qec "$*" /dev/null >out 2>err </dev/null
        status=$?
    }
    explain="$paactl explain --plugin-dir $plugins -c first.conf hello GET $here/healthz"
    on_terminal "$explain"
    exits 0 "explain works on a terminal"
    says out "${escape}[32mALLOW${escape}[0m"
    on_terminal "NO_COLOR=1 $explain"
    says_not out "$escape"
    on_terminal "TERM=dumb $explain"
    says_not out "$escape"
fi

# ---- the page ----

if command -v mandoc >/dev/null; then
    mandoc -Tlint -W warning "$source/core/paactl/paactl.1" >out 2>err
    status=$?
    exits 0 "the manual page is clean"
fi

echo "$checks checks, $failures failed"
[ "$failures" -eq 0 ]
