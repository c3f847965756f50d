"""A run, step by step: extract, build, resolve identities, audit, publish. The command line and Dagster call
these.
"""

import errno
import resource
import secrets
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from orchestration import alerts, build_inputs, runlog, sources, transform, unchanged
from orchestration.contract import PROJECT_ROOT
from orchestration.errors import AuditFailed, RevopsError, SourceFailed
from orchestration.publish import lake
from orchestration.publish.audit import (
    AuditReport,
    Sample,
    audit,
    check_tests,
    failing_rows,
    raise_for_failed,
)
from orchestration.publish.candidate import write_audiences, write_candidate
from orchestration.publish.lock import single_writer
from orchestration.publish.tables import PublishedTable, personal_columns
from orchestration.publish.versions import Version, current_version, heal
from orchestration.publish.versions import publish as publish_version
from orchestration.reporter import Reporter
from orchestration.settings import Settings, Source, crash_point
from orchestration.sources import SourceResult
from orchestration.transform import NodeResult
from orchestration.warehouse import landing_file, memory_file, open_reader

# What DuckDB says of a file that is not as it wrote it.
_DAMAGED = ("checksum", "corrupt", "not a valid duckdb database", "could not read enough bytes")
INTERRUPTED = "Interrupted; nothing was published."


@dataclass(frozen=True)
class RunOptions:
    """What a run was asked to do. `sources` restricts extraction to these names; empty means all. `accept`
    says why unusual numbers are right.
    """

    as_of: date | None = None
    sources: tuple[str, ...] = ()
    extract: bool = True
    full_refresh: bool = False
    known_at: datetime | None = None
    allow_stale: bool = False
    allow_shrink: bool = False
    accept: str | None = None


@dataclass
class Run:
    """One run: what it was asked to do, where it works, and what it has found so far.

    `previous` is the version readers see while it runs, with which its own is compared.
    """

    run_id: str
    settings: Settings
    home: Path
    options: RunOptions
    reporter: Reporter
    as_of: date
    started_at: datetime
    extracted: dict[str, SourceResult] = field(default_factory=dict)
    failures: dict[str, RevopsError] = field(default_factory=dict)
    inputs: dict[str, list[str]] = field(default_factory=dict)
    nodes: list[NodeResult] = field(default_factory=list)
    tables: list[PublishedTable] = field(default_factory=list)
    report: AuditReport | None = None
    version: Version | None = None
    unchanged: bool = False
    error: RevopsError | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    previous: Version | None = None

    @cached_property
    def git_commit(self) -> str | None:
        """The version of the software."""
        return _git_commit()

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """dbt's manifest of the models this run builds."""
        return transform.manifest(self.settings)

    @property
    def work(self) -> Path:
        """The private folder of this run."""
        return self.home / "work" / self.run_id

    @property
    def build_file(self) -> Path:
        """The private database dbt builds in."""
        return self.work / "build.duckdb"

    @property
    def candidate(self) -> Path:
        """The folder that becomes the published version."""
        return self.work / "candidate"

    @property
    def log_file(self) -> Path:
        """Where everything this run says is written."""
        return runlog.log_file(self.home, self.run_id)

    @property
    def sources_to_extract(self) -> tuple[Source, ...]:
        """The configured sources this run reads."""
        if not self.options.extract:
            return ()
        wanted = self.options.sources
        return tuple(source for source in self.settings.sources if not wanted or source.name in wanted)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step and turn whatever goes wrong in it into one sentence, kept in `error`."""
        started, used = time.monotonic(), time.process_time()
        status = "failed"
        try:
            with self.reporter.step(name):
                yield
            status = "done"
        except Exception as failure:
            self.error = as_sentence(failure, self)
            raise self.error from failure
        finally:
            seconds = time.monotonic() - started
            self.seconds[name] = self.seconds.get(name, 0.0) + seconds
            self.reporter.event(
                "step",
                step=name,
                status=status,
                seconds=round(seconds, 3),
                cpu_seconds=round(time.process_time() - used, 3),
                # of this process so far; Linux counts in KiB
                peak_memory_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            )


@contextmanager
def open_run(settings: Settings, home: Path, options: RunOptions, reporter: Reporter) -> Iterator[Run]:
    """Hold the lock, prepare the folders of a run, and write its line into the run log when it ends.

    Raises LockHeld if another run is under way, ConfigurationError for a source that is not configured.
    """
    for name in options.sources:
        settings.source(name)
    with single_writer(home):
        _clear_dead_runs(home)
        run = _new_run(settings, home, options, reporter)
        reporter.log_to(run.log_file)
        reporter.detail(f"run {run.run_id}, as of {run.as_of}, {settings.config_path}")
        run.previous, damage = heal(home)
        if damage:
            reporter.warning(damage)
        try:
            yield run
        except Exception as failure:
            run.error = run.error or as_sentence(failure, run)
            if failure is run.error:
                raise
            raise run.error from failure
        finally:
            if run.failures and run.error is None:
                run.error = _source_error(run.failures)
            _finish(run)


def extract_source(run: Run, source: Source) -> SourceResult | None:
    """Read what changed at one source into landing.duckdb.

    A source that fails raises, and stays in `failures` so that nothing is published; with --allow-stale it is
    only reported, and None returned. One that this run has read is not read again.
    """
    if source.name in run.extracted:
        return run.extracted[source.name]
    run.failures.pop(source.name, None)
    try:
        return _read(run, source)
    except RevopsError as failure:
        run.error = None
        if not run.options.allow_stale:
            run.failures[source.name] = failure
            run.reporter.warning(str(failure))
            raise
        run.reporter.warning(f"{failure} What was loaded of it before is used.")
        return None


def is_unchanged(run: Run) -> bool:
    """Whether the published version is what this run would publish: then nothing is built, and it stands.

    Reads the sources first. False where one of them fails, for the run that follows to report it.
    """
    before = current_version(run.home)
    options = run.options
    if before is None or options.full_refresh or options.allow_stale:
        return False
    if before.manifest.get("as_of") != run.as_of.isoformat():
        return False
    for source in run.sources_to_extract:
        if source.name not in run.extracted:
            try:
                _read(run, source)
            except RevopsError:
                run.error = None
                return False
    run.unchanged = before.manifest.get("computed_from") == _computed_from(run)
    return run.unchanged


def raise_if_failed(run: Run) -> None:
    """Raise what kept this run from publishing, if anything did."""
    if run.failures and run.error is None:
        run.error = _source_error(run.failures)
    if run.error is None and run.report is not None:
        try:
            run.report.raise_if_failed()
        except AuditFailed as failure:
            run.error = failure
    if run.error is not None:
        raise run.error


def build_entry(run: Run, on_node: Callable[[NodeResult], None]) -> None:
    """Create the private build file and build every entry entity in it; raises AuditFailed if a test
    fails.
    """
    with run.step("entry"):
        raise_if_failed(run)
        run.inputs = build_inputs.write(
            run.build_file,
            run.home,
            run.settings,
            known_at=run.options.known_at,
            allow_stale=run.options.allow_stale,
            previous=run.previous,
            runs=[*runlog.read(run.home), _record(run, "running")],
        )
        crash_point("before_dbt")
        _build(run, "entry", on_node)


def resolve_identities(run: Run) -> None:
    """Decide which records are one company or one person, into schema identity of the build."""
    with run.step("identity"):
        from orchestration import identity

        identity.resolve(
            run.build_file,
            as_of=run.as_of,
            # the seeds merged with the rules folder of revops.yml, as the models read them
            rules=run.work / "rules",
            previous=run.previous.folder / "revops.duckdb" if run.previous else None,
            # what is rebuilt as it was known then is no news for the next run
            memory=None if run.options.known_at else memory_file(run.home),
            largest_merge=run.settings.identity.largest_merge,
        )


def build_warehouse(run: Run, on_node: Callable[[NodeResult], None]) -> None:
    """Build revenue, metrics and operations; raises AuditFailed if a test fails."""
    with run.step("warehouse"):
        _build(run, "warehouse", on_node)


def write_and_audit(run: Run) -> AuditReport:
    """Write the candidate and check it read-only. The report is returned whether or not a check failed."""
    with run.step("audit"):
        crash_point("before_audit")
        people = run.settings.publish.people
        run.tables = write_candidate(run.build_file, run.candidate, run.manifest, people)
        run.report = audit(
            run.candidate,
            run.tables,
            strict=run.settings.strict,
            before=run.previous.manifest if run.previous else None,
            accepted=run.options.accept,
        )
        for name, rows in run.report.rows.items():
            run.reporter.event("table", step="audit", table=name, status="written", row_count=rows)
        for sentence in run.report.unusual:
            run.reporter.warning(sentence)
        write_audiences(run.build_file, run.candidate, run.manifest, run.settings.publish.audiences)
        crash_point("after_audit")
    return run.report


def publish_candidate(run: Run) -> Version:
    """Make the audited candidate what readers see."""
    with run.step("publish"):
        if run.report is None:
            raise RevopsError("There is no audited candidate to publish; run the audit first.")
        run.report.raise_if_failed()
        from orchestration import dashboard

        with open_reader(run.candidate / "revops.duckdb") as con:
            dashboard.build(con, run.candidate)
        # First: after a crash in between, the next run publishes again.
        lake.publish(run.settings.warehouse, run.candidate / "revops.duckdb", run.run_id, run.as_of)
        run.version = publish_version(run.home, run.candidate, _manifest(run, run.report))
    return run.version


def as_sentence(failure: BaseException, run: Run) -> RevopsError:
    """One sentence for any failure; the traceback goes into the run's log."""
    if isinstance(failure, RevopsError):
        damage = _damage(failure, run.home)
        return type(failure)(damage) if damage else failure
    run.reporter.exception(failure)
    if any(_is_interrupt(each) for each in _chain(failure)):
        return RevopsError(INTERRUPTED)
    if _is_full_disk(failure):
        return RevopsError(
            f"The disk that holds {run.home} is full: free some space and run again. The published version"
            " is unchanged."
        )
    if damage := _damage(failure, run.home):
        return RevopsError(damage)
    return RevopsError(
        f"The run stopped on an unexpected {type(failure).__name__}; nothing was published. {run.log_file}"
        " says where."
    )


def today(settings: Settings) -> date:
    """The current day in the reporting time zone: the default as-of day."""
    return datetime.now(ZoneInfo(settings.reporting.timezone)).date()


def _read(run: Run, source: Source) -> SourceResult:
    with run.step(f"extract {source.name}"):
        result = sources.extract(
            source,
            run.settings,
            run.home,
            run.work,
            run.run_id,
            run.started_at,
            full_refresh=run.options.full_refresh,
            allow_shrink=run.options.allow_shrink,
            progress=lambda entity, rows: run.reporter.detail(
                f"extract {source.name}: {entity}, {rows:,} rows"
            ),
        )
    run.extracted[source.name] = result
    for entity in result.entities:
        run.reporter.event(
            "table",
            step=f"extract {source.name}",
            table=f"raw_{source.name}.{entity.entity}",
            status="unchanged" if entity.skipped else "done",
            seconds=round(entity.seconds, 3),
            row_count=entity.rows_read,
            rows_appended=entity.rows_appended + entity.rows_deleted,
            cursor_value=entity.cursor_value,
        )
    crash_point("after_extract")
    return result


def _computed_from(run: Run) -> str:
    return unchanged.state(run.settings, run.home, run.as_of, run.options.known_at)


def _source_error(failures: Mapping[str, RevopsError]) -> RevopsError:
    first = next(iter(failures.values()))
    kept = "Nothing was published; what the other sources gave is loaded and kept."
    if len(failures) == 1:
        return type(first)(f"{first} {kept}")
    sentences = " ".join(str(failure) for failure in failures.values())
    return SourceFailed(f"{len(failures)} sources failed. {sentences} {kept}")


def _build(run: Run, stage: str, on_node: Callable[[NodeResult], None]) -> None:
    def report(node: NodeResult) -> None:
        crash_point("mid_dbt")
        run.nodes.append(node)
        run.reporter.detail(f"{stage}: {node.name}")
        if node.resource_type == "model":
            run.reporter.event(
                "table",
                step=stage,
                table=node.table,
                status=node.status,
                seconds=round(node.seconds, 3),
                row_count=node.rows,
            )
        on_node(node)

    nodes = transform.build(
        stage,
        build_file=run.build_file,
        landing=landing_file(run.home),
        settings=run.settings,
        as_of=run.as_of,
        known_at=run.options.known_at,
        inputs=run.inputs,
        on_node=report,
    )
    for node in nodes:
        if node.resource_type == "test" and node.status == "warn":
            run.reporter.warning(f"{node.name}: {node.failures} rows")
    raise_for_failed(check_tests(nodes, lambda test: _sample(run, test), strict=run.settings.strict))


def _sample(run: Run, test: NodeResult) -> Sample:
    """Some of the rows that failed a test, by the SQL it ran last."""
    node = run.manifest["nodes"].get(test.unique_id)
    if node is None:
        return ()
    compiled = transform.manifest_path(run.settings).parent / "compiled"
    file = compiled / node["package_name"] / node["original_file_path"]
    # Generic tests are compiled into a folder named after the YAML that states them.
    path = file if file.suffix == ".sql" else file / Path(node["path"]).name
    if not path.is_file():
        return ()
    query = path.read_text(encoding="utf-8").rstrip().rstrip(";")
    return failing_rows(run.build_file, query, personal_columns(run.manifest))


def _new_run(settings: Settings, home: Path, options: RunOptions, reporter: Reporter) -> Run:
    started_at = datetime.now(UTC)
    run = Run(
        run_id=f"{started_at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
        settings=settings,
        home=home,
        options=options,
        reporter=reporter,
        as_of=options.as_of or today(settings),
        started_at=started_at,
    )
    run.work.mkdir(parents=True)
    return run


def _clear_dead_runs(home: Path) -> None:
    """Whoever holds the lock is the only run: every other work folder belongs to one that died."""
    for folder in (home / "work").glob("*"):
        shutil.rmtree(folder)
    runlog.drop_old_logs(home)


def _finish(run: Run) -> None:
    record = _record(run, _status(run))
    runlog.append(run.home, record)
    run.reporter.event("run", **asdict(record))
    try:
        unusual = run.report.unusual if run.report else ()
        for sentence in alerts.after_run(run.settings, run.home, record, unusual):
            run.reporter.warning(sentence)
    except Exception as failure:
        # What the run did stands, whether or not it can be told.
        run.reporter.exception(failure)
        run.reporter.warning(f"Alerts could not be sent; {run.log_file} says why.")
    # What a failed audit complains about can be looked at until the next run starts.
    if run.version or run.unchanged:
        shutil.rmtree(run.work, ignore_errors=True)


def _status(run: Run) -> runlog.Status:
    if run.version:
        return "published"
    if run.unchanged:
        return "unchanged"
    if isinstance(run.error, AuditFailed):
        return "audit_failed"
    if run.failures:
        return "source_failed"
    return "failed" if run.error else "not_published"


def _record(run: Run, status: runlog.Status) -> runlog.RunRecord:
    finished_at = datetime.now(UTC)
    entities = [entity for result in run.extracted.values() for entity in result.entities]
    tests = Counter(node.status for node in run.nodes if node.resource_type == "test")
    return runlog.RunRecord(
        run_id=run.run_id,
        started_at=run.started_at.isoformat(),
        finished_at=None if status == "running" else finished_at.isoformat(),
        status=status,
        exit_code=run.error.exit_code if run.error else 0,
        as_of=run.as_of.isoformat(),
        message=runlog.redact(str(run.error)) if run.error else "",
        known_at=run.options.known_at.isoformat() if run.options.known_at else None,
        version=run.version.name if run.version else None,
        content_hash=run.report.content_hash if run.report else None,
        git_commit=run.git_commit,
        seconds=round((finished_at - run.started_at).total_seconds(), 3),
        rows_read=sum(entity.rows_read for entity in entities),
        rows_appended=sum(entity.rows_appended for entity in entities),
        tests_passed=tests["pass"],
        tests_warned=tests["warn"],
        tests_failed=tests["fail"],
        steps={name: round(seconds, 3) for name, seconds in run.seconds.items()},
        sources=dict.fromkeys(run.extracted, "extracted") | dict.fromkeys(run.failures, "failed"),
    )


def _manifest(run: Run, report: AuditReport) -> dict[str, Any]:
    """What a version says about itself, without its name and files."""
    tests = Counter(node.status for node in run.nodes if node.resource_type == "test")
    return {
        "run_id": run.run_id,
        "as_of": run.as_of.isoformat(),
        "known_at": run.options.known_at.isoformat() if run.options.known_at else None,
        "git_commit": run.git_commit,
        "people": run.settings.publish.people,
        "unusual": {"found": list(report.unusual), "accepted": run.options.accept},
        "reporting": run.settings.reporting.model_dump(),
        "policy": build_inputs.policy(run.build_file),
        "computed_from": _computed_from(run),
        "duckdb": duckdb.__version__,
        "content_hash": report.content_hash,
        "tables": {
            table.full_name: {
                "rows": report.rows[table.full_name],
                "content_hash": report.hashes.get(table.full_name),
            }
            for table in run.tables
        },
        "loads": build_inputs.last_loads(run.home, run.settings),
        "tests": {status: tests[status] for status in sorted(tests)},
    }


def _is_full_disk(failure: BaseException) -> bool:
    for each in _chain(failure):
        if isinstance(each, OSError) and each.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            return True
        text = str(each).lower()
        if isinstance(each, duckdb.Error) and ("no space left" in text or "file too large" in text):
            return True
    return False


def _damage(failure: BaseException, home: Path) -> str | None:
    """A sentence if DuckDB found a file damaged; only the raw log is read and not made anew by a run."""
    for each in _chain(failure):
        text = str(each).lower()
        if isinstance(each, duckdb.Error | RevopsError) and any(sign in text for sign in _DAMAGED):
            path = landing_file(home)
            return (
                f"A database file is damaged ({str(each).splitlines()[0][:200]}). If it is {path}, put a copy"
                " back, or move it away and run again: everything is read anew from the sources. What is"
                " published is unchanged."
            )
    return None


def _is_interrupt(failure: BaseException) -> bool:
    # Dagster turns Ctrl-C into an exception of its own, which is not imported here for its two seconds.
    return isinstance(failure, KeyboardInterrupt) or (
        type(failure).__name__ == "DagsterExecutionInterruptedError"
    )


def _chain(failure: BaseException | None) -> Iterator[BaseException]:
    """A failure and what caused it, the last first."""
    while failure is not None:
        yield failure
        failure = failure.__cause__ or failure.__context__


def _git_commit() -> str | None:
    command = ["git", "-C", str(PROJECT_ROOT), "rev-parse", "HEAD"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip() or None
