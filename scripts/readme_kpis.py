"""Writes the table of KPIs into README.md: name, file and definition, from the YAML beside each mart."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestration.contract import PROJECT_ROOT
from orchestration.transform import manifest

START, END = "<!-- kpis: scripts/readme_kpis.py -->\n", "<!-- /kpis -->"
# The ten of the mission, in the order of the scorecard, then the others by name.
FIRST = (
    "win_rate",
    "sales_cycle_length",
    "pipeline_velocity",
    "customer_acquisition_cost",
    "forecast_accuracy",
    "customer_lifetime_value",
    "customer_churn",
    "renewals",
    "upsells",
    "annual_recurring_revenue",
)


def kpi_table(nodes: Mapping[str, Any]) -> str:
    """The table in Markdown; `nodes` are those of dbt's manifest."""
    marts = {
        node["name"]: node
        for node in nodes.values()
        if node["resource_type"] == "model" and "kpi" in node["config"]["meta"]
    }
    others = sorted(set(marts) - set(FIRST))
    lines = ["| KPI and file | Definition | Other readings |", "|---|---|---|"]
    for name in [*(name for name in FIRST if name in marts), *others]:
        variants = marts[name]["config"]["meta"]["kpi"]["variants"]
        shown = "default" if "default" in variants else next(iter(variants))
        rest = ", ".join(f"`{variant}`" for variant in variants if variant != shown)
        file = marts[name]["original_file_path"]
        formula = variants[shown]["formula"].replace("|", r"\|")
        lines.append(f"| [`{name}`]({file}) | {formula} | {rest} |")
    return "\n".join(lines) + "\n"


def with_table(readme: str, table: str) -> str:
    """The text of the README with the table between its marks."""
    before, _, rest = readme.partition(START)
    _, _, after = rest.partition(END)
    return before + START + table + END + after


def main() -> None:
    """Bring README.md up to date."""
    path: Path = PROJECT_ROOT / "README.md"
    table = kpi_table(manifest()["nodes"])
    path.write_text(with_table(path.read_text(encoding="utf-8"), table), encoding="utf-8")


if __name__ == "__main__":
    main()
