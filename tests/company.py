"""A pretend company on disk, and the `revops` command run on it in a process of its own, as a user would."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml

from orchestration.contract import PROJECT_ROOT
from sandbox.world import World

UNTIL = date(2026, 3, 31)
SCALE = 0.5


@dataclass(frozen=True)
class Company:
    """A pretend company, its files, and the folder the warehouse keeps its data in."""

    world: World
    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def published(self) -> Path:
        return (self.home / "published" / "revops.duckdb").resolve()

    @property
    def first_version(self) -> Path:
        """The file of the first run, whatever later runs publish."""
        return self.folder / "first.duckdb"

    @property
    def first_landing(self) -> Path:
        """The raw data of the first run, whatever later runs add."""
        return self.folder / "first_landing.duckdb"

    def keep_first_version(self) -> None:
        shutil.copy(self.published, self.first_version)
        shutil.copy(self.home / "landing.duckdb", self.first_landing)

    def content_hashes(self) -> dict[str, str]:
        """Content hash of every published table, from the manifest of the current version."""
        manifest = json.loads(
            (self.home / "published" / "current" / "manifest.json").read_text(encoding="utf-8")
        )
        return {name: table["content_hash"] for name, table in manifest["tables"].items()}

    def config(self, *, without: str | None = None) -> Path:
        """The default configuration, with one source left out on request."""
        document = yaml.safe_load((PROJECT_ROOT / "revops.yml").read_text(encoding="utf-8"))
        document["sources"] = [source for source in document["sources"] if source["name"] != without]
        path = self.folder / f"revops_without_{without}.yml"
        path.write_text(yaml.safe_dump(document), encoding="utf-8")
        return path

    def revops(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the command line; the caller looks at the exit code."""
        command = [sys.executable, "-c", "from orchestration.cli import main; main()", *arguments]
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(PROJECT_ROOT), "REVOPS_HOME": str(self.home), **environment},
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
