#!/usr/bin/env bash
# A stranger's view: installs into a folder of its own, without root, builds the sample plugin against what was
# installed and nothing else, and lets the installed paactl run a policy with it.
#   install.sh BUILD_FOLDER SOURCE_FOLDER
set -euo pipefail
umask 022
build=$1
source=$2
work=$build/tests/install
prefix=$work/prefix
rm -rf "$work"
mkdir -p "$work"

fail() {
  echo "$*" >&2
  exit 1
}

cmake --install "$build" --prefix "$prefix" >"$work/install.log"
for file in bin/paactl include/paa/paa.h include/paa/plugin.h include/paa/host/memo.h \
  include/paa/with_curl.h include/paa/with_openssl.h include/paa/with_token.h; do
  [ -e "$prefix/$file" ] || fail "$file is not installed"
done
pc=$(dirname "$(find "$prefix" -name paa.pc)")
[ -n "$(find "$prefix" -name apikey.so)" ] || fail "apikey.so is not installed"
[ -n "$(find "$prefix" -name paactl.1)" ] || fail "the man page is not installed"

# The sample is copied, so that nothing of the tree lies beside it.
cp -r "$source/examples/plugins/shared_secret" "$work/sample"
PKG_CONFIG_PATH=$pc cmake -S "$work/sample" -B "$work/sample/build" >"$work/sample.log"
cmake --build "$work/sample/build" >>"$work/sample.log"
cmake --install "$work/sample/build" >>"$work/sample.log"
[ -n "$(find "$prefix" -name shared-secret.so)" ] || fail "the sample plugin did not land beside the others"

# A host too: find_package(paa), and the installed library alone.
mkdir "$work/host"
cp "$source/examples/hosts/guard.c" "$work/host/"
cat >"$work/host/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.22)
project(stranger LANGUAGES C)
find_package(paa REQUIRED)
add_executable(guard guard.c)
target_link_libraries(guard PRIVATE paa::paa)
END
cmake -S "$work/host" -B "$work/host/build" -DCMAKE_PREFIX_PATH="$prefix" >"$work/host.log"
cmake --build "$work/host/build" >>"$work/host.log"

# And as README.md says it.
(cd "$work/host" && export PKG_CONFIG_PATH="$pc" && cc guard.c $(pkg-config --cflags --libs paa) -o guard)

(umask 077 && echo 'open sesame' >"$work/secret")
cat >"$work/policy.conf" <<'END'
instances = { partner = { plugin = "shared-secret"; header = "apikey"; secret = "file:secret"; }; };
services = { api = { direction = "incoming"; origins = [ "https://api.example.com" ];
                     chain = ( { required = "partner" } ); }; };
END
"$prefix/bin/paactl" check "$work/policy.conf"
"$prefix/bin/paactl" plugins | grep -q shared-secret || fail "paactl plugins does not list the sample"
set +e
"$prefix/bin/paactl" explain -c "$work/policy.conf" api GET https://api.example.com/ -H 'apikey: open sesame' \
  >"$work/explain" || fail "the right secret is not let in: $(cat "$work/explain")"
grep -q 'open sesame' "$work/explain" && fail "explain shows the secret: $(cat "$work/explain")"
"$prefix/bin/paactl" explain -c "$work/policy.conf" api GET https://api.example.com/ -H 'apikey: wrong' >"$work/explain"
[ $? -eq 1 ] || fail "a wrong secret is let in"
"$work/host/build/guard" "$work/policy.conf" api GET / >"$work/guard"
[ $? -eq 1 ] || fail "the stranger's host lets a request in that names no authority"
echo "installed, built against, run"
