"""What every KPI is defined by, as tests/python/governance/definitions.json remembers it.

    python scripts/definitions.py                 take over changes whose definition_version was raised
    python scripts/definitions.py --same-values   take over every change: none of them changes a value

A KPI is defined by its entry in the catalog, the SQL of its mart, and every model and macro between it and
the entry entities. Comments and layout are no part of it.
"""

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SNAPSHOT = Path(__file__).resolve().parent.parent / "tests" / "python" / "governance" / "definitions.json"

# Text in quotes is kept as it is; comments and white space between become one blank.
_TOKENS = re.compile(r"('(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")|(?:\{#.*?#\}|--[^\n]*|\s)+", re.DOTALL)


@dataclass(frozen=True)
class Definition:
    """One KPI: its version, and the digest of every part of its definition by the part's name."""

    version: str
    parts: Mapping[str, str]


def normalised(code: str) -> str:
    """SQL with Jinja, without comments and layout."""
    return _TOKENS.sub(lambda found: found[1] or " ", code).strip()


def definitions(manifest: Mapping[str, Any]) -> dict[str, Definition]:
    """Every KPI of dbt's manifest with its definition."""
    found = {}
    for unique_id, node in manifest["nodes"].items():
        kpi = node.get("config", {}).get("meta", {}).get("kpi")
        if node["resource_type"] != "model" or kpi is None:
            continue
        catalog = {key: value for key, value in kpi.items() if key != "definition_version"}
        parts = {"catalog": json.dumps(catalog, sort_keys=True)}
        parts |= {path: normalised(code) for path, code in _code(manifest, unique_id)}
        found[node["name"]] = Definition(
            version=str(kpi["definition_version"]),
            parts={name: _digest(text) for name, text in sorted(parts.items())},
        )
    return dict(sorted(found.items()))


def unversioned_changes(was: Mapping[str, Definition], now: Mapping[str, Definition]) -> dict[str, str]:
    """One sentence for every KPI whose definition is another one under the same version."""
    sentences = {}
    for kpi, definition in now.items():
        if kpi not in was:
            sentences[kpi] = f"{kpi} is new: run `make definitions`."
        elif definition.version == was[kpi].version and definition.parts != was[kpi].parts:
            changed = sorted(
                name
                for name in definition.parts.keys() | was[kpi].parts.keys()
                if definition.parts.get(name) != was[kpi].parts.get(name)
            )
            sentences[kpi] = (
                f"The definition of {kpi} changed ({', '.join(changed)}) but is still version"
                f" {definition.version}: raise definition_version in the YAML beside the mart and run `make"
                " definitions`; if no value can change, run `make definitions SAME_VALUES=1`."
            )
    for kpi in was.keys() - now.keys():
        sentences[kpi] = f"{kpi} is no KPI any more: run `make definitions`."
    return sentences


def read(path: Path = SNAPSHOT) -> dict[str, Definition]:
    """The snapshot. Digests of code that several KPIs share are stored once."""
    if not path.exists():
        return {}
    document = json.loads(path.read_text(encoding="utf-8"))
    return {
        kpi: Definition(
            each["definition_version"],
            {"catalog": each["catalog"]} | {name: document["code"][name] for name in each["code"]},
        )
        for kpi, each in document["kpis"].items()
    }


def write(found: Mapping[str, Definition], path: Path = SNAPSHOT) -> None:
    """Write the snapshot."""
    code = {name: digest for each in found.values() for name, digest in each.parts.items()}
    code.pop("catalog", None)
    kpis = {
        kpi: {
            "definition_version": each.version,
            "catalog": each.parts["catalog"],
            "code": sorted(each.parts.keys() - {"catalog"}),
        }
        for kpi, each in found.items()
    }
    document = {"code": code, "kpis": kpis}
    path.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _code(manifest: Mapping[str, Any], unique_id: str) -> Iterator[tuple[str, str]]:
    """Path and code of the model and of everything it rests on, down to the entry entities."""
    seen: set[str] = set()
    ahead = [unique_id]
    while ahead:
        node_id = ahead.pop()
        if node_id in seen:
            continue
        seen.add(node_id)
        if node_id.startswith("macro.revops."):
            macro = manifest["macros"][node_id]
            yield f"{macro['original_file_path']}:{macro['name']}", macro["macro_sql"]
            ahead += _macros(manifest, macro["macro_sql"])
        elif node_id.startswith("model.revops.") and not node_id.startswith("model.revops.entry_"):
            node = manifest["nodes"][node_id]
            yield node["original_file_path"], node["raw_code"]
            ahead += [*node["depends_on"]["nodes"], *_macros(manifest, node["raw_code"])]


def _macros(manifest: Mapping[str, Any], code: str) -> list[str]:
    """The project's macros that code calls, and what it dispatches to.

    dbt itself does not see calls inside a call block.
    """
    called = set(re.findall(r"\b(\w+)\s*\(", code))
    dispatched = set(re.findall(r"dispatch\('(\w+)'\)", code))
    return [
        unique_id
        for unique_id, macro in manifest["macros"].items()
        if macro["package_name"] == "revops"
        and (macro["name"] in called or macro["name"].partition("__")[2] in dispatched)
    ]


def _digest(text: str) -> str:
    # Half of a sha256 tells any two texts apart and keeps the file readable.
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def main() -> int:
    """Refresh the snapshot; 1 if a change lacks a new version."""
    parser = argparse.ArgumentParser(description="Take over the definitions of the KPIs.")
    parser.add_argument("--same-values", action="store_true", help="no change can change a value")
    same_values = parser.parse_args().same_values
    from orchestration.transform import manifest

    was, now = read(), definitions(manifest())
    lacking = {
        kpi: sentence for kpi, sentence in unversioned_changes(was, now).items() if kpi in was and kpi in now
    }
    if lacking and not same_values:
        print("\n".join(lacking.values()), file=sys.stderr)
        return 1
    write(now)
    print(f"{len(now)} definitions in {SNAPSHOT.name}")
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(SNAPSHOT.parents[3]))
    sys.exit(main())
