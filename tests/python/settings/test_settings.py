"""revops.yml and the environment: what is accepted, and the one sentence for every mistake."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.errors import ConfigurationError
from orchestration.settings import (
    DatabaseSource,
    FilesSource,
    config_path,
    home_folder,
    load_settings,
)
from orchestration.vendor_settings import VENDORS

PROJECT = Path(__file__).parents[3]

FULL = """
reporting: {currency: EUR, timezone: Europe/Berlin, fiscal_year_start_month: 4}
sources:
  - {name: acme, kind: files, path: acme}
  - name: maven
    kind: files
    path: data
    timezone: America/New_York
    delimiter: ";"
    decimal: ","
    encoding: cp1252
    entities:
      opportunities:
        file: sales_pipeline.csv
        columns: {source_id: opportunity_id, stage: deal_stage}
        formats: {opened_at: "%m/%d/%Y"}
        constants: {currency_code: "NO", probability: 0.5, is_deleted: false, recurring_amount: 12}
        allowed: {product: {file: products.csv, column: product}}
  - name: shop
    kind: database
    entities: {accounts: {table: sales.customers, columns: {source_id: id}, cursor: updated_at}}
rules: rules
warehouse: {kind: duckdb}
publish: {people: full}
strict: true
"""


@pytest.fixture
def write(tmp_path):
    def write_config(text):
        file = tmp_path / "revops.yml"
        file.write_text(text)
        return file

    return write_config


def mistake(file):
    with pytest.raises(ConfigurationError) as failure:
        load_settings(file)
    sentence = str(failure.value)
    assert sentence.startswith(str(file)) and sentence.endswith(".")
    assert "\n" not in sentence and "pydantic" not in sentence
    return sentence


def test_every_key_is_read(write, tmp_path):
    (tmp_path / "rules").mkdir()
    settings = load_settings(write(FULL))
    assert settings.reporting.model_dump() == {
        "currency": "EUR",
        "timezone": "Europe/Berlin",
        "fiscal_year_start_month": 4,
    }
    acme, maven, shop = settings.sources
    assert isinstance(acme, FilesSource) and acme.entities is None and acme.path == Path("acme")
    assert isinstance(maven, FilesSource) and maven.entities is not None
    deals = maven.entities["opportunities"]
    assert deals.columns == {"source_id": "opportunity_id", "stage": "deal_stage"}
    assert deals.constants == {
        "currency_code": "NO",
        "probability": 0.5,
        "is_deleted": False,
        "recurring_amount": 12,
    }
    assert deals.allowed["product"].file == "products.csv"
    assert isinstance(shop, DatabaseSource) and shop.entities["accounts"].cursor == "updated_at"
    assert (settings.rules, settings.publish.people, settings.strict) == (Path("rules"), "full", True)
    assert (settings.root, settings.config_path) == (tmp_path, tmp_path / "revops.yml")
    assert settings.source("shop") is shop


def test_an_empty_file_means_the_defaults(write):
    settings = load_settings(write("# nothing yet\n"))
    assert settings.sources == ()
    assert settings.reporting.model_dump() == {
        "currency": "USD",
        "timezone": "UTC",
        "fiscal_year_start_month": 1,
    }
    assert (settings.publish.people, settings.warehouse.kind, settings.strict) == ("masked", "duckdb", False)


def test_settings_do_not_change(write):
    settings = load_settings(write("strict: true"))
    with pytest.raises(ValueError, match="frozen"):
        settings.strict = False


FILES = "sources: [{name: a, kind: files, path: x"
DEALS = FILES + ", entities: {opportunities: {file: y"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "reprting: {}",
            "unknown key 'reprting'; the nearest known one is 'reporting'.",
        ),
        (
            "xyz: 1",
            "unknown key 'xyz'; use one of reporting, sources, rules, warehouse, publish, identity, alerts,"
            " strict.",
        ),
        (
            "root: /",
            "unknown key 'root'; remove it.",
        ),
        (
            "reporting: {curency: EUR}",
            "unknown key 'reporting.curency'; the nearest known one is 'currency'.",
        ),
        (
            FILES + ", pth: y}]",
            "unknown key 'sources.a.pth'; the nearest known one is 'path'.",
        ),
        (
            DEALS + ", colums: {}}}}]",
            "unknown key 'sources.a.entities.opportunities.colums'; the nearest known one is 'columns'.",
        ),
        (
            DEALS + ", allowed: {product: {file: p, colum: c}}}}}]",
            "unknown key 'sources.a.entities.opportunities.allowed.product.colum'; the nearest known "
            "one is 'column'.",
        ),
        (
            "sources: [{name: a, kind: database, entities: {accounts: {tabel: t}}}]",
            "unknown key 'sources.a.entities.accounts.tabel'; the nearest known one is 'table'.",
        ),
        (
            "sources: [{name: a, kind: database, query: 1, entities: {accounts: {table: t}}}]",
            "unknown key 'sources.a.query'; use one of name, kind, timezone, entities.",
        ),
        (
            "sources: [{kind: files, path: x}]",
            "the key 'sources.1.name' is missing; add it.",
        ),
        (
            "sources: [{name: a, kind: files}]",
            "the key 'sources.a.path' is missing; add it.",
        ),
        (
            "sources: [{name: a, path: x}]",
            "the key 'sources.a.kind' is missing; set it to one of files, database, ",
        ),
        (
            "sources: [{name: a, kind: fles, path: x}]",
            "sources.a.kind is 'fles'; the nearest known one is 'files'.",
        ),
        (
            "sources: [{name: a, kind: oracle, path: x}]",
            "sources.a.kind is 'oracle'; use one of files, database, " + ", ".join(VENDORS) + ".",
        ),
        (
            "sources: {name: a}",
            "sources is {'name': 'a'}; it must be a list, each entry starting with '- '.",
        ),
        (
            "sources: [acme]",
            "sources.1 is 'acme'; it must be a list of 'key: value' pairs.",
        ),
        (
            "sources: [{name: 1, kind: files, path: x}]",
            "sources.1.name is 1; it must be text (put it in quotes).",
        ),
        (
            FILES + "}, {name: a, kind: files, path: y}]",
            "two sources are called 'a'; give each its own name.",
        ),
        (
            "sources: [{name: Acme Inc, kind: files, path: x}]",
            "the source name 'Acme Inc' cannot be used; a name is",
        ),
        (
            "sources: [{name: a__b, kind: files, path: x}]",
            "the source name 'a__b' cannot be used; a name is",
        ),
        (
            FILES + ", entities: {opportunites: {file: y}}}]",
            "sources.a.entities names the unknown entity 'opportunites'; the nearest known one is "
            "'opportunities'.",
        ),
        (
            FILES + ", entities: {}}]",
            "sources.a.entities is empty; name at least one entity or remove the key.",
        ),
        (
            FILES + ", entities: {accounts: }}]",
            "sources.a.entities.accounts is None; it must be a list of 'key: value' pairs.",
        ),
        (
            DEALS + ", columns: {stge: z}}}}]",
            "sources.a.entities.opportunities.columns names the unknown entry column 'stge'; the "
            "nearest known one is 'stage'.",
        ),
        (
            DEALS + ", columns: {source_system: z}}}}]",
            "opportunities.columns names the unknown entry column 'source_system'",
        ),
        (
            DEALS + ", columns: {stage: [a]}}}}]",
            "sources.a.entities.opportunities.columns.stage is ['a']; it must be text",
        ),
        (
            DEALS + ", formats: {opnd_at: '%Y'}}}}]",
            "formats names the unknown entry column 'opnd_at'; the nearest known one is 'opened_at'.",
        ),
        (
            DEALS + ", formats: {stage: '%Y'}}}}]",
            "formats.stage formats a text column; only dates and timestamps have one.",
        ),
        (
            DEALS + ", formats: {opened_at: mm/dd/yyyy}}}}]",
            "formats.opened_at is 'mm/dd/yyyy'; write it with % directives such as %m/%d/%Y.",
        ),
        (
            DEALS + ", constants: {kindd: renewal}}}}]",
            "constants names the unknown entry column 'kindd'; the nearest known one is 'kind'.",
        ),
        (
            DEALS + ", constants: {kind: upsell}}}}]",
            "constants.kind is 'upsell', which is not one of new_business, expansion, renewal; correct it.",
        ),
        (
            DEALS + ", constants: {amount: 1e5x}}}}]",
            "constants.amount is '1e5x', which is not an amount; correct it.",
        ),
        (
            DEALS + ", constants: {currency_code: NO}}}}]",
            "constants.currency_code is false to YAML; put it in quotes to keep it text.",
        ),
        (
            DEALS + ", constants: {source_id: x}}}}]",
            "constants.source_id would give every record the same id; map it in columns.",
        ),
        (
            DEALS + ", columns: {stage: s}, constants: {stage: Won}}}}]",
            "constants.stage is also in columns; remove one of the two.",
        ),
        (
            DEALS + ", allowed: {prodct: {file: p, column: c}}}}}]",
            "allowed names the unknown entry column 'prodct'; the nearest known one is 'product'.",
        ),
        (
            DEALS + ", timezone: CEST}}}]",
            "sources.a.entities.opportunities.timezone is 'CEST', which is no time zone; write one such as",
        ),
        (
            FILES + ", timezone: Europe/Berln}]",
            "sources.a.timezone is 'Europe/Berln', which is no time zone; write one such as Europe/Berlin.",
        ),
        (
            FILES + ", delimiter: ';;'}]",
            "sources.a.delimiter is ';;'; it must be one character.",
        ),
        (
            FILES + ", decimal: x}]",
            "sources.a.decimal is 'x'; it must be '.' or ','.",
        ),
        (
            FILES + ", encoding: utf-9}]",
            "sources.a.encoding is 'utf-9', which is not known; use utf-8, cp1252 or utf-16.",
        ),
        (
            "reporting: {timezone: ../etc/passwd}",
            "reporting.timezone is '../etc/passwd', which is no time zone",
        ),
        (
            "reporting: {currency: EURO}",
            "reporting.currency is 'EURO'; it must be an ISO 4217 code, for example EUR.",
        ),
        (
            "reporting: {currency: eur}",
            "reporting.currency is 'eur'; it must be an ISO 4217 code, for example EUR.",
        ),
        (
            "reporting: {fiscal_year_start_month: 13}",
            "reporting.fiscal_year_start_month is 13; it must be a month from 1 to 12.",
        ),
        (
            "reporting: {fiscal_year_start_month: 0}",
            "reporting.fiscal_year_start_month is 0; it must be a month from 1 to 12.",
        ),
        (
            "reporting: {fiscal_year_start_month: April}",
            "reporting.fiscal_year_start_month is 'April'; it must be a whole number.",
        ),
        (
            "reporting: UTC",
            "reporting is 'UTC'; it must be a list of 'key: value' pairs.",
        ),
        (
            "strict: maybe",
            "strict is 'maybe'; it must be true or false.",
        ),
        (
            "publish: {people: hidden}",
            "publish.people is 'hidden'; use one of masked, full.",
        ),
        (
            "warehouse: {kind: duckdbs}",
            "warehouse.kind is 'duckdbs'; the nearest known one is 'duckdb'.",
        ),
        (
            "warehouse: {kind: postgres, folder: lake}",
            "warehouse.folder means nothing to warehouse.kind 'postgres'; remove the key.",
        ),
        (
            "rules: nowhere",
            "nowhere, which does not exist; create it or remove the key.",
        ),
        (
            "- a\n- b",
            "the file must be a list of keys such as 'sources:' and 'reporting:'.",
        ),
        (
            "1: a",
            "the file must be a list of keys such as 'sources:' and 'reporting:'.",
        ),
    ],
)
def test_a_mistake_is_one_sentence_that_names_the_key(write, text, sentence):
    assert sentence in mistake(write(text))


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("reporting:\n  currency: EUR\n timezone: UTC\n", 3, "not valid YAML"),
        ("sources:\n  - {name: a\n", 3, "not valid YAML"),
        ("strict: true\nrules: x\nstrict: false\n", 3, "the key 'strict' stands there twice"),
        ("reporting:\n\tcurrency: EUR\n", 2, "not valid YAML"),
        ("a: !!python/object:os.system {}\n", 1, "not valid YAML"),
    ],
)
def test_yaml_that_cannot_be_read_names_the_line(write, text, line, reason):
    sentence = mistake(write(text))
    assert f"revops.yml, line {line}: " in sentence
    assert reason in sentence


def test_a_configuration_that_is_not_there(tmp_path):
    with pytest.raises(
        ConfigurationError, match=r"missing\.yml does not exist; create it or name another with --config"
    ):
        load_settings(tmp_path / "missing.yml")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_settings(tmp_path)


def test_a_source_that_is_not_configured(write):
    settings = load_settings(write(FILES + "}]"))
    with pytest.raises(ConfigurationError, match="has no source 'b'; use one of a"):
        settings.source("b")


# --- the environment -------------------------------------------------------------------------------


def test_the_flag_goes_before_the_environment_and_that_before_the_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REVOPS_HOME", raising=False)
    assert home_folder() == tmp_path / "data"
    monkeypatch.setenv("REVOPS_HOME", "/var/revops")
    assert home_folder() == Path("/var/revops")
    assert home_folder(Path("here")) == tmp_path / "here"


def test_the_configuration_is_the_flag_the_environment_the_folder_or_the_project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REVOPS_CONFIG", raising=False)
    assert config_path() == PROJECT / "revops.yml"
    (tmp_path / "revops.yml").touch()
    assert config_path() == tmp_path / "revops.yml"
    monkeypatch.setenv("REVOPS_CONFIG", "other.yml")
    assert config_path() == tmp_path / "other.yml"
    assert config_path(Path("third.yml")) == tmp_path / "third.yml"


def test_nothing_else_in_the_package_reads_the_environment():
    readers = [
        file.relative_to(PROJECT).as_posix()
        for file in (PROJECT / "orchestration" / "sources").rglob("*.py")
        if re.search(r"\bos\.environ|\bgetenv", file.read_text())
    ]
    assert readers == []


def test_a_crash_point_kills_only_where_the_environment_says_so():
    script = (
        "from orchestration.settings import crash_point; crash_point('a'); print('alive'); crash_point('b')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"CRASH_AT": "b", "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -9
    assert done.stdout == "" or done.stdout == "alive\n"
