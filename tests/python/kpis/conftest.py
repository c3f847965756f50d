"""Warehouses built from the rows of a test, each once."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from kpi_cases import AS_OF, Case, Group, company_of
from kpi_warehouse import Entities, Rules, Warehouse, build, build_without_data

Build = Callable[..., Warehouse]


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Builds a warehouse from entities, an as-of day, rules and reporting; equal ones are built once."""
    built: dict[str, Warehouse | Exception] = {}

    def once(
        entities: Entities,
        as_of: date,
        rules: Rules | None = None,
        reporting: dict[str, object] | None = None,
    ) -> Warehouse:
        key = json.dumps([entities, as_of, rules, reporting], default=str)
        if key not in built:
            try:
                built[key] = build(tmp_path_factory.mktemp("warehouse"), entities, as_of, rules, reporting)
            except Exception as failure:
                # it would fail again for every test that shares it
                built[key] = failure
        result = built[key]
        if isinstance(result, Exception):
            raise AssertionError(str(result))
        return result

    return once


@pytest.fixture
def case(request: pytest.FixtureRequest, warehouse: Build) -> Case:
    """The rows of this test, in the company of all tests of its group that this session collected."""
    group: Group = request.function.case[0]
    tests = {
        item.name: item.function.case[1]
        for item in request.session.items
        if isinstance(item, pytest.Function) and getattr(item.function, "case", (None,))[0] is group
    }
    company = company_of(dict(sorted(tests.items())))

    def as_of(day: date) -> Warehouse:
        return warehouse(company, day, group.rules, dict(group.reporting))

    return Case(request.function.__name__, as_of(AS_OF), as_of)


@pytest.fixture(scope="session")
def built_without_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a build over no source; whoever opens it closes it again."""
    return build_without_data(tmp_path_factory.mktemp("no_data"), AS_OF)
