"""What the warehouse should find, computed from the world's own objects in exact arithmetic.

Nothing here reads a delivered file or knows the pipeline. Words are read as the contracts read them.

- `members(world)`: which company and which person every delivered record is.
- `movements(world, as_of)`: the ledger of recurring revenue.
- `kpis(world, as_of)`: the ten named KPIs and the ledger's sums, in total and by segment, for every period.
- `readings(world, as_of)`: their variants and the KPIs that rest on them, by everything they are sliced by.
"""

from sandbox.truth.kpis import Figure, Key, kpis
from sandbox.truth.ledger import Movement, movements
from sandbox.truth.members import Members, members
from sandbox.truth.readings import readings

__all__ = ["Figure", "Key", "Members", "Movement", "kpis", "members", "movements", "readings"]
