# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# For tests in shell that need the real provider, sourced: tests/tools.sh, idp.sh, and a provider in $work/idp that ends with the
# test.
. "$(dirname "${BASH_SOURCE[0]}")/../tools.sh"
. "$(dirname "${BASH_SOURCE[0]}")/idp.sh"
chmod go+x "$work" # so that the user nobody reaches the provider's folder
export IDP_OWNER=$$

end_idp() { idp_stop "$work/idp" 2>/dev/null; }
endings+=(end_idp)

use_idp() { # CONFIG: a new provider with that config.json, whose CA is in ./ca.crt
  end_idp || true # there may be none
  rm -rf "$work/idp"
  mkdir -m 755 "$work/idp"
  printf '%s' "$1" >"$work/idp/config.json"
  idp_start "$work/idp" || exit 1
  . "$work/idp/ready"
  install -m 600 "$work/idp/ca.crt" "$work/ca.crt"
}
