#!/bin/sh
# Builds what runs: the C part, and the sources joined to a few files of plain JavaScript, which start faster and take
# less memory than stripping hundreds of TypeScript files does. bin/reeve uses them while they are newer than the sources.
set -eu
cd "$(dirname "$0")/.."

if ! make -s -C agent/native >&2; then
  echo "reeve: hint: the native part was not built, so rules that need it will be unknown; install a C compiler and make" >&2
fi

case $(uname -m) in
  x86_64) arch=x64 ;;
  aarch64) arch=arm64 ;;
  *)
    echo "reeve: error: there is no compiler for $(uname -m): x86_64 or aarch64 is wanted" >&2
    exit 1
    ;;
esac

# One file a process, by the name that bin/reeve and agent/home.ts know it by. What the command and the checker have in
# common is shared. The processes that stay get just what they use, since what is shared is all that anybody uses; the two
# that must be small are CommonJS, which spares them Node's loader of modules (2.5 MB).
shared='main=agent/main.ts checker=agent/checker/main.ts slow-reader=agent/host/local/slow-reader.ts'
alone='inventory=agent/link/inventory/main.ts controller=controller/main.ts store-worker=controller/store/worker.ts'
small='daemon=agent/daemon/main.ts link=agent/link/main.ts'

stale() {
  [ ! -f build/main.mjs ] || [ -n "$(find agent policies controller package-lock.json scripts/build.sh -newer build/main.mjs \( -name '*.ts' -o -name '*.tsx' -o -name '*.css' -o -name '*.html' -o -name package-lock.json -o -name build.sh \) -print -quit)" ]
}
if stale; then
  rm -rf build.new
  # Some of what is joined is CommonJS and asks for Node's modules with require(); ws tries two packages that it can do without.
  join() {
    "node_modules/@esbuild/linux-$arch/bin/esbuild" "$@" --bundle --platform=node --target=node24 --charset=utf8 \
      --log-level=warning --external:bufferutil --external:utf-8-validate --outdir=build.new --entry-names='[name]' >&2
  }
  join_modules() {
    join --format=esm --chunk-names='[name]-[hash]' --out-extension:.js=.mjs \
      --banner:js="import {createRequire as requireOf} from 'node:module'; const require = requireOf(import.meta.url);" "$@"
  }
  # shellcheck disable=SC2086
  join_modules --splitting $shared
  for entry in $alone; do
    join_modules "$entry"
  done
  # shellcheck disable=SC2086
  join --format=cjs --out-extension:.js=.cjs --define:import.meta.url=thisFile \
    --banner:js="const thisFile = require('node:url').pathToFileURL(__filename).href;" $small
  sh scripts/web.sh build.new/web
  rm -rf build
  mv build.new build
fi
