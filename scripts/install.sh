#!/bin/sh
# Installs what is missing, quietly and on standard error only. "runtime": what running needs; "all": what tests need too.
set -eu
cd "$(dirname "$0")/.."
what=${1:-all}

wanted=$(cksum package-lock.json | cut -d' ' -f1)-$what
mark=node_modules/.reeve-installed
if [ "$(cat "$mark" 2>/dev/null)" != "$wanted" ] && [ "$(cat "$mark" 2>/dev/null)" != "${wanted%-*}-all" ]; then
  omit=
  [ "$what" = all ] || omit=--omit=dev
  # shellcheck disable=SC2086
  npm ci --loglevel=error --no-audit --no-fund $omit >&2
  echo "$wanted" >"$mark"
fi

if [ -f agent/native/Makefile ] && ! make -s -C agent/native >&2; then
  echo "reeve: hint: the native part was not built, so rules that need it will be unknown; install a C compiler and make" >&2
fi
