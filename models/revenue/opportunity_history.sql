-- In which state was each deal, from when to when?
-- Grain: opportunity_id, valid_from. Built from the source's own field history; where it has none, a deal counts as open in
-- an unknown stage until it closed (is_inferred). Probability and forecast category without a history of their own are known
-- from the last change of stage on. What changed after the as-of day does not exist.
-- Left out: deals opened after the as-of day. Deals deleted at the source stay, flagged.

{% set fields = [
    'stage', 'amount', 'recurring_amount', 'expected_close_on', 'owner_source_id', 'forecast_category', 'probability',
    'is_deleted',
] -%}
{#- What a source derives from the stage: without a history of its own it says nothing about stages before. -#}
{% set follow_the_stage = ['forecast_category', 'probability'] -%}

with

deals as (
    select
        {{ surrogate_key(['source_system', 'source_id']) }} as opportunity_id,
        source_system,
        source_id,
        coalesce(kind, 'unknown') as kind,
        currency_code,
        coalesce(opened_at, created_at) as opened_at,
        closed_at,
        -- a close after the as-of day says nothing about when the deal began
        case when {{ reporting_date('closed_at') }} <= {{ as_of_date() }} then closed_at end as known_close,
        updated_at,
        stage,
        cast(amount as {{ dbt.type_string() }}) as amount,
        cast(recurring_amount as {{ dbt.type_string() }}) as recurring_amount,
        cast(expected_close_on as {{ dbt.type_string() }}) as expected_close_on,
        owner_source_id,
        forecast_category,
        cast(probability as {{ dbt.type_string() }}) as probability,
        case when is_deleted then 'true' else 'false' end as is_deleted
    from {{ ref('entry_opportunities') }}
    where
        coalesce(opened_at, created_at) is null
        or {{ reporting_date('coalesce(opened_at, created_at)') }} <= {{ as_of_date() }}
),

native_changes as (
    select
        deals.opportunity_id,
        changes.field,
        changes.changed_at,
        changes.old_value,
        changes.new_value,
        row_number() over (
            partition by deals.opportunity_id, changes.field
            order by changes.changed_at asc, changes.source_id asc
        ) as change_number,
        row_number() over (
            partition by deals.opportunity_id, changes.field
            order by changes.changed_at desc, changes.source_id desc
        ) as change_number_from_last,
        row_number() over (
            partition by deals.opportunity_id, changes.field, changes.changed_at
            order by changes.source_id desc
        ) as rank_at_moment
    from {{ ref('entry_opportunity_changes') }} as changes
    inner join deals
        on
            changes.source_system = deals.source_system
            and changes.opportunity_source_id = deals.source_id
    where not changes.is_deleted
),

{% for field in fields %}
{{ field }}_values as (
    select
        deals.opportunity_id,
        deals.opened_at,
        deals.closed_at,
        deals.updated_at,
        deals.{{ field }} as current_value,
        first_change.old_value as first_value,
        first_change.opportunity_id is not null as has_history,
        last_change.new_value as last_value,
        last_change.changed_at as last_changed_at
        {%- if field == 'stage' %},
        coalesce(stage_rules.is_closed, false) as is_closed_now
        {%- endif %}
    from deals
    left join native_changes as first_change
        on
            deals.opportunity_id = first_change.opportunity_id
            and first_change.field = '{{ field }}'
            and first_change.change_number = 1
    left join native_changes as last_change
        on
            deals.opportunity_id = last_change.opportunity_id
            and last_change.field = '{{ field }}'
            and last_change.change_number_from_last = 1
    {%- if field == 'stage' %}
    left join {{ ref('stage_rules') }} as stage_rules
        on
            deals.source_system = stage_rules.source_system
            and deals.kind = stage_rules.kind
            and deals.stage = stage_rules.stage
    {%- endif %}
),

{% endfor -%}

first_moments as (
    select
        deals.opportunity_id,
        coalesce(
            least(
                coalesce(deals.opened_at, deals.known_close, min(native_changes.changed_at)),
                coalesce(min(native_changes.changed_at), deals.opened_at, deals.known_close)
            ),
            -- nothing is known about when it began: it is here now
            cast({{ as_of_date() }} as timestamp)
        ) as began_at
    from deals
    left join native_changes
        on deals.opportunity_id = native_changes.opportunity_id
    group by deals.opportunity_id, deals.opened_at, deals.known_close
),

value_events as (
    {%- for field in fields %}
    -- the value of {{ field }} when the deal began
    select
        {{ field }}_values.opportunity_id,
        first_moments.began_at as moment,
        '{{ field }}' as field,
        case
            when {{ field }}_values.has_history then {{ field }}_values.first_value
            {%- if field in follow_the_stage %}
            when
                stage_values.has_history
                or (stage_values.is_closed_now and stage_values.closed_at > first_moments.began_at)
                then null
            {%- endif %}
            {%- if field == 'stage' %}
            when
                stage_values.is_closed_now and stage_values.closed_at is not null
                and stage_values.closed_at > first_moments.began_at
                then null
            {%- endif %}
            else {{ field }}_values.current_value
        end as field_value,
        0 as precedence,
        false as is_inferred
    from {{ field }}_values
    inner join first_moments
        on {{ field }}_values.opportunity_id = first_moments.opportunity_id
    {%- if field in follow_the_stage %}
    inner join stage_values
        on {{ field }}_values.opportunity_id = stage_values.opportunity_id
    union all
    select
        {{ field }}_values.opportunity_id,
        case
            when stage_values.has_history and stage_values.last_value <> stage_values.current_value
                then greatest(
                    coalesce(stage_values.updated_at, stage_values.last_changed_at), stage_values.last_changed_at
                )
            else coalesce(stage_values.last_changed_at, stage_values.closed_at)
        end as moment,
        '{{ field }}' as field,
        {{ field }}_values.current_value as field_value,
        1 as precedence,
        false as is_inferred
    from {{ field }}_values
    inner join stage_values
        on {{ field }}_values.opportunity_id = stage_values.opportunity_id
    where
        not {{ field }}_values.has_history
        and (stage_values.has_history or stage_values.is_closed_now)
    {%- endif %}
    union all
    -- what the record says now, where its history does not
    select
        {{ field }}_values.opportunity_id,
        {%- if field == 'stage' %}
        case
            when
                stage_values.is_closed_now and stage_values.closed_at is not null
                and stage_values.closed_at >= coalesce(stage_values.last_changed_at, stage_values.closed_at)
                then stage_values.closed_at
            else
                greatest(
                    coalesce(stage_values.updated_at, stage_values.last_changed_at),
                    coalesce(stage_values.last_changed_at, stage_values.updated_at)
                )
        end as moment,
        {%- else %}
        greatest(
            coalesce({{ field }}_values.updated_at, {{ field }}_values.last_changed_at), {{ field }}_values.last_changed_at
        ) as moment,
        {%- endif %}
        '{{ field }}' as field,
        {{ field }}_values.current_value as field_value,
        2 as precedence,
        true as is_inferred
    from {{ field }}_values
    {%- if field == 'stage' %}
    inner join first_moments
        on stage_values.opportunity_id = first_moments.opportunity_id
    {%- endif %}
    where
        (
            {{ field }}_values.has_history
            and coalesce({{ field }}_values.last_value, '') <> coalesce({{ field }}_values.current_value, '')
            {%- if field in ['amount', 'recurring_amount', 'probability'] %}
            and coalesce({{ try_cast(field ~ '_values.last_value', 'decimal(38, 6)') }}, -1)
            <> coalesce({{ try_cast(field ~ '_values.current_value', 'decimal(38, 6)') }}, -1)
            {%- elif field == 'is_deleted' %}
            and (lower({{ field }}_values.last_value) in ('true', 't', '1')) <> ({{ field }}_values.current_value = 'true')
            {%- elif field == 'expected_close_on' %}
            and coalesce({{ try_cast(field ~ '_values.last_value', 'date') }}, {{ as_of_date() }})
            <> coalesce({{ try_cast(field ~ '_values.current_value', 'date') }}, {{ as_of_date() }})
            {%- endif %}
        )
        {%- if field == 'stage' %}
        or (
            not stage_values.has_history
            and stage_values.is_closed_now
            and stage_values.closed_at > first_moments.began_at
        )
        {%- endif %}
    union all
    {%- endfor %}
    select
        opportunity_id,
        changed_at as moment,
        field,
        new_value as field_value,
        1 as precedence,
        false as is_inferred
    from native_changes
    where rank_at_moment = 1
),

existing_events as (
    select
        *,
        row_number() over (
            partition by opportunity_id, field, moment
            order by precedence desc
        ) as rank_at_moment
    from value_events
    where moment is not null and {{ reporting_date('moment') }} <= {{ as_of_date() }}
),

moments as (
    select
        opportunity_id,
        moment,
        {%- for field in fields %}
        max(case when field = '{{ field }}' then field_value end) as {{ field }},
        max(case when field = '{{ field }}' then 1 else 0 end) as has_{{ field }},
        {%- endfor %}
        max(case when is_inferred then 1 else 0 end) as has_inferred
    from existing_events
    where rank_at_moment = 1
    group by opportunity_id, moment
),

numbered as (
    select
        opportunity_id,
        moment,
        has_inferred,
        has_stage,
        {%- for field in fields %}
        {{ field }},
        sum(has_{{ field }}) over (
            partition by opportunity_id order by moment rows between unbounded preceding and current row
        ) as {{ field }}_number,
        {%- endfor %}
        lead(moment) over (partition by opportunity_id order by moment) as next_moment
    from moments
),

states as (
    select
        opportunity_id,
        moment as valid_from,
        next_moment as valid_to,
        {%- for field in fields %}
        max({{ field }}) over (partition by opportunity_id, {{ field }}_number) as {{ field }},
        {%- endfor %}
        has_stage = 1 as enters_stage,
        has_inferred = 1 as is_inferred
    from numbered
),

final as (
    select
        states.opportunity_id,
        deals.source_system,
        deals.source_id,
        states.valid_from,
        states.valid_to,
        states.stage,
        stage_rules.shared_stage,
        stage_rules.stage_order,
        coalesce(stage_rules.is_closed, false) as is_closed,
        coalesce(stage_rules.is_won, false) as is_won,
        coalesce(stage_rules.is_qualified, false) as is_qualified,
        {{ money(try_cast('states.amount', 'decimal(18, 4)')) }} as amount_original,
        {{ money(try_cast('states.recurring_amount', 'decimal(18, 4)')) }} as recurring_amount_original,
        coalesce(upper(trim(deals.currency_code)), '{{ var("reporting_currency") }}') as currency_code,
        {{ try_cast('substring(states.expected_close_on, 1, 10)', 'date') }} as expected_close_on,
        case
            when states.owner_source_id is not null
                then {{ surrogate_key(['deals.source_system', 'states.owner_source_id']) }}
        end as owner_id,
        states.forecast_category,
        {{ try_cast('states.probability', 'double') }} as probability,
        -- a deal deleted by now leaves every count, earlier days included; one restored since was gone for a while
        deals.is_deleted = 'true' or coalesce(lower(states.is_deleted) in ('true', 't', '1'), false) as is_deleted,
        states.is_inferred
    from states
    inner join deals
        on states.opportunity_id = deals.opportunity_id
    left join {{ ref('stage_rules') }} as stage_rules
        on
            deals.source_system = stage_rules.source_system
            and deals.kind = stage_rules.kind
            and states.stage = stage_rules.stage
)

select * from final
