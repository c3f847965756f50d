"""The unit tests of the models, worked out by hand in models/**/<model>_unit_tests.yml; they need a
build without data.
"""

from pathlib import Path

import pytest

from orchestration import transform


@pytest.mark.slow
def test_every_unit_test_of_the_models_passes(built_without_data: Path) -> None:
    results = transform.unit_tests(built_without_data)

    assert len(results) == len(transform.manifest()["unit_tests"]) > 0
    failed = [f"{result.name}: {result.message}" for result in results if result.status != "pass"]
    assert not failed, "\n".join(failed)
