"""Trains the weights with Splink from pairs that carry their own label, and shows what changed.

A record that names another system's id, and two records with one tax id, are such labels. A run never trains:
it reads `model/<entity>.json`, a model in Splink's own format.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from orchestration.identity import edges, records
from orchestration.identity.comparisons import COMPARISONS, Comparison, Level
from orchestration.identity.policy import SEEDS, Entity, load_policy
from orchestration.warehouse import literal, open_memory

MODEL_FOLDER = Path(__file__).parent / "model"
_M_PSEUDO_COUNT, _U_PSEUDO_COUNT = 2.0, 0.5
_M_FLOOR = 0.02
_U_PAIRS = 2_000_000


def untrained(kind: Entity) -> dict[str, Any]:
    """The comparisons of a kind as Splink settings, without weights."""
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "no",
        "sql_dialect": "duckdb",
        "probability_two_random_records_match": 1e-6,
        "comparisons": [
            {
                "output_column_name": comparison.name,
                "comparison_levels": [_splink_level(level) for level in comparison.levels],
            }
            for comparison in COMPARISONS[kind]
        ],
        "blocking_rules_to_generate_predictions": [],
        "retain_matching_columns": False,
        "retain_intermediate_calculation_columns": True,
    }


def _splink_level(level: Level) -> dict[str, Any]:
    made: dict[str, Any] = {"sql_condition": level.condition, "label_for_charts": level.name}
    if level.is_null:
        made["is_null_level"] = True
    if level.frequency:
        made["tf_adjustment_column"] = level.frequency
        made["tf_adjustment_weight"] = 1.0
        if level.u_floor:
            made["tf_minimum_u_value"] = level.u_floor
    return made


def train(
    con: duckdb.DuckDBPyConnection, kind: Entity, features: str, labels: str, seed: int = 7
) -> dict[str, Any]:
    """A trained model: m from the pairs of table `labels` (no_l, no_r), u from random pairs of `features`."""
    from splink import DuckDBAPI, Linker

    logging.getLogger("splink").setLevel(logging.CRITICAL)
    backend = DuckDBAPI(connection=con)
    linker = Linker(backend.register(features), untrained(kind), validate_settings=False)
    linker.training.estimate_u_using_random_sampling(max_pairs=_U_PAIRS, seed=seed, min_count_per_level=None)
    learn_m: Any = linker.training.estimate_m_from_pairwise_labels
    learn_m(backend.register(labels))
    model: dict[str, Any] = linker.misc.save_model_to_json()
    ((pairs,),) = con.execute(f"select count(*) from {labels}").fetchall()
    for comparison, made in zip(COMPARISONS[kind], model["comparisons"], strict=True):
        _smooth(comparison, made, pairs)
    model["trained_on"] = {"label_pairs": pairs, "random_pairs": _U_PAIRS}
    model["model_version"] = hashlib.sha256(json.dumps(model, sort_keys=True).encode()).hexdigest()[:12]
    return model


def train_both(file: Path) -> dict[Entity, dict[str, Any]]:
    """Models for accounts and people, from the schema `entry` of a file."""
    policy = load_policy(SEEDS, date.max)
    made: dict[Entity, dict[str, Any]] = {}
    with open_memory() as con:
        con.execute(f"attach {literal(str(file))} as build (read_only); use build; attach ':memory:' as kept")
        records.define_macros(con)
        for kind in ("account", "person"):
            records.read(con, kind, policy, "kept")
            if kind == "person":
                # where people work, as far as it can be told before accounts are resolved
                con.execute(
                    "create temp table account_entities as select source_system, source_id,"
                    " coalesce(domain || ' ' || name, source_system || ':' || source_id) as entity"
                    " from account_records"
                )
                records.set_employers(con, "kept")
            edges.links(con, kind)
            labels = "select x as no_l, y as no_r from links"
            if kind == "account":
                labels += (
                    " union select l.no, r.no from account_records as l inner join account_records as r"
                    " using (tax_id) where l.no < r.no"
                )
            con.execute(f"create temp table {kind}_labels as {labels}")
            con.execute(f"create temp table {kind}_features as select * from {kind}_records")
            # Splink makes tables of its own, and the file of the records is not to be written to
            con.execute("use kept")
            made[kind] = train(con, kind, f"{kind}_features", f"{kind}_labels")
            con.execute("use build")
    return made


def _smooth(comparison: Comparison, made: dict[str, Any], pairs: int) -> None:
    """Laplace counts: a level that no label or no random pair reached has a small weight, not none at all."""
    rows = [
        (level, row)
        for level, row in zip(comparison.levels, made["comparison_levels"], strict=True)
        if not level.is_null
    ]
    for parameter, count, pseudo in (
        ("m_probability", float(pairs), _M_PSEUDO_COUNT),
        ("u_probability", float(_U_PAIRS), _U_PSEUDO_COUNT),
    ):
        total = count + pseudo * len(rows)
        for level, row in rows:
            fixed = level.m if parameter == "m_probability" else level.u
            counted = row.get(parameter) or 0.0
            row[parameter] = (
                fixed if fixed is not None else float(f"{(counted * count + pseudo) / total:.4g}")
            )
    for level, row in rows:
        if comparison.may_differ and level.m is None and row["u_probability"] >= _M_FLOOR:
            row["m_probability"] = max(row["m_probability"], _M_FLOOR)


def pin(kind: Entity, model: dict[str, Any]) -> list[str]:
    """Pin the model; the change of every weight against the one pinned before, in bits."""
    path = MODEL_FOLDER / f"{kind}.json"
    before = weights(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}
    after = weights(model)
    path.write_text(json.dumps(model, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return [
        f"{comparison}: {level}: {before.get((comparison, level), math.nan):+.2f} -> {bits:+.2f}"
        for (comparison, level), bits in after.items()
    ]


def weights(model: dict[str, Any]) -> dict[tuple[str, str], float]:
    """Bits of every level that has a weight."""
    return {
        (comparison["output_column_name"], level["label_for_charts"]): math.log2(
            level["m_probability"] / level["u_probability"]
        )
        for comparison in model["comparisons"]
        for level in comparison["comparison_levels"]
        if not level.get("is_null_level")
    }
