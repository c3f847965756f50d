"""World to files: what each silo would export on the morning after the last day that was lived."""

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from sandbox.silos import billing, crm, crm_objects, marketing, support, tracker
from sandbox.world import World

SILOS = {"crm": crm, "marketing": marketing, "support": support, "billing": billing, "tracker": tracker}
# Silos that a stand-in can serve over HTTP, and what it then serves.
SERVED = {"crm": crm_objects.org}


@dataclass(frozen=True)
class Life:
    """What it takes to live the same life again, and on."""

    until: date
    seed: int
    scale: float


def delivered_life(out: Path) -> Life | None:
    """Whose life lies under `out`, None if nothing was delivered there."""
    file = out / "life.json"
    if not file.exists():
        return None
    found = json.loads(file.read_text(encoding="utf-8"))
    return Life(date.fromisoformat(found["until"]), found["seed"], found["scale"])


def deliver(world: World, out: Path, served: Collection[str] = tuple(SERVED)) -> list[Path]:
    """Write one folder per silo under `out`, over what is there; returns the files. Equal worlds give equal
    bytes. Silos that are `served` get what their stand-in needs instead of exports.
    """
    for name, silo in SILOS.items():
        folder = out / name
        folder.mkdir(parents=True, exist_ok=True)
        if name in served:
            SERVED[name](world).save(folder)
        else:
            silo.export(world, folder)
    life = Life(world.until, world.seed, world.scale)
    (out / "life.json").write_text(json.dumps(asdict(life), default=str) + "\n", encoding="utf-8")
    return sorted(path for name in SILOS for path in (out / name).iterdir())
