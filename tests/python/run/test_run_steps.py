"""What a run does when all goes well, and what it leaves when something does not."""

import errno
import json
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from pretend import PretendedModels, run_steps, write_company

from orchestration import runlog
from orchestration.errors import AuditFailed, ConfigurationError, RevopsError, SourceFailed
from orchestration.publish.versions import current_version, versions
from orchestration.settings import Audience, Publish
from orchestration.warehouse import open_published, open_reader

AS_OF = date(2026, 3, 31)


def _break(root: Path, source: str) -> None:
    (root / source / "accounts.csv").unlink()


def test_a_run_publishes_and_is_written_down(tmp_path: Path, models: PretendedModels) -> None:
    run = run_steps(write_company(tmp_path), tmp_path / "home", as_of=AS_OF)

    (record,) = runlog.read(tmp_path / "home")
    version = current_version(tmp_path / "home")
    assert version is not None
    assert (record.run_id, record.status, record.exit_code) == (run.run_id, "published", 0)
    assert (record.version, record.content_hash) == (version.name, version.manifest["content_hash"])
    assert (record.rows_read, record.rows_appended) == (2, 2)
    assert version.manifest["as_of"] == "2026-03-31"
    assert set(version.manifest["loads"]) == {"acme", "zeta"}
    assert models.inputs == {"accounts": ["acme", "zeta"]}
    assert not run.work.exists()


def test_the_same_data_has_the_same_content_hash_in_every_run(
    tmp_path: Path, models: PretendedModels
) -> None:
    settings = write_company(tmp_path)
    first = run_steps(settings, tmp_path / "home", as_of=AS_OF)
    second = run_steps(settings, tmp_path / "home", as_of=AS_OF)
    later = run_steps(settings, tmp_path / "home", as_of=AS_OF + timedelta(days=1))

    assert first.report is not None and second.report is not None and later.report is not None
    assert first.report.content_hash == second.report.content_hash
    assert first.report.content_hash != later.report.content_hash


def test_the_build_knows_the_runs_before_it_and_itself(tmp_path: Path, models: PretendedModels) -> None:
    settings = write_company(tmp_path)
    first = run_steps(settings, tmp_path / "home", as_of=AS_OF)
    second = run_steps(settings, tmp_path / "home", as_of=AS_OF)

    with open_published(tmp_path / "home") as con:
        rows = con.execute("select run_id, status, version from operations.runs order by run_id").fetchall()
    assert first.version is not None
    assert sorted(rows) == sorted(
        [(first.run_id, "published", first.version.name), (second.run_id, "running", None)]
    )


def test_what_every_step_and_table_took_is_known_to_programs_and_to_the_next_run(
    tmp_path: Path, models: PretendedModels
) -> None:
    settings = write_company(tmp_path)
    first = run_steps(settings, tmp_path / "home", as_of=AS_OF)
    events = [json.loads(line) for line in first.log_file.with_suffix(".jsonl").read_text().splitlines()]
    steps = ["extract acme", "extract zeta", "entry", "identity", "warehouse", "audit", "publish"]
    assert [event["step"] for event in events if event["event"] == "step"] == steps
    assert events[-1]["event"] == "run" and events[-1]["status"] == "published"

    second = run_steps(settings, tmp_path / "home", as_of=AS_OF)
    with open_published(tmp_path / "home") as con:
        rows = con.execute(
            "select step, status, row_count, rows_appended, seconds >= 0, peak_memory_bytes > 0"
            " from operations.run_steps where run_id = ?"
            " and (step = 'publish' or table_name = 'raw_acme.accounts')"
            " order by step",
            [first.run_id],
        ).fetchall()
        # The run that writes the table knows what it has read, not what it will publish.
        own = con.execute(
            "select step from operations.run_steps where run_id = ? and table_name = '' order by step",
            [second.run_id],
        ).fetchall()
    assert rows == [
        ("extract acme", "done", 1, 1, True, None),
        ("publish", "done", None, None, True, True),
    ]
    assert own == [("extract acme",), ("extract zeta",)]


def test_one_link_moves_all_audiences(tmp_path: Path, models: PretendedModels) -> None:
    settings = write_company(tmp_path)
    board = Publish(audiences=(Audience(name="board", schemas=("metrics",)),))
    settings = settings.model_copy(update={"publish": board})
    for day in (AS_OF, AS_OF + timedelta(days=1)):
        run_steps(settings, tmp_path / "home", as_of=day)
        own = tmp_path / "home" / "published" / "audiences" / "board"
        with open_reader(own / "revops.duckdb") as con:
            assert con.execute("select as_of from metrics.kpi_values").fetchall() == [(day,)]
        assert own.stat().st_mode & 0o777 == 0o750
        assert (own / "revops.duckdb").stat().st_mode & 0o777 == 0o440
    version = current_version(tmp_path / "home")
    assert version is not None and "audiences/board/revops.duckdb" in version.manifest["files"]


def test_a_failing_source_stops_neither_the_others_nor_what_was_published(
    tmp_path: Path, models: PretendedModels
) -> None:
    settings = write_company(tmp_path)
    published = run_steps(settings, tmp_path / "home", as_of=AS_OF).version
    _break(tmp_path, "acme")
    (tmp_path / "zeta" / "accounts.csv").write_text("id,name\n1,zeta customer\n2,new\n")

    with pytest.raises(
        RevopsError, match=r"acme.*Nothing was published; what the other sources gave is loaded"
    ):
        run_steps(settings, tmp_path / "home", as_of=AS_OF)

    record = runlog.read(tmp_path / "home")[-1]
    assert record.status == "source_failed"
    assert record.sources == {"acme": "failed", "zeta": "extracted"}
    assert record.rows_appended == 1
    assert published is not None
    assert [version.name for version in versions(tmp_path / "home")] == [published.name]


def test_allow_stale_publishes_with_what_was_loaded_before(tmp_path: Path, models: PretendedModels) -> None:
    settings = write_company(tmp_path)
    run_steps(settings, tmp_path / "home", as_of=AS_OF)
    _break(tmp_path, "acme")

    run = run_steps(settings, tmp_path / "home", as_of=AS_OF, allow_stale=True)

    assert run.version is not None and len(versions(tmp_path / "home")) == 2
    assert models.inputs == {"accounts": ["acme", "zeta"]}
    assert "acme" in run.log_file.read_text()


def test_extraction_can_be_restricted_and_left_out(tmp_path: Path, models: PretendedModels) -> None:
    settings = write_company(tmp_path)
    with pytest.raises(SourceFailed, match="zeta has never been extracted"):
        run_steps(settings, tmp_path / "home", as_of=AS_OF, sources=("acme",))
    run = run_steps(settings, tmp_path / "home", as_of=AS_OF, sources=("acme",), allow_stale=True)
    assert models.inputs == {"accounts": ["acme"]}
    assert set(run.extracted) == {"acme"}
    run_steps(settings, tmp_path / "home", as_of=AS_OF, sources=("zeta",))

    run = run_steps(settings, tmp_path / "home", as_of=AS_OF, extract=False)

    assert run.extracted == {} and run.version is not None
    assert models.inputs == {"accounts": ["acme", "zeta"]}


def test_nothing_extracted_yet_is_said_so(tmp_path: Path, models: PretendedModels) -> None:
    with pytest.raises(SourceFailed, match="acme, zeta have never been extracted"):
        run_steps(write_company(tmp_path), tmp_path / "home", as_of=AS_OF, extract=False)


def test_an_unknown_source_is_named_before_anything_happens(tmp_path: Path, models: PretendedModels) -> None:
    with pytest.raises(ConfigurationError, match=r"no source .acne.*acme"):
        run_steps(write_company(tmp_path), tmp_path / "home", sources=("acne",))
    assert not (tmp_path / "home").exists()


def test_a_failed_test_stops_the_publication_and_names_its_rows(
    tmp_path: Path, models: PretendedModels
) -> None:
    settings = write_company(tmp_path)
    first = run_steps(settings, tmp_path / "home", as_of=AS_OF)
    models.tests["assert_slices_sum_to_the_total"] = "fail"

    with pytest.raises(
        AuditFailed, match="Nothing was published: the test assert_slices_sum_to_the_total found 2"
    ):
        run_steps(settings, tmp_path / "home", as_of=AS_OF)

    record = runlog.read(tmp_path / "home")[-1]
    assert (record.status, record.exit_code, record.tests_failed) == ("audit_failed", 1, 1)
    assert first.version is not None
    current = current_version(tmp_path / "home")
    assert current is not None and current.name == first.version.name


def test_a_warning_publishes_unless_strict(tmp_path: Path, models: PretendedModels) -> None:
    models.tests["assert_no_data_quality_warning"] = "warn"
    assert run_steps(write_company(tmp_path), tmp_path / "home", as_of=AS_OF).version is not None

    with pytest.raises(AuditFailed, match="assert_no_data_quality_warning found 2 rows"):
        run_steps(write_company(tmp_path, strict=True), tmp_path / "home", as_of=AS_OF)


def test_money_that_does_not_reconcile_is_not_published(tmp_path: Path, models: PretendedModels) -> None:
    models.reconciliation = "mismatch"

    with pytest.raises(AuditFailed, match=r"operations.reconciliation has 1 rows(.|\n)*'status': 'mismatch'"):
        run_steps(write_company(tmp_path), tmp_path / "home", as_of=AS_OF)
    assert versions(tmp_path / "home") == []


@pytest.mark.parametrize(
    ("severity", "strict", "publishes"),
    [("error", False, False), ("warning", False, True), ("warning", True, False), ("notice", True, True)],
)
def test_findings_of_data_quality_stop_the_publication_by_their_severity(
    tmp_path: Path, models: PretendedModels, severity: str, strict: bool, publishes: bool
) -> None:
    models.quality = [(severity, "No exchange rate from XYZ to USD.")]
    settings = write_company(tmp_path, strict=strict)

    if publishes:
        assert run_steps(settings, tmp_path / "home", as_of=AS_OF).version is not None
    else:
        with pytest.raises(AuditFailed, match="No exchange rate from XYZ"):
            run_steps(settings, tmp_path / "home", as_of=AS_OF)


def test_an_unexpected_failure_is_one_sentence_and_its_traceback_lies_in_the_log_without_secrets(
    tmp_path: Path, models: PretendedModels
) -> None:
    models.failure = RuntimeError(
        "cannot reach postgresql://reader:canary-4711@db/crm with token=canary-4712"
    )

    with pytest.raises(
        RevopsError, match=r"unexpected RuntimeError; nothing was published.*log says where"
    ) as raised:
        run_steps(write_company(tmp_path), tmp_path / "home", as_of=AS_OF)

    assert "\n" not in str(raised.value)
    (log,) = (tmp_path / "home" / "logs").glob("*.log")
    assert "Traceback" in log.read_text() and "postgresql://reader:***@db/crm" in log.read_text()
    written = [path for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert [path for path in written if b"canary-47" in path.read_bytes()] == []


@pytest.mark.parametrize(
    "failure",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        duckdb.IOException("IO Error: Could not write file: No space left on device"),
    ],
)
def test_a_full_disk_is_one_sentence_and_the_old_version_stays(
    tmp_path: Path, models: PretendedModels, failure: Exception
) -> None:
    settings = write_company(tmp_path)
    first = run_steps(settings, tmp_path / "home", as_of=AS_OF)
    models.failure = failure

    with pytest.raises(RevopsError, match=r"The disk .* is full: free some space and run again"):
        run_steps(settings, tmp_path / "home", as_of=AS_OF)

    assert first.version is not None
    current = current_version(tmp_path / "home")
    assert current is not None and current.name == first.version.name


def test_an_interrupt_is_no_unexpected_failure(tmp_path: Path, models: PretendedModels) -> None:
    models.failure = RuntimeError("Query interrupted")
    models.failure.__cause__ = KeyboardInterrupt()

    with pytest.raises(RevopsError, match=r"^Interrupted; nothing was published.$"):
        run_steps(write_company(tmp_path), tmp_path / "home", as_of=AS_OF)


def test_what_dead_runs_left_is_cleared_at_the_start(tmp_path: Path, models: PretendedModels) -> None:
    left = tmp_path / "home" / "work" / "20200101T000000Z-dead00" / "candidate"
    left.mkdir(parents=True)
    (left / "revops.duckdb").write_text("half")

    run_steps(write_company(tmp_path), tmp_path / "home", as_of=AS_OF)

    assert list((tmp_path / "home" / "work").iterdir()) == []


def test_a_torn_line_of_the_run_log_is_left_out(tmp_path: Path, models: PretendedModels) -> None:
    run_steps(write_company(tmp_path), tmp_path / "home", as_of=AS_OF)
    with (tmp_path / "home" / "runs.jsonl").open("a") as file:
        file.write(json.dumps({"run_id": "torn"})[:-3] + "\n")

    assert [record.status for record in runlog.read(tmp_path / "home")] == ["published"]


def test_the_default_as_of_day_is_today_in_the_reporting_time_zone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestration import run as steps

    class JustBeforeMidnight(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.fromisoformat("2026-03-31T23:30:00+00:00").astimezone(tz)

    monkeypatch.setattr(steps, "datetime", JustBeforeMidnight)
    settings = write_company(tmp_path)
    berlin = settings.model_copy(
        update={"reporting": settings.reporting.model_copy(update={"timezone": "Europe/Berlin"})}
    )

    assert steps.today(settings) == date(2026, 3, 31)
    assert steps.today(berlin) == date(2026, 4, 1)
