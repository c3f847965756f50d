"""Parquet, read by DuckDB in chunks. Rows are numbered from 1."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import duckdb

from orchestration.errors import ConfigurationError
from orchestration.sources.files.reading import CHUNK_ROWS, Layout, Opened
from orchestration.sources.mapping import Rows
from orchestration.warehouse import identifier, open_memory


def open_parquet(layout: Layout) -> Opened:
    """Read the schema. ConfigurationError for a file that is not Parquet."""
    if set("*?[") & set(str(layout.path)):
        raise ConfigurationError(
            f"{layout.shown}: a Parquet file's path must not contain *, ? or [; rename it."
        )
    with closing(open_memory()) as con:
        try:
            described = con.execute("describe select * from read_parquet(?)", [str(layout.path)]).fetchall()
        except duckdb.Error as failure:
            raise _unreadable(layout, failure) from None
    types = {name: kind for name, kind, *_ in described}
    return Opened(header=list(types), rows=lambda: _rows(layout, types))


def _rows(layout: Layout, types: dict[str, str]) -> Iterator[Rows]:
    zoned = [position for position, kind in enumerate(types.values()) if kind == "TIMESTAMP WITH TIME ZONE"]
    # As microseconds since 1970 in UTC, a moment does not depend on the time zone of this machine.
    columns = ", ".join(
        f"epoch_us({identifier(name)})" if position in zoned else identifier(name)
        for position, name in enumerate(types)
    )
    number = 0
    with closing(open_memory()) as con:
        try:
            con.execute(f"select {columns} from read_parquet(?)", [str(layout.path)])
            while values := con.fetchmany(CHUNK_ROWS):
                rows = [_with_moments(row, zoned) for row in values] if zoned else values
                yield Rows(values=list(rows), numbers=list(range(number + 1, number + len(values) + 1)))
                number += len(values)
        except duckdb.Error as failure:
            raise _unreadable(layout, failure) from None


def _with_moments(row: tuple[object, ...], zoned: list[int]) -> list[object]:
    values = list(row)
    for position in zoned:
        micros = values[position]
        if isinstance(micros, int):
            values[position] = datetime.fromtimestamp(micros // 1_000_000, UTC).replace(
                microsecond=micros % 1_000_000
            )
    return values


def _unreadable(layout: Layout, failure: Exception) -> ConfigurationError:
    reason = str(failure).splitlines()[0]
    return ConfigurationError(f"{layout.shown} cannot be read as Parquet ({reason}); write it again.")
