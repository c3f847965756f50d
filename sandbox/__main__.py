"""Command line: `python -m sandbox deliver --out DIR` writes the silos' exports, `seeds --out DIR` the
company's rules.
"""

import argparse
from datetime import date
from pathlib import Path

from sandbox.delivery import deliver
from sandbox.rules import EPOCH
from sandbox.seeds import write_seeds
from sandbox.world import World


def main(arguments: list[str] | None = None) -> None:
    """Run one command; argparse answers a wrong one with exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    export = commands.add_parser("deliver", help="live until a day and export the silos")
    export.add_argument("--out", type=Path, required=True, help="folder that gets one folder per silo")
    export.add_argument(
        "--until", type=date.fromisoformat, required=True, help="last day lived, e.g. 2026-11-22"
    )
    export.add_argument("--seed", type=int, default=7)
    export.add_argument("--scale", type=float, default=1.0, help="1: about 600 companies")
    export.add_argument("--years", type=int, default=None, help="stop after so many years of life")
    seeds = commands.add_parser("seeds", help="write the rules the business edits")
    seeds.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    if given.command == "seeds":
        write_seeds(given.out)
        return
    if given.until < EPOCH:
        parser.error(f"the world begins on {EPOCH}; --until {given.until} is before it")
    world = World(given.until, seed=given.seed, scale=given.scale, years=given.years)
    files = deliver(world, given.out)
    print(f"{len(files)} files, lived until {world.until}, in {given.out}")


if __name__ == "__main__":
    main()
