"""Stand-ins of the vendors' APIs: HTTP on this machine, over what the pretend company's silos hold.

A stand-in is written from the vendor's documentation, not from our connector, and knows nothing of it.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from sandbox.vendors.server import StandIn
from sandbox.vendors.store import Store

# kind → module that has a class StandIn of its own.
KINDS = (
    "salesforce",
    "stripe",
    "hubspot",
    "zendesk",
    "google_ads",
    "meta_ads",
    "linkedin_ads",
    "chargebee",
    "mailshake",
    "pipedrive",
    "jira",
    "intercom",
)


def stand_in(kind: str, store: Store) -> StandIn:
    """The stand-in of a vendor over a store, not yet started."""
    module = import_module(f"sandbox.vendors.{kind}")
    build: Callable[[Store], StandIn] = module.build
    return build(store)


def serve(kind: str, folder: Path, port: int = 0) -> StandIn:
    """A started stand-in over the store delivered into a folder; a free port unless one is given."""
    return stand_in(kind, Store.load(folder)).start(port)
