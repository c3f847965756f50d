"""Somebody else's fake of Stripe, read by our connector: customers, plans, subscriptions and invoices.

localstripe is GPL-3.0, so it is in no lock of ours: `make localstripe` puts it into an environment of its own
and runs this. It knows an older API: no prices, no discounts in lists, no events since a time.
"""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
from vendor import Vendor

from orchestration.sources.stripe import extract

PYTHON = Path(os.environ.get("REVOPS_LOCALSTRIPE", ".localstripe")) / "bin" / "python"
KEY = "sk_test_12345"
# Its own command listens on every address of the machine and keeps what it holds in a file.
SERVE = """
import asyncio
from aiohttp import web
from localstripe.resources import store
from localstripe.server import app
store.dump_to_disk = lambda *_: None
async def serve():
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(site._server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()
asyncio.run(serve())
"""


@pytest.fixture
def address() -> Iterator[str]:
    if not PYTHON.exists():
        pytest.skip("localstripe is not installed; make localstripe")
    server = subprocess.Popen([PYTHON, "-c", SERVE], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
    finally:
        server.kill()
        server.wait()


def made(address: str, resource: str, **fields: Any) -> dict[str, Any]:
    """What a user makes there, by the API."""
    answer = requests.post(f"{address}/v1/{resource}", data=fields, auth=(KEY, ""), timeout=30)
    assert answer.ok, answer.text
    return dict(answer.json())


def test_what_localstripe_holds_arrives(
    address: str, stripe: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = [replace(table, expand=()) if table.expand else table for table in extract.TABLES]
    monkeypatch.setattr(extract, "TABLES", tables)
    monkeypatch.setenv("REVOPS_CRM_API_KEY", KEY)
    customers = [made(address, "customers", name=f"Company {each}")["id"] for each in range(125)]
    terms = {"amount": 1050, "currency": "usd", "interval": "month", "product[name]": "Core"}
    plan = made(address, "plans", id="core", **terms)
    payer = customers[7]
    card = {
        "card[number]": "4242424242424242",
        "card[exp_month]": 12,
        "card[exp_year]": 2030,
        "card[cvc]": "123",
    }
    made(address, f"customers/{payer}/sources", source=made(address, "tokens", **card)["id"])
    items = {"items[0][plan]": plan["id"], "items[0][quantity]": 3}
    subscription = made(address, "subscriptions", customer=payer, **items)
    stripe.configure(base_url=address)
    stripe.sync()

    assert set(stripe.entry("accounts")) == set(customers)
    (period,) = stripe.entry("subscription_periods").values()
    assert (period["subscription_id"], period["account_source_id"]) == (subscription["id"], payer)
    assert (period["amount"], period["quantity"], period["interval"]) == (Decimal("31.50"), 3, "month")
    assert (period["product"], period["currency_code"], period["status"]) == ("Core", "USD", "active")
    listed = requests.get(f"{address}/v1/invoices", auth=(KEY, ""), timeout=30).json()["data"]
    totals = {each["id"]: Decimal(each["total"]) / 100 for each in listed}
    assert {key: row["amount"] for key, row in stripe.entry("invoices").items()} == totals
    assert list(totals.values()) == [Decimal("31.50")]
