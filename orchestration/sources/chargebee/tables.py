"""The resources that are read. What they become is in models/sources/chargebee/."""

from orchestration.sources.api.connector import Table

# Moves with every write of Chargebee's own, whatever changed.
_VERSION = frozenset({"resource_version", "object"})


def _resource(name: str, path: str, permission: str) -> Table:
    return Table(
        name=name,
        path=path,
        cursor="updated_at",
        deleted="deleted",
        ignore=_VERSION,
        permission=f"read access to {permission}",
    )


TABLES = (
    _resource("customer", "/api/v2/customers", "customers"),
    _resource("item", "/api/v2/items", "items"),
    _resource("item_price", "/api/v2/item_prices", "item prices"),
    # A row per item and moment at which a subscription changed: of its events, and of the lists.
    Table(
        name="subscription_snapshot",
        path="/api/v2/subscriptions",
        cursor="seen_at",
        complete=False,
        permission="read access to subscriptions, coupons and events",
    ),
    _resource("invoice", "/api/v2/invoices", "invoices"),
    _resource("credit_note", "/api/v2/credit_notes", "credit notes"),
)
