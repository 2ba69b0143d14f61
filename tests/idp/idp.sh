#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The real identity provider of tests and quickstart (npm's oidc-provider) on loopback, with a CA made for it.
#   idp.sh install                          into $IDP_INSTALLED (build/idp), unless it is there already
#   idp.sh start FOLDER                     installs too; FOLDER/config.json says what differs from default.json
#   idp.sh order FOLDER ORDER               rotate, withdraw, replace, down, up, served
#   idp.sh certificate FOLDER NAME SUBJECT SAN   one more certificate of its CA
#   idp.sh stop FOLDER
# Started, FOLDER has `ready` (IDP_ISSUER=…, IDP_MTLS=…, IDP_PID=…), ca.crt, the default clients' keys, and log. If root
# starts it, FOLDER is given to the user nobody. It ends with the process $IDP_OWNER (who called this). Or source this file,
# and call idp_start FOLDER.

idp_source=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
IDP_INSTALLED=${IDP_INSTALLED:-$(dirname "$(dirname "$idp_source")")/build/idp}
IDP_START_S=60
IDP_STOP_S=60
idp_files=(package.json package-lock.json default.json settings.mjs keys.mjs memory.mjs pages.mjs provider_options.mjs
  provider.mjs)

# Foreign code gets no more rights than it needs: root runs it as nobody, if nobody can reach what it needs.
idp_lower() { # FOLDER FILE: it writes to one and reads the other; sets idp_as to what comes before a command
  idp_as=()
  [ "$(id -u)" -eq 0 ] || return 0
  local lower=(setpriv --reuid=nobody --regid=nogroup --clear-groups --no-new-privs --inh-caps=-all)
  chown -R nobody:nogroup "$1"
  if "${lower[@]}" test -w "$1" -a -r "$2"; then
    idp_as=("${lower[@]}")
  else
    chown -R root:root "$1"
    echo "idp.sh: the user nobody cannot reach $1 or $2: Node.js runs there as root" >&2
  fi
}

# ---- install ----

idp_is_current() {
  local file
  [ -e "$IDP_INSTALLED/complete" ] || return 1
  for file in "${idp_files[@]}"; do cmp -s "$idp_source/$file" "$IDP_INSTALLED/$file" || return 1; done
}

idp_fetch() { # the packages of the lock file, checked against its digests; no script of theirs runs
  rm -f "$IDP_INSTALLED/complete"
  idp_lower "$IDP_INSTALLED" "$IDP_INSTALLED/package.json"
  (cd "$IDP_INSTALLED" && HOME=$PWD npm_config_cache=$PWD/cache npm_config_update_notifier=false \
    "${idp_as[@]}" npm ci --ignore-scripts --no-audit --no-fund --prefer-offline --loglevel=error >/dev/null)
}

idp_update() { # under a lock, since tests start at the same time
  local file fetch=0
  idp_is_current && return 0
  [ -e "$IDP_INSTALLED/complete" ] && cmp -s "$idp_source/package-lock.json" "$IDP_INSTALLED/package-lock.json" || fetch=1
  for file in "${idp_files[@]}"; do # renamed into place: another provider may be reading it
    install -m 644 "$idp_source/$file" "$IDP_INSTALLED/$file.new" && mv "$IDP_INSTALLED/$file.new" "$IDP_INSTALLED/$file" ||
      return 1
  done
  [ $fetch -eq 0 ] || idp_fetch || return 1
  touch "$IDP_INSTALLED/complete"
}

idp_install() {
  local name
  for name in node npm openssl curl setpriv flock; do
    command -v "$name" >/dev/null && continue
    echo "idp.sh: there is no $name: ./tests/run.sh installs it (Debian: nodejs npm openssl curl util-linux)" >&2
    return 1
  done
  (umask 022 && mkdir -p "$IDP_INSTALLED" && exec 9>"$IDP_INSTALLED.lock" && flock 9 && idp_update)
}

# ---- keys and certificates ----

idp_openssl_req() { # what it says is shown only if it fails
  openssl req -config <(printf '[req]\ndistinguished_name=name\n[name]\n') -x509 -days 2 -noenc \
    -newkey ec -pkeyopt ec_paramgen_curve:P-256 "$@" 2>openssl.log || { cat openssl.log >&2; return 1; }
}

idp_certificate() { # FOLDER NAME SUBJECT SAN: NAME.key and NAME.crt
  (cd "$1" && idp_openssl_req -CA ca.crt -CAkey ca.key -subj "$3" -addext "subjectAltName=$4" \
    -addext basicConstraints=CA:FALSE -keyout "$2.key" -out "$2.crt")
}

idp_key() { # NAME ARGUMENTS OF genpkey…: NAME.key and NAME.pub
  local name=$1
  shift
  openssl genpkey "$@" -out "$name.key" 2>openssl.log || { cat openssl.log >&2; return 1; }
  openssl pkey -in "$name.key" -pubout -out "$name.pub"
}

idp_make_keys() { # FOLDER
  (cd "$1" && umask 077 &&
    idp_openssl_req -subj '/CN=CA of a test' -addext basicConstraints=critical,CA:TRUE \
      -addext keyUsage=critical,keyCertSign,cRLSign -keyout ca.key -out ca.crt &&
    idp_certificate . server /CN=localhost DNS:localhost,IP:127.0.0.1 &&
    idp_certificate . mtls /CN=mtls DNS:mtls.test &&
    idp_openssl_req -subj /CN=selfsigned -keyout selfsigned.key -out selfsigned.crt &&
    idp_key jwt-rsa -algorithm RSA -pkeyopt rsa_keygen_bits:2048 &&
    idp_key jwt-p256 -algorithm EC -pkeyopt ec_paramgen_curve:P-256 &&
    idp_key jwt-ed25519 -algorithm ed25519)
}

# ---- start, order, stop ----

idp_is_gone() { # FOLDER: it holds the lock on FOLDER/alive as long as it lives
  flock -n "$1/alive" true
}

idp_launch() { # FOLDER OWNER
  (cd "$1" && exec 3>ready.pipe 9>>alive && flock -n 9 || exit 1
    NODE_EXTRA_CA_CERTS=ca.crt NODE_OPTIONS='' exec "${idp_as[@]}" node "$IDP_INSTALLED/provider.mjs" "$2" </dev/null >>log 2>&1)
}

idp_start() { # FOLDER
  local said='' owner=${IDP_OWNER:-$$}
  [ -d "$1" ] || { echo "idp.sh: there is no folder $1: make it first" >&2; return 1; }
  idp_is_gone "$1" || { echo "idp.sh: a provider runs in $1 already" >&2; return 1; }
  idp_install || return 1
  rm -f "$1/ready" "$1/orders" "$1/ready.pipe"
  [ -e "$1/ca.crt" ] || idp_make_keys "$1" || return 1
  mkfifo -m 600 "$1/ready.pipe" && touch "$1/log" && idp_lower "$1" "$IDP_INSTALLED/provider.mjs" || return 1
  idp_launch "$1" "$owner" &
  read -r -t "$IDP_START_S" said <"$1/ready.pipe" || true
  rm -f "$1/ready.pipe"
  [ "$said" = ready ] && return 0
  echo "idp.sh: the provider does not start:" >&2
  cat "$1/log" >&2
  return 1
}

idp_order() { # FOLDER ORDER: says what was served so far
  curl -sSf -m 60 --unix-socket "$1/orders" -X POST "http://idp/$2"
}

idp_stop() { # FOLDER: it is gone when this returns
  idp_is_gone "$1" && return 0
  kill "$(sed -n 's/^IDP_PID=//p' "$1/ready")" && flock -w "$IDP_STOP_S" "$1/alive" true
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  set -euo pipefail
  IDP_OWNER=${IDP_OWNER:-$PPID}
  command=${1:-}
  case $command in
  install | start | order | certificate | stop)
    shift
    "idp_$command" "$@"
    ;;
  *)
    sed -n '3,12s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
  esac
fi
