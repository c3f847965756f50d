#!/bin/sh
# Builds echarts.min.js anew from the npm packages that package-lock.json pins, and its checksum.
# The same versions give the same bytes; `build.sh --check` compares them with the file in this folder.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp "$here/package.json" "$here/package-lock.json" "$here/entry.js" "$scratch/"
cd "$scratch"
npm ci --no-audit --no-fund --silent
node_modules/.bin/esbuild entry.js --bundle --minify --format=iife --global-name=echarts --target=es2020 \
    --define:process.env.NODE_ENV='"production"' --legal-comments=none \
    --banner:js="/* Apache ECharts 6.1.0, Apache-2.0 · zrender 6.1.0, BSD-3-Clause · tslib 2.3.0, 0BSD · d3, BSD-3-Clause */" \
    --log-level=warning --outfile=echarts.min.js
if [ "${1:-}" = "--check" ]; then
    cmp echarts.min.js "$here/echarts.min.js"
    exit
fi
cp echarts.min.js "$here/echarts.min.js"
cd "$here"
sha256sum echarts.min.js > echarts.min.js.sha256
