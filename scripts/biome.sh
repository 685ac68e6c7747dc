#!/bin/sh
# Runs the formatter and linter that package.json pins. Its own wrapper package names binaries for systems that reeve does
# not run on, so the two that matter are depended on by themselves.
set -eu
case $(uname -m) in
  x86_64) arch=x64 ;;
  *) arch=arm64 ;;
esac
exec "$(dirname "$0")/../node_modules/@biomejs/cli-linux-$arch/biome" "$@"
