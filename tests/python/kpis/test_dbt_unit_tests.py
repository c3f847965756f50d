"""The unit tests of the models, worked out by hand in models/**/<model>_unit_tests.yml."""

from pathlib import Path

from orchestration import transform


def test_every_unit_test_of_the_models_passes(built_without_data: Path) -> None:
    results = transform.unit_tests(built_without_data)

    failed = [f"{result.name}: {result.message}" for result in results if result.status != "pass"]
    assert not failed, "\n".join(failed)
    # a selection that finds nothing passes too
    assert len(results) >= 25
