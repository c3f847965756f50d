"""CSV and Parquet copies hold what is published, and a spreadsheet runs none of it."""

import csv
from pathlib import Path

import duckdb
import published_file
import pytest

from orchestration.errors import ConfigurationError
from orchestration.publish.export_files import copy_parquet, in_place_of, write_csv
from orchestration.warehouse import open_reader


def test_csv_has_every_row_and_no_formula(tmp_path: Path) -> None:
    con = open_reader(published_file.write(tmp_path / "revops.duckdb"))
    counts = write_csv(con, tmp_path / "out")
    con.close()
    assert counts == {"revenue.accounts": 9, "metrics.kpi_values": 500}
    with (tmp_path / "out" / "revenue" / "accounts.csv").open(encoding="utf-8", newline="") as file:
        head, *rows = list(csv.reader(file))
    assert head[0] == "name"
    names = [row[0] for row in rows]
    assert [name.removeprefix("'") for name in names] == [*published_file.TEXTS, ""]
    assert not [name for name in names if name[:1] in "=+@" and name]
    assert rows[0][6] == "12345678901234567890.123456"


def test_parquet_is_copied_as_published(tmp_path: Path) -> None:
    path = published_file.write(tmp_path / "revops.duckdb")
    parquet = tmp_path / "parquet" / "metrics"
    parquet.mkdir(parents=True)
    with duckdb.connect(str(path)) as writer:
        writer.execute(f"copy metrics.kpi_values to '{parquet / 'kpi_values.parquet'}'")
    con = open_reader(path)
    counts = copy_parquet(con, tmp_path / "parquet", tmp_path / "out", ["metrics.kpi_values"])
    con.close()
    assert counts == {"metrics.kpi_values": 500}
    copied = tmp_path / "out" / "metrics" / "kpi_values.parquet"
    assert copied.read_bytes() == (parquet / "kpi_values.parquet").read_bytes()


def test_a_table_that_is_not_published_is_named_with_the_nearest(tmp_path: Path) -> None:
    con = open_reader(published_file.write(tmp_path / "revops.duckdb"))
    with pytest.raises(ConfigurationError, match=r"did you mean metrics\.kpi_values"):
        write_csv(con, tmp_path / "out", ["metrics.kpi_value"])
    con.close()
    assert not (tmp_path / "out").exists()


def test_a_file_that_cannot_be_finished_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(RuntimeError), in_place_of(path) as part:
        part.write_text("half", encoding="utf-8")
        raise RuntimeError
    assert [each.name for each in tmp_path.iterdir()] == ["table.csv"]
    assert path.read_text(encoding="utf-8") == "old"
