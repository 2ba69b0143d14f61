#!/bin/sh
# What a built library shows and needs.
#   exports.sh PLUGIN.so    exports its one paa_plugin_1_* symbol and nothing else, and needs only what
#                           allowed_symbols.txt lists
#   exports.sh libpaa.so…   exports paa_* only
set -eu
export LC_ALL=C
library=$1
allowed=$(dirname "$0")/allowed_symbols.txt
name=$(basename "$library")
status=0

# the linker's own marks are in every library
exported=$(nm -D --defined-only "$library" | awk '{ print $NF }' | sed 's/@.*//' |
  grep -v -x -e '_init' -e '_fini' -e '_edata' -e '_end' -e '__bss_start' || true)
[ -n "$exported" ] || { echo "$name exports nothing" >&2; exit 1; }

case $name in
libpaa.so*)
  others=$(printf '%s\n' "$exported" | grep -v '^paa_' || true)
  [ -z "$others" ] || { echo "$name exports more than paa_*:" $others >&2; status=1; }
  exit $status
  ;;
esac

wanted=paa_plugin_1_$(basename "$name" .so | tr - _)
[ "$exported" = "$wanted" ] ||
  { echo "$name must export $wanted and nothing else, not:" $exported >&2; status=1; }

# a line that ends in * is the beginning of a family
patterns=$(sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' -e 's/\*$/.*/' -e 's/.*/^&$/' "$allowed")
needed=$(nm -D --undefined-only "$library" | awk '{ print $NF }' | sed 's/@.*//')
foreign=$(printf '%s\n' "$needed" | grep -v -e "$patterns" || true)
[ -z "$foreign" ] ||
  { echo "$name needs what plugins may not touch:" $foreign >&2; status=1; }
exit $status
