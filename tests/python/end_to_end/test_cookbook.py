"""Every query of the cookbook in docs/bi.md runs on what is published, and finds something."""

import re

import duckdb
import pytest
from company import Company

from orchestration.contract import PROJECT_ROOT

RECIPE = re.compile(r"^### (.+?)\n\n```sql\n(.+?)```", re.MULTILINE | re.DOTALL)
RECIPES = RECIPE.findall((PROJECT_ROOT / "docs" / "bi.md").read_text(encoding="utf-8"))


def test_the_cookbook_has_recipes() -> None:
    assert len(RECIPES) >= 10


@pytest.mark.slow
@pytest.mark.parametrize(("title", "query"), RECIPES, ids=[title for title, _ in RECIPES])
def test_a_recipe_finds_rows(title: str, query: str, company: Company) -> None:
    with duckdb.connect(str(company.first_version), read_only=True) as con:
        assert con.execute(query).fetchall(), title
