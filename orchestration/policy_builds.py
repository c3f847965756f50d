"""A KPI under another policy, on another day or as it was known then: rebuilt privately from raw. The
difference between two policies is taken apart setting by setting.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from orchestration import policies, transform
from orchestration.contract import entry_contract
from orchestration.errors import ConfigurationError
from orchestration.kpi import KpiQuery, check_names, kpi_values
from orchestration.policies import RECURRING_REVENUE, SETTINGS, Policies, Setting
from orchestration.publish.versions import current_version
from orchestration.settings import Settings
from orchestration.warehouse import (
    attached,
    identifier,
    landing_file,
    open_build,
    open_landing,
    open_published,
    tables,
)

PERIODS_LISTED = 20
_LEDGER = "path:models/metrics/revenue/arr_movements.sql"


@dataclass(frozen=True)
class ChangedPeriod:
    """A subscription period that two policies value differently on the last day of the reporting period.

    `ours` and `theirs` are annual values in the reporting currency, 0 where it does not count.
    """

    source_system: str
    source_id: str
    account: str
    product: str
    plan: str
    kind: str
    status: str
    ours: Decimal
    theirs: Decimal


@dataclass(frozen=True)
class Line:
    """What one setting makes of the difference; None where a value has no denominator. `periods` lists the
    largest of the `periods_changed`.
    """

    setting: str
    about: str
    ours: str
    theirs: str
    difference: Decimal | None
    periods_changed: int = 0
    periods: tuple[ChangedPeriod, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """One value under our policy and under another one; the lines add up to `difference`, exactly."""

    value: dict[str, Any]
    policy: str
    ours: Decimal | None
    theirs: Decimal | None
    lines: tuple[Line, ...]

    @property
    def difference(self) -> Decimal | None:
        """Theirs less ours; None where either has no denominator."""
        return None if self.ours is None or self.theirs is None else self.theirs - self.ours


@dataclass
class PrivateBuild:
    """A build of one KPI from the raw data and the identities of the published version."""

    kpi: str
    file: Path
    home: Path
    settings: Settings
    as_of: date
    known_at: datetime
    ours: Policies
    inputs: dict[str, list[str]]
    upstream: frozenset[str]
    is_built: bool = field(default=False)

    def build(self, said: Policies, since: str | None = None) -> None:
        """Build the KPI under the policies `said`; with `since` only what depends on that model."""
        if not self.is_built:
            self._run(f"+{self.kpi},path:models/entry", None, said)
        # Nothing but what reads the changed setting is built again.
        below = f",{since}+" if self.is_built and since else ""
        insight = "source.revops.insight."
        fitted = [each.removeprefix(insight) for each in self.upstream if each.startswith(insight)]
        if not fitted:
            self._run(f"+{self.kpi}{below}", "path:models/entry", said)
        else:
            self._run(f"+{self.kpi},path:models/revenue{below} +{self.kpi},{_LEDGER}{below}", None, said)
            transform.write_insight(self.file, self.as_of, self.settings, only=fitted)
            self._run(f"+{self.kpi},path:models/metrics{below}", _LEDGER, said)
        self.is_built = True

    def values(self, query: KpiQuery) -> tuple[Sequence[str], list[tuple[Any, ...]]]:
        """The values of the last build, as `kpi_values` gives those that are published."""
        with open_build(self.file) as con:
            con.execute(
                "create or replace view metrics.kpi_values as"
                f" select '{self.kpi}' as kpi, marts.*, date '{self.as_of}' as as_of,"
                " catalog.definition_version"
                f" from metrics.{identifier(self.kpi)} as marts left join metrics.kpi_catalog as catalog"
                f" on catalog.kpi = '{self.kpi}' and catalog.variant = marts.variant"
            )
            return kpi_values(con, query)

    def subscriptions(self, said: Policies, day: date) -> dict[tuple[str, str], ChangedPeriod]:
        """Every subscription period in force on a day with its annual value, as `theirs`."""
        kind = "spot" if policies.in_force(said)["currency"] == "spot" else "recurring"
        with open_build(self.file, read_only=True) as con:
            rows = con.execute(
                "select periods.source_system, periods.source_id, coalesce(max(accounts.name), ''),"
                " coalesce(max(periods.product), ''), coalesce(max(periods.plan), ''), max(periods.kind),"
                " max(periods.status),"
                " coalesce(sum(cast(periods.annual_amount * rates.rate as decimal(38, 6))), 0)"
                " from revenue.subscription_periods as periods"
                " left join revenue.accounts as accounts on accounts.account_id = periods.account_id"
                " left join revenue.currency_rates as rates on rates.kind = ?"
                " and rates.currency_code = periods.currency_code"
                " and rates.valid_from <= ? and rates.valid_to > ?"
                " where periods.starts_on <= ? and (periods.ends_on is null or periods.ends_on > ?)"
                " group by periods.source_system, periods.source_id",
                [kind, day, day, day, day],
            ).fetchall()
        return {
            (row[0], row[1]): ChangedPeriod(
                source_system=row[0],
                source_id=row[1],
                account=row[2],
                product=row[3],
                plan=row[4],
                kind=row[5],
                status=row[6],
                ours=Decimal(0),
                theirs=Decimal(row[7]),
            )
            for row in rows
        }

    def _run(self, select: str, exclude: str | None, said: Policies) -> None:
        transform.run_models(
            select,
            exclude=exclude,
            build_file=self.file,
            landing=landing_file(self.home),
            settings=self.settings,
            as_of=self.as_of,
            known_at=self.known_at,
            inputs=self.inputs,
            said=said,
        )


@contextmanager
def private_build(
    home: Path, settings: Settings, kpi: str, as_of: date | None = None, known_at: datetime | None = None
) -> Iterator[PrivateBuild]:
    """Prepare a private build of one KPI in a temporary folder; nothing is published. Without `as_of` and
    `known_at` it is as of the published day, from what was known then.
    """
    with open_published(home) as con:
        check_names(con, KpiQuery(kpi))
    version = current_version(home)
    assert version is not None
    with tempfile.TemporaryDirectory(prefix="revops-policy-") as folder:
        file = Path(folder) / "build.duckdb"
        transform.load_rules(file, settings)
        with (
            open_build(file) as con,
            attached(con, version.folder / "revops.duckdb", "published", read_only=True),
        ):
            for schema, table in (
                ("identity", "account_members"),
                ("identity", "person_members"),
                ("metrics", "kpi_catalog"),
            ):
                con.execute(f"create schema if not exists {schema}")
                con.execute(f"create table {schema}.{table} as select * from published.{schema}.{table}")
        yield PrivateBuild(
            kpi=kpi,
            file=file,
            home=home,
            settings=settings,
            as_of=as_of or date.fromisoformat(version.manifest["as_of"]),
            # what was extracted after the publication is not in the published numbers either
            known_at=known_at or _moment(version.manifest["known_at"] or version.manifest["published_at"]),
            ours=policies.read(Path(folder) / "rules"),
            inputs=_inputs(home, settings),
            upstream=_upstream(f"model.revops.{kpi}"),
        )


def values_under(
    home: Path,
    settings: Settings,
    query: KpiQuery,
    policy: str | None,
    as_of: date | None = None,
    known_at: datetime | None = None,
) -> tuple[Sequence[str], list[tuple[Any, ...]]]:
    """Columns and rows like those of `kpi_values`, computed under a preset of policy_presets.csv, at the end
    of another day, from what was known at another time; what is not given is as published.
    """
    said = {} if policy is None else policies.preset(policy)
    if policy is not None:
        _refuse_other_policies(home, query.name)
    with private_build(home, settings, query.name, as_of, known_at) as build:
        build.build(_under(build.ours, said))
        return build.values(query)


def compare(home: Path, settings: Settings, query: KpiQuery, policy: str) -> list[Comparison]:
    """The last complete period that `query` asks for, one comparison for each of its slices.

    Goes from our policy to the other one setting by setting, in the order of SETTINGS, so that what two
    settings do together is counted once, with the later of them.
    """
    preset = policies.preset(policy)
    _refuse_other_policies(home, query.name)
    with private_build(home, settings, query.name) as build:
        ours = policies.in_force(build.ours)
        theirs = {name: value for name, value in preset.items() if value != ours[name]}
        build.build(build.ours)
        columns, rows = build.values(query)
        named = [dict(zip(columns, row, strict=True)) for row in rows]
        last = max(
            (row["period_start"] for row in named if (row["period_end"] - row["as_of"]).days <= 1),
            default=max((row["period_start"] for row in named), default=None),
        )
        chosen = [row for row in named if row["period_start"] == last]
        if not chosen:
            return []
        day = min(chosen[0]["period_end"].toordinal() - 1, build.as_of.toordinal())
        said = build.ours
        before = build.subscriptions(said, date.fromordinal(day))
        amounts = {row["dimension_value"]: _exact(row["value"]) for row in chosen}
        steps: dict[str, list[Line]] = {row["dimension_value"]: [] for row in chosen}
        latest = dict(amounts)
        for setting in SETTINGS:
            if setting.name not in theirs:
                continue
            said = _under(said, {setting.name: theirs[setting.name]})
            build.build(said, since=setting.first_model)
            after = build.subscriptions(said, date.fromordinal(day))
            changed = _changed(before, after)
            now = _values_by_slice(*build.values(query), last)
            for name, lines in steps.items():
                lines.append(_line(setting, ours, theirs, latest[name], now.get(name), changed, name))
                latest[name] = now.get(name)
            before = after
    return [
        Comparison(row, policy, amounts[name], latest[name], tuple(steps[name]))
        for row in chosen
        for name in [row["dimension_value"]]
    ]


def _line(
    setting: Setting,
    ours: Mapping[str, str],
    theirs: Mapping[str, str],
    was: Decimal | None,
    now: Decimal | None,
    changed: Sequence[ChangedPeriod],
    slice_name: str,
) -> Line:
    # The periods are those of the total: a slice does not list them again.
    listed = changed if slice_name == "all" else ()
    return Line(
        setting=setting.name,
        about=setting.about,
        ours=ours[setting.name],
        theirs=theirs[setting.name],
        difference=None if was is None or now is None else now - was,
        periods_changed=len(listed),
        periods=tuple(listed[:PERIODS_LISTED]),
    )


def _changed(
    before: Mapping[tuple[str, str], ChangedPeriod], after: Mapping[tuple[str, str], ChangedPeriod]
) -> list[ChangedPeriod]:
    """Periods whose value differs, the largest difference first."""
    found = []
    for key in before.keys() | after.keys():
        one = after.get(key) or before[key]
        ours = before[key].theirs if key in before else Decimal(0)
        theirs = after[key].theirs if key in after else Decimal(0)
        if ours != theirs:
            found.append(
                ChangedPeriod(
                    *(one.source_system, one.source_id, one.account, one.product, one.plan),
                    *(one.kind, one.status, ours, theirs),
                )
            )
    return sorted(found, key=lambda one: (-abs(one.theirs - one.ours), one.source_system, one.source_id))


def _values_by_slice(
    columns: Sequence[str], rows: Sequence[tuple[Any, ...]], period_start: date | None
) -> dict[str, Decimal | None]:
    named = [dict(zip(columns, row, strict=True)) for row in rows]
    return {
        row["dimension_value"]: _exact(row["value"]) for row in named if row["period_start"] == period_start
    }


def _exact(value: float | None) -> Decimal | None:
    """The shortest decimal of a double: differences of these add up without a remainder."""
    return None if value is None else Decimal(repr(value))


def _under(ours: Policies, preset: Mapping[str, str]) -> Policies:
    return {**ours, RECURRING_REVENUE: {**ours.get(RECURRING_REVENUE, {}), **preset}}


def _inputs(home: Path, settings: Settings) -> dict[str, list[str]]:
    with open_landing(home, read_only=True) as con:
        landed = {source.name: tables(con, "landing", f"raw_{source.name}") for source in settings.sources}
    return {
        entity: names
        for entity in entry_contract()
        if (names := [source for source, found in landed.items() if entity in found])
    }


def _upstream(unique_id: str) -> frozenset[str]:
    manifest = transform.manifest()
    found: set[str] = set()
    ahead = [unique_id]
    while ahead:
        node = manifest["nodes"].get(ahead.pop(), {})
        for parent in node.get("depends_on", {}).get("nodes", ()):
            if parent not in found:
                found.add(parent)
                ahead.append(parent)
    return frozenset(found)


def _refuse_other_policies(home: Path, kpi: str) -> None:
    """Raise ConfigurationError for a KPI that does not rest on recurring revenue."""
    with open_published(home) as con:
        check_names(con, KpiQuery(kpi))
        if not _rests_on_subscriptions(con, kpi):
            raise ConfigurationError(
                f"{kpi} does not rest on subscription periods: it is the same under every policy of recurring"
                " revenue."
            )


def _rests_on_subscriptions(con: duckdb.DuckDBPyConnection, kpi: str) -> bool:
    ((found,),) = con.execute(
        "select count(*) from metrics.kpi_catalog"
        " where kpi = ? and list_contains(inputs, 'subscription_periods')",
        [kpi],
    ).fetchall()
    return bool(found)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=None)
