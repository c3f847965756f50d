"""The Dagster instance of a home folder: what `revops ui` shows of past runs."""

import contextlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Self

import dagster as dg
import sqlalchemy as db
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData

TEMPLATE = Path(__file__).with_name("dagster.yaml")


class _EventLog(SqliteEventLogStorage):
    """SQLite event log with one engine per file.

    Dagster's own makes a new engine for every event it writes, which makes a run of 500 events 8 seconds
    longer.
    """

    def __init__(self, base_dir: str) -> None:
        super().__init__(base_dir)
        self._engines: dict[str, db.Engine] = {}

    @contextmanager
    def _connect(self, shard: str) -> Iterator[db.Connection]:
        with self._db_lock:
            engine = self._engines.get(shard)
            if engine is None:
                engine = db.create_engine(self.conn_string_for_shard(shard), connect_args={"timeout": 30})
                self._initdb(engine)
                self._engines[shard] = engine
            with engine.connect() as connection, connection.begin():
                yield connection

    def dispose(self) -> None:
        super().dispose()
        for engine in self._engines.values():
            engine.dispose()


class SqliteStorage(DagsterSqliteStorage):
    """Dagster's SQLite storage with an event log that keeps its connections."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage = _EventLog(str(Path(base_dir) / "history" / "runs"))

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> Self:
        """Called by Dagster with the `config` of dagster.yaml."""
        Path(config_value["base_dir"]).mkdir(parents=True, exist_ok=True)
        return cls(base_dir=config_value["base_dir"], inst_data=inst_data)


def dagster_home(home: Path) -> Path:
    """{home}/dagster with its dagster.yaml, created if missing and never overwritten."""
    folder = home / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "dagster.yaml"
    if not config.exists():
        text = TEMPLATE.read_text(encoding="utf-8")
        config.write_text(text.replace("{home}", str(folder)), encoding="utf-8")
    return folder


def open_instance(home: Path) -> AbstractContextManager[dg.DagsterInstance]:
    """The persistent Dagster instance of a home folder."""
    return dg.DagsterInstance.from_config(str(dagster_home(home)))


def close_dead_runs(instance: dg.DagsterInstance, job_name: str) -> None:
    """Mark runs as failed that a killed process left started. Call it while holding the run lock."""
    unfinished = dg.RunsFilter(
        job_name=job_name, statuses=[dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
    )
    for run in instance.get_runs(filters=unfinished):
        with contextlib.suppress(dg.DagsterError):
            instance.report_run_failed(run, "The process of this run ended before the run did.")
