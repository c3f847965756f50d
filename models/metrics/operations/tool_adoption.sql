-- Tool adoption: which tools are used, by which department, at what cost, and which overlap?
-- Grain: tool, department. From the latest answer of each person within the twelve months to the as-of day: a user is somebody who
-- used the tool in the 30 days before the answer, or uses it at least once a week.
-- Left out: answers older than twelve months. The cost of a tool is one, whoever answers; a department gets its part by answers.

with

answers as (
    select
        trim(tool) as tool,
        trim(department) as department,
        coalesce(uses_per_week >= 1, false)
        or coalesce(last_used_on >= {{ date_add('day', -30, 'answered_on') }}, false) as is_user,
        uses_per_week,
        monthly_cost,
        upper(coalesce(trim(currency_code), '{{ var("reporting_currency") }}')) as currency_code,
        answered_on,
        person_source_id,
        row_number() over (
            partition by
                source_system, trim(tool), trim(department),
                -- an answer without a person is a person of its own
                coalesce(person_source_id, source_id)
            order by answered_on desc, source_id
        ) as rank_from_last
    from {{ ref('entry_tool_usage') }}
    where
        not is_deleted
        and answered_on <= {{ as_of_date() }}
        and answered_on > {{ date_add('month', -12, as_of_date()) }}
),

purposes as (
    select
        lower(trim(tool)) as tool,
        lower(trim(purpose)) as purpose
    from {{ ref('tool_purposes') }}
),

by_department as (
    select
        tool,
        department,
        count(*) as respondents,
        sum(case when is_user then 1 else 0 end) as users,
        cast(avg(cast(coalesce(uses_per_week, 0) as decimal(38, 9))) as double) as uses_per_week,
        max(answered_on) as last_answered_on
    from answers
    where rank_from_last = 1
    group by tool, department
),

costs as (
    select
        answers.tool,
        max({{ money('answers.monthly_cost') }} * currency_rates.rate) as monthly_cost
    from answers
    left join {{ ref('currency_rates') }} as currency_rates
        on
            currency_rates.kind = 'spot'
            and answers.currency_code = currency_rates.currency_code
            and {{ as_of_date() }} >= currency_rates.valid_from
            and {{ as_of_date() }} < currency_rates.valid_to
    where answers.rank_from_last = 1
    group by answers.tool
),

by_tool as (
    select
        tool,
        sum(respondents) as respondents,
        count(*) as departments
    from by_department
    group by tool
),

same_purpose as (
    select
        own.tool,
        own.department,
        {{ ordered_array("other.tool || ' (' || other.department || ')'") }} as overlaps_with
    from by_department as own
    inner join purposes as own_purpose
        on lower(own.tool) = own_purpose.tool
    inner join purposes as other_purpose
        on
            own_purpose.purpose = other_purpose.purpose
            and own_purpose.tool <> other_purpose.tool
    inner join by_department as other
        on other_purpose.tool = lower(other.tool)
    group by own.tool, own.department
)

select
    by_department.tool,
    by_department.department,
    purposes.purpose,
    cast(by_department.respondents as bigint) as respondents,
    cast(by_department.users as bigint) as users,
    {{ safe_divide('by_department.users', 'by_department.respondents') }} as adoption,
    {{ wilson('by_department.users', 'by_department.respondents', '-') }} as adoption_low,
    {{ wilson('by_department.users', 'by_department.respondents', '+') }} as adoption_high,
    cast(by_department.uses_per_week as double) as uses_per_week,
    case
        when by_department.respondents < 3 then 'too_few_answers'
        when by_department.users = 0 then 'unused'
        when {{ wilson('by_department.users', 'by_department.respondents', '+') }} < 0.5 then 'rarely_used'
        else 'used'
    end as status,
    {{ money('costs.monthly_cost') }} as monthly_cost,
    {{ decimal_divide(money('costs.monthly_cost') ~ ' * by_department.respondents', 'cast(by_tool.respondents as bigint)') }}
        as monthly_cost_share,
    {{ decimal_divide(
        money('costs.monthly_cost') ~ ' * (12 * (by_department.respondents - by_department.users))',
        'cast(by_tool.respondents as bigint)'
    ) }} as yearly_cost_unused,
    cast(by_tool.departments as bigint) as departments,
    coalesce(same_purpose.overlaps_with, {{ text_array([]) }}) as overlaps_with,
    by_department.last_answered_on
from by_department
inner join by_tool
    on by_department.tool = by_tool.tool
left join costs
    on by_department.tool = costs.tool
left join purposes
    on lower(by_department.tool) = purposes.tool
left join same_purpose
    on
        by_department.tool = same_purpose.tool
        and by_department.department = same_purpose.department
