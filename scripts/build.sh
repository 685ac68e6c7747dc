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

# One file a process, by the name that bin/reeve and agent/home.ts know it by.
entries='main=agent/main.ts daemon=agent/daemon/main.ts checker=agent/checker/main.ts link=agent/link/main.ts
  inventory=agent/link/inventory/main.ts slow-reader=agent/host/local/slow-reader.ts
  controller=controller/main.ts store-worker=controller/store/worker.ts'

stale() {
  [ ! -f build/main.mjs ] || [ -n "$(find agent policies controller package-lock.json scripts/build.sh -newer build/main.mjs \( -name '*.ts' -o -name '*.tsx' -o -name '*.css' -o -name '*.html' -o -name package-lock.json -o -name build.sh \) -print -quit)" ]
}
if stale; then
  rm -rf build.new
  # Some of what is joined is CommonJS and asks for Node's modules with require(); ws tries two packages that it can do without.
  # shellcheck disable=SC2086
  "node_modules/@esbuild/linux-$arch/bin/esbuild" $entries \
    --bundle --platform=node --target=node24 --format=esm --splitting --charset=utf8 --log-level=warning \
    --external:bufferutil --external:utf-8-validate \
    --outdir=build.new --entry-names='[name]' --chunk-names='[name]-[hash]' --out-extension:.js=.mjs \
    --banner:js="import {createRequire as requireOf} from 'node:module'; const require = requireOf(import.meta.url);" >&2
  sh scripts/web.sh build.new/web
  rm -rf build
  mv build.new build
fi
