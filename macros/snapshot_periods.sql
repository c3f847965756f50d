{#- What billing systems that keep no history become: subscriptions are known at moments, each a row per item in the raw table
    subscription_snapshot. `products` is a relation that names what an item's `product` is the id of. What was seen first counts from
    the day the item was added, or else the subscription began; an item that a later moment lacks ended at that moment. Left out:
    stretches that began and ended on one day, and subscriptions that were never paid for (incomplete). -#}
{% macro snapshot_periods(kind, products) -%}
{% set facts = [
    'status', 'product', 'plan', 'usage_type', 'interval', 'interval_count', 'quantity', 'amount', 'currency', 'percent_off',
    'amount_off', 'discount_end', 'cancel_at', 'is_paused',
] -%}

with

snapshots as (
    select
        *,
        -- a moment of an event may be read again with the same content
        row_number() over (partition by source_system, subscription, item, seen_at order by id asc) as copy_number
    from {{ vendor_records(kind, 'subscription_snapshot') }} as snapshots
    where status <> 'incomplete' and status <> 'incomplete_expired'
),

moments as (
    select
        source_system,
        subscription,
        seen_at,
        lead(seen_at) over (partition by source_system, subscription order by seen_at asc) as next_seen_at,
        min(seen_at) over (partition by source_system, subscription) as first_seen_at
    from (
        select distinct
            source_system,
            subscription,
            seen_at
        from snapshots
    ) as each_moment
),

seen as (
    select
        snapshots.source_system,
        snapshots.subscription,
        snapshots.item,
        snapshots.customer,
        snapshots.seen_at,
        moments.next_seen_at,
        -- from when on the item counts, if it is the first that is known of it
        coalesce(
            snapshots.item_created, case when snapshots.seen_at = moments.first_seen_at then snapshots.start_date end, snapshots.seen_at
        ) as began_at,
        snapshots.is_gone,
        snapshots.ended_at,
        snapshots.cancellation_reason,
        snapshots.custom,
        {%- for fact in facts %}
        snapshots.{{ adapter.quote(fact) }},
        {%- endfor %}
        concat(
            {%- for fact in facts %}
            coalesce(cast(snapshots.{{ adapter.quote(fact) }} as {{ dbt.type_string() }}), ''){{ ", '|'," if not loop.last }}
            {%- endfor %}
        ) as content,
        concat(
            {%- for fact in ['percent_off', 'amount_off', 'discount_end'] %}
            coalesce(cast(snapshots.{{ fact }} as {{ dbt.type_string() }}), ''){{ ", '|'," if not loop.last }}
            {%- endfor %}
        ) as discount,
        lag(snapshots.seen_at) over (
            partition by snapshots.source_system, snapshots.subscription, snapshots.item order by snapshots.seen_at asc
        ) as last_seen_at
    from snapshots
    inner join moments
        on
            snapshots.source_system = moments.source_system
            and snapshots.subscription = moments.subscription
            and snapshots.seen_at = moments.seen_at
    where snapshots.copy_number = 1
),

compared as (
    select
        *,
        lag(content) over (partition by source_system, subscription, item order by seen_at asc) as content_before,
        lag(quantity) over (partition by source_system, subscription, item order by seen_at asc) as quantity_before,
        lag(discount) over (partition by source_system, subscription, item order by seen_at asc) as discount_before,
        lag(plan) over (partition by source_system, subscription, item order by seen_at asc) as plan_before,
        lag(amount) over (partition by source_system, subscription, item order by seen_at asc) as amount_before,
        lag(status) over (partition by source_system, subscription, item order by seen_at asc) as status_before,
        lag(is_paused) over (partition by source_system, subscription, item order by seen_at asc) as was_paused,
        lag(next_seen_at) over (partition by source_system, subscription, item order by seen_at asc) as seen_until
    from seen
),

-- a moment that shows nothing new belongs to the stretch before it
beginnings as (
    select
        *,
        lead(seen_at) over (partition by source_system, subscription, item order by seen_at asc) as changed_at
    from compared
    where content_before is null or content_before <> content or seen_until <> seen_at
),

last_sights as (
    select
        source_system,
        subscription,
        item,
        max(seen_at) as last_at
    from seen
    group by source_system, subscription, item
),

subscription_ends as (
    select
        source_system,
        subscription,
        max(seen_at) as last_at
    from moments
    group by source_system, subscription
),

stretches as (
    select
        beginnings.source_system,
        beginnings.subscription,
        beginnings.item,
        beginnings.customer,
        beginnings.custom,
        beginnings.is_gone,
        {%- for fact in facts %}
        beginnings.{{ adapter.quote(fact) }},
        {%- endfor %}
        beginnings.content_before is null as is_first,
        beginnings.quantity_before,
        beginnings.discount,
        beginnings.discount_before,
        beginnings.plan_before,
        beginnings.amount_before,
        beginnings.status_before,
        beginnings.was_paused,
        beginnings.cancellation_reason,
        case
            when beginnings.status = 'canceled' then coalesce(beginnings.ended_at, beginnings.seen_at)
            when beginnings.content_before is null then beginnings.began_at
            else beginnings.seen_at
        end as starts_at,
        coalesce(
            beginnings.changed_at,
            -- the subscription was seen later, without this item
            case when subscription_ends.last_at > last_sights.last_at then gone.next_seen_at end,
            case when beginnings.status <> 'canceled' then beginnings.cancel_at end
        ) as ends_at,
        beginnings.began_at as life_began_at
    from beginnings
    inner join last_sights
        on
            beginnings.source_system = last_sights.source_system
            and beginnings.subscription = last_sights.subscription
            and beginnings.item = last_sights.item
    inner join subscription_ends
        on
            beginnings.source_system = subscription_ends.source_system
            and beginnings.subscription = subscription_ends.subscription
    inner join moments as gone
        on
            last_sights.source_system = gone.source_system
            and last_sights.subscription = gone.subscription
            and last_sights.last_at = gone.seen_at
),

-- one that had ended before it was ever seen was in force until then
with_lives_before as (
    select
        *,
        status as status_then
    from stretches
    union all
    select
        {%- for column in ['source_system', 'subscription', 'item', 'customer', 'custom', 'is_gone'] + facts + [
            'is_first', 'quantity_before', 'discount', 'discount_before', 'plan_before', 'amount_before', 'status_before', 'was_paused', 'cancellation_reason',
        ] %}
        {{ adapter.quote(column) }},
        {%- endfor %}
        life_began_at as starts_at,
        starts_at as ends_at,
        life_began_at,
        'active' as status_then
    from stretches
    where is_first and status = 'canceled'
)

select
    stretches.source_system,
    stretches.item || ':' || cast(cast(stretches.starts_at as date) as {{ dbt.type_string() }}) || ':' || stretches.status_then as source_id,
    stretches.starts_at as created_at,
    cast(null as timestamp) as updated_at,
    stretches.is_gone as is_deleted,
    stretches.custom,
    stretches.subscription as subscription_id,
    stretches.customer as account_source_id,
    coalesce(products.name, stretches.product) as product,
    stretches.plan,
    case
        when stretches.status_then = 'trialing' then 'trial'
        when stretches.usage_type = 'metered' then 'metered'
        when stretches.{{ adapter.quote('interval') }} is null then 'one_off'
        else 'recurring'
    end as kind,
    case when stretches.is_paused and stretches.status_then = 'active' then 'paused' else stretches.status_then end as status,
    stretches.quantity,
    coalesce(stretches.amount, 0) as amount,
    stretches.currency as currency_code,
    coalesce(stretches.{{ adapter.quote('interval') }}, 'month') as {{ adapter.quote('interval') }},
    coalesce(stretches.interval_count, 1) as interval_count,
    stretches.percent_off as discount_percent,
    stretches.amount_off as discount_amount,
    cast(stretches.discount_end as date) as discount_ends_on,
    cast(stretches.starts_at as date) as starts_on,
    cast(stretches.ends_at as date) as ends_on,
    case
        when stretches.status_then = 'canceled' and stretches.cancellation_reason = 'payment_failed' then 'cancellation_involuntary'
        when stretches.status_then = 'canceled' then 'cancellation_voluntary'
        when stretches.is_first then 'signup'
        when stretches.is_paused and not stretches.was_paused then 'pause'
        when stretches.was_paused and not stretches.is_paused then 'resume'
        when stretches.plan <> stretches.plan_before then 'tier'
        when stretches.quantity <> stretches.quantity_before then 'seats'
        when stretches.amount <> stretches.amount_before then 'price_uplift'
        when stretches.discount <> stretches.discount_before then 'discount'
        else 'other'
    end as change_reason
from with_lives_before as stretches
left join {{ products }} as products
    on
        stretches.source_system = products.source_system
        and stretches.product = products.id
where stretches.ends_at is null or cast(stretches.ends_at as date) > cast(stretches.starts_at as date)
{%- endmacro %}
