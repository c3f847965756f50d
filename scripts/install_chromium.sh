#!/bin/sh
# Installs the Chromium that the browser tests and scripts/screenshots.py drive, unless one is there. Debian and Ubuntu.
set -eu

if command -v chromium >/dev/null 2>&1; then
    exit 0
fi
if ! command -v apt-get >/dev/null 2>&1; then
    echo "No chromium on the path; install one with the system's package manager." >&2
    exit 1
fi
run=""
if [ "$(id -u)" -ne 0 ]; then
    run="sudo"
fi
$run apt-get update -qq
$run env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium fonts-inter-variable
