#!/bin/sh
# Makes .venv hold exactly what requirements.lock says, and the project itself. Needs Python 3.11 or later and a package
# registry. Run by `make`; by hand: scripts/setup.sh
set -eu
cd "$(dirname "$0")/.."

is_new_enough='import sys; sys.exit(sys.version_info < (3, 11))'

find_python() {
    for python in "${PYTHON:-python3}" python3.13 python3.12 python3.11; do
        if "$python" -c "$is_new_enough" 2>/dev/null; then
            command -v "$python"
            return
        fi
    done
    echo "Error: no Python 3.11 or later was found; install one, or name it: make run PYTHON=/path/to/python3.11" >&2
    return 2
}

if ! .venv/bin/python -c "$is_new_enough" 2>/dev/null; then
    python=$(find_python)
    rm -rf .venv
    "$python" -m venv --without-pip .venv
fi

export VIRTUAL_ENV="$PWD/.venv"
scripts/uv.sh pip sync --quiet --require-hashes requirements.lock
# The build backend that the second command fetches is checked against the hashes of the bootstrap lock.
scripts/uv.sh pip install --quiet --no-deps --build-constraints scripts/bootstrap.lock --editable .
touch .venv/.installed
