#!/bin/sh
# Installs the PostgreSQL server the tests start for themselves, unless one is there. Debian and Ubuntu.
set -eu

if ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
    exit 0
fi
if ! command -v apt-get >/dev/null 2>&1; then
    echo "No PostgreSQL server under /usr/lib/postgresql; install one with the system's package manager." >&2
    exit 1
fi
run=""
if [ "$(id -u)" -ne 0 ]; then
    run="sudo"
fi
$run apt-get update -qq
$run env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends postgresql
