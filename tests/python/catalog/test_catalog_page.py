"""`revops docs` describes what is published, and leads from a KPI to its SQL, its tests and its origins."""

import re

import pytest
from company import Company

from orchestration.catalog.entries import ColumnEntry, TableEntry
from orchestration.catalog.lineage import Column
from orchestration.catalog.page import page
from orchestration.contract import PROJECT_ROOT
from orchestration.warehouse import open_reader


def test_text_of_the_catalog_is_text_and_links_lead_somewhere() -> None:
    hostile = "<script>alert(1)</script>"
    origin = Column("revenue.deals", "amount")
    deals = ColumnEntry("amount", "DOUBLE", "money", False, hostile, ())
    mart = ColumnEntry("value", "DOUBLE", None, True, "Its value.", (origin, Column("rules.policy", "value")))
    tables = [
        TableEntry("revenue.deals", hostile, "sales", ("id",), "", "", (), (), (deals,)),
        TableEntry("metrics.won", "Won.", "sales", ("id",), "won.sql", "select '<b>'", ("t",), (), (mart,)),
    ]
    text = page(tables, [], hostile)
    assert hostile not in text
    assert '<a href="#revenue.deals.amount">' in text
    assert '<a href="#rules.policy.value">' not in text
    assert "select &#x27;&lt;b&gt;&#x27;" in text


@pytest.mark.slow
def test_every_published_column_and_kpi_is_in_the_catalog(company: Company) -> None:
    outcome = company.revops("docs", "--config", str(company.config()))
    assert outcome.returncode == 0, outcome.stderr
    text = (company.home / "docs" / "index.html").read_text(encoding="utf-8")
    ids = set(re.findall(r' id="([\w.]+)"', text))
    with open_reader(company.published) as con:
        columns = con.execute(
            "select schema_name || '.' || table_name || '.' || column_name from duckdb_columns()"
            " where schema_name in ('revenue', 'metrics', 'identity', 'operations')"
        ).fetchall()
    assert {name for (name,) in columns} <= ids
    assert set(re.findall(r'href="#([\w.]+)"', text)) <= ids
    value = text.split('id="metrics.win_rate.numerator"', 1)[1].split("</tr>", 1)[0]
    assert '"#revenue.opportunities.is_won"' in value
    mart = text.split('id="metrics.win_rate"', 1)[1].split('id="metrics.', 1)[0]
    assert "models/metrics/sales/win_rate.sql" in mart
    assert "win_rate_unit_tests.yml" in mart
    assert "kpi_rows(" in text
    dbt = (company.home / "docs" / "dbt.html").read_text(encoding="utf-8")
    for each in (text, dbt):
        assert str(PROJECT_ROOT) not in each
        assert str(company.folder) not in each
        assert "revops-docs-" not in each
