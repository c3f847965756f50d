-- Team support: which team falls behind its targets, its peers or its own past, and on which KPI?
-- Grain: period_start, team. Work of the fiscal quarter and the one before it, against teams of the same department and against the
-- team's own two years before, on cases of the same kind, stage and segment. Behind: a permutation test within those strata at a
-- false discovery rate of 5 % over the quarter, and a fifth worse. The KPI shown is the one with the least chance of being noise.
-- Left out: people; teams without cases. With fewer than 10 cases on either side nothing is compared, and it says so.

-- depends_on: {{ ref('leads') }}, {{ ref('tickets') }}, {{ ref('stage_intervals') }}, {{ ref('users') }}

with

compared as (
    select
        *,
        is_behind_peers or is_behind_own_past as is_behind,
        least(coalesce(peers_false_discovery_rate, 1), coalesce(past_false_discovery_rate, 1)) as least_rate
    from {{ source('insight', 'team_comparisons') }}
),

ranked as (
    select
        *,
        row_number() over (
            partition by period_start, team
            order by case when is_behind then 0 else 1 end, least_rate, cases desc, kpi
        ) as place
    from compared
),

behind as (
    select
        period_start,
        team,
        coalesce({{ ordered_array('case when is_behind then kpi end') }}, {{ text_array([]) }}) as kpis_behind
    from compared
    group by period_start, team
),

departments as (
    select
        team,
        min(department) as department
    from {{ ref('users') }}
    where team is not null
    group by team
),

quotas as (
    select
        period_start,
        dimension_value as team,
        sum(target) as target
    from {{ ref('kpi_targets') }}
    where kpi = 'quota_attainment' and dimension = 'team' and grain = 'quarter' and variant = 'default'
    group by period_start, dimension_value
),

periods as (
    select
        period_start,
        period_end,
        last_day
    from {{ ref('reporting_periods') }}
    where grain = 'quarter'
),

won as (
    select
        periods.period_start,
        deals.team,
        sum(deals.amount) as amount
    from periods
    inner join {{ ref('opportunities') }} as deals
        on
            deals.is_won
            and periods.period_start <= deals.closed_on
            and periods.last_day >= deals.closed_on
    group by periods.period_start, deals.team
)

select
    ranked.period_start,
    periods.period_end,
    ranked.team,
    departments.department,
    ranked.is_behind as needs_support,
    behind.kpis_behind,
    ranked.kpi,
    ranked.cases,
    ranked.actual,
    ranked.peer_cases,
    ranked.peers,
    ranked.past_cases,
    ranked.own_past,
    ranked.peers_false_discovery_rate,
    ranked.past_false_discovery_rate,
    ranked.is_behind_peers,
    ranked.is_behind_own_past,
    {{ money('quotas.target') }} as quota,
    {{ money('case when quotas.target is not null then coalesce(won.amount, 0) end') }} as won_amount,
    {{ safe_divide('case when quotas.target is not null then coalesce(won.amount, 0) end', 'quotas.target') }} as quota_attainment,
    -- how much of the quarter is over, to read the attainment of a running one
    cast({{ days_between('ranked.period_start', 'periods.last_day') }} + 1 as double)
    / {{ days_between('ranked.period_start', 'periods.period_end') }} as elapsed_share,
    case
        when ranked.actual is null then 'too few like cases: needs 10 of its own and 10 to compare with'
        when ranked.is_behind_peers and ranked.is_behind_own_past then 'behind its peers and its own past, beyond chance'
        when ranked.is_behind_peers then 'behind its peers, beyond chance'
        when ranked.is_behind_own_past then 'behind its own past, beyond chance'
        else 'no difference beyond chance'
    end as reason
from ranked
inner join behind
    on
        ranked.period_start = behind.period_start
        and ranked.team = behind.team
inner join periods
    on ranked.period_start = periods.period_start
left join departments
    on ranked.team = departments.team
left join quotas
    on
        ranked.period_start = quotas.period_start
        and ranked.team = quotas.team
left join won
    on
        ranked.period_start = won.period_start
        and ranked.team = won.team
where ranked.place = 1
