"""Worked examples of vendors and textbooks come out of the pipeline: files in, published values out."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml
from golden_company import AS_OF, FUNNEL_MAPPING, METRICS, Inputs, Published, Read, Rows, gross_margin
from golden_functions import FUNCTIONS
from kpi_warehouse import Warehouse, build

from orchestration.kpi import KpiQuery
from orchestration.policy_builds import values_under
from orchestration.settings import load_settings
from orchestration.warehouse import open_published

pytestmark = pytest.mark.slow

# Worked elsewhere; an example of any other metric must run here.
ELSEWHERE = {"process_dfg": "tests/python/kpis/test_process_mining.py"}
# What other systems return for an example, and headings.
NOT_OURS = {"columns", "fivetran_stripe_returns", "fivetran_recurly_returns"}

Example = Mapping[str, Any]


def examples() -> list[Example]:
    """Those beside this checkout, if they are there."""
    path = Path(__file__).resolve().parents[4] / "shared" / "golden" / "metrics.yaml"
    return yaml.safe_load(path.read_text(encoding="utf-8"))["examples"] if path.exists() else []


def metrics_of(example: Example) -> list[str]:
    named = example["metric"]
    return named if isinstance(named, list) else [named]


EXAMPLES = examples()
IN_PIPELINE = [each for each in EXAMPLES if METRICS.keys() & set(metrics_of(each))]


@dataclass(frozen=True)
class Company:
    """The published examples that share a gross margin, and how to read each."""

    folder: Path
    read: Mapping[str, Read]

    def numbers(self, example: str) -> Mapping[str, Any]:
        """What an example reads; numbers under another policy are functions, which open the file again."""
        with open_published(self.folder / "home") as con:
            return self.read[example](Published(example, Warehouse(con, ""), self.under_policy))

    def under_policy(self, policy: str, segment: str) -> float:
        query = KpiQuery(
            "monthly_recurring_revenue", grain="month", dimension="segment", since=date(2026, 6, 1)
        )
        columns, found = values_under(
            self.folder / "home", load_settings(self.folder / "revops.yml"), query, policy
        )
        named = [dict(zip(columns, row, strict=True)) for row in found]
        return next(row["value"] for row in named if row["dimension_value"] == segment)


def company_of(margin: Fraction, folder: Path) -> Company:
    together, read = defaultdict(list), {}
    for number, example in enumerate(IN_PIPELINE):
        if gross_margin(example["inputs"]) == margin:
            rows = Rows(example["id"], number)
            read[example["id"]] = METRICS[metrics_of(example)[0]](rows, example["inputs"])
            for entity, own in rows.entities.items():
                together[entity] += own
    rules = {
        "funnel_mapping": FUNNEL_MAPPING,
        "metric_policy": f"policy,setting,value\ncustomer_lifetime_value,gross_margin,{float(margin)}\n",
    }
    build(folder, together, AS_OF, rules).con.close()
    return Company(folder, read)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Inputs], Company]:
    """The company an example is in."""
    built: dict[Fraction, Company] = {}

    def once(inputs: Inputs) -> Company:
        margin = gross_margin(inputs)
        if margin not in built:
            built[margin] = company_of(margin, tmp_path_factory.mktemp("golden"))
        return built[margin]

    return once


def differences(expected: object, found: object, close: Callable[[float], object], at: str) -> list[str]:
    """Where the numbers are not those expected."""
    if isinstance(expected, Mapping):
        assert isinstance(found, Mapping)
        missing = [f"{at}: no {key}" for key in expected if key not in found and key not in NOT_OURS]
        return missing + [
            line
            for key, value in expected.items()
            if key in found
            for line in differences(value, found[key], close, f"{at}.{key}")
        ]
    if isinstance(expected, list):
        if not isinstance(found, list) or len(found) != len(expected):
            return [f"{at}: {found}, not {expected}"]
        pairs = enumerate(zip(expected, found, strict=True))
        return [line for index, pair in pairs for line in differences(*pair, close, f"{at}[{index}]")]
    found = found() if callable(found) else found
    is_number = isinstance(expected, int | float) and found is not None
    same = found == close(float(expected)) if is_number else found == expected
    return [] if same else [f"{at}: {found}, not {expected}"]


def closeness(example: Example) -> Callable[[float], object]:
    tolerance = example["tolerance"]
    if "relative tolerance" in str(example.get("notes", "")).lower():
        return lambda number: pytest.approx(number, rel=tolerance)
    # a value of a double is not more exact than this
    return lambda number: pytest.approx(number, abs=max(tolerance, 1e-9 * max(1.0, abs(number))))


@pytest.mark.parametrize("example", [pytest.param(each, id=each["id"]) for each in EXAMPLES])
def test_a_worked_example_comes_out(example: Example, company: Callable[[Inputs], Company]) -> None:
    metrics, inputs = metrics_of(example), example["inputs"]
    if metrics[0] in ELSEWHERE:
        pytest.skip(f"compared in {ELSEWHERE[metrics[0]]}")
    in_pipeline = metrics[0] in METRICS
    found = company(inputs).numbers(example["id"]) if in_pipeline else FUNCTIONS[metrics[0]](inputs)
    wrong = differences(example["expected"], found, closeness(example), example["id"])
    assert not wrong, "\n".join([*wrong, json.dumps(inputs)])


def test_a_wrong_number_is_seen() -> None:
    close = closeness({"tolerance": 0.01})
    assert differences({"a": [1, {"b": None}]}, {"a": [1.001, {"b": None}]}, close, "x") == []
    assert differences({"a": [1, 2]}, {"a": [1.001, 2.02]}, close, "x") == ["x.a[1]: 2.02, not 2"]
    assert differences({"a": 1}, {}, close, "x") == ["x: no a"]
    assert differences({"a": "churn"}, {"a": "new"}, close, "x") == ["x.a: new, not churn"]
