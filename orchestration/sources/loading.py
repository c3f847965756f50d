"""Appends prepared tables to landing.duckdb with dlt, as one load that is finished or does not count."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.errors import SourceFailed
from orchestration.settings import crash_point, switch_off_telemetry

# Typed hints: without them dlt would infer types, and move a value of another type to a column of its own.
_DLT_TYPES: dict[str, dict[str, Any]] = {
    "text": {"data_type": "text"},
    "json": {"data_type": "text"},
    "integer": {"data_type": "bigint"},
    "money": {"data_type": "decimal", "precision": 18, "scale": 4},
    "ratio": {"data_type": "double"},
    "boolean": {"data_type": "bool"},
    "timestamp": {"data_type": "timestamp", "timezone": False, "precision": 6},
    "date": {"data_type": "date"},
}


@dataclass(frozen=True)
class PreparedTable:
    """Rows to append. `export` writes them as Parquet, stamped with the load id, and returns how many."""

    name: str
    columns: Mapping[str, str]
    export: Callable[[str, Path], int]


def append(source: str, landing: Path, folder: Path, tables: Sequence[PreparedTable]) -> dict[str, int]:
    """Append the tables to the dataset raw_<source> of the file `landing`; returns rows appended per table.

    `folder` must be new: dlt would otherwise resume a package that a killed run left there and load it twice.
    """
    switch_off_telemetry()
    import dlt
    from dlt.common.runtime.collector import NullCollector

    class AnnounceCommit(NullCollector):
        """Notices that all data is committed while the load is not yet marked finished."""

        done = 0
        expected: int | None = None

        def update(self, name: str, inc: int = 1, total: int | None = None, *more: Any, **rest: Any) -> None:
            if not self.step or not self.step.startswith("Load ") or name != "Jobs":
                return
            self.expected = self.expected if total is None else total
            self.done += inc
            if self.done == self.expected:
                crash_point("marker")

        def _start(self, step: str) -> None:
            self.step = step

    appended: dict[str, int] = {}

    def resource(table: PreparedTable) -> Any:
        def rows() -> Iterator[Any]:
            load_id = dlt.current.load_package_state()["load_id"]
            file = folder / f"{table.name}.parquet"
            appended[table.name] = table.export(load_id, file)
            yield dlt.mark.with_file_import(str(file), "parquet", appended[table.name])

        # dlt writes into the hints it is given, so every column gets its own.
        columns: Any = {name: dict(_DLT_TYPES[word]) for name, word in table.columns.items()}
        return dlt.resource(
            rows, name=table.name, write_disposition="append", max_table_nesting=0, columns=columns
        )

    folder.mkdir(parents=True)
    pipeline = dlt.pipeline(
        source,
        pipelines_dir=str(folder / "pipelines"),
        dataset_name=f"raw_{source}",
        destination=dlt.destinations.duckdb(str(landing)),
        progress=AnnounceCommit(),
    )
    try:
        pipeline.sync_destination()
        pipeline.extract(
            dlt.source(lambda: [resource(table) for table in tables], name=source, max_table_nesting=0)()
        )
        crash_point("after_extract")
        pipeline.normalize()
        crash_point("after_normalize")
        pipeline.load().raise_on_failed_jobs()
    except Exception as failure:
        raise SourceFailed(
            f"Source '{source}' was read but could not be written to {landing}: {_root_cause(failure)}; "
            "nothing of this read counts, run again."
        ) from failure
    if pipeline.has_pending_data:
        raise SourceFailed(f"Source '{source}' was not written completely to {landing}; run again.")
    crash_point("after_load")
    return appended


def _root_cause(failure: BaseException) -> str:
    while failure.__cause__ is not None:
        failure = failure.__cause__
    return (str(failure).strip() or type(failure).__name__).splitlines()[0].rstrip(".")
