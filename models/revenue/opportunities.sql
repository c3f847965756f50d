-- Every deal as it stands at the end of the as-of day.
-- Grain: opportunity_id. Amounts in the reporting currency, at the spot rate of the closing day, else of the as-of day.
-- Left out: deals opened after the as-of day and deals deleted by then.

with

latest_states as (
    select
        *,
        row_number() over (partition by opportunity_id order by valid_from desc) as rank_from_last
    from {{ ref('opportunity_history') }}
),

-- When did the deal enter the closed stage it is in? Re-closed deals count from their last close.
last_open_states as (
    select
        opportunity_id,
        max(case when not is_closed then valid_from end) as last_open_at,
        min(case when is_closed then valid_from end) as first_closed_at
    from {{ ref('opportunity_history') }}
    group by opportunity_id
),

closings as (
    select
        history.opportunity_id,
        history.valid_from as closed_stage_entered_at,
        history.owner_id as closing_owner_id,
        last_open_states.last_open_at,
        row_number() over (partition by history.opportunity_id order by history.valid_from) as rank_from_close,
        -- an earlier close, undone since
        last_open_states.first_closed_at < last_open_states.last_open_at as was_reopened
    from {{ ref('opportunity_history') }} as history
    left join last_open_states
        on history.opportunity_id = last_open_states.opportunity_id
    where
        history.is_closed
        and (last_open_states.last_open_at is null or history.valid_from > last_open_states.last_open_at)
),

closing_moments as (
    select *
    from closings
    where rank_from_close = 1
),

-- Deals whose stage changed after the as-of day: the recorded close belongs to a later state.
later_stage_changes as (
    select distinct
        changes.source_system,
        changes.opportunity_source_id
    from {{ ref('entry_opportunity_changes') }} as changes
    where
        changes.field = 'stage'
        and not changes.is_deleted
        and {{ reporting_date('changes.changed_at') }} > {{ as_of_date() }}
),

dated as (
    select
        latest_states.opportunity_id,
        latest_states.source_system,
        latest_states.source_id,
        -- who closed it, whoever looks after it since
        case
            when latest_states.is_closed then closing_moments.closing_owner_id else latest_states.owner_id
        end as owner_id,
        latest_states.stage,
        latest_states.shared_stage,
        latest_states.stage_order,
        latest_states.is_closed as is_in_closed_stage,
        latest_states.is_won as is_in_won_stage,
        latest_states.is_qualified,
        latest_states.amount_original,
        latest_states.recurring_amount_original,
        latest_states.currency_code,
        latest_states.expected_close_on,
        latest_states.forecast_category,
        latest_states.probability,
        deals.name,
        deals.account_source_id,
        deals.person_source_id,
        deals.campaign_source_id,
        deals.kind,
        deals.product,
        deals.loss_reason,
        deals.lead_source,
        deals.direction,
        coalesce(deals.opened_at, deals.created_at) as opened_at,
        case
            when not latest_states.is_closed then null
            when later_stage_changes.opportunity_source_id is not null then closing_moments.closed_stage_entered_at
            -- the record still carries the close that was undone
            when closing_moments.was_reopened and deals.closed_at < closing_moments.last_open_at
                then closing_moments.closed_stage_entered_at
            when deals.closed_at is not null then deals.closed_at
            -- a close that only the source's own history dates; an inferred moment is no date
            when not latest_states.is_inferred and closing_moments.closed_stage_entered_at > coalesce(
                deals.opened_at, deals.created_at
            ) then closing_moments.closed_stage_entered_at
        end as closed_at
    from latest_states
    inner join {{ ref('entry_opportunities') }} as deals
        on
            latest_states.source_system = deals.source_system
            and latest_states.source_id = deals.source_id
    left join closing_moments
        on latest_states.opportunity_id = closing_moments.opportunity_id
    left join later_stage_changes
        on
            latest_states.source_system = later_stage_changes.source_system
            and latest_states.source_id = later_stage_changes.opportunity_source_id
    where
        latest_states.rank_from_last = 1
        and not latest_states.is_deleted
),

decided as (
    select
        *,
        {{ reporting_date('opened_at') }} as opened_on,
        {{ reporting_date('closed_at') }} as closed_on,
        -- a close dated after the as-of day has not happened yet
        is_in_closed_stage
        and (closed_at is null or {{ reporting_date('closed_at') }} <= {{ as_of_date() }}) as is_closed
    from dated
),

final as (
    select
        decided.opportunity_id,
        decided.source_system,
        decided.source_id,
        coalesce(
            account_members.account_id,
            case
                when decided.account_source_id is not null
                    then {{ surrogate_key(['decided.source_system', 'decided.account_source_id']) }}
            end
        ) as account_id,
        person_members.person_id,
        decided.owner_id,
        decided.kind,
        decided.name,
        decided.product,
        decided.stage,
        decided.shared_stage,
        decided.stage_order,
        decided.is_closed,
        decided.is_closed and decided.is_in_won_stage as is_won,
        decided.is_qualified and not decided.is_closed as is_qualified,
        {{ money('decided.amount_original * currency_rates.rate') }} as amount,
        {{ money('decided.recurring_amount_original * currency_rates.rate') }} as recurring_amount,
        decided.amount_original,
        decided.currency_code,
        decided.probability,
        decided.forecast_category,
        decided.opened_at,
        case when decided.is_closed then decided.closed_at end as closed_at,
        decided.opened_on,
        case when decided.is_closed then decided.closed_on end as closed_on,
        decided.expected_close_on,
        decided.lead_source,
        decided.direction,
        decided.loss_reason,
        case
            when decided.campaign_source_id is not null
                then {{ surrogate_key(['decided.source_system', 'decided.campaign_source_id']) }}
        end as campaign_id,
        users.name as owner_name,
        users.team,
        accounts.segment,
        accounts.region
    from decided
    left join {{ ref('currency_rates') }} as currency_rates
        on
            currency_rates.kind = 'spot'
            and decided.currency_code = currency_rates.currency_code
            and case when decided.is_closed then coalesce(decided.closed_on, {{ as_of_date() }}) else {{ as_of_date() }} end
            >= currency_rates.valid_from
            and case when decided.is_closed then coalesce(decided.closed_on, {{ as_of_date() }}) else {{ as_of_date() }} end
            < currency_rates.valid_to
    left join {{ source('identity', 'account_members') }} as account_members
        on
            decided.source_system = account_members.source_system
            and decided.account_source_id = account_members.source_id
    left join {{ source('identity', 'person_members') }} as person_members
        on
            decided.source_system = person_members.source_system
            and decided.person_source_id = person_members.source_id
    left join {{ ref('users') }} as users
        on decided.owner_id = users.user_id
    left join {{ ref('accounts') }} as accounts
        on account_members.account_id = accounts.account_id
)

select * from final
