"""The SQL of a run gives the bits that Splink gives for the same model, records and frequencies."""

from __future__ import annotations

import json
import logging
from datetime import date

import pytest

from orchestration.identity import candidates, edges, model, records, scoring
from orchestration.identity.policy import load_policy
from orchestration.identity.training import MODEL_FOLDER
from orchestration.warehouse import literal, open_memory
from sandbox.corpus.figures import write_entry
from sandbox.corpus.market import corpus


@pytest.mark.slow
def test_splink_gives_the_same_bits(tmp_path):
    from splink import DuckDBAPI, Linker

    logging.getLogger("splink").setLevel(logging.CRITICAL)
    made = corpus(5, 120)
    write_entry(tmp_path / "market.duckdb", made.accounts, made.people)
    weights = model.load("account")
    with open_memory() as con:
        con.execute(
            f"attach {literal(str(tmp_path / 'market.duckdb'))} as build (read_only); use build;"
            " attach ':memory:' as kept"
        )
        records.define_macros(con)
        records.read(con, "account", load_policy(tmp_path, date(2026, 1, 1)), "kept")
        edges.links(con, "account")
        candidates.compare(con, "account", weights, "kept")
        scoring.score(con, "account", weights, "kept.account_pairs")
        con.execute("create temp table features as select * from account_records; use kept")
        settings = json.loads((MODEL_FOLDER / "account.json").read_text(encoding="utf-8"))
        settings["blocking_rules_to_generate_predictions"] = [
            'l."domain" = r."domain"',
            'l."name" = r."name"',
        ]
        settings.pop("model_version"), settings.pop("trained_on")
        backend = DuckDBAPI(connection=con)
        linker = Linker(backend.register("features"), settings, validate_settings=False)
        for column in weights.frequencies:
            con.execute(
                f'create temp table tf_{column} as select value as "{column}", share as "tf_{column}"'
                f" from rarity_of_{column}"
            )
            linker.table_management.register_term_frequency_lookup(backend.register(f"tf_{column}"), column)
        predicted = linker.inference.predict().as_duckdbpyrelation()
        names = predicted.columns
        theirs = {
            (row["no_l"], row["no_r"]): row["match_weight"]
            for row in (dict(zip(names, values, strict=True)) for values in predicted.fetchall())
        }
        ours = {(a, b): bits for a, b, bits in con.execute("select a, b, evidence from scored").fetchall()}
    prior = next(iter(theirs.values())) - ours[next(iter(theirs))]
    compared = [pair for pair in theirs if pair in ours]
    assert len(compared) > 100
    for pair in compared:
        assert theirs[pair] - ours[pair] == pytest.approx(prior, abs=1e-6), pair
