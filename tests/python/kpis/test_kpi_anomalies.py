"""KPIs that break with their history are told, by slice, and noise is not."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from kpi_cases import AS_OF

from orchestration import transform
from orchestration.settings import load_settings

MONTHS, SLICES, WORLDS = 36, 60, 12
SHOCKED = "12"

Found = list[tuple[str, str, float, bool]]


@pytest.fixture(scope="module")
def found_in(
    built_without_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[np.ndarray, str], Found]]:
    """The model on values of its own: one row of months per slice, the last of them that of the as-of day."""
    file = tmp_path_factory.mktemp("anomalies") / "build.duckdb"
    shutil.copy(built_without_data, file)
    shutil.copytree(built_without_data.parent / "rules", file.parent / "rules")
    config = file.parent / "revops.yml"
    config.write_text("sources: []\n")
    settings = load_settings(config)
    code = transform.compiled("kpi_anomalies", build_file=file, settings=settings, as_of=AS_OF)
    con = duckdb.connect(str(file))

    def found(values: np.ndarray, unit: str) -> Found:
        names, months = np.indices(values.shape)
        columns = {"slice": names.ravel(), "age": values.shape[1] - months.ravel(), "value": values.ravel()}
        con.register("given", pa.table(columns))
        con.execute("delete from metrics.kpi_values")
        con.execute(
            "insert into metrics.kpi_values (kpi, variant, grain, period_start, period_end, dimension,"
            " dimension_value, value, n, unit, as_of, definition_version)"
            " select 'win_rate', 'default', 'month',"
            " cast(date '2026-07-01' - age * interval '1 month' as date),"
            " cast(date '2026-07-01' - (age - 1) * interval '1 month' as date), 'segment',"
            f" cast(slice as varchar), value, 1, '{unit}', date '2026-06-30', '1' from given"
        )
        return con.execute(
            "select dimension_value, cast(period_start as varchar), expected, is_anomaly"
            f" from ({code['kpi_anomalies']}) order by deviation desc nulls last, dimension_value"
        ).fetchall()

    yield found
    con.close()


def _noise(seed: int, kind: int) -> tuple[np.ndarray, str]:
    rng = np.random.default_rng(seed)
    shape = (SLICES, MONTHS)
    return [
        (rng.normal(100, 10, shape), "currency"),
        (rng.lognormal(0, 0.8, shape), "days"),
        (100 + np.cumsum(rng.normal(2, 3, shape), axis=1), "count"),
        (rng.binomial(12, 0.3, shape) / 12, "ratio"),
    ][kind]


def test_noise_growth_and_small_numbers_alarm_nobody(found_in: Callable[[np.ndarray, str], Found]) -> None:
    alarmed = 0
    for seed in range(WORLDS):
        alarmed += any(row[3] for row in found_in(*_noise(seed, seed % 4)))
    assert alarmed <= 1


def test_a_shock_is_found_where_it_is(found_in: Callable[[np.ndarray, str], Found]) -> None:
    hits = 0
    for seed in range(WORLDS):
        values, unit = _noise(seed, seed % 2)
        # ten spreads
        values[int(SHOCKED), -1] = 200.0 if unit == "currency" else np.exp(8.0)
        alarms = [row[0] for row in found_in(values, unit) if row[3]]
        hits += alarms == [SHOCKED]
    assert hits >= WORLDS - 1


def test_what_comes_every_year_is_expected(found_in: Callable[[np.ndarray, str], Found]) -> None:
    values, unit = _noise(3, 0)
    values[:, [-1, -13, -25]] += 200.0
    assert not any(row[3] for row in found_in(values, unit))


def test_expected_is_the_level_and_the_usual_change(found_in: Callable[[np.ndarray, str], Found]) -> None:
    # grows by 3 a month, by 1 more every second: half of the changes against the three months before
    # are 5 1/3, half 6 2/3, the median is 6; the last month is 100 more
    line = np.arange(MONTHS) * 3.0 + np.tile([0.0, 1.0], MONTHS // 2)
    line[-1] += 100.0
    ((name, month, expected, is_anomaly),) = found_in(line[None, :], "ratio")
    assert (name, month, is_anomaly) == ("0", "2026-06-01", True)
    # before the last month: 96, 100 and 102
    assert expected == pytest.approx((96 + 100 + 102) / 3 + 6)


def test_slices_with_little_history_or_without_movement_are_not_judged(
    found_in: Callable[[np.ndarray, str], Found],
) -> None:
    values, unit = _noise(5, 0)
    assert found_in(values[:1, :15], unit) == []
    assert len(found_in(values[:1, :16], unit)) == 1
    still = np.zeros((1, MONTHS))
    still[0, -1] = 1e6
    assert [row[3] for row in found_in(still, unit)] == [False]
