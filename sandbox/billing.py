"""Invoices of running subscriptions, and the rows of the billing system that should not be there."""

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox import subscriptions
from sandbox.records import Invoice, Subscription

if TYPE_CHECKING:
    from sandbox.world import World

_VAT = {"EUR": Decimal("0.19"), "GBP": Decimal("0.20"), "USD": Decimal(0)}


def start(world: "World", subscription: Subscription) -> None:
    """The first invoice on the first day of service; the next one follows after each interval."""
    _invoice(world, subscription, 0)
    if subscription.rng.random() < 0.01:
        _mistakes(world, subscription)


def _invoice(world: "World", subscription: Subscription, number: int) -> None:
    if subscription.state == "ended":
        return
    rng = subscription.rng
    months = 12 if subscription.interval == "year" else 1
    world.on(
        subscriptions.plus_months(world.today, months), lambda: _invoice(world, subscription, number + 1)
    )
    if subscription.state not in ("active", "past_due", "ending"):
        return
    amount = sum((p.amount for p in subscription.items.values()), Decimal(0))
    at = world.midnight() + timedelta(hours=6)
    invoice = Invoice(
        id=f"N{len(world.invoices) + 1:06d}",
        company=subscription.company,
        subscription_id=subscription.id,
        issued_at=at,
        due_on=world.day_in(14 if months == 1 else 30),
        amount=amount,
        tax=(amount * _VAT[subscription.currency]).quantize(Decimal("0.01")),
        currency=subscription.currency,
        status="open",
        updated_at=at,
    )
    world.invoices.append(invoice)
    fate = rng.random()
    if fate < 0.005:
        invoice.status = "void"
    else:
        days = rng.randrange(1, 14) if fate < 0.9 else rng.randrange(15, 60)
        world.on(world.day_in(days), lambda: _pay(world, subscription, invoice))


def _pay(world: "World", subscription: Subscription, invoice: Invoice) -> None:
    invoice.updated_at = world.midnight() + timedelta(hours=9)
    if subscription.state == "unpaid":
        invoice.status = "uncollectible"
        return
    invoice.status, invoice.paid_at = "paid", invoice.updated_at


def _mistakes(world: "World", subscription: Subscription) -> None:
    """A negative amount, and a test that was deleted: neither is revenue."""
    period = subscriptions.main_item(subscription)
    later = subscriptions.plus_months(world.today, 2)
    subscriptions.copy_as_mistake(
        world, period, product="Credit", amount=-period.amount, starts_on=later, ends_on=None, reason="other"
    )
    subscriptions.copy_as_mistake(
        world, period, product="Test", deleted_at=world.midnight() + timedelta(hours=12)
    )
