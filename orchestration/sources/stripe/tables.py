"""The objects that are read. What they become is in models/sources/stripe/."""

from dataclasses import dataclass
from datetime import timedelta

from orchestration.sources.api.connector import Table

# Stripe keeps events for 30 days; a little less, so that none is dropped while we read.
_FEED = timedelta(days=29)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource(Table):
    """A resource and the types of its events; `expand` are references to be resolved in the same answer."""

    events: str = ""
    expand: tuple[str, ...] = ()


TABLES = (
    Resource(
        name="customer",
        path="/v1/customers",
        events="customer.",
        feed=_FEED,
        permission="Customers: Read",
    ),
    Resource(name="product", path="/v1/products", permission="Products: Read"),
    # A row per item and moment at which a subscription was seen: Stripe itself has no history of one.
    Resource(
        name="subscription_snapshot",
        path="/v1/subscriptions",
        events="customer.subscription.",
        expand=("discounts",),
        feed=_FEED,
        complete=False,
        permission="Subscriptions: Read",
    ),
    Resource(
        name="invoice",
        path="/v1/invoices",
        events="invoice.",
        feed=_FEED,
        permission="Invoices: Read",
    ),
)
