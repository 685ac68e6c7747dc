#!/bin/sh
# Joins the controller's page to one script and one style sheet in a folder: web.sh FOLDER.
set -eu
out=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$(dirname "$0")/.."
case $(uname -m) in
  x86_64) arch=x64 ;;
  *) arch=arm64 ;;
esac
"node_modules/@esbuild/linux-$arch/bin/esbuild" app=controller/web/main.tsx app=controller/web/app.css \
  --bundle --minify --platform=browser --format=esm --target=es2024 --charset=utf8 --log-level=warning \
  --tsconfig=controller/web/tsconfig.json --outdir="$out" >&2
cp controller/web/index.html "$out/index.html"
