"""Breaks every KPI model on purpose, one operator at a time, and counts the breaks that change its result.

    python scripts/mutate_kpis.py                          every model of models/metrics
    python scripts/mutate_kpis.py --model win_rate --list  one model, with its survivors
    python scripts/mutate_kpis.py --sample 200             200 mutants of all models, always the same
    python scripts/mutate_kpis.py --build FILE             on a build of the pretend company that exists

A mutant is killed if a unit test of the model fails, or if its rows on the pretend company are not those of
the model, which other tests hold against the truth; also if it fails while it runs or runs five times as
long. One that is no valid SQL does not count. Mutants that cannot matter stand, with the reason, in
scripts/equivalent_mutants.csv.
"""

import argparse
import csv
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from io import StringIO
from pathlib import Path

import duckdb
from sqlglot import exp, parse_one

ROOT = Path(__file__).resolve().parent.parent
EQUIVALENT = ROOT / "scripts" / "equivalent_mutants.csv"
UNTIL = date(2025, 6, 30)
SCALE = 0.2
_NOT_A_KPI = {"kpi_values", "kpi_catalog"}

_SWAPS: dict[type[exp.Expression], tuple[type[exp.Expression], ...]] = {
    exp.LT: (exp.LTE, exp.GTE),
    exp.LTE: (exp.LT,),
    exp.GT: (exp.GTE, exp.LTE),
    exp.GTE: (exp.GT,),
    exp.EQ: (exp.NEQ,),
    exp.NEQ: (exp.EQ,),
    exp.And: (exp.Or,),
    exp.Or: (exp.And,),
    exp.Add: (exp.Sub,),
    exp.Sub: (exp.Add,),
    exp.Mul: (exp.Div,),
    exp.Div: (exp.Mul,),
}
_FUNCTIONS: dict[type[exp.Expression], type[exp.Expression]] = {
    exp.Min: exp.Max,
    exp.Max: exp.Min,
    exp.Sum: exp.Max,
    exp.Greatest: exp.Least,
    exp.Least: exp.Greatest,
}

Edit = Callable[[exp.Expression], None]


@dataclass(frozen=True)
class Mutant:
    """One model with one break: `edit` on the node at `place` of its tree. The name is the same in every run
    on the same code.
    """

    model: str
    name: str
    place: int
    edit: Edit

    def sql(self, case: "Case") -> str | None:
        """The broken SQL of a case; None if what is broken is not part of it."""
        place = case.places.get(self.place)
        if place is None:
            return None
        # A holder, so that the root can be replaced like any other node.
        holder = exp.Subquery(this=case.tree.copy())
        self.edit(list(holder.this.walk())[place])
        return _text(holder.this)


def tree_of(sql: str) -> exp.Expression:
    """A model's SQL as a tree in which tables are names without schema, as they are over fixtures."""
    tree = parse_one(sql, read="duckdb")
    for table in tree.find_all(exp.Table):
        for part in ("db", "catalog"):
            name = table.args.pop(part, None)
            if name is not None:
                table.meta[part] = name.name
    return tree


def mutants(model: str, tree: exp.Expression) -> list[Mutant]:
    """Every mutant of a model."""
    seen: Counter[str] = Counter()
    found = []
    for place, node in enumerate(tree.walk()):
        for what, edit in _edits(node):
            before = " ".join(_text(node).split())[:90]
            seen[f"{what}: {before}"] += 1
            found.append(Mutant(model, f"{what}: {before} #{seen[f'{what}: {before}']}", place, edit))
    return found


def _text(tree: exp.Expression) -> str:
    whole = tree.copy()
    for table in whole.find_all(exp.Table):
        for part in ("db", "catalog"):
            if part in table.meta:
                table.set(part, exp.to_identifier(table.meta[part], quoted=True))
    return whole.sql(dialect="duckdb", comments=False)


def _edits(node: exp.Expression) -> Iterator[tuple[str, Edit]]:
    if node.find_ancestor(exp.DataType):
        return
    kind = type(node)
    in_join = isinstance(node.parent, exp.Join) or node.find_ancestor(exp.Join, exp.Select) is _join_of(node)
    for other in _SWAPS.get(kind, ()):
        # A negated join key is a cross join: it says nothing about tests and takes forever.
        if in_join and kind in (exp.EQ, exp.And, exp.Or):
            continue
        yield f"{kind.__name__} to {other.__name__}", _becomes(other)
    if kind in _FUNCTIONS:
        yield f"{kind.__name__} to {_FUNCTIONS[kind].__name__}", _becomes(_FUNCTIONS[kind])
    if isinstance(node, exp.And):
        yield "drop left condition of", lambda target: target.replace(target.args["expression"])
        yield "drop right condition of", lambda target: target.replace(target.args["this"])
    if isinstance(node, exp.Where | exp.Having):
        yield "drop", lambda target: target.parent.set(target.key, None)
    if isinstance(node, exp.Join) and node.args.get("on") is not None:
        if node.side == "LEFT":
            yield "left to inner", lambda target: target.set("side", "")
        elif node.side == "FULL":
            yield "full to left", lambda target: target.set("side", "LEFT")
        elif not node.side:
            yield "inner to left", lambda target: (target.set("kind", ""), target.set("side", "LEFT"))
    if isinstance(node, exp.Literal) and not node.is_string and not isinstance(node.parent, exp.Interval):
        yield "one more than", lambda target: target.replace(_one_more(target))
    if isinstance(node, exp.Coalesce) and node.expressions:
        yield "first of", lambda target: target.replace(target.this)
    if isinstance(node, exp.Not):
        yield "without", lambda target: target.replace(target.this)
    if isinstance(node, exp.Is) and not isinstance(node.parent, exp.Not):
        yield "not", lambda target: target.replace(exp.Not(this=exp.Paren(this=target.copy())))
    if isinstance(node, exp.If) and isinstance(node.parent, exp.Case) and len(node.parent.args["ifs"]) > 1:
        yield "drop branch", lambda target: target.pop()
    if isinstance(node, exp.Ordered) and node.find_ancestor(exp.Window):
        yield "turn order", lambda target: target.set("desc", not target.args.get("desc"))
    if isinstance(node, exp.Union):
        yield "drop the last of", _drop_last


def _drop_last(union: exp.Expression) -> None:
    first = union.this
    if union.args.get("with_") is not None:
        first.set("with_", union.args["with_"])
    union.replace(first)


def _join_of(node: exp.Expression) -> exp.Expression | None:
    return node.find_ancestor(exp.Join) or node


def _becomes(other: type[exp.Expression]) -> Edit:
    return lambda target: target.replace(other(**target.args))


def _one_more(literal: exp.Expression) -> exp.Expression:
    number = float(literal.name)
    return exp.Literal.number(str(int(number) + 1) if number.is_integer() else str(number * 1.5))


@dataclass(frozen=True)
class Case:
    """Data a model runs on: its `tree` there, `wrap` to make a query of the text, and for each place in the
    model's tree the one in this tree. Variables and macros of a unit test change parts of a model.
    """

    tree: exp.Expression
    wrap: Callable[[str], str]
    con: duckdb.DuckDBPyConnection
    places: Mapping[int, int]


def same_places(model: exp.Expression, tree: exp.Expression) -> dict[int, int]:
    """Places of a model's tree → the same places in another compilation of it, as far as both agree."""
    numbers = {id(node): place for place, node in enumerate(tree.walk())}
    places = {id(node): place for place, node in enumerate(model.walk())}
    found: dict[int, int] = {}

    def align(one: exp.Expression, other: exp.Expression) -> None:
        if type(one) is not type(other):
            return
        found[places[id(one)]] = numbers[id(other)]
        for name, inner in one.args.items():
            twin = other.args.get(name)
            if isinstance(inner, exp.Expression) and isinstance(twin, exp.Expression):
                align(inner, twin)
            elif isinstance(inner, list) and isinstance(twin, list):
                if isinstance(one, exp.With):
                    named = {cte.alias: cte for cte in twin}
                    pairs = [(cte, named[cte.alias]) for cte in inner if cte.alias in named]
                else:
                    pairs = list(zip(inner, twin, strict=True)) if len(inner) == len(twin) else []
                for pair in pairs:
                    if all(isinstance(each, exp.Expression) for each in pair):
                        align(*pair)

    align(model, tree)
    return found


def unit_cases(build: Path, trees: Mapping[str, exp.Expression]) -> dict[str, list[Case]]:
    """Model → the fixtures of its unit tests, with the columns these compare."""
    from orchestration.transform import unit_test_queries

    con = duckdb.connect(":memory:", config={"threads": "1"})
    found: dict[str, list[Case]] = {}
    for query in unit_test_queries(build):
        tree = parse_one(query.sql, read="duckdb")
        held = tree.args["with_"]
        fixtures = [cte for cte in held.expressions if cte.alias.startswith("__dbt__cte__")]
        held.set("expressions", [cte for cte in held.expressions if cte not in fixtures])
        if not held.expressions:
            tree.set("with_", None)
        model = trees.get(query.model)
        if model is None:
            continue
        before = ", ".join(cte.sql(dialect="duckdb", comments=False) for cte in fixtures)
        compared = query.columns or [row[0] for row in con.execute(f"describe {query.expected}").fetchall()]
        columns = ", ".join(f'"{column}"' for column in compared)
        found.setdefault(query.model, []).append(
            Case(
                tree,
                lambda sql, before=before, columns=columns: f"with {before} select {columns} from ({sql})",
                con,
                same_places(model, tree),
            )
        )
    return found


def run(case: Case, sql: str, seconds: float) -> object:
    """The rows of a query, whatever their order, or why there are none: invalid, failed, slow."""
    timer = threading.Timer(seconds, case.con.interrupt)
    timer.start()
    try:
        return case.con.execute(
            "select count(*), bit_xor(hash(result)), sum(cast(hash(result) as hugeint) % 1000000007)"
            f" from ({case.wrap(sql)}) as result"
        ).fetchall()[0]
    except (duckdb.BinderException, duckdb.ParserException, duckdb.CatalogException):
        return "invalid"
    except duckdb.InterruptException:
        return "slow"
    except duckdb.Error:
        return "failed"
    finally:
        timer.cancel()


def judge(found: Sequence[Mutant], cases: Sequence[Case]) -> tuple[int, list[Mutant]]:
    """How many mutants are SQL at all, and which of them no case tells from the model."""
    truths = []
    for case in cases:
        started = time.monotonic()
        truth = run(case, _text(case.tree), seconds=600)
        again = run(case, _text(case.tree), seconds=600)
        if isinstance(truth, str) or truth != again:
            raise SystemExit(f"{found[0].model} gives no rows, or others every time: {truth}")
        truths.append((case, truth, 2 + 5 * (time.monotonic() - started)))
    viable, left = 0, []
    for mutant in found:
        outcome = "survived"
        for case, truth, limit in truths:
            sql = mutant.sql(case)
            if sql is None:
                continue
            rows = run(case, sql, limit)
            if rows != truth:
                outcome = "invalid" if rows == "invalid" else "killed"
                break
        viable += outcome != "invalid"
        if outcome == "survived":
            left.append(mutant)
    return viable, left


def equivalent() -> set[tuple[str, str]]:
    """Model (* for all) and name of the mutants that cannot matter."""
    with EQUIVALENT.open(newline="", encoding="utf-8") as file:
        return {(row["model"], row["mutant"]) for row in csv.DictReader(file)}


def is_equivalent(mutant: Mutant, listed: set[tuple[str, str]]) -> bool:
    """Whether a mutant is listed, by its name or, without its number, for all its places."""
    plain = mutant.name.rpartition(" #")[0]
    return any((model, name) in listed for model in (mutant.model, "*") for name in (mutant.name, plain))


def build_pretend_company(folder: Path) -> Path:
    """A build of the pretend company; takes about a minute."""
    import shutil

    from rich.console import Console

    from orchestration import run as steps
    from orchestration.reporter import Reporter
    from orchestration.run import RunOptions, open_run
    from orchestration.settings import load_settings
    from sandbox.delivery import deliver
    from sandbox.world import World

    shutil.copy(ROOT / "revops.yml", folder / "revops.yml")
    deliver(World(UNTIL, scale=SCALE), folder / "data" / "sandbox")
    settings = load_settings(folder / "revops.yml")
    reporter = Reporter(Console(file=StringIO()))
    with open_run(settings, folder / "home", RunOptions(as_of=UNTIL), reporter) as run:
        for source in run.sources_to_extract:
            steps.extract_source(run, source)
        steps.build_entry(run, lambda node: None)
        steps.resolve_identities(run)
        steps.build_warehouse(run, lambda node: None)
        return run.build_file


def score(
    build: Path, *, only: Sequence[str] = (), sample: int | None = None, progress: bool = False
) -> dict[str, tuple[int, list[Mutant]]]:
    """Model → number of mutants tried, and those that survived. `sample` mutants are drawn from all."""
    from orchestration import transform
    from orchestration.settings import load_settings

    with duckdb.connect(str(build), read_only=True) as con:
        ((as_of,),) = con.execute("select max(as_of) from metrics.kpi_values").fetchall()
    models = transform.compiled(
        "path:models/metrics", build_file=build, settings=load_settings(ROOT / "revops.yml"), as_of=as_of
    )
    trees = {model: tree_of(sql) for model, sql in sorted(models.items()) if model not in _NOT_A_KPI}
    fixtures = unit_cases(build, trees)
    listed = equivalent()
    tried = {
        model: [each for each in mutants(model, tree) if not is_equivalent(each, listed)]
        for model, tree in trees.items()
        if not only or model in only
    }
    if sample is not None:
        everything = [mutant for found in tried.values() for mutant in found]
        chosen = set(random.Random(7).sample(everything, min(sample, len(everything))))
        tried = {model: [each for each in found if each in chosen] for model, found in tried.items()}
    result = {}
    # One thread: sums of doubles must not depend on who finished first.
    with duckdb.connect(str(build), read_only=True, config={"threads": "1", "memory_limit": "1500MB"}) as con:
        con.execute("set TimeZone = 'UTC'")
        for model, found in tried.items():
            if found:
                # The fixtures first: they take milliseconds.
                cases = [
                    *fixtures.get(model, ()),
                    Case(trees[model], lambda sql: sql, con, same_places(trees[model], trees[model])),
                ]
                result[model] = judge(found, cases)
                if progress:
                    _print_model(model, *result[model])
    return result


def _print_model(model: str, tried: int, left: Sequence[Mutant]) -> None:
    print(f"{model:32}{tried - len(left):5} of {tried:5}  {1 - len(left) / max(tried, 1):6.1%}", flush=True)


def main() -> int:
    """Print killed ÷ total per model; 1 if less than the share asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--build", type=Path, help="a finished build.duckdb")
    parser.add_argument("--model", action="append", default=[], help="this model only; may be repeated")
    parser.add_argument("--sample", type=int, help="this many mutants of all models")
    parser.add_argument("--list", action="store_true", help="name the survivors")
    parser.add_argument("--at-least", type=float, default=0.95, help="share that must be killed")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        build = given.build or build_pretend_company(Path(folder))
        result = score(build, only=given.model, sample=given.sample, progress=True)
    tried = sum(number for number, _ in result.values())
    left = [mutant for _, found in result.values() for mutant in found]
    if given.list:
        for mutant in left:
            print(f"survived  {mutant.model}  {mutant.name}")
    print(f"killed {tried - len(left)} of {tried}, {1 - len(left) / max(tried, 1):.1%}")
    return 0 if tried and 1 - len(left) / tried >= given.at_least else 1


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
