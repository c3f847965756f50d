-- What was each item of a subscription, from when to when?
-- Grain: source_system, source_id: an item and the moment from which nothing about it changed.
-- A subscription is known at moments: those of its events, which Stripe keeps for 30 days, and those of our reads. What was seen
-- first counts from the day the item was added; an item that a later moment lacks ended at that moment.
-- Left out: stretches that began and ended on one day, and subscriptions that were never paid for (incomplete).

{{ snapshot_periods('stripe', vendor_records('stripe', 'product')) }}
