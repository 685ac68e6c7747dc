#!/bin/sh
# Builds what runs: the C part, and the sources joined to a few files of plain JavaScript, which start faster and take
# less memory than stripping hundreds of TypeScript files does. bin/reeve uses them while they are newer than the sources.
set -eu
cd "$(dirname "$0")/.."

if ! make -s -C agent/native >&2; then
  echo "reeve: hint: the native part was not built, so rules that need it will be unknown; install a C compiler and make" >&2
fi

stale() {
  [ ! -f build/main.mjs ] || [ -n "$(find agent policies controller/protocol package-lock.json -newer build/main.mjs \( -name '*.ts' -o -name package-lock.json \) -print -quit)" ]
}
if stale; then
  rm -rf build.new
  node_modules/.bin/rolldown agent/main.ts agent/host/local/slow-reader.ts \
    --platform node --format esm --dir build.new --entry-file-names '[name].mjs' --chunk-file-names '[name].mjs' --log-level warn >&2
  rm -rf build
  mv build.new build
fi
