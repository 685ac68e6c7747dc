#!/bin/sh
# Installs what is missing, then builds; says what it does on standard error only. "runtime": what running needs; "all":
# what tests need too.
set -eu
cd "$(dirname "$0")/.."
what=${1:-all}

wanted=$(cksum package-lock.json | cut -d' ' -f1)
mark=node_modules/.reeve-installed
have=$(cat "$mark" 2>/dev/null || true)
if [ "$have" != "$wanted-all" ] && [ "$have" != "$wanted-$what" ]; then
  omit=
  [ "$what" = all ] || omit=--omit=dev
  # shellcheck disable=SC2086
  npm ci --loglevel=error --no-audit --no-fund $omit >&2
  echo "$wanted-$what" >"$mark"
fi

sh scripts/build.sh
