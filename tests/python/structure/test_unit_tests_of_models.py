"""The unit tests of the models, worked out by hand, hold: dbt runs them on a build without any data."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from orchestration import run as steps
from orchestration import transform
from orchestration.reporter import Reporter
from orchestration.settings import load_settings


@pytest.mark.slow
def test_every_unit_test_of_a_model_passes(manifest: Mapping[str, Any], tmp_path: Path) -> None:
    config = tmp_path / "revops.yml"
    config.write_text("sources: []\n")
    settings, quiet = load_settings(config), Reporter(Console(quiet=True))
    with steps.open_run(settings, tmp_path / "data", steps.RunOptions(), quiet) as run:
        steps.build_entry(run, lambda node: None)
        steps.resolve_identities(run)
        steps.build_warehouse(run, lambda node: None)
        results = transform.unit_tests(run.build_file)
    assert len(results) == len(manifest["unit_tests"]) > 0
    failed = {result.name: result.message for result in results if result.status != "pass"}
    assert failed == {}
