"""revops.yml and the environment: the only place that reads either.

Every mistake is a `ConfigurationError` of one sentence that names the file, the key and what to do.
"""

import codecs
import grp
import os
import re
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo, available_timezones

import yaml
from pydantic import Field, ValidationError

from orchestration.contract import PROJECT_ROOT, Column, Entity, entry_contract, modelled_entities
from orchestration.errors import ConfigurationError
from orchestration.vendor_settings import (
    SANDBOX,
    VENDORS,
    EntityMapping,
    ObjectEntity,
    Scalar,
    Vendor,
    VendorSource,
)
from orchestration.vendor_settings import Part as _Part


class Reporting(_Part):
    """How published numbers are cut: their currency, the day's time zone and the fiscal year."""

    currency: str = "USD"
    timezone: str = "UTC"
    fiscal_year_start_month: int = Field(default=1, ge=1, le=12)


class AllowedValues(_Part):
    """A column of a reference file that lists the values an entry column may have."""

    file: str
    column: str


class FileEntity(EntityMapping):
    """How one file becomes one entry entity. `columns` maps an entry column to a column of the file."""

    file: str
    allowed: dict[str, AllowedValues] = Field(default={})
    sheet: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    encoding: str | None = None


class TableEntity(EntityMapping):
    """How one table becomes one entry entity; with `cursor`, rows from its last value on are read."""

    table: str
    cursor: str | None = None


class FilesSource(_Part):
    """A folder of files. Without `entities`: files named like an entry entity, columns like its columns."""

    name: str
    kind: Literal["files"]
    path: Path
    timezone: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    entities: dict[str, FileEntity] | None = None


class DatabaseSource(_Part):
    """Tables of a database; its address comes from `database_dsn`, never from revops.yml."""

    name: str
    kind: Literal["database"]
    timezone: str | None = None
    entities: dict[str, TableEntity]


Source = FilesSource | DatabaseSource | VendorSource


class Warehouse(_Part):
    """The engine the models run on. A DuckLake gets what DuckDB computed; its tables lie in `folder`,
    under the same path on every machine.
    """

    kind: Literal["duckdb", "postgres", "ducklake"] = "duckdb"
    folder: Path | None = None


PublishedSchema = Literal["revenue", "metrics", "identity", "operations"]
SCHEMAS: tuple[PublishedSchema, ...] = get_args(PublishedSchema)


class Audience(_Part):
    """Readers with a file of their own: what it says of people, its schemas, the system group it is for."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    people: Literal["masked", "full"] = "masked"
    schemas: tuple[PublishedSchema, ...] = SCHEMAS
    group: str | None = None


class Publish(_Part):
    """What the published file says about people, and who has a file of their own beside it."""

    people: Literal["masked", "full"] = "masked"
    audiences: tuple[Audience, ...] = ()


class Identity(_Part):
    """How far a run may go in deciding that records are one thing."""

    largest_merge: float = Field(default=0.005, ge=0, le=1)


class Alerts(_Part):
    """Who is told what. The addresses of webhook and mail server hold secrets: see `alert_webhook`."""

    webhook: bool = False
    email: tuple[str, ...] = ()
    sender: str = "revops@localhost"
    stale_after_hours: int = Field(default=36, ge=1, le=8760)


class Settings(_Part):
    """revops.yml, checked. Relative paths are relative to `root`, the folder of `config_path`."""

    reporting: Reporting = Reporting()
    sources: tuple[Annotated[FilesSource | DatabaseSource | Vendor, Field(discriminator="kind")], ...] = ()
    rules: Path | None = None
    warehouse: Warehouse = Warehouse()
    publish: Publish = Publish()
    identity: Identity = Identity()
    alerts: Alerts = Alerts()
    strict: bool = False
    config_path: Path
    root: Path

    def sandbox_sources(self) -> list[VendorSource]:
        """The sources that read the pretend company over HTTP, from stand-ins of their vendors."""
        vendors = (source for source in self.sources if isinstance(source, VendorSource))
        return [source for source in vendors if source.base_url == SANDBOX]

    def source(self, name: str) -> Source:
        """The source called `name`; a ConfigurationError that names the nearest one if there is none."""
        for source in self.sources:
            if source.name == name:
                return source
        names = [source.name for source in self.sources]
        raise ConfigurationError(f"{self.config_path} has no source '{name}'; {_did_you_mean(name, names)}.")


def load_settings(config: Path) -> Settings:
    """Read and check a configuration file.

    Raises ConfigurationError for the first mistake found. Whether the files and tables of a source exist is
    checked when the source is, so that one unreachable source does not stop the others.
    """
    config = config.expanduser().absolute()
    document = _read_yaml(config)
    for key in ("config_path", "root"):
        if key in document:
            raise ConfigurationError(f"{config}: unknown key '{key}'; remove it.")
    try:
        settings = Settings(**document, config_path=config, root=config.parent)
    except ValidationError as failure:
        raise ConfigurationError(f"{config}: {_sentence(failure, document)}") from None
    problem = next(_mistakes(settings), None)
    if problem:
        raise ConfigurationError(f"{config}: {problem}")
    return settings


def config_path(flag: Path | None = None) -> Path:
    """Which configuration file to use: the flag, REVOPS_CONFIG, ./revops.yml, else the project's own."""
    named = flag or os.environ.get("REVOPS_CONFIG")
    if named:
        return Path(named).expanduser().absolute()
    here = Path.cwd() / "revops.yml"
    return here if here.is_file() else PROJECT_ROOT / "revops.yml"


def home_folder(flag: Path | None = None) -> Path:
    """Where the data lives: the flag, REVOPS_HOME, else ./data; it may not exist yet."""
    return Path(flag or os.environ.get("REVOPS_HOME") or "data").expanduser().absolute()


def database_dsn(name: str) -> str:
    """The SQLAlchemy address of database source `name`.

    It is REVOPS_<NAME>_DSN, else sources.<name>.dsn in .dlt/secrets.toml; ConfigurationError without either.
    """
    variable = f"REVOPS_{name.upper()}_DSN"
    if dsn := os.environ.get(variable):
        return dsn
    switch_off_telemetry()
    import dlt

    dsn = dlt.secrets.get(f"sources.{name}.dsn")
    if not dsn:
        raise ConfigurationError(
            f"Source '{name}' has no database address; set {variable} to a SQLAlchemy URL such as "
            "postgresql+psycopg://user:password@host/database, or dsn under "
            f"[sources.{name}] in .dlt/secrets.toml."
        )
    return str(dsn)


def credentials(name: str, wanted: Mapping[str, str]) -> dict[str, str]:
    """What source `name` signs in with; `wanted` says what each is, for the sentence if one is missing.

    Each is REVOPS_<NAME>_<CREDENTIAL>, else sources.<name>.<credential> in .dlt/secrets.toml.
    """
    switch_off_telemetry()
    import dlt

    found: dict[str, str] = {}
    for credential in wanted:
        value = os.environ.get(f"REVOPS_{name}_{credential}".upper())
        value = value or dlt.secrets.get(f"sources.{name}.{credential}")
        if value:
            found[credential] = str(value)
    missing = {credential: about for credential, about in wanted.items() if credential not in found}
    if missing:
        listed = " and ".join(
            f"REVOPS_{name}_{credential}".upper() + f" ({about})" for credential, about in missing.items()
        )
        raise ConfigurationError(
            f"Source '{name}' has no credentials; set {listed}, or {', '.join(missing)} under"
            f" [sources.{name}] in .dlt/secrets.toml."
        )
    return found


def export_dsn(given: str | None) -> str:
    """The PostgreSQL address to export to: the one given, else REVOPS_EXPORT_DSN."""
    dsn = given or os.environ.get("REVOPS_EXPORT_DSN")
    if not dsn:
        raise ConfigurationError(
            "There is no address to export to; give one such as postgresql://user@host/database or set "
            "REVOPS_EXPORT_DSN, which keeps a password out of the list of processes."
        )
    return dsn.replace("postgresql+psycopg://", "postgresql://", 1)


def warehouse_dsn(kind: str) -> str:
    """REVOPS_WAREHOUSE_DSN: the PostgreSQL database that is the engine `kind`, or keeps its catalog."""
    dsn = os.environ.get("REVOPS_WAREHOUSE_DSN")
    if not dsn:
        raise ConfigurationError(
            f"warehouse.kind is '{kind}', which needs a PostgreSQL database; set REVOPS_WAREHOUSE_DSN to its"
            " address, such as postgresql://user:password@host/database."
        )
    return dsn.replace("postgresql+psycopg://", "postgresql://", 1)


def alert_webhook() -> str:
    """REVOPS_ALERT_WEBHOOK: where alerts are posted as {"text": …}, which Slack and its kin take."""
    return _address("REVOPS_ALERT_WEBHOOK", "https://hooks.example.com/…", ("http", "https"))


def alert_smtp() -> str:
    """REVOPS_ALERT_SMTP: the mail server for alerts."""
    example = "smtp+starttls://user:password@host:587, smtps://… or smtp://host:25"
    return _address("REVOPS_ALERT_SMTP", example, ("smtp", "smtps", "smtp+starttls"))


def _address(variable: str, example: str, schemes: tuple[str, ...]) -> str:
    found = os.environ.get(variable, "")
    if found.partition("://")[0] not in schemes:
        raise ConfigurationError(f"{variable} is not set to an address such as {example}; set it.")
    return found


def thread_count() -> int:
    """How many threads models and queries may use: REVOPS_THREADS, else two."""
    text = os.environ.get("REVOPS_THREADS", "2")
    if not text.isdigit() or not 1 <= int(text) <= 256:
        raise ConfigurationError(f"REVOPS_THREADS is {text!r}; it must be a whole number from 1 to 256.")
    return int(text)


def switch_off_telemetry() -> None:
    """Tell dlt, dbt and Dagster to report nothing, and dlt to raise without logging; call first."""
    os.environ.setdefault("RUNTIME__LOG_LEVEL", "CRITICAL")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "yes")


def crash_point(name: str) -> None:
    """Die like a power cut if CRASH_AT names this point; the tests of recovery set it."""
    if os.environ.get("CRASH_AT") == name:
        os.kill(os.getpid(), signal.SIGKILL)


# --- reading the file -----------------------------------------------------------------------------


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML silently keeps the last of two equal keys; here the second one is an error."""


def _mapping_of_unique_keys(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    loader.flatten_mapping(node)
    seen = set()
    for key_node, _ in node.value:
        key = key_node.value
        if key in seen:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key '{key}' stands there twice", key_node.start_mark
            )
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


_UniqueKeyLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping_of_unique_keys)


def _read_yaml(config: Path) -> dict[str, Any]:
    try:
        text = config.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigurationError(
            f"The configuration file {config} does not exist; create it or name another with --config."
        ) from None
    except (OSError, UnicodeDecodeError) as failure:
        raise ConfigurationError(f"The configuration file {config} cannot be read: {failure}.") from None
    try:
        # The loader derives from yaml's SafeLoader.
        document = yaml.load(text, Loader=_UniqueKeyLoader)
    except yaml.MarkedYAMLError as failure:
        mark = failure.problem_mark or failure.context_mark
        line = f"line {mark.line + 1}" if mark else "an unknown line"
        raise ConfigurationError(
            f"{config}, {line}: not valid YAML: {failure.problem}; correct that line."
        ) from None
    except yaml.YAMLError as failure:
        raise ConfigurationError(f"{config}: not valid YAML: {' '.join(str(failure).split())}.") from None
    if document is None:
        return {}
    if not isinstance(document, dict) or not all(isinstance(key, str) for key in document):
        raise ConfigurationError(
            f"{config}: the file must be a list of keys such as 'sources:' and 'reporting:'."
        )
    return document


# --- turning pydantic's findings into one sentence ------------------------------------------------

_SOURCE_KINDS: dict[str, type[_Part]] = {"files": FilesSource, "database": DatabaseSource, **VENDORS}
_ENTITY_KINDS: dict[str, type[_Part]] = {"files": FileEntity, "database": TableEntity}
_SECTIONS: dict[str, type[_Part]] = {
    "reporting": Reporting,
    "warehouse": Warehouse,
    "publish": Publish,
    "identity": Identity,
    "alerts": Alerts,
}
_EXPECTED = {
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "string_type": "text (put it in quotes)",
    "dict_type": "a list of 'key: value' pairs",
    "model_type": "a list of 'key: value' pairs",
    "model_attributes_type": "a list of 'key: value' pairs",
    "tuple_type": "a list, each entry starting with '- '",
    "string_pattern_mismatch": "at most 40 lower-case letters, digits and _, a letter first",
    "path_type": "a path",
}


def _sentence(failure: ValidationError, document: Mapping[str, Any]) -> str:
    error = min(failure.errors(include_url=False), key=lambda each: each["type"] != "extra_forbidden")
    location, kind, given = error["loc"], error["type"], error["input"]
    key = _key(location, document)
    if kind == "extra_forbidden":
        known = _known_keys(location[:-1])
        return f"unknown key '{key}'; {_did_you_mean(str(location[-1]), known)}."
    if kind == "missing":
        return f"the key '{key}' is missing; add it."
    if kind in ("union_tag_invalid", "literal_error"):
        field = f"{key}.kind" if kind == "union_tag_invalid" else key
        word = given.get("kind") if kind == "union_tag_invalid" else given
        known = list(_SOURCE_KINDS) if kind == "union_tag_invalid" else _literals(error)
        return f"{field} is '{word}'; {_did_you_mean(str(word), known)}."
    if kind == "union_tag_not_found":
        return f"the key '{key}.kind' is missing; set it to one of {', '.join(_SOURCE_KINDS)}."
    if kind in ("greater_than_equal", "less_than_equal"):
        return f"{key} is {given!r}; it must be a month from 1 to 12."
    expected = _EXPECTED.get(kind)
    if expected:
        return f"{key} is {given!r}; it must be {expected}."
    return f"{key} is {given!r}: {error['msg'].lower()}."


def _literals(error: Any) -> list[str]:
    return [word.strip("' ") for word in str(error["ctx"]["expected"]).replace(" or ", ",").split(",")]


def _key(location: tuple[int | str, ...], document: Mapping[str, Any]) -> str:
    """sources.maven.entities.users.file for ('sources', 2, 'files', 'entities', 'users', 'file')."""
    if len(location) < 2 or location[0] != "sources" or not isinstance(location[1], int):
        return ".".join(str(part) for part in location if part not in ("str", "bool", "int", "float"))
    entry = document["sources"][location[1]]
    name = entry.get("name") if isinstance(entry, dict) else None
    rest = [str(part) for part in location[2:]]
    if rest and rest[0] in _SOURCE_KINDS:
        rest = rest[1:]
    if rest and rest[-1] in ("str", "bool", "int", "float"):
        rest = rest[:-1]
    return ".".join(["sources", str(name) if name else str(location[1] + 1), *rest])


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    match location:
        case ():
            return [name for name in Settings.model_fields if name not in ("config_path", "root")]
        case (str(section),) if section in _SECTIONS:
            return list(_SECTIONS[section].model_fields)
        case ("publish", "audiences", int()):
            return list(Audience.model_fields)
        case ("sources", int(), str(kind)):
            return list(_SOURCE_KINDS[kind].model_fields)
        case ("sources", int(), str(kind), "entities", str()):
            return list(_ENTITY_KINDS.get(kind, ObjectEntity).model_fields)
        case _:
            return list(AllowedValues.model_fields)


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    known = list(known)
    near = nearest(word, known)
    if near is not None:
        return f"the nearest known one is '{near}'"
    return f"use one of {', '.join(known)}" if known else "none is configured"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like `word`, ignoring case, or None if none is close."""
    by_folded = {each.casefold(): each for each in known}
    matches = get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[matches[0]] if matches else None


# --- checks across keys ---------------------------------------------------------------------------

_ISO_4217 = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD "
    "CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP "
    "GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD "
    "KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN "
    "NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP "
    "SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES "
    "VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG"
)
_CURRENCIES = frozenset(_ISO_4217.split())


def _mistakes(settings: Settings) -> Iterator[str]:
    reporting = settings.reporting
    if reporting.currency not in _CURRENCIES:
        near = nearest(reporting.currency, _CURRENCIES)
        hint = f", for example {near}" if near else ", for example USD"
        yield f"reporting.currency is '{reporting.currency}'; it must be an ISO 4217 code{hint}."
    yield from _wrong_timezone("reporting.timezone", reporting.timezone)
    if settings.rules is not None and not (settings.root / settings.rules).is_dir():
        folder = settings.root / settings.rules
        yield f"rules names the folder {folder}, which does not exist; create it or remove the key."
    yield from _wrong_warehouse(settings.warehouse)
    names = [source.name for source in settings.sources]
    for name in names:
        if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or len(name) > 40:
            yield (
                f"the source name '{name}' cannot be used; a name is at most 40 lower-case letters, digits "
                "and single underscores and starts with a letter."
            )
        if names.count(name) > 1:
            yield f"two sources are called '{name}'; give each its own name."
    for source in settings.sources:
        yield from _wrong_source(source)
    yield from _wrong_audiences(settings.publish.audiences)


def _wrong_audiences(audiences: Sequence[Audience]) -> Iterator[str]:
    names = [audience.name for audience in audiences]
    for audience in audiences:
        if names.count(audience.name) > 1:
            yield f"two audiences are called '{audience.name}'; give each its own name."
        if not audience.schemas:
            known = ", ".join(SCHEMAS)
            yield f"publish.audiences.{audience.name}.schemas is empty; name at least one of {known}."
        if audience.group is not None and audience.group not in {group.gr_name for group in grp.getgrall()}:
            yield (
                f"publish.audiences.{audience.name}.group is '{audience.group}', which this machine does not"
                " know; create the group or remove the key."
            )


def _wrong_warehouse(warehouse: Warehouse) -> Iterator[str]:
    kind = warehouse.kind
    if kind == "ducklake" and warehouse.folder is None:
        yield "warehouse.kind is 'ducklake', which needs warehouse.folder; name the folder its tables lie in."
    if kind != "ducklake" and warehouse.folder is not None:
        yield f"warehouse.folder means nothing to warehouse.kind '{kind}'; remove the key."


def _wrong_source(source: Source) -> Iterator[str]:
    key = f"sources.{source.name}"
    yield from _wrong_timezone(f"{key}.timezone", source.timezone)
    if isinstance(source, VendorSource):
        yield from _wrong_vendor(key, source)
    if isinstance(source, FilesSource):
        yield from _wrong_text_options(key, source)
    entities: Mapping[str, EntityMapping] = source.entities or {}
    if source.entities is not None and not entities and not isinstance(source, VendorSource):
        yield f"{key}.entities is empty; name at least one entity{_or_remove(source)}."
    contract = entry_contract()
    for name, mapping in entities.items():
        if name not in contract:
            yield f"{key}.entities names the unknown entity '{name}'; {_did_you_mean(name, contract)}."
            continue
        yield from _wrong_mapping(f"{key}.entities.{name}", contract[name], mapping)


_LOOPBACK = re.compile(r"http://(127\.|localhost|\[::1\])")


def _wrong_vendor(key: str, source: VendorSource) -> Iterator[str]:
    url = source.base_url
    if url is not None and url != SANDBOX and not re.fullmatch(r"https?://[^/\s?#@]+(/[^\s?#]*)?", url):
        yield f"{key}.base_url is '{url}'; write an address such as https://api.example.com."
    elif (
        url is not None
        and url.startswith("http://")
        and not re.match(r"http://(127\.|localhost|\[::1\])", url)
    ):
        yield f"{key}.base_url is '{url}', which would send the credentials in the clear; use https."
    contract, provided = entry_contract(), modelled_entities().get(source.kind, ())
    for entity in source.entities:
        if entity in provided:
            yield (
                f"{key}.entities maps {entity}, which come from {source.kind} anyway; use"
                f" fields.{entity} instead."
            )
    for entity, columns in source.fields.items():
        if entity not in provided:
            yield f"{key}.fields names the entity '{entity}'; {_did_you_mean(entity, provided)}."
            continue
        known = [
            name for name in contract[entity].columns if name not in ("source_system", "source_id", "custom")
        ]
        for column in columns:
            if column not in known:
                yield (
                    f"{key}.fields.{entity} names the unknown entry column '{column}';"
                    f" {_did_you_mean(column, known)}."
                )


def _or_remove(source: Source) -> str:
    return " or remove the key" if isinstance(source, FilesSource) else ""


def _wrong_mapping(key: str, entity: Entity, mapping: EntityMapping) -> Iterator[str]:
    yield from _wrong_timezone(f"{key}.timezone", mapping.timezone)
    known = [name for name in entity.columns if name not in ("source_system", "custom")]
    allowed = mapping.allowed if isinstance(mapping, FileEntity) else {}
    for part, names in (
        ("columns", mapping.columns),
        ("formats", mapping.formats),
        ("constants", mapping.constants),
        ("allowed", allowed),
    ):
        for name in names:
            if name not in known:
                yield f"{key}.{part} names the unknown entry column '{name}'; {_did_you_mean(name, known)}."
    for name, pattern in mapping.formats.items():
        if entity.columns[name].type not in ("date", "timestamp"):
            kind = entity.columns[name].type
            yield f"{key}.formats.{name} formats a {kind} column; only dates and timestamps have one."
        elif not re.search(r"%[a-zA-Z]", pattern):
            yield f"{key}.formats.{name} is '{pattern}'; write it with % directives such as %m/%d/%Y."
    for name, value in mapping.constants.items():
        if name in mapping.columns:
            yield f"{key}.constants.{name} is also in columns; remove one of the two."
        yield from _wrong_constant(f"{key}.constants.{name}", entity.columns[name], value)
    if "source_id" in mapping.constants:
        yield f"{key}.constants.source_id would give every record the same id; map it in columns."
    if isinstance(mapping, FileEntity):
        yield from _wrong_text_options(key, mapping)


def _wrong_constant(key: str, column: Column, value: Scalar) -> Iterator[str]:
    if column.type == "text" and not isinstance(value, str):
        yield f"{key} is {str(value).lower()} to YAML; put it in quotes to keep it text."
        return
    from orchestration.sources.values import ValueOptions, parser

    try:
        parser(column, ValueOptions())(value)
    except ValueError as failure:
        yield f"{key} is '{value}', which is {failure}; correct it."


def _wrong_text_options(key: str, options: FilesSource | FileEntity) -> Iterator[str]:
    if options.delimiter is not None and len(options.delimiter) != 1:
        yield f"{key}.delimiter is {options.delimiter!r}; it must be one character."
    if options.decimal is not None and options.decimal not in (".", ","):
        yield f"{key}.decimal is {options.decimal!r}; it must be '.' or ','."
    if options.encoding is not None:
        try:
            codecs.lookup(options.encoding)
        except LookupError:
            yield f"{key}.encoding is '{options.encoding}', which is not known; use utf-8, cp1252 or utf-16."


def _wrong_timezone(key: str, name: str | None) -> Iterator[str]:
    if name is None:
        return
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        near = nearest(name, available_timezones())
        yield f"{key} is '{name}', which is no time zone; write one such as {near or 'Europe/Berlin'}."
