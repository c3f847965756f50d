"""Ids stay, whatever arrives when; a run over what changed equals a run over everything; undo restores."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from orchestration.errors import AuditFailed, ConfigurationError
from orchestration.identity import decisions, resolve
from sandbox.corpus.figures import members, write_entry
from sandbox.corpus.market import Corpus, corpus

AS_OF = date(2026, 11, 23)
TABLES = ("account_members", "person_members", "review_queue")


class Home:
    """Runs of one company, one after the other: each one's past is the one before."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rules = folder / "rules"
        self.rules.mkdir(parents=True)
        self.runs = 0

    @property
    def file(self) -> Path:
        return self.folder / f"run{self.runs}.duckdb"

    def run(self, accounts, people, *, remember=True, largest_merge=1.0):
        previous = self.file if self.runs else None
        self.runs += 1
        write_entry(self.file, accounts, people)
        memory = self.folder / "identity.duckdb" if remember else None
        return resolve(
            self.file,
            as_of=AS_OF + timedelta(days=self.runs),
            rules=self.rules,
            previous=previous,
            memory=memory,
            largest_merge=largest_merge,
        )

    def table(self, name):
        with duckdb.connect(str(self.file), read_only=True) as con:
            return con.execute(f"select * from identity.{name}").fetchall()

    def ids(self, kind):
        return members(self.file, kind)

    def events(self, *kinds):
        with duckdb.connect(str(self.file), read_only=True) as con:
            return con.execute(
                "select event_id, kind, id, other_id from identity.events where list_contains(?, kind)"
                " order by all",
                [list(kinds)],
            ).fetchall()

    def undo(self, event_id):
        with duckdb.connect(str(self.file), read_only=True) as con:
            rows = decisions.undo(con, event_id, "ann", AS_OF)
        decisions.append_overrides(self.rules, rows)


@pytest.fixture(scope="module")
def market() -> Corpus:
    return corpus(21, 150)


def test_a_run_over_what_changed_equals_a_run_over_everything(tmp_path, market):
    rng = random.Random(4)
    accounts, people = list(market.accounts), list(market.people)
    rng.shuffle(accounts)
    rng.shuffle(people)
    step, full = Home(tmp_path / "step"), Home(tmp_path / "full")
    for share in (0.6, 0.8, 0.9, 1.0):
        some = accounts[: round(len(accounts) * share)], people[: round(len(people) * share)]
        if share == 0.9:
            # not only new ones: a name changes, records go
            some[0][3] = some[0][3] | {"name": "Renamed Overnight Ltd", "website_domain": None}
            some[1][5] = some[1][5] | {"last_name": "Married"}
            del some[0][7], some[1][9]
        step.run(*some)
        full.run(*some, remember=False)
        for table in TABLES:
            assert step.table(table) == full.table(table), (share, table)


def test_order_of_arrival_changes_no_byte(tmp_path, market):
    tables = []
    for seed in range(2):
        home = Home(tmp_path / str(seed))
        accounts, people = list(market.accounts), list(market.people)
        random.Random(seed).shuffle(accounts)
        random.Random(seed).shuffle(people)
        home.run(accounts, people)
        tables.append([home.table(t) for t in (*TABLES, "events")])
    assert tables[0] == tables[1]


@pytest.mark.slow
def test_a_tenth_of_late_records_leaves_the_ids_of_the_others(tmp_path):
    market = corpus(1, 860)
    home = Home(tmp_path)
    late = random.Random(9)
    early = {
        "account": [a for a in market.accounts if late.random() > 0.1],
        "person": [p for p in market.people if late.random() > 0.1],
    }
    home.run(*early.values())
    before = {kind: home.ids(kind) for kind in early}
    home.run(market.accounts, market.people)
    retired = {old for _, _, old, _ in home.events("redirect")}
    told = {(row[6], row[7]) for row in home.table("events") if row[2] in ("merge", "split")}
    for kind, rows in early.items():
        after = home.ids(kind)
        records = {(row["source_system"], row["source_id"]) for row in rows}
        entities = {before[kind][key] for key in records}
        gone = entities - set(after.values())
        assert len(gone) <= 0.005 * len(entities), kind
        assert gone <= retired
        moved = {key for key in records if after[key] != before[kind][key]}
        assert moved <= told, "every change of an id is an event"


def test_a_late_record_that_others_pointed_at_changes_nobodys_id(tmp_path):
    billing = account("billing", "b1", "Acme Robotics", "acme.com") | {"linked_ids": '{"crm": "c1"}'}
    early = [billing, account("support", "s1", "Acme Robotics", "acme.com")]
    late = account("crm", "c1", "Acme Robotics Inc.", "acme.com")
    reader = {"source_system": "crm", "source_id": "p1", "account_source_id": "c1", "email": "a@acme.com"}
    home = Home(tmp_path)
    home.run([row | {"linked_ids": row.get("linked_ids")} for row in early], [reader])
    before = home.ids("account")
    assert len(set(before.values())) == 1, "what a record links to holds nobody apart"
    home.run([*early[:1], *(row | {"linked_ids": None} for row in (early[1], late))], [reader])
    assert {key: entity for key, entity in home.ids("account").items() if key in before} == before


def account(system, source_id, name, domain=None, tax_id=None):
    return {
        "source_system": system, "source_id": source_id, "name": name, "website_domain": domain,
        "tax_id": tax_id,
    }  # fmt: skip


ACME = [
    account("crm", "1", "Acme Robotics", "acme.com"),
    account("billing", "2", "Acme Robotics", "acme.com"),
    account("support", "3", "Zenith Foods", "zenith.io"),
    account("tracker", "4", "Zenith Foods", "zenith.io"),
]
BRIDGED = [row | {"tax_id": "DE 811"} if row["source_id"] in ("1", "3") else row for row in ACME]


def test_a_merge_redirects_the_old_id_and_undo_restores_both_exactly(tmp_path):
    home = Home(tmp_path)
    home.run(ACME, [])
    apart = home.ids("account")
    home.run(BRIDGED, [])
    together = home.ids("account")
    assert len(set(apart.values())) == 2 and len(set(together.values())) == 1
    ((_, _, retired, survivor),) = home.events("redirect")
    assert {retired, survivor} == set(apart.values()) and survivor in together.values()
    merge = home.events("merge")[0][0]
    home.undo(merge)
    home.run(BRIDGED, [])
    assert home.ids("account") == apart
    # and it stays that way
    home.run(BRIDGED, [])
    assert home.ids("account") == apart


def test_what_never_merged_cannot_be_undone(tmp_path):
    home = Home(tmp_path)
    home.run(ACME, [])
    ((event, *_), *_) = home.events("create")
    with pytest.raises(ConfigurationError, match="only a merge, join, split or redirect"):
        home.undo(event)
    with pytest.raises(ConfigurationError, match="no event evt_none"):
        home.undo("evt_none")


def test_a_new_record_joins_and_a_record_that_leaves_splits(tmp_path):
    home = Home(tmp_path)
    home.run(ACME[:3], [])
    home.run(ACME, [])
    assert [kind for _, kind, *_ in home.events("join", "merge", "split")] == ["join"]
    renamed = [*ACME[:3], account("tracker", "4", "Ostrich Travel", "ostrich.travel")]
    home.run(renamed, [])
    ((_, _, new, old),) = home.events("split")
    ids = home.ids("account")
    assert ids["tracker", "4"] == new and ids["support", "3"] == old


def test_merging_more_than_a_set_share_of_what_exists_stops_the_run(tmp_path):
    many = [account("crm", f"c{n}", f"Left {n} Works", f"left{n}.com") for n in range(30)]
    many += [account("billing", f"b{n}", f"Right {n} Farms", f"right{n}.com") for n in range(30)]
    home = Home(tmp_path)
    home.run(many, [])
    wrong = [row | {"tax_id": f"T{row['source_id'][1:]}"} for row in many]
    with pytest.raises(AuditFailed, match="would merge 30 of 60 known account entities"):
        home.run(wrong, [], largest_merge=0.005)


def test_undone_merges_and_merges_again_never_mix_ids_up(tmp_path):
    """Pairs of companies are merged by tax id and undone, in random order, over and over."""
    rng = random.Random(3)
    pairs = 12
    sides = ("left", "right")
    plain = [account(s, f"{n}", f"{s} {n} Works", f"{s}{n}.com") for n in range(pairs) for s in sides]
    home = Home(tmp_path)
    home.run(plain, [])
    before = home.ids("account")
    bridged: set[int] = set()
    for _ in range(3):
        bridged |= set(rng.sample(range(pairs), 4))
        rows = [r | {"tax_id": f"T{r['source_id']}"} if int(r["source_id"]) in bridged else r for r in plain]
        home.run(rows, [])
        for event, *_ in home.events("merge"):
            home.undo(event)
        home.run(rows, [])
        assert home.ids("account") == before


def test_every_membership_has_evidence_whose_bits_add_up(tmp_path, market):
    import json

    home = Home(tmp_path)
    home.run(market.accounts, market.people)
    for kind in ("account", "person"):
        rows = home.table(f"{kind}_members")
        size: dict[str, int] = {}
        for row in rows:
            size[row[2]] = size.get(row[2], 0) + 1
        for system, source_id, entity, method, _, evidence in rows:
            edges = json.loads(evidence)
            assert bool(edges) == (size[entity] > 1), (system, source_id)
            assert (method == "single") == (size[entity] == 1)
            for edge in edges:
                if edge["bits"] is not None:
                    parts = [edge["prior"], edge["within_system"], *(f["bits"] for f in edge["fields"])]
                    assert sum(parts) == pytest.approx(edge["bits"], abs=1e-6)
