"""Train the weights of identity anew, pin them in orchestration/identity/model and show what changed.

    python scripts/train_identity.py                  # on a generated market whose records link to each other
    python scripts/train_identity.py --entry FILE     # on the schema `entry` of your own DuckDB file

Labels are records that carry each other's id, and accounts of one tax id. Below some 300 pairs keep the
weights that are pinned: so few say little.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from orchestration.identity import training
from sandbox.corpus.figures import write_entry
from sandbox.corpus.market import corpus


def main() -> None:
    """Train both kinds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--entry", type=Path)
    parser.add_argument("--companies", type=int, default=1500, help="size of the generated market")
    parser.add_argument("--seed", type=int, default=11)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = arguments.entry or Path(folder) / "market.duckdb"
        if arguments.entry is None:
            made = corpus(arguments.seed, arguments.companies)
            write_entry(file, made.accounts, made.people)
        for kind, model in training.train_both(file).items():
            print(f"{kind}: {model['trained_on']['label_pairs']:,} label pairs, {model['model_version']}")
            print("\n".join(training.pin(kind, model)))


if __name__ == "__main__":
    main()
