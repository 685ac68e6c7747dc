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

stale() {
  [ ! -f build/main.mjs ] || [ -n "$(find agent policies controller/protocol package-lock.json -newer build/main.mjs \( -name '*.ts' -o -name package-lock.json \) -print -quit)" ]
}
if stale; then
  rm -rf build.new
  # Some of what is joined is CommonJS and asks for Node's modules with require().
  "node_modules/@esbuild/linux-$arch/bin/esbuild" agent/main.ts agent/host/local/slow-reader.ts \
    --bundle --platform=node --target=node24 --format=esm --splitting --charset=utf8 --log-level=warning \
    --outdir=build.new --entry-names='[name]' --chunk-names='[name]-[hash]' --out-extension:.js=.mjs \
    --banner:js="import {createRequire as requireOf} from 'node:module'; const require = requireOf(import.meta.url);" >&2
  rm -rf build
  mv build.new build
fi
