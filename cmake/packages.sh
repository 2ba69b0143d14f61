#!/usr/bin/env bash
# Installs the Debian packages that are missing, without questions. Sourced with one or more of the lists below.
#   build  what the library, the plugins and paactl need
#   tests  what the test suite adds: peers to compare with, hosts to run in, the identity provider
#   idp    the part of it that runs the identity provider (tests/idp)
#   ci     what only CI adds
set -euo pipefail

packages_build=(cmake gcc g++ libc6-dev make pkg-config libconfig-dev libcurl4-openssl-dev libssl-dev
  libsqlite3-dev libevent-dev libqrencode-dev)
packages_quickstart=(nginx nginx-dev curl openssl)
packages_tests=(libpam0g-dev libpam-modules nginx nginx-dev curl openssl sqlite3 procps
  libjansson-dev libcjose-dev libjwt-dev liboauth2-dev softhsm2 libengine-pkcs11-openssl chromium)
packages_idp=()
# Debian's npm is 381 packages and 273 MB: not where another Node.js is there.
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then packages_idp=(nodejs npm); fi
packages_tests+=("${packages_idp[@]}")
packages_ci=(clang clang-tidy clang-format libclang-rt-14-dev mandoc)

install_packages() {
  local list missing=() name
  for list in "$@"; do
    local -n names="packages_$list"
    for name in "${names[@]}"; do
      dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'install ok installed' || missing+=("$name")
    done
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  local run=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
      echo "These Debian packages are missing, and only root can install them: ${missing[*]}" >&2
      return 1
    fi
    run=(sudo -n)
  fi
  echo "Installing: ${missing[*]}"
  "${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
  "${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    -o Dpkg::Use-Pty=0 "${missing[@]}" >/dev/null
}
