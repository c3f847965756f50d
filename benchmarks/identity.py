"""Identity on a generated market of known truth: precision, recall, seconds, memory, to a million records.

    python benchmarks/identity.py [--companies 86000] [--seed 5]

Beside it, in the same run: every pair of accounts whose names rapidfuzz calls alike inside blocks of their
first word, and accounts joined by corporate domain alone.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections import defaultdict
from datetime import date
from itertools import combinations
from pathlib import Path

from rapidfuzz.fuzz import token_sort_ratio
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from orchestration.identity import resolve
from orchestration.identity.normalise import company_name, domain_class, registrable_domain
from orchestration.identity.policy import load_policy
from sandbox.corpus.figures import Figures, Record, figures, members, write_entry
from sandbox.corpus.market import Corpus, corpus

AS_OF = date(2026, 11, 23)


def main() -> None:
    """Print one line per method and kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--companies", type=int, default=86_000, help="86,000 make about 1.1 million records")
    parser.add_argument("--seed", type=int, default=5)
    arguments = parser.parse_args()
    made = corpus(arguments.seed, arguments.companies)
    print(f"{len(made.accounts):,} account and {len(made.people):,} person records, seed {arguments.seed}")
    with tempfile.TemporaryDirectory() as folder:
        _resolved(made, Path(folder))
    for name, method in (("rapidfuzz", _alike_names), ("corporate domain", _same_domain)):
        started = time.perf_counter()
        found = method(made)
        seconds = time.perf_counter() - started
        _say(f"{name}, account", figures(found, made.account_truth))
        print(f"  {seconds:.1f} s")


def _resolved(made: Corpus, folder: Path) -> None:
    """The whole, then once more after one record in a hundred has changed."""
    past = None
    for name in ("full", "1 % changed"):
        file = folder / f"{len(name)}.duckdb"
        write_entry(file, made.accounts, made.people)
        started, used = time.perf_counter(), time.process_time()
        resolve(file, as_of=AS_OF, rules=folder, previous=past, memory=folder / "identity.duckdb")
        seconds, used = time.perf_counter() - started, time.process_time() - used
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"{name}: {seconds:.1f} s, {used:.1f} s of CPU, {memory:.1f} GB at most, with the corpus")
        if past is None:
            _say("identity, account", figures(members(file, "account"), made.account_truth))
            _say("identity, person", figures(members(file, "person"), made.person_truth))
        for rows in (made.accounts, made.people):
            for row in rows[::100]:
                row["city"] = "Elsewhere"
        past = file


def _alike_names(made: Corpus) -> dict[Record, int]:
    blocks: dict[str, list[int]] = defaultdict(list)
    names = []
    for number, row in enumerate(made.accounts):
        name = company_name(row["name"])
        names.append(name.core if name else "")
        blocks[names[-1].partition(" ")[0]].append(number)
    edges = [
        (a, b)
        for block in blocks.values()
        if len(block) <= 500
        for a, b in combinations(block, 2)
        if token_sort_ratio(names[a], names[b]) >= 92
    ]
    return _components(made, edges)


def _same_domain(made: Corpus) -> dict[Record, int]:
    policy = load_policy(Path("no rules of its own"), AS_OF)
    first: dict[str, int] = {}
    edges = []
    for number, row in enumerate(made.accounts):
        domain = registrable_domain(row["website_domain"], policy.domain_alias)
        if domain and domain_class(domain, policy.domain_class) == "corporate":
            edges.append((first.setdefault(domain, number), number))
    return _components(made, edges)


def _components(made: Corpus, edges: list[tuple[int, int]]) -> dict[Record, int]:
    size = len(made.accounts)
    rows, columns = zip(*edges, strict=True)
    graph = coo_array(([1] * len(edges), (rows, columns)), shape=(size, size))
    labels = connected_components(graph, directed=False)[1]
    keys = ((row["source_system"], row["source_id"]) for row in made.accounts)
    return {key: int(label) for key, label in zip(keys, labels, strict=True)}


def _say(name: str, found: Figures) -> None:
    print(
        f"{name}: precision {found.precision:.4f}, recall {found.recall:.4f}, B-cubed F {found.b_cubed:.4f},"
        f" over-merged {found.over_merged:.3%}, at most {found.most_truths} truths in one"
    )


if __name__ == "__main__":
    main()
