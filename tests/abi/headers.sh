#!/bin/sh
# Each public header alone compiles as C11 and as C++17 with every warning on.
# headers.sh INCLUDE_FOLDER CC CXX
set -eu
include=$1 cc=$2 cxx=$3
status=0
common="-I$include -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wcast-qual
  -Wwrite-strings -Wformat=2 -Wundef -Wvla -Werror -fsyntax-only"
for header in $(cd "$include" && find paa -name '*.h' | sort); do
  printf '#include <%s>\n#include <%s>\n' "$header" "$header" |
    $cc -std=c11 $common -Wstrict-prototypes -Wmissing-prototypes -x c - ||
    { echo "$header does not compile alone as C11" >&2; status=1; }
  printf '#include <%s>\n#include <%s>\n' "$header" "$header" |
    $cxx -std=c++17 $common -x c++ - ||
    { echo "$header does not compile alone as C++17" >&2; status=1; }
done
exit $status
