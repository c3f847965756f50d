"""The engines the models can run on.

On DuckDB they run in the private file of the run itself; another engine is given what Python wrote there,
builds the same models, and gives their tables back, so that all that follows is the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from orchestration.errors import ConfigurationError
from orchestration.settings import Settings, warehouse_dsn


@dataclass(frozen=True, slots=True)
class Table:
    """A table a model made; `columns` maps each column to its type by the model's contract."""

    schema: str
    name: str
    columns: Mapping[str, str]


class Engine(Protocol):
    """Where the models run, for one stage of a run."""

    @property
    def environment(self) -> Mapping[str, str]:
        """What profiles.yml reads."""

    def give_raw(self, landing: Path) -> None:
        """Raw tables of all sources, so that the models see what landing.duckdb holds now."""

    def give(self, build_file: Path, schemas: Sequence[str]) -> None:
        """Replace these schemas by those of the build file, as far as it has them."""

    def take(self, build_file: Path, tables: Sequence[Table]) -> None:
        """Copy tables the models made into the build file."""


class InTheBuildFile:
    """DuckDB: the models read and write the build file, and nothing has to be moved."""

    environment: Mapping[str, str] = {"REVOPS_ENGINE": "duckdb"}

    def give_raw(self, landing: Path) -> None:
        """The build attaches landing.duckdb."""

    def give(self, build_file: Path, schemas: Sequence[str]) -> None:
        """They are there."""

    def take(self, build_file: Path, tables: Sequence[Table]) -> None:
        """They are there."""


@contextmanager
def engine(settings: Settings) -> Iterator[Engine]:
    """The engine `warehouse` of revops.yml names, for as long as a stage takes."""
    kind = settings.warehouse.kind
    # A lake is written by DuckDB when a version is published; the models run as without one.
    if kind in ("duckdb", "ducklake"):
        yield InTheBuildFile()
        return
    try:
        from orchestration.engines.postgres import opened
    except ImportError as failure:
        raise ConfigurationError(
            f"warehouse.kind is '{kind}', which needs the Python package {failure.name}; install the extra"
            f" '{kind}' of this project."
        ) from failure
    with opened(warehouse_dsn(kind)) as found:
        yield found
