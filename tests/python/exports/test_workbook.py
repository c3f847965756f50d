"""The workbook holds what is published, and nothing a spreadsheet would run."""

from pathlib import Path

import published_file
import pytest
from openpyxl import load_workbook

from orchestration.errors import ConfigurationError
from orchestration.publish.workbook import write_workbook
from orchestration.warehouse import open_reader


def test_every_row_is_there_and_texts_stay_texts(tmp_path: Path) -> None:
    con = open_reader(published_file.write(tmp_path / "revops.duckdb"))
    counts = write_workbook(con, tmp_path / "book.xlsx", ["metrics.kpi_values", "revenue.accounts"])
    con.close()
    assert counts == {"metrics.kpi_values": 500, "revenue.accounts": 9}
    book = load_workbook(tmp_path / "book.xlsx")
    assert book["kpi_values"].max_row == 501
    cells = [row[0] for row in book["accounts"].iter_rows(min_row=2)]
    assert [cell.value for cell in cells if cell.value is not None] == list(published_file.TEXTS)
    assert {cell.data_type for row in book["accounts"].iter_rows() for cell in row} <= {"s", "n", "b", "d"}
    assert book["accounts"]["G2"].value == pytest.approx(12345678901234567890.123456)


def test_a_table_that_is_not_published_is_named(tmp_path: Path) -> None:
    con = open_reader(published_file.write(tmp_path / "revops.duckdb"))
    with pytest.raises(ConfigurationError, match=r"metrics\.luck is not published"):
        write_workbook(con, tmp_path / "book.xlsx", ["metrics.luck"])
    con.close()
