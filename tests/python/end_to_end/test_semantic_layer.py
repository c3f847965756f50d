"""What MetricFlow computes from the semantic layer is what the marts say, by period and by slice."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from company import Company
from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
from metricflow.protocols.sql_client import SqlEngine
from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

from orchestration.contract import PROJECT_ROOT
from orchestration.transform import manifest_path

pytestmark = pytest.mark.slow

GRAINS = ("month", "quarter", "year")
# (first day of the period, value of the dimension) → value
Values = dict[tuple[date, str], float | None]


class _SqlOnly:
    """As much of a client as MetricFlow needs to say its SQL."""

    sql_engine_type = SqlEngine.DUCKDB
    sql_plan_renderer = DuckDbSqlPlanRenderer()


@dataclass(frozen=True)
class Layer:
    """The semantic layer over one published file."""

    engine: MetricFlowEngine
    con: duckdb.DuckDBPyConnection
    # metric → KPI and variant; → dimensions, each with its name in a query
    kpis: Mapping[str, tuple[str, str]]
    dimensions: Mapping[str, Mapping[str, str]]

    def asked(self, metric: str, grain: str, dimension: str) -> Values:
        """What a query of the layer gives."""
        by = [f"metric_time__{grain}", *([] if dimension == "all" else [self.dimensions[metric][dimension]])]
        request = MetricFlowQueryRequest.create(metric_names=[metric], group_by_names=by)
        relation = self.con.sql(self.engine.explain(request).sql_statement.sql)
        place = {name: index for index, name in enumerate(relation.columns)}
        return {
            (row[place[by[0]]].date(), row[place[by[1]]] or "unknown" if len(by) > 1 else "all"): row[
                place[metric]
            ]
            for row in relation.fetchall()
            # a deal that closed on an unknown day is in no period
            if row[place[by[0]]] is not None
        }

    def published(self, metric: str, grain: str, dimension: str) -> Values:
        """What the marts say."""
        found = self.con.execute(
            "select period_start, dimension_value, value from build.metrics.kpi_values"
            " where kpi = ? and variant = ? and grain = ? and dimension = ?",
            [*self.kpis[metric], grain, dimension],
        ).fetchall()
        return {(start, value): number for start, value, number in found}


@pytest.fixture(scope="module")
def layer(company: Company) -> Iterator[Layer]:
    text = (manifest_path().parent / "semantic_manifest.json").read_text(encoding="utf-8")
    yield from layer_over(company.first_version, text)


def layer_over(file: Path, semantic_manifest: str) -> Iterator[Layer]:
    manifest = parse_manifest_from_dbt_generated_manifest(semantic_manifest)
    engine = MetricFlowEngine(SemanticManifestLookup(manifest), _SqlOnly())  # type: ignore[arg-type]
    with duckdb.connect() as con:
        # the models are in this database when dbt parses the project without a build
        con.execute(f"attach '{file}' as build (read_only)")
        catalog = con.execute("select kpi, variant from build.metrics.kpi_catalog").fetchall()
        named = {
            kpi if variant == "default" else f"{kpi}_{variant}": (kpi, variant) for kpi, variant in catalog
        }
        kpis = {metric.name: named[metric.name] for metric in manifest.metrics if metric.name in named}
        slices = con.execute("select distinct kpi, dimension from build.metrics.kpi_values").fetchall()
        yield Layer(
            engine,
            con,
            kpis,
            {metric: _dimensions(engine, metric, kpis[metric][0], slices) for metric in kpis},
        )


def _dimensions(engine: MetricFlowEngine, metric: str, kpi: str, slices: list[Any]) -> dict[str, str]:
    """The dimensions of a metric by which its mart is sliced, too."""
    found = {}
    # a fact's own segment goes before that of its company
    for each in sorted(
        engine.simple_dimensions_for_metrics([metric]),
        key=lambda each: not each.dunder_name.startswith("account__"),
    ):
        found[each.name] = each.dunder_name
    return {name: found[name] for of, name in slices if of == kpi and name in found}


def differences(asked: Values, published: Values) -> list[str]:
    """Where the two are not the same. Where nothing is, there is no row there and null or 0 here."""
    wrong = []
    for key in sorted(asked.keys() | published.keys()):
        one, other = asked.get(key), published.get(key)
        same = other in (None, 0) if one is None else other is not None and float(one) == pytest.approx(other)
        wrong += [] if same else [f"{key}: {one}, published {other}"]
    return wrong


def test_the_layer_has_the_kpis_it_can_express(layer: Layer) -> None:
    assert {kpi for kpi, _ in layer.kpis.values()} == {
        "win_rate",
        "average_deal_size",
        "sales_cycle_length",
        "annual_recurring_revenue",
        "monthly_recurring_revenue",
        "satisfaction",
        "lead_response_time",
    }
    assert len(layer.kpis) >= 18


def test_every_metric_of_a_kpi_is_what_its_mart_says(layer: Layer) -> None:
    wrong = []
    for metric in layer.kpis:
        for grain in GRAINS:
            published = layer.published(metric, grain, "all")
            assert any(value is not None for value in published.values()), f"{metric}: nothing by {grain}"
            found = differences(layer.asked(metric, grain, "all"), published)
            wrong += [f"{metric} by {grain}: {line}" for line in found]
    assert not wrong, "\n".join(wrong[:20])


def test_every_slice_of_a_metric_is_that_of_its_mart(layer: Layer) -> None:
    wrong = []
    for metric, dimensions in layer.dimensions.items():
        assert {"segment", "region"} <= dimensions.keys()
        for dimension in dimensions:
            found = differences(
                layer.asked(metric, "quarter", dimension), layer.published(metric, "quarter", dimension)
            )
            wrong += [f"{metric} by {dimension}: {line}" for line in found]
    assert not wrong, "\n".join(wrong[:20])


def test_the_recipe_of_the_documentation_works_as_written(
    company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (PROJECT_ROOT / "docs" / "bi.md").read_text(encoding="utf-8")
    recipe = re.search(r"^\*\*The semantic layer\*\*.*?```python\n(.+?)```", text, re.MULTILINE | re.DOTALL)
    assert recipe is not None
    (tmp_path / "data" / "published").mkdir(parents=True)
    (tmp_path / "data" / "published" / "revops.duckdb").symlink_to(company.first_version)
    monkeypatch.chdir(tmp_path)
    exec(recipe[1], {})
    assert "account__country_code" in capsys.readouterr().out


def test_another_number_is_seen() -> None:
    january = (date(2026, 1, 1), "all")
    assert not differences({january: 0.5}, {january: 0.5, (date(2026, 2, 1), "all"): None})
    assert differences({january: 0.5}, {january: 0.25})
    assert differences({}, {january: 0.25})
    assert differences({january: 0.0}, {january: None})
