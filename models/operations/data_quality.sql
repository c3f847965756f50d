-- What is wrong with the data of this run, and where does it lie?
-- Grain: run_id, test. severity error stops the publication, warning only with `strict: true`, notice never.
-- Left out: checks that found nothing.

{% set spelled = [
    ('accounts', 'industry'), ('accounts', 'segment'), ('accounts', 'region'), ('users', 'team'), ('users', 'region'),
    ('opportunities', 'product'), ('opportunities', 'lead_source'), ('spend', 'channel'), ('campaigns', 'channel'),
    ('subscription_periods', 'product'), ('subscription_periods', 'plan'),
] -%}

with

this_run as (
    select max(run_id) as run_id
    from {{ source('run', 'runs') }}
    where status = 'running'
),

deals as (
    select *
    from {{ ref('entry_opportunities') }}
    where not is_deleted
),

currencies as (
    select source_system, 'opportunities' as entity, upper(trim(currency_code)) as currency_code, 'spot' as kind,
        coalesce({{ reporting_date('closed_at') }}, {{ as_of_date() }}) as needed_on
    from deals
    where amount is not null
    union all
    select source_system, 'subscription_periods' as entity, upper(trim(currency_code)) as currency_code, 'recurring' as kind, starts_on as needed_on
    from {{ ref('entry_subscription_periods') }}
    where not is_deleted and amount > 0 and starts_on <= {{ as_of_date() }}
    union all
    select source_system, 'contracts' as entity, upper(trim(currency_code)) as currency_code, 'recurring' as kind,
        least(coalesce(term_ends_on, term_starts_on), {{ as_of_date() }}) as needed_on
    from {{ ref('entry_contracts') }}
    where not is_deleted
    union all
    select source_system, 'spend' as entity, upper(trim(currency_code)) as currency_code, 'spot' as kind, spent_on as needed_on
    from {{ ref('entry_spend') }}
    where not is_deleted and spent_on <= {{ as_of_date() }}
    union all
    select source_system, 'forecasts' as entity, upper(trim(currency_code)) as currency_code, 'spot' as kind,
        {{ reporting_date('submitted_at') }} as needed_on
    from {{ ref('entry_forecasts') }}
    where not is_deleted
),

words as (
    {%- for entity, column in spelled %}
    select
        source_system,
        '{{ entity }}' as entity,
        '{{ column }}' as column_name,
        {{ column }} as word,
        count(*) as row_count
    from {{ ref('entry_' ~ entity) }}
    where not is_deleted and {{ column }} is not null
    group by source_system, {{ column }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

references_of_words as (
    select
        source_system,
        entity,
        column_name,
        word,
        row_count
    from words
    union all
    select
        cast(null as {{ dbt.type_string() }}) as source_system,
        cast(null as {{ dbt.type_string() }}) as entity,
        column_name,
        word,
        cast(null as bigint) as row_count
    from {{ ref('known_words') }}
),

spellings as (
    select
        words.source_system,
        words.entity,
        words.column_name,
        words.word,
        words.row_count,
        min(references_of_words.word) as meant
    from words
    inner join references_of_words
        on
            words.column_name = references_of_words.column_name
            and words.word <> references_of_words.word
            and (
                -- a known word, or the more frequent spelling of the same entity and column
                references_of_words.row_count is null
                or (
                    words.entity = references_of_words.entity
                    and (
                        words.row_count < references_of_words.row_count
                        or (words.row_count = references_of_words.row_count and words.word > references_of_words.word)
                    )
                )
            )
            and (
                {{ plain_letters('words.word') }} = {{ plain_letters('references_of_words.word') }}
                or (
                    {{ digits('words.word') }} = {{ digits('references_of_words.word') }}
                    and {{ edit_distance('lower(words.word)', 'lower(references_of_words.word)') }}
                    <= case when length(words.word) < 8 then 1 else 2 end
                    and length(words.word) >= 6
                    and length(references_of_words.word) >= 6
                    -- one word: "Team East" and "Team West" are two names
                    and words.word not like '% %'
                    and references_of_words.word not like '% %'
                )
            )
    left join {{ ref('known_words') }} as known
        on
            words.column_name = known.column_name
            and lower(words.word) = known.word
    where known.word is null
    group by words.source_system, words.entity, words.column_name, words.word, words.row_count
),

findings as (
    select
        'missing_exchange_rate:' || currencies.source_system || ':' || currencies.entity || ':' || currencies.currency_code as test,
        'error' as severity,
        currencies.source_system,
        currencies.entity,
        count(*) as failing_rows,
        'No exchange rate from ' || currencies.currency_code || ' to {{ var("reporting_currency") }}, first needed on '
        || cast(min(currencies.needed_on) as {{ dbt.type_string() }}) || '; add it to exchange_rates.csv.' as message
    from currencies
    left join {{ ref('currency_rates') }} as rates
        on
            currencies.kind = rates.kind
            and currencies.currency_code = rates.currency_code
            and currencies.needed_on >= rates.valid_from
            and currencies.needed_on < rates.valid_to
    where currencies.currency_code is not null and rates.rate is null
    group by currencies.source_system, currencies.entity, currencies.currency_code
    union all
    select
        'unmapped_stage:' || deals.source_system || ':' || deals.stage || case when deals.kind is null then '' else ':' || deals.kind end as test,
        'warning' as severity,
        deals.source_system,
        'opportunities' as entity,
        count(*) as failing_rows,
        'No rule maps the stage "' || deals.stage || '"; its deals count as open. Add it to stage_mapping.csv.' as message
    from deals
    inner join {{ ref('stage_rules') }} as stage_rules
        on
            deals.source_system = stage_rules.source_system
            and deals.stage = stage_rules.stage
            and coalesce(deals.kind, 'unknown') = stage_rules.kind
    where not stage_rules.is_mapped
    group by deals.source_system, deals.stage, deals.kind
    union all
    select
        'closed_without_date:' || deals.source_system as test,
        'warning' as severity,
        deals.source_system,
        'opportunities' as entity,
        count(*) as failing_rows,
        'Deals in a closed stage have no closing day; they are in no period.' as message
    from deals
    inner join {{ ref('stage_rules') }} as stage_rules
        on
            deals.source_system = stage_rules.source_system
            and deals.stage = stage_rules.stage
            and coalesce(deals.kind, 'unknown') = stage_rules.kind
    where stage_rules.is_closed and deals.closed_at is null
    group by deals.source_system
    union all
    select
        'opened_on_unknown_day:' || source_system as test,
        'notice' as severity,
        source_system,
        'opportunities' as entity,
        count(*) as failing_rows,
        'Deals have no opening day; they are in no created cohort and have no cycle.' as message
    from deals
    where opened_at is null and created_at is null
    group by source_system
    union all
    select
        'closed_before_opened:' || source_system as test,
        'warning' as severity,
        source_system,
        'opportunities' as entity,
        count(*) as failing_rows,
        'Deals closed before they were opened; they have no cycle.' as message
    from deals
    where closed_at < coalesce(opened_at, created_at)
    group by source_system
    union all
    select
        'deal_without_account:' || source_system as test,
        'notice' as severity,
        source_system,
        'opportunities' as entity,
        count(*) as failing_rows,
        'Deals name no account; they are in the slice unknown of segment and region.' as message
    from deals
    where account_source_id is null
    group by source_system
    union all
    select
        'deal_with_unknown_account:' || deals.source_system as test,
        'warning' as severity,
        deals.source_system,
        'opportunities' as entity,
        count(*) as failing_rows,
        'Deals name an account that the source does not have.' as message
    from deals
    left join {{ ref('entry_accounts') }} as accounts
        on
            deals.source_system = accounts.source_system
            and deals.account_source_id = accounts.source_id
    where
        deals.account_source_id is not null
        and accounts.source_id is null
        and {{ "false" if 'accounts' in var('missing_entities') else "true" }}
    group by deals.source_system
    union all
    select
        'deal_with_unknown_owner:' || deals.source_system as test,
        'warning' as severity,
        deals.source_system,
        'opportunities' as entity,
        count(*) as failing_rows,
        'Deals name an owner that the source does not have; they are in the team unknown.' as message
    from deals
    left join {{ ref('entry_users') }} as users
        on
            deals.source_system = users.source_system
            and deals.owner_source_id = users.source_id
    where
        deals.owner_source_id is not null
        and users.source_id is null
        and {{ "false" if 'users' in var('missing_entities') else "true" }}
    group by deals.source_system
    union all
    select
        'owner_without_deals:' || users.source_system as test,
        'notice' as severity,
        users.source_system,
        'users' as entity,
        count(*) as failing_rows,
        'Users own no deal: ' || min(users.name) || case when count(*) > 1 then ' and others.' else '.' end as message
    from {{ ref('entry_users') }} as users
    inner join (select distinct source_system from deals) as systems
        on users.source_system = systems.source_system
    left join deals
        on
            users.source_system = deals.source_system
            and users.source_id = deals.owner_source_id
    where
        not users.is_deleted
        and coalesce(users.department, 'sales') = 'sales'
        and deals.source_id is null
    group by users.source_system
    union all
    select
        'negative_amount:' || source_system as test,
        'warning' as severity,
        source_system,
        'subscription_periods' as entity,
        count(*) as failing_rows,
        'Subscription periods have a negative amount; they are left out of recurring revenue.' as message
    from {{ ref('entry_subscription_periods') }}
    where not is_deleted and amount < 0
    group by source_system
    union all
    select
        'negative_contract_amount:' || source_system as test,
        'warning' as severity,
        source_system,
        'contracts' as entity,
        count(*) as failing_rows,
        'Contracts have a negative amount; they are left out of renewals.' as message
    from {{ ref('entry_contracts') }}
    where not is_deleted and annual_recurring_amount < 0
    group by source_system
    union all
    select
        'period_ends_before_it_starts:' || source_system as test,
        'warning' as severity,
        source_system,
        'subscription_periods' as entity,
        count(*) as failing_rows,
        'Subscription periods end on or before the day they start; they were never in force.' as message
    from {{ ref('entry_subscription_periods') }}
    where not is_deleted and ends_on <= starts_on
    group by source_system
    union all
    select
        'spelling:' || source_system || ':' || entity || ':' || column_name || ':' || word as test,
        'warning' as severity,
        source_system,
        entity,
        row_count as failing_rows,
        column_name || ' "' || word || '" looks like another spelling of "' || meant || '".' as message
    from spellings
    union all
    select
        'source_problem:' || source_system || ':' || entity || ':' || coalesce(column_name, '') || ':' || problem as test,
        case when severity = 'error' then 'warning' else 'notice' end as severity,
        source_system,
        entity,
        count(*) as failing_rows,
        min(location) || case when min(row_number) is null then '' else ', first in row ' || cast(min(row_number) as {{ dbt.type_string() }}) end
        || ': ' || coalesce(column_name || ' ', '')
        -- one value only, and none of a person: the extraction keeps those out
        || case when min(value) = max(value) and min(value) <> '' then '"' || min(value) || '"' else '' end
        || ': ' || problem as message
    from {{ source('run', 'problems') }}
    group by source_system, entity, column_name, problem, severity
)

select
    this_run.run_id,
    findings.test,
    findings.severity,
    findings.source_system,
    findings.entity,
    cast(findings.failing_rows as bigint) as failing_rows,
    findings.message
from findings
cross join this_run
