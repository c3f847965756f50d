"""`revops identity`: why records belong together, what to decide, and how to take a decision back."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from orchestration.errors import ConfigurationError
from orchestration.settings import config_path, home_folder, load_settings
from orchestration.warehouse import open_published

app = typer.Typer(help="Which records are one company or one person, and why.", no_args_is_help=True)

Config = Annotated[Path | None, typer.Option(help="Configuration file; REVOPS_CONFIG, else ./revops.yml.")]
Home = Annotated[Path | None, typer.Option(help="Folder of all data; REVOPS_HOME, else ./data.")]
Actor = Annotated[str | None, typer.Option(help="Who decides; the user of this machine if left out.")]


@app.command()
def explain(
    record: Annotated[str, typer.Argument(metavar="RECORD", help="A record as system:id.")], home: Home = None
) -> None:
    """Show the entity of a record, its other records, and the evidence in bits that joins them."""
    from orchestration.identity import decisions

    with open_published(home_folder(home)) as con:
        found = decisions.explain(con, decisions.record_key(record))
    if not found:
        raise ConfigurationError(f"No account and no person record is called {record}.")
    for each in found:
        typer.echo(
            f"{record} is {each.kind} {each.entity} ({each.method}), one of {len(each.members)} records:"
        )
        for system, source_id in each.members:
            typer.echo(f"  {system}:{source_id}")
        for edge in each.path:
            total = "" if edge["bits"] is None else f", {edge['bits']:+.1f} bits"
            typer.echo(f"{edge['a']} = {edge['b']}: {edge['rule']}{total}")
            for field in edge["fields"] or ():
                values = " = ".join(v for v in (field["value_a"], field["value_b"]) if v)
                typer.echo(f"    {field['bits']:+6.1f}  {field['field']}: {field['level']}  {values}")
            if edge["bits"] is not None:
                typer.echo(f"    {edge['prior'] + edge['within_system']:+6.1f}  before any evidence")
        for event in each.events:
            other = f" {event['other_id']}" if event["other_id"] else ""
            about = f" {event['source_system']}:{event['source_id']}" if event["source_id"] else ""
            typer.echo(
                f"{event['occurred_on']} {event['event_id']} {event['kind']}{other}{about}: {event['reason']}"
            )


@app.command()
def review(
    config: Config = None,
    home: Home = None,
    limit: Annotated[int, typer.Option(min=1, help="How many to show.")] = 20,
    write: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all of them to fill in.")] = None,
    read: Annotated[Path | None, typer.Option(metavar="FILE", help="Take the filled-in rows over.")] = None,
    actor: Actor = None,
) -> None:
    """List candidates that were not joined, most revenue first; decide them in a CSV file."""
    from orchestration.identity import decisions

    if read is not None:
        path, count = decisions.append_overrides(_rules(config), decisions.read_sheet(read))
        typer.echo(f"{count} decisions added to {path}; they hold from the next run on.")
        return
    with open_published(home_folder(home)) as con:
        pairs = decisions.queue(con, None if write else limit)
    if write is not None:
        count = decisions.write_sheet(pairs, write, actor or getpass.getuser(), datetime.now(UTC).date())
        typer.echo(
            f"{count} candidates in {write}; fill in the column action, then `revops identity review --read"
            f" {write}`."
        )
        return
    for pair in pairs:
        bits = "" if pair["match_weight"] is None else f", {pair['match_weight']:+.1f} bits"
        typer.echo(
            f"{pair['kind']}  {pair['source_system_a']}:{pair['source_id_a']} ="
            f" {pair['source_system_b']}:{pair['source_id_b']}?"
            f"  {pair['reason']}{bits}, {pair['amount_at_stake']:,.0f} at stake"
        )
    if not pairs:
        typer.echo("Nothing to review.")


@app.command()
def undo(
    event: Annotated[str, typer.Argument(metavar="EVENT", help="Id of a merge, join or split.")],
    config: Config = None,
    home: Home = None,
    actor: Actor = None,
) -> None:
    """Take a merge, join or split back: the next run restores ids and members from before."""
    from orchestration.identity import decisions

    rules = _rules(config)
    with open_published(home_folder(home)) as con:
        rows = decisions.undo(con, event, actor or getpass.getuser(), datetime.now(UTC).date())
    path, count = decisions.append_overrides(rules, rows)
    typer.echo(f"{count} overrides added to {path}; run again to apply them.")


def _rules(config: Path | None) -> Path:
    settings = load_settings(config_path(config))
    if settings.rules is None:
        raise ConfigurationError(
            f"{settings.config_path} names no rules folder, where decisions are kept; add `rules: rules`"
            f" and create the folder."
        )
    return settings.root / settings.rules
