"""The keys of revops.yml for sources with an API of their own: what all have, and a class per vendor."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Scalar = str | bool | int | float

# As base_url: the stand-in of the pretend company, which a run starts for itself.
SANDBOX = "sandbox"


class Part(BaseModel):
    """A part of revops.yml: fixed once read, and without keys that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class EntityMapping(Part):
    """Which column of a table fills which entry column, and how values are written there."""

    columns: dict[str, str] = {}
    formats: dict[str, str] = {}
    constants: dict[str, Scalar] = {}
    timezone: str | None = None


class ObjectEntity(EntityMapping):
    """How a table of the vendor that no model reads, such as a custom object, becomes one entry entity."""

    object: str


class Landed(Part):
    """Where a replication service keeps the vendor's tables: `schema` of the DuckDB file `path`, or of the
    PostgreSQL database at REVOPS_<NAME>_DSN. Without `schema` it is called like the kind.
    """

    by: Literal["fivetran", "airbyte"]
    path: Path | None = None
    in_schema: str | None = Field(default=None, alias="schema")


class VendorSource(Part):
    """What every vendor's source has. Credentials come from `settings.credentials`, never from revops.yml.

    `base_url` is the API's address where it is not the vendor's own: a proxy, or "sandbox". `fields` fills
    columns of an entry entity from fields of the company's own: {opportunities: {product: Product__c}};
    `entities` maps whole objects of its own. With `landed` the tables are read where a service keeps them.
    """

    name: str
    kind: str
    base_url: str | None = None
    timezone: str | None = None
    landed: Landed | None = None
    fields: dict[str, dict[str, str]] = {}
    entities: dict[str, ObjectEntity] = {}


class Salesforce(VendorSource):
    """`base_url` is the company's My Domain address, where tokens come from."""

    kind: Literal["salesforce"]
    api_version: str = Field(default="62.0", pattern=r"^\d+\.\d$")


class Stripe(VendorSource):
    """The version of the API is fixed, whatever the account's default is."""

    kind: Literal["stripe"]
    base_url: str | None = "https://api.stripe.com"
    api_version: str = Field(default="2025-03-31.basil", pattern=r"^\d{4}-\d{2}-\d{2}(\.\w+)?$")


class Chargebee(VendorSource):
    """`base_url` is the site's address, https://<site>.chargebee.com, with product catalog 2.0."""

    kind: Literal["chargebee"]


class Hubspot(VendorSource):
    """A portal, by the token of a private app."""

    kind: Literal["hubspot"]
    base_url: str | None = "https://api.hubapi.com"


class Zendesk(VendorSource):
    """`base_url` is the account's address, https://<company>.zendesk.com."""

    kind: Literal["zendesk"]


class Pipedrive(VendorSource):
    """The history of deals is asked for deal by deal, and can be left out where the token budget is small."""

    kind: Literal["pipedrive"]
    base_url: str | None = "https://api.pipedrive.com"
    deal_history: bool = True


class Advertising(VendorSource):
    """What the sources of advertising spend have.

    `accounts` are the ids of those that are read, all the credentials reach if none is named. The last
    `restated_days` are read again in every run; the first read goes back `history_days`. `token_url` is where
    access tokens come from if it is not the vendor's own address.
    """

    token_url: str | None = Field(default=None, pattern=r"^https?://[^/\s]+/\S*$")
    accounts: tuple[str | int, ...] = ()
    restated_days: int = Field(default=30, ge=1, le=180)
    history_days: int = Field(default=1095, ge=1)


class GoogleAds(Advertising):
    """`customer_id` is the account to sign in at, a manager account mostly; those below it are read, too."""

    kind: Literal["google_ads"]
    base_url: str | None = "https://googleads.googleapis.com"
    api_version: str = Field(default="v25", pattern=r"^v\d+$")
    customer_id: str | int
    restated_days: int = Field(default=90, ge=1, le=180)


class MetaAds(Advertising):
    """`accounts` with or without act_. Meta freezes a day after 28 and keeps 37 months."""

    kind: Literal["meta_ads"]
    base_url: str | None = "https://graph.facebook.com"
    api_version: str = Field(default="v25.0", pattern=r"^v\d+\.0$")
    history_days: int = Field(default=1095, ge=1, le=1120)


class LinkedinAds(Advertising):
    """`api_version` is the month of LinkedIn's marketing API; each lives for about a year."""

    kind: Literal["linkedin_ads"]
    base_url: str | None = "https://api.linkedin.com"
    api_version: str = Field(default="202610", pattern=r"^20\d{4}$")


class Mailshake(VendorSource):
    """A team, by its API key."""

    kind: Literal["mailshake"]
    base_url: str | None = "https://api.mailshake.com/2017-04-01"


class Jira(VendorSource):
    """`base_url` is the site's address, https://<company>.atlassian.net."""

    kind: Literal["jira"]


class Intercom(VendorSource):
    """`base_url` is another one for workspaces in the EU and in Australia. Not every plan has tickets."""

    kind: Literal["intercom"]
    base_url: str | None = "https://api.intercom.io"
    api_version: str = Field(default="2.14", pattern=r"^\d+\.\d+$")
    tickets: bool = True


# One line per vendor; its folder is orchestration/sources/<kind>/.
Vendor = (
    Salesforce
    | Stripe
    | Chargebee
    | Hubspot
    | Zendesk
    | GoogleAds
    | MetaAds
    | LinkedinAds
    | Mailshake
    | Pipedrive
    | Jira
    | Intercom
)
VENDORS: dict[str, type[VendorSource]] = {
    "salesforce": Salesforce,
    "stripe": Stripe,
    "chargebee": Chargebee,
    "hubspot": Hubspot,
    "zendesk": Zendesk,
    "pipedrive": Pipedrive,
    "google_ads": GoogleAds,
    "meta_ads": MetaAds,
    "linkedin_ads": LinkedinAds,
    "mailshake": Mailshake,
    "jira": Jira,
    "intercom": Intercom,
}
