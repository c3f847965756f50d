"""From a finished build to what readers see: audit, immutable versions, one link that moves."""

from collections.abc import Callable
from pathlib import Path

import duckdb

Artifact = Callable[[duckdb.DuckDBPyConnection, Path], None]

# Writers of further files of a version, such as a dashboard: each is called with a read-only connection to
# the audited candidate and the folder that becomes the version.
artifacts: list[Artifact] = []
