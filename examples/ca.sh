#!/usr/bin/env bash
# A certificate authority in a folder, for trying things out: its keys are unprotected. Needs openssl.
#   ca.sh make FOLDER                      ca.key, ca.crt, and crl.pem, an empty revocation list
#   ca.sh issue FOLDER NAME SAN [END]      NAME.key, NAME.crt; SAN as OpenSSL writes it: URI:spiffe://example.com/orders for a
#                                          client, IP:127.0.0.1 or DNS:localhost for a server; END: YYYYMMDDHHMMSSZ
#   ca.sh revoke FOLDER NAME               puts it on crl.pem
set -euo pipefail

config() { # of `openssl ca`; SAN and USE come from the environment
  cat <<'END'
[ca]
default_ca       = own
[own]
database         = index
serial           = serial
new_certs_dir    = .
certificate      = ca.crt
private_key      = ca.key
default_md       = sha256
default_days     = 30
default_crl_days = 7
policy           = any
unique_subject   = no
[any]
commonName       = supplied
[req]
distinguished_name = name
[name]
[root]
basicConstraints = critical,CA:true
keyUsage         = critical,keyCertSign,cRLSign
[leaf]
basicConstraints = critical,CA:false
extendedKeyUsage = $ENV::USE
subjectAltName   = $ENV::SAN
END
}

quiet() { # what OpenSSL says is shown only if it fails
  openssl "$@" 2>openssl.log || { cat openssl.log >&2; return 1; }
}

new_key() { # NAME and what to do with it
  local name=$1
  shift
  quiet req -config ca.cnf -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout "$name.key" "$@"
}

make_list() {
  quiet ca -config ca.cnf -gencrl -out crl.new
  mv crl.new crl.pem # whole or not at all: servers read it when it changes
}

make() {
  config >ca.cnf
  : >index
  echo 1000 >serial
  new_key ca -x509 -extensions root -days 30 -subj "/CN=${PWD##*/}" -out ca.crt
  make_list
}

issue() { # NAME SAN [END]
  local start
  export SAN=$2 USE=clientAuth
  case $2 in IP:* | DNS:*) USE=serverAuth ;; esac
  new_key "$1" -subj "/CN=$1" -out "$1.csr"
  start=$([ $# -lt 3 ] || echo "-startdate 20200101000000Z -enddate $3")
  # shellcheck disable=SC2086
  quiet ca -batch -config ca.cnf -extensions leaf -notext $start -in "$1.csr" -out "$1.crt"
  rm "$1.csr"
}

export SAN='' USE=clientAuth
verb=${1:-} folder=${2:-}
case $verb-$# in
make-2) mkdir -p "$folder" && cd "$folder" && make ;;
issue-[45]) cd "$folder" && issue "${@:3}" ;;
revoke-3) cd "$folder" && quiet ca -config ca.cnf -revoke "$3.crt" && make_list ;;
*) sed -n '2,6s/^# //p' "$0" >&2; exit 2 ;;
esac
