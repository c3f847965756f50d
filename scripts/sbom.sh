#!/bin/sh
# Writes target/sbom.json, what is installed in CycloneDX, and asks for known vulnerabilities in requirements.lock. Fails on a
# finding; a vulnerability service that cannot be reached is said and is no failure.
set -eu
cd "$(dirname "$0")/.."
mkdir -p target
scripts/uv.sh tool run --quiet --from 'cyclonedx-bom>=7,<8' cyclonedx-py environment .venv/bin/python \
    --pyproject pyproject.toml --output-format JSON --output-file target/sbom.json
scripts/uv.sh tool run --quiet 'pip-audit>=2.9,<3' --require-hashes --disable-pip --progress-spinner off \
    --requirement requirements.lock --format json --output target/audit.json >/dev/null 2>&1 || true
.venv/bin/python - <<'PYTHON'
import json
import sys
from pathlib import Path

components = json.loads(Path("target/sbom.json").read_text())["components"]
print(f"target/sbom.json: {len(components)} components")
report = Path("target/audit.json")
packages = json.loads(report.read_text())["dependencies"] if report.exists() else []
audited = [package for package in packages if "vulns" in package]
if not audited:
    print("No vulnerability service could be reached; nothing was audited.")
found = [(package, finding) for package in audited for finding in package["vulns"]]
for package, finding in found:
    print(f"{package['name']} {package['version']}: {finding['id']}, fixed in {', '.join(finding['fix_versions']) or 'no version'}")
print(f"{len(audited)} packages audited, {len(found)} findings")
sys.exit(bool(found))
PYTHON
