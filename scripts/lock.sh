#!/bin/sh
# Compiles the two locks from pyproject.toml and scripts/bootstrap.in. Pins that still fit stay; `scripts/lock.sh --upgrade`
# takes the newest. Versions and hashes only, no hosts: the locks work behind any mirror.
set -eu
cd "$(dirname "$0")/.."
compile() {
    scripts/uv.sh pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header "$@"
}
compile "$@" --all-extras --group dev pyproject.toml --output-file requirements.lock
compile "$@" scripts/bootstrap.in --output-file scripts/bootstrap.lock
