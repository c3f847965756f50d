-- The ledger of annual recurring revenue: every change, of which everything recurring is a sum.
-- Grain: movement_id. Classified on the customer's total of the day; changes in opposite directions net out, first within a
-- subscription, then across the customer's subscriptions, largest first; what remains keeps its product, plan and reason.
-- Left out: days after the as-of day; changes of a customer that net to zero.
-- A return counts as reactivation however long it took, or as new after reactivation_max_gap_days of the policy.

{% set max_gap_days = policy_choice('recurring_revenue', 'reactivation_max_gap_days', '') -%}
{% set item = ['source_system', 'account_id', 'subscription_id', 'product', 'plan', 'currency_code'] -%}

with

changes as (
    select
        *,
        {{ money('sum(change_amount) over (partition by source_system, account_id, subscription_id, changed_on)') }}
            as subscription_change
    from {{ ref('recurring_revenue_changes') }}
    where change_amount <> 0
),

-- Within a subscription: items that go the other way eat into the largest items that go the subscription's way.
item_order as (
    select
        *,
        {{ money('sum(abs(change_amount)) over (
            partition by source_system, account_id, subscription_id, changed_on
            order by abs(change_amount) desc, product, plan, currency_code
            rows between unbounded preceding and current row)') }} as running_amount,
        {{ money('sum(abs(change_amount)) over (
            partition by source_system, account_id, subscription_id, changed_on)') }} as way_total
    from changes
    where sign(change_amount) = sign(subscription_change)
),

netted_items as (
    select
        {{ item | join(', ') }},
        changed_on,
        change_amount,
        change_original,
        -- opposite changes of the subscription = way_total - |subscription_change|
        {{ money('sign(change_amount) * (
            greatest(running_amount - (way_total - abs(subscription_change)), 0)
            - greatest(running_amount - abs(change_amount) - (way_total - abs(subscription_change)), 0))') }} as item_amount
    from item_order
),

customer_days as (
    select
        account_id,
        valid_from as changed_on,
        change_amount as customer_change,
        case
            when not was_customer and is_customer and not was_ever_customer then 'new'
            {%- if max_gap_days %}
            when not was_customer and is_customer and {{ days_between('left_on', 'valid_from') }} > {{ max_gap_days }} then 'new'
            {%- endif %}
            when not was_customer and is_customer then 'reactivation'
            when was_customer and not is_customer then 'churn'
            when was_customer and change_amount > 0 then 'expansion'
            when was_customer and change_amount < 0 then 'contraction'
        end as movement
    {%- if max_gap_days %}
    from (
        select
            *,
            max(case when is_customer then valid_to end) over (
                partition by account_id order by valid_from rows between unbounded preceding and 1 preceding
            ) as left_on
        from {{ ref('recurring_revenue_history') }}
    ) as history
    {%- else %}
    from {{ ref('recurring_revenue_history') }}
    {%- endif %}
),

customer_order as (
    select
        netted_items.*,
        customer_days.customer_change,
        customer_days.movement,
        {{ money('sum(abs(netted_items.item_amount)) over (
            partition by netted_items.account_id, netted_items.changed_on
            order by abs(netted_items.item_amount) desc, netted_items.source_system, netted_items.subscription_id,
                netted_items.product, netted_items.plan, netted_items.currency_code
            rows between unbounded preceding and current row)') }} as running_amount,
        {{ money('sum(abs(netted_items.item_amount)) over (
            partition by netted_items.account_id, netted_items.changed_on)') }} as way_total
    from netted_items
    inner join customer_days
        on
            netted_items.account_id = customer_days.account_id
            and netted_items.changed_on = customer_days.changed_on
    where
        netted_items.item_amount <> 0
        and sign(netted_items.item_amount) = sign(customer_days.customer_change)
),

netted as (
    select
        *,
        {{ money('sign(item_amount) * (
            greatest(running_amount - (way_total - abs(customer_change)), 0)
            - greatest(running_amount - abs(item_amount) - (way_total - abs(customer_change)), 0))') }} as amount
    from customer_order
),

-- The period rows that begin or end on a day say why.
starting_periods as (
    select
        source_system,
        source_id,
        account_id,
        subscription_id,
        coalesce(product, 'unknown') as product,
        coalesce(plan, 'unknown') as plan,
        starts_on as changed_on,
        change_reason,
        status
    from {{ ref('subscription_periods') }}
),

ending_periods as (
    select
        source_system,
        source_id,
        account_id,
        subscription_id,
        coalesce(product, 'unknown') as product,
        ends_on as changed_on,
        has_discount,
        status
    from {{ ref('subscription_periods') }}
    where ends_on is not null
),

movements as (
    select
        {{ item | join(', ') }},
        changed_on,
        movement,
        amount,
        case
            when amount = change_amount then change_original
            else {{ money('cast(change_original as double) * cast(amount as double) / cast(change_amount as double)') }}
        end as amount_original
    from netted
    where amount <> 0
    union all
    -- a pause that ended without a return: the customer leaves, the revenue left with the pause
    select
        ended.source_system,
        customer_days.account_id,
        ended.subscription_id,
        ended.product,
        ended.plan,
        ended.currency_code,
        customer_days.changed_on,
        customer_days.movement,
        {{ money('0') }} as amount,
        {{ money('0') }} as amount_original
    from customer_days
    inner join (
        select
            source_system,
            account_id,
            subscription_id,
            coalesce(product, 'unknown') as product,
            coalesce(plan, 'unknown') as plan,
            currency_code,
            ends_on,
            row_number() over (
                partition by account_id, ends_on order by source_system, subscription_id, source_id
            ) as pause_rank
        from {{ ref('subscription_periods') }}
        where status = 'paused' and kind = 'recurring'
    ) as ended
        on
            customer_days.account_id = ended.account_id
            and customer_days.changed_on = ended.ends_on
            and ended.pause_rank = 1
    where customer_days.movement = 'churn' and customer_days.customer_change = 0
    union all
    select
        {{ item | join(', ') }},
        changed_on,
        'currency' as movement,
        currency_amount as amount,
        {{ money('0') }} as amount_original
    from {{ ref('recurring_revenue_changes') }}
    where currency_amount <> 0
),

started as (
    select
        movements.source_system,
        movements.account_id,
        movements.subscription_id,
        movements.product,
        movements.plan,
        movements.currency_code,
        movements.changed_on,
        starting_periods.change_reason,
        starting_periods.status,
        row_number() over (
            partition by
                movements.source_system, movements.account_id, movements.subscription_id, movements.product,
                movements.plan, movements.currency_code, movements.changed_on
            order by
                case when starting_periods.product = movements.product and starting_periods.plan = movements.plan then 0 else 1 end,
                case when starting_periods.product = movements.product then 0 else 1 end,
                case when starting_periods.change_reason is null then 1 else 0 end,
                starting_periods.source_id
        ) as preference
    from movements
    inner join starting_periods
        on
            movements.source_system = starting_periods.source_system
            and movements.account_id = starting_periods.account_id
            and movements.subscription_id = starting_periods.subscription_id
            and movements.changed_on = starting_periods.changed_on
    where movements.movement <> 'currency'
),

ended as (
    select
        source_system,
        account_id,
        subscription_id,
        changed_on,
        max(case when has_discount then 1 else 0 end) as ends_discount,
        max(case when status = 'paused' then 1 else 0 end) as ends_pause
    from ending_periods
    group by source_system, account_id, subscription_id, changed_on
),

touched_rows as (
    select
        source_system,
        account_id,
        subscription_id,
        changed_on,
        {{ ordered_array('source_id') }} as source_ids
    from (
        select source_system, account_id, subscription_id, changed_on, source_id from starting_periods
        union all
        select source_system, account_id, subscription_id, changed_on, source_id from ending_periods
    ) as touching
    group by source_system, account_id, subscription_id, changed_on
),

items_rows as (
    select
        source_system,
        account_id,
        subscription_id,
        {{ ordered_array('source_id') }} as source_ids
    from {{ ref('subscription_periods') }}
    group by source_system, account_id, subscription_id
)

select
    {{ surrogate_key([
        'movements.source_system', 'movements.account_id', 'movements.subscription_id', 'movements.product',
        'movements.plan', 'movements.currency_code', 'movements.changed_on', 'movements.movement',
    ]) }} as movement_id,
    movements.account_id,
    movements.changed_on as occurred_on,
    movements.movement,
    case
        when movements.movement = 'currency' then 'exchange_rate'
        when started.change_reason is not null then started.change_reason
        when coalesce(ended.ends_discount, 0) = 1 and movements.movement <> 'churn' then 'discount'
        when started.status = 'paused' then 'pause'
        when coalesce(ended.ends_pause, 0) = 1 and movements.amount > 0 then 'resume'
    end as reason,
    movements.amount,
    movements.amount_original,
    movements.currency_code,
    movements.product,
    movements.plan,
    movements.subscription_id,
    movements.source_system,
    coalesce(touched_rows.source_ids, items_rows.source_ids) as source_ids,
    accounts.segment,
    accounts.region
from movements
left join started
    on
        movements.source_system = started.source_system
        and movements.account_id = started.account_id
        and movements.subscription_id = started.subscription_id
        and movements.product = started.product
        and movements.plan = started.plan
        and movements.currency_code = started.currency_code
        and movements.changed_on = started.changed_on
        and started.preference = 1
        and movements.movement <> 'currency'
left join ended
    on
        movements.source_system = ended.source_system
        and movements.account_id = ended.account_id
        and movements.subscription_id = ended.subscription_id
        and movements.changed_on = ended.changed_on
left join touched_rows
    on
        movements.source_system = touched_rows.source_system
        and movements.account_id = touched_rows.account_id
        and movements.subscription_id = touched_rows.subscription_id
        and movements.changed_on = touched_rows.changed_on
left join items_rows
    on
        movements.source_system = items_rows.source_system
        and movements.account_id = items_rows.account_id
        and movements.subscription_id = items_rows.subscription_id
left join {{ ref('accounts') }} as accounts
    on movements.account_id = accounts.account_id
