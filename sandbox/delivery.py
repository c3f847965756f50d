"""World to files: what each silo would export on the morning after the last day that was lived."""

from pathlib import Path

from sandbox.silos import billing, crm, marketing, support, tracker
from sandbox.world import World

SILOS = {"crm": crm, "marketing": marketing, "support": support, "billing": billing, "tracker": tracker}


def deliver(world: World, out: Path) -> list[Path]:
    """Write one folder per silo under `out`, over what is there; returns the files. Equal worlds give equal
    bytes.
    """
    for name, silo in SILOS.items():
        folder = out / name
        folder.mkdir(parents=True, exist_ok=True)
        silo.export(world, folder)
    return sorted(path for name in SILOS for path in (out / name).iterdir())
