#!/bin/sh
# Makes .venv hold exactly what requirements.lock says, and the project itself. Needs Python 3.11 or later and a package
# registry; uv is taken from PATH, else fetched with pip. Run by `make`; by hand: scripts/setup.sh
set -eu
cd "$(dirname "$0")/.."

find_python() {
    for python in "${PYTHON:-python3}" python3.13 python3.12 python3.11; do
        if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$python"
            return
        fi
    done
    echo "Error: Python 3.11 or later is needed and was not found; install it, or name it: make PYTHON=/path/to/python3.11" >&2
    return 2
}

has_working_python() {
    [ -x .venv/bin/python ] && .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

if ! has_working_python; then
    rm -rf .venv
    python=$(find_python)
    "$python" -m venv --without-pip .venv
fi

if command -v uv >/dev/null 2>&1; then
    uv=uv
else
    uv=.venv/.bootstrap/bin/uv
    if [ ! -x "$uv" ] || [ scripts/bootstrap.lock -nt "$uv" ]; then
        echo "Fetching uv"
        rm -rf .venv/.bootstrap
        # Debian splits this module off; without it the message would be half a page.
        if ! .venv/bin/python -m venv .venv/.bootstrap >/dev/null 2>&1; then
            echo "Error: Python's venv module does not work here; install it (Debian: apt-get install python3-venv) or install uv." >&2
            exit 2
        fi
        .venv/.bootstrap/bin/pip install --quiet --disable-pip-version-check --require-hashes -r scripts/bootstrap.lock
        touch "$uv"
    fi
fi

export VIRTUAL_ENV="$PWD/.venv"
"$uv" pip sync --quiet --require-hashes requirements.lock
# The build backend is checked against the hashes of the bootstrap lock.
"$uv" pip install --quiet --no-deps --build-constraints scripts/bootstrap.lock --editable .
touch .venv/.installed
