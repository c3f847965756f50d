"""Writes the catalog beside the published versions: what is published, and dbt's own pages of the models."""

import csv
import tempfile
from pathlib import Path

from orchestration.catalog.entries import entries
from orchestration.catalog.page import page
from orchestration.contract import PROJECT_ROOT
from orchestration.publish.export_files import in_place_of
from orchestration.settings import Settings
from orchestration.transform import document
from orchestration.warehouse import open_published

_KPI_COLUMNS = ("kpi", "variant", "title", "formula", "clock", "unit", "owner", "model")


def build(home: Path, settings: Settings) -> Path:
    """Write the catalog of the published version and return its first page."""
    folder = home / "docs"
    with open_published(home) as con, tempfile.TemporaryDirectory(prefix="revops-docs-") as scratch:
        ((as_of,),) = con.execute("select max(as_of) from metrics.kpi_values").fetchall()
        inputs: dict[str, list[str]] = {}
        for entity, source in con.execute(
            "select entity, source_system from operations.source_freshness order by 1, 2"
        ).fetchall():
            inputs.setdefault(entity, []).append(source)
        manifest = document(Path(scratch), settings=settings, as_of=as_of, inputs=inputs)
        tables = entries(con, manifest, _columns_of_rules(Path(scratch) / "rules"))
        rows = con.execute(
            f"select {', '.join(_KPI_COLUMNS)} from metrics.kpi_catalog"
            " order by kpi, variant <> 'default', variant"
        ).fetchall()
        kpis = [dict(zip(_KPI_COLUMNS, row, strict=True)) for row in rows]
        with in_place_of(folder / "dbt.html") as part:
            part.write_text(_without_paths(Path(scratch)), encoding="utf-8")
        with in_place_of(folder / "index.html") as part:
            part.write_text(page(tables, kpis, f"As published, data through {as_of}."), encoding="utf-8")
    return folder / "index.html"


def _without_paths(scratch: Path) -> str:
    """dbt's pages, without the folders of this machine."""
    text = (scratch / "static_index.html").read_text(encoding="utf-8")
    for path in (scratch, PROJECT_ROOT):
        text = text.replace(f"{path}/", "").replace(str(path), "")
    return text


def _columns_of_rules(folder: Path) -> dict[str, list[str]]:
    found = {}
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            found[path.stem] = next(csv.reader(file), [])
    return found
