-- Pipeline waterfall: how did the open pipeline get from the start of the month to its end?
-- Grain: period_start, bucket. opening + created + reopened + increased + decreased + won + lost + deleted = closing; opening and
-- closing are read from the states of the deals, the buckets from their changes. Amounts at the exchange rate of the as-of day, so
-- that no bucket is currency.
-- Left out: deals without an amount.

with

states as (
    select
        history.opportunity_id,
        history.valid_from,
        {{ reporting_date('history.valid_from') }} as changed_on,
        {{ reporting_date('history.valid_to') }} as ended_on,
        history.is_closed,
        history.is_won,
        history.is_deleted,
        case
            when history.is_closed or history.is_deleted then {{ money('0') }}
            else {{ money('coalesce(history.amount_original, 0) * currency_rates.rate') }}
        end as open_amount
    from {{ ref('opportunity_history') }} as history
    left join {{ ref('currency_rates') }} as currency_rates
        on
            currency_rates.kind = 'spot'
            and history.currency_code = currency_rates.currency_code
            and {{ as_of_date() }} >= currency_rates.valid_from
            and {{ as_of_date() }} < currency_rates.valid_to
),

followed as (
    select
        *,
        lag(open_amount) over (partition by opportunity_id order by valid_from) as amount_before,
        lag(is_closed) over (partition by opportunity_id order by valid_from) as was_closed,
        lag(is_deleted) over (partition by opportunity_id order by valid_from) as was_deleted
    from states
),

changes as (
    select
        opportunity_id,
        changed_on,
        open_amount - coalesce(amount_before, 0) as amount,
        case
            when amount_before is null then 'created'
            when is_deleted and not was_deleted then 'deleted'
            when not is_deleted and was_deleted then 'reopened'
            when is_closed and not was_closed and is_won then 'won'
            when is_closed and not was_closed then 'lost'
            when was_closed and not is_closed then 'reopened'
            when open_amount > amount_before then 'increased'
            when open_amount < amount_before then 'decreased'
        end as bucket
    from followed
),

months as (
    select
        period_start,
        period_end,
        last_day,
        {{ date_add('day', -1, 'period_start') }} as day_before
    from {{ ref('reporting_periods') }}
    where grain = 'month'
),

buckets as (
    {%- for bucket in ['opening', 'created', 'reopened', 'increased', 'decreased', 'won', 'lost', 'deleted', 'closing'] %}
    select
        cast('{{ bucket }}' as {{ dbt.type_string() }}) as bucket,
        {{ loop.index }} as position
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

moved as (
    select
        months.period_start,
        changes.bucket,
        sum(changes.amount) as amount,
        count(distinct changes.opportunity_id) as deals
    from months
    inner join changes
        on
            months.period_start <= changes.changed_on
            and months.last_day >= changes.changed_on
    where changes.bucket is not null and changes.amount <> 0
    group by months.period_start, changes.bucket
    union all
    select
        months.period_start,
        'opening' as bucket,
        sum(states.open_amount) as amount,
        count(case when states.open_amount > 0 then 1 end) as deals
    from months
    inner join states
        on
            months.day_before >= states.changed_on
            and (states.ended_on is null or months.day_before < states.ended_on)
    group by months.period_start
    union all
    select
        months.period_start,
        'closing' as bucket,
        sum(states.open_amount) as amount,
        count(case when states.open_amount > 0 then 1 end) as deals
    from months
    inner join states
        on
            months.last_day >= states.changed_on
            and (states.ended_on is null or months.last_day < states.ended_on)
    group by months.period_start
)

select
    months.period_start,
    months.period_end,
    buckets.bucket,
    cast(buckets.position as bigint) as position,
    {{ money('coalesce(moved.amount, 0)') }} as amount,
    cast(coalesce(moved.deals, 0) as bigint) as deals
from months
cross join buckets
left join moved
    on
        months.period_start = moved.period_start
        and buckets.bucket = moved.bucket
