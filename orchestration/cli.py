"""The `revops` command. Imports are inside the commands: reading a KPI must not wait for dbt and Dagster."""

import os
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from orchestration.errors import ConfigurationError, RevopsError
from orchestration.exports import Format, print_rows
from orchestration.runlog import redact
from orchestration.settings import config_path, home_folder, load_settings, switch_off_telemetry

if TYPE_CHECKING:
    from orchestration.run import Run
    from orchestration.settings import Settings

app = typer.Typer(
    help="The revenue warehouse: extract, unify, compute, audit, publish; and read what was published.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
sources_app = typer.Typer(
    help="What is configured, and whether it can be reached.", invoke_without_command=True
)
export_app = typer.Typer(
    help="Copies of what is published, for tools that do not open it themselves.", no_args_is_help=True
)
sandbox_app = typer.Typer(help="The pretend company.", no_args_is_help=True)
app.add_typer(sources_app, name="sources")
app.add_typer(export_app, name="export")
app.add_typer(sandbox_app, name="sandbox")


def _parsed(convert: Callable[[str], Any], example: str) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        try:
            return convert(text)
        except ValueError:
            raise typer.BadParameter(f"{text!r} is not like {example}.") from None

    return parse


def _utc(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


_day = _parsed(date.fromisoformat, "2026-03-31")

Config = Annotated[Path | None, typer.Option(help="Configuration file; REVOPS_CONFIG, else ./revops.yml.")]
Home = Annotated[Path | None, typer.Option(help="Folder of all data; REVOPS_HOME, else ./data.")]
Tables = Annotated[
    list[str] | None,
    typer.Option("--table", metavar="SCHEMA.TABLE", help="This table only; may be repeated."),
]
OutputFormat = Annotated[Format, typer.Option("--format", help="How to print.")]


def main() -> None:
    """Run the command line: every failure is one sentence on stderr and a fixed exit code."""
    try:
        app()
    except RevopsError as failure:
        _fail(str(failure), failure.exit_code)
    except BrokenPipeError:
        # The reader of our output, `head` say, has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        _fail("Interrupted; what was published before is still there.", 130)
    except Exception as failure:
        _fail(f"Unexpected {type(failure).__name__}: {failure}", RevopsError.exit_code)


def _page() -> Console:
    """The console for tables: as wide as the terminal, or wide enough for any of them."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 200)


def _fail(sentence: str, exit_code: int) -> None:
    print(f"Error: {redact(sentence)}", file=sys.stderr)
    sys.exit(exit_code)


@app.command()
def run(
    config: Config = None,
    home: Home = None,
    as_of: Annotated[
        date | None,
        typer.Option(parser=_day, metavar="DATE", help="Last day that exists; today if left out."),
    ] = None,
    source: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Extract this source only; may be repeated.")
    ] = None,
    full_refresh: Annotated[bool, typer.Option("--full-refresh", help="Read everything again.")] = False,
    no_extract: Annotated[bool, typer.Option("--no-extract", help="Use what was extracted before.")] = False,
    known_at: Annotated[
        datetime | None,
        typer.Option(
            parser=_parsed(_utc, "2026-03-31T12:00:00Z"),
            metavar="TIMESTAMP",
            help="Rebuild what was known then (UTC).",
        ),
    ] = None,
    allow_stale: Annotated[
        bool, typer.Option("--allow-stale", help="Publish although a source could not be read.")
    ] = False,
    allow_shrink: Annotated[
        bool, typer.Option("--allow-shrink", help="Accept a source that lost many of its records.")
    ] = False,
) -> None:
    """Extract, unify, compute, audit and publish."""
    settings = load_settings(config_path(config))
    switch_off_telemetry()
    from orchestration.job import execute
    from orchestration.reporter import Reporter
    from orchestration.run import RunOptions, open_run

    options = RunOptions(
        as_of=as_of,
        sources=tuple(source or ()),
        extract=not no_extract,
        full_refresh=full_refresh,
        known_at=known_at,
        allow_stale=allow_stale,
        allow_shrink=allow_shrink,
    )
    console = Console(stderr=True)
    with open_run(settings, home_folder(home), options, Reporter(console)) as this_run:
        execute(this_run)
    _print_summary(this_run)


def _print_summary(this_run: "Run") -> None:
    from orchestration.scorecard import findings, print_scorecard, scorecard
    from orchestration.warehouse import open_published, published_file

    console = _page()
    with open_published(this_run.home) as con:
        month, scores = scorecard(con)
        problems = findings(con)
    console.print()
    if month is not None:
        print_scorecard(console, month, scores)
        console.print()
    if problems:
        console.print("What to know about the data (operations.data_quality has all of it):")
        for problem in problems:
            console.print(f"  {problem}", markup=False)
        console.print()
    path = published_file(this_run.home)
    said = "Nothing changed; still published as of" if this_run.unchanged else "Published as of"
    console.print(f"{said} {this_run.as_of}: {path}", markup=False)
    console.print(f"  Parquet        {path.with_name('parquet')}", markup=False)
    console.print("  one KPI        revops kpi win_rate --by segment --explain", markup=False)
    console.print(f"  the page       {path.parent / 'dashboard.html'}", markup=False, soft_wrap=True)
    console.print("  runs, lineage  revops ui", markup=False)


@app.command()
def kpi(
    name: Annotated[
        str | None,
        typer.Argument(help="A KPI of metrics.kpi_catalog, such as win_rate; an overview if left out."),
    ] = None,
    home: Home = None,
    variant: Annotated[str, typer.Option(help="A reading of the KPI.")] = "default",
    grain: Annotated[
        str, typer.Option(help="month, quarter, year, trailing_12_months or all_time.")
    ] = "month",
    by: Annotated[str, typer.Option(metavar="DIMENSION", help="Slice by segment, region, team …")] = "all",
    since: Annotated[
        date | None, typer.Option(parser=_day, metavar="DATE", help="First day of the first period.")
    ] = None,
    until: Annotated[
        date | None, typer.Option(parser=_day, metavar="DATE", help="Last day on which a period may start.")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Definition, policy and source records of the last period.")
    ] = False,
    policy: Annotated[
        str | None,
        typer.Option(metavar="PRESET", help="Compute recurring revenue as stripe, chartmogul, … do."),
    ] = None,
    compare: Annotated[
        str | None,
        typer.Option(
            metavar="PRESET", help="The last period under that policy, and every difference to ours."
        ),
    ] = None,
    as_of: Annotated[
        date | None,
        typer.Option(parser=_day, metavar="DATE", help="As it was at the end of another day."),
    ] = None,
    known_at: Annotated[
        datetime | None,
        typer.Option(
            parser=_parsed(_utc, "2026-03-31T12:00:00Z"),
            metavar="TIMESTAMP",
            help="From what was known then (UTC).",
        ),
    ] = None,
    config: Config = None,
    output_format: OutputFormat = Format.TABLE,
) -> None:
    """Print a KPI from the published file, or computed privately under another policy or as of a day."""
    from orchestration.kpi import KpiQuery, kpi_values
    from orchestration.terminal import goals_of, print_kpi
    from orchestration.warehouse import open_published

    home = home_folder(home)
    if name is None:
        from orchestration.terminal import print_overview

        with open_published(home) as con:
            print_overview(_page(), con)
        return
    query = KpiQuery(name, variant, grain, by, since, until)
    if sum([explain, policy is not None, compare is not None]) > 1:
        raise ConfigurationError("--explain, --policy and --compare exclude each other; give one of them.")
    is_past = as_of is not None or known_at is not None
    if is_past and (explain or compare is not None):
        raise ConfigurationError(
            "--as-of and --known-at compute values anew; --explain and --compare are about those published."
            " `revops run --as-of DATE` publishes others."
        )
    with open_published(home) as con:
        if explain:
            from orchestration.explain import explain as explain_kpi
            from orchestration.explain import print_explanation
            from orchestration.publish.versions import current_version

            version = current_version(home)
            explanation = explain_kpi(con, query, version.manifest if version else {})
            print_explanation(explanation, output_format, sys.stdout)
            return
        columns, rows = kpi_values(con, query)
        goals = goals_of(con, query) if policy is None and not is_past else {}
    if compare is not None:
        from orchestration.policy_builds import compare as compare_policies
        from orchestration.policy_report import print_comparisons

        settings = load_settings(config_path(config))
        print_comparisons(compare_policies(home, settings, query, compare), output_format, sys.stdout)
        return
    if policy is not None or is_past:
        from orchestration.policy_builds import values_under

        settings = load_settings(config_path(config))
        columns, rows = values_under(home, settings, query, policy, as_of, known_at)
    if output_format is not Format.TABLE:
        print_rows(columns, rows, output_format, sys.stdout)
        return
    print_kpi(_page(), columns, rows, goals)


@app.command()
def sql(
    statement: Annotated[str, typer.Argument(help='SQL, such as "select * from metrics.kpi_catalog".')],
    home: Home = None,
    output_format: OutputFormat = Format.TABLE,
) -> None:
    """Run read-only SQL on the published file."""
    import duckdb

    from orchestration.warehouse import open_published

    with open_published(home_folder(home)) as con:
        try:
            cursor = con.execute(statement)
            columns = [column[0] for column in cursor.description or []]
            rows = cursor.fetchall()
        except duckdb.Error as failure:
            raise ConfigurationError(str(failure).strip()) from None
    print_rows(columns, rows, output_format, sys.stdout)


@app.command()
def review(
    quarter: Annotated[
        date | None,
        typer.Option(
            parser=_day,
            metavar="DATE",
            help="A day of a fiscal quarter; the last complete one if left out.",
        ),
    ] = None,
    home: Home = None,
) -> None:
    """The pack of the recurring review, as Markdown: what changed, what is behind it, what to decide."""
    from orchestration.review import write_review
    from orchestration.warehouse import open_published

    with open_published(home_folder(home)) as con:
        write_review(con, quarter, sys.stdout)


@sources_app.callback()
def sources(context: typer.Context, config: Config = None, home: Home = None) -> None:
    """List the configured sources and when each entity was read last."""
    if context.invoked_subcommand is not None:
        context.obj = config
        return
    from orchestration.overview import source_rows

    settings = load_settings(config_path(config))
    print_rows(*source_rows(settings, home_folder(home)), Format.TABLE, sys.stdout)


@sources_app.command("check")
def check_sources(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="One source; all if left out.")] = None,
    config: Config = None,
) -> None:
    """Reach each source and compare its columns with its mapping, loading nothing."""
    from orchestration.sources import check

    settings = load_settings(config_path(config or context.obj))
    failures: list[RevopsError] = []
    for source in [settings.source(name)] if name else settings.sources:
        try:
            found = check(source, settings)
        except RevopsError as failure:
            failures.append(failure)
            print(f"{source.name}: {redact(str(failure))}")
            continue
        print(f"{source.name}: {len(found)} tables can be read")
        for entity, location in found:
            print(f"  {entity}  {location}")
    if failures:
        raise type(failures[0])(f"{len(failures)} of the checked sources cannot be read as configured.")


@app.command()
def status(home: Home = None) -> None:
    """What is published, how fresh it is, and how the last runs went."""
    from orchestration.overview import print_status

    print_status(home_folder(home), sys.stdout)


@app.command()
def history(home: Home = None) -> None:
    """The published versions, newest first."""
    from orchestration.overview import version_rows

    print_rows(*version_rows(home_folder(home)), Format.TABLE, sys.stdout)


@app.command()
def rollback(
    version: Annotated[
        str | None, typer.Argument(help="A version of `revops history`; the one before if left out.")
    ] = None,
    home: Home = None,
) -> None:
    """Go back to an older published version."""
    from orchestration.publish.lock import single_writer
    from orchestration.publish.versions import rollback as go_back

    folder = home_folder(home)
    with single_writer(folder):
        current = go_back(folder, version)
    print(f"{current.name}, as of {current.manifest['as_of']}, is what readers see now.")


@app.command()
def forget(
    email: Annotated[str, typer.Argument(help="The person's e-mail address; - reads it from the input.")],
    config: Config = None,
    home: Home = None,
) -> None:
    """Erase a person from everything in the home folder, and prove it."""
    settings = load_settings(config_path(config))
    switch_off_telemetry()
    from orchestration.erasure.forget import forget as erase
    from orchestration.job import execute
    from orchestration.overview import print_erasure
    from orchestration.publish.versions import current_version
    from orchestration.reporter import Reporter
    from orchestration.run import RunOptions, open_run
    from orchestration.sources.suppression import address_of

    address = address_of(sys.stdin.readline() if email == "-" else email)
    folder = home_folder(home)
    published = current_version(folder)
    options = RunOptions(extract=False, allow_stale=True)
    if published is not None:
        known_at = published.manifest.get("known_at")
        options = replace(
            options,
            as_of=date.fromisoformat(published.manifest["as_of"]),
            known_at=datetime.fromisoformat(known_at) if known_at else None,
        )
    with open_run(settings, folder, options, Reporter(Console(stderr=True))) as this_run:
        erasure = erase(this_run, address, execute)
    print_erasure(erasure, sys.stdout)


@app.command()
def ui(
    config: Config = None,
    home: Home = None,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 3000,
) -> None:
    """Dagster's web server, for this machine only: past runs, lineage, checks, schedules."""
    load_settings(config_path(config))
    switch_off_telemetry()
    from orchestration.run_history import dagster_home

    folder = home_folder(home)
    os.environ |= {
        "DAGSTER_HOME": str(dagster_home(folder)),
        "REVOPS_HOME": str(folder),
        "REVOPS_CONFIG": str(config_path(config)),
    }
    arguments = [
        "dev",
        "--module-name",
        "orchestration.definitions",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    os.execv(sys.executable, [sys.executable, "-W", "ignore", "-m", "dagster", *arguments])


@app.command()
def dashboard(
    home: Home = None,
    open_page: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Where the page of the published version is."""
    import webbrowser

    page = home_folder(home) / "published" / "dashboard.html"
    if not page.exists():
        raise ConfigurationError(f"Nothing is published in {home_folder(home)} yet; run `revops run` first.")
    print(page)
    if open_page and not webbrowser.open(page.resolve().as_uri()):
        raise RevopsError(f"No browser could be started here; open {page} in one.")


@app.command()
def docs(
    config: Config = None,
    home: Home = None,
    open_page: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Write the catalog: every published table and column, its owner, unit, origin and SQL."""
    import webbrowser

    settings = load_settings(config_path(config))
    from orchestration.catalog import build

    page = build(home_folder(home), settings)
    print(page)
    if open_page and not webbrowser.open(page.resolve().as_uri()):
        raise RevopsError(f"No browser could be started here; open {page} in one.")


@export_app.command("csv")
def export_csv(
    folder: Annotated[Path, typer.Argument(help="Written to: FOLDER/schema/table.csv.")],
    table: Tables = None,
    home: Home = None,
) -> None:
    """Tables as CSV files, in which no cell is a formula."""
    from orchestration.publish.export_files import write_csv
    from orchestration.warehouse import open_published

    with open_published(home_folder(home)) as con:
        counts = write_csv(con, folder, table or ())
    print_rows(("table", "rows"), list(counts.items()), Format.TABLE, sys.stdout)


@export_app.command("parquet")
def export_parquet(
    folder: Annotated[Path, typer.Argument(help="Written to: FOLDER/schema/table.parquet.")],
    table: Tables = None,
    home: Home = None,
) -> None:
    """Tables as Parquet files: the published ones, copied."""
    from orchestration.publish.export_files import copy_parquet
    from orchestration.publish.versions import current_version
    from orchestration.warehouse import open_reader

    version = current_version(home_folder(home))
    if version is None:
        raise ConfigurationError(f"Nothing is published in {home_folder(home)} yet; run `revops run` first.")
    with open_reader(version.folder / "revops.duckdb") as con:
        counts = copy_parquet(con, version.folder / "parquet", folder, table or ())
    print_rows(("table", "rows"), list(counts.items()), Format.TABLE, sys.stdout)


@export_app.command("xlsx")
def export_xlsx(
    file: Annotated[Path, typer.Argument(help="Workbook to write.")],
    table: Tables = None,
    home: Home = None,
) -> None:
    """Tables as an Excel workbook without formulas; KPI values, definitions and goals if none is named."""
    from orchestration.publish.workbook import DEFAULT_TABLES, write_workbook
    from orchestration.warehouse import open_published

    with open_published(home_folder(home)) as con:
        counts = write_workbook(con, file, table or DEFAULT_TABLES)
    print_rows(("sheet", "rows"), list(counts.items()), Format.TABLE, sys.stdout)


@export_app.command("postgres")
def export_to_postgres(
    dsn: Annotated[
        str | None,
        typer.Argument(help="postgresql://user@host/database; REVOPS_EXPORT_DSN if left out."),
    ] = None,
    home: Home = None,
) -> None:
    """All tables into a PostgreSQL database, in place of those of the last export, at one moment."""
    from orchestration.settings import export_dsn
    from orchestration.warehouse import open_published

    address = export_dsn(dsn)
    try:
        from orchestration.publish.export_postgres import export_postgres
    except ImportError:
        raise ConfigurationError(
            "The PostgreSQL driver is not installed; `pip install 'psycopg[binary]'` adds it."
        ) from None
    with open_published(home_folder(home)) as con:
        exported = export_postgres(con, address)
    rows = [(f"{each.schema}.{each.name}", each.rows, each.content[:12]) for each in exported]
    print_rows(("table", "rows", "content"), rows, Format.TABLE, sys.stdout)


@sandbox_app.command()
def serve(
    config: Config = None,
    port: Annotated[int, typer.Option(help="Port of the first stand-in on 127.0.0.1.")] = 8484,
) -> None:
    """Serve the pretend company's APIs on this machine until interrupted, for anybody to play with."""
    from sandbox.vendors import serve as start

    settings = load_settings(config_path(config))
    stand_ins = []
    for number, source in enumerate(settings.sandbox_sources()):
        stand_in = start(source.kind, settings.root / "data" / "sandbox" / source.name, port + number)
        stand_ins.append(stand_in)
        print(f"{source.name} ({source.kind}): {stand_in.base_url}")
        for name, value in stand_in.credentials.items():
            print(f"  {name} {value}")
    if not stand_ins:
        raise ConfigurationError(f"{settings.config_path} has no source with base_url: sandbox.")
    threading.Event().wait()


@sandbox_app.command()
def advance(
    days: Annotated[int, typer.Option(min=1, help="How many days the company lives on.")],
    config: Config = None,
) -> None:
    """Let the pretend company live on, and deliver what its silos then hold."""
    from sandbox.delivery import delivered_life

    settings = load_settings(config_path(config))
    folder = settings.root / "data" / "sandbox"
    life = delivered_life(folder)
    if life is None:
        raise ConfigurationError(
            f"Nothing was delivered to {folder} yet; run `revops sandbox deliver` first."
        )
    _deliver(settings, life.until + timedelta(days=days), life.seed, life.scale)


@sandbox_app.command()
def deliver(
    config: Config = None,
    until: Annotated[
        date | None, typer.Option(parser=_day, metavar="DATE", help="Last day lived; yesterday if left out.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed is another company.")] = 7,
    scale: Annotated[float, typer.Option(min=0.01, help="1: about 600 companies.")] = 1.0,
) -> None:
    """Let the pretend company live until a day and export its silos into data/sandbox beside the
    configuration.
    """
    last_day = until or datetime.now(UTC).date() - timedelta(days=1)
    _deliver(load_settings(config_path(config)), last_day, seed, scale)


def _deliver(settings: "Settings", last_day: date, seed: int, scale: float) -> None:
    from sandbox.delivery import deliver as export
    from sandbox.world import World

    folder = settings.root / "data" / "sandbox"
    served = [source.name for source in settings.sandbox_sources()]
    files = export(World(last_day, seed=seed, scale=scale), folder, served)
    print(f"{len(files)} files, lived until {last_day}, in {folder}")


if __name__ == "__main__":
    main()
