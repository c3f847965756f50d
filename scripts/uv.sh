#!/bin/sh
# Runs uv: the one on PATH, else one fetched with pip, checked by its hash, into .venv/.bootstrap. Needs .venv.
set -eu
if command -v uv >/dev/null 2>&1; then
    exec uv "$@"
fi
root=$(dirname "$0")/..
tools=$root/.venv/.bootstrap
if ! cmp -s "$root/scripts/bootstrap.lock" "$tools/bootstrap.lock"; then
    echo "Fetching uv" >&2
    rm -rf "$tools"
    # Debian ships the module in a package of its own; Python's message without it is half a page.
    if ! "$root/.venv/bin/python" -m venv "$tools" >/dev/null 2>&1; then
        echo "Error: Python's venv module does not work here; install it (Debian: apt-get install python3-venv) or install uv." >&2
        exit 2
    fi
    "$tools/bin/pip" install -qq --disable-pip-version-check --require-hashes -r "$root/scripts/bootstrap.lock"
    cp "$root/scripts/bootstrap.lock" "$tools/bootstrap.lock"
fi
exec "$tools/bin/uv" "$@"
