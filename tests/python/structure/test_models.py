"""What every model says about itself, and where it may look."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sql_text import without_comments

Node = Mapping[str, Any]

LAYERS = ("entry", "revenue", "metrics", "operations")
# Schemas that Python writes between the steps of dbt.
WRITTEN_BY_PYTHON = {"run", "identity", "insight"}
# Words that belong left of the entry contract only.
VENDORS = (
    "salesforce|sfdc|hubspot|marketo|pardot|eloqua|mailchimp|klaviyo|zendesk|intercom|freshdesk|gainsight|totango"
    "|stripe|chargebee|recurly|zuora|netsuite|quickbooks|xero|pipedrive|dynamics|zoho|outreach_io|salesloft|gong"
    "|google_ads|googleads|linkedin|facebook|meta_ads|asana|jira|trello|notion|slack|shopify|paypal|fivetran|airbyte"
)


def _layer(model: Node) -> str:
    return str(model["original_file_path"]).split("/")[1]


def test_every_model_has_a_contract_an_owner_a_grain_and_a_description_of_each_column(
    models: dict[str, Node],
) -> None:
    for name, model in models.items():
        meta = model["config"]["meta"]
        assert model["config"]["contract"]["enforced"], name
        assert meta.get("owner"), name
        assert len(model["description"]) >= 20, name
        assert meta.get("grain") and set(meta["grain"]) <= set(model["columns"]), name
        for column in model["columns"].values():
            assert column["description"] and column["data_type"], f"{name}.{column['name']}"


def test_every_model_is_documented_beside_its_sql_in_a_file_of_its_name(
    models: dict[str, Node], project: Path
) -> None:
    for name, model in models.items():
        sql = Path(model["original_file_path"])
        assert sql.stem == name
        assert model["patch_path"] == f"revops://{sql.with_suffix('.yml')}"
        assert (project / sql).read_text().startswith("-- "), (
            f"{sql} does not open with its question and grain"
        )


def test_models_lie_in_the_schema_of_their_folder(models: dict[str, Node]) -> None:
    for name, model in models.items():
        if _layer(model) in LAYERS:
            assert model["schema"] == _layer(model), name
        else:
            assert _layer(model) == "sources", name


def test_an_entry_model_is_called_after_its_entity(models: dict[str, Node]) -> None:
    for name, model in models.items():
        if _layer(model) == "entry":
            entity = model["config"]["meta"]["entity"]
            assert name == f"entry_{entity}" and model["alias"] == entity


def test_only_the_source_folders_read_tables_of_a_vendor(models: dict[str, Node]) -> None:
    for name, model in models.items():
        if _layer(model) != "sources":
            assert {source for source, _ in model["sources"]} <= WRITTEN_BY_PYTHON, name
            code = without_comments(model["raw_code"])
            # reconciliation compares what was landed with what became of it
            code = code.replace("raw_table(", "") if name == "reconciliation" else code
            assert not re.search(r"\blanding\b|raw_table|\braw_\w+\.", code), f"{name} reads landing.duckdb"


def test_data_goes_forward_only(models: dict[str, Node]) -> None:
    behind = {
        "sources": {"revenue", "metrics", "operations", "entry"},
        "entry": {"revenue", "metrics", "operations"},
        # the ledger of recurring revenue is published as a metric and is the base of the customers in revenue
        "revenue": {"operations"},
        "metrics": {"operations"},
        "operations": set(),
    }
    by_id = {model["unique_id"]: model for model in models.values()}
    for name, model in models.items():
        for parent in model["depends_on"]["nodes"]:
            if parent in by_id:
                assert _layer(by_id[parent]) not in behind[_layer(model)], f"{name} reads {parent}"


def test_nothing_right_of_entry_names_a_vendor(models: dict[str, Node], project: Path) -> None:
    vendor = re.compile(rf"(?<![a-z])({VENDORS})(?![a-z])", re.IGNORECASE)
    files = [*(project / "macros").glob("*.sql")]
    for model in models.values():
        if _layer(model) in ("revenue", "metrics", "operations"):
            path = project / model["original_file_path"]
            files += [path, path.with_suffix(".yml")]
    for file in files:
        found = vendor.search(file.read_text())
        assert not found, f"{file.relative_to(project)} names {found and found[0]}"


def test_a_macro_is_in_a_file_of_its_name_or_of_its_family_and_documented(project: Path) -> None:
    for path in (project / "macros").glob("*.sql"):
        text = path.read_text()
        assert text.startswith("{#"), f"{path.name} does not open with what it is for"
        names = re.findall(r"{%-?\s*macro\s+(\w+)\(", text)
        to_be_called = [name for name in names if "__" not in name]
        assert to_be_called == [path.stem] or len(to_be_called) > 1, path.name


def test_every_test_is_a_sentence_that_opens_with_what_it_prevents(project: Path) -> None:
    for path in (project / "tests" / "dbt").glob("*.sql"):
        assert re.fullmatch(r"assert(_[a-z]+){3,}", path.stem), path.name
        opening = path.read_text().split("\n", 1)[0]
        assert opening.startswith("-- ") and len(opening) > 40, path.name
