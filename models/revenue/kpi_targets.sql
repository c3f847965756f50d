-- Which value is a KPI to reach, when, and who answers for it?
-- Grain: kpi, variant, dimension, dimension_value, grain, period_start.
-- Left out: nothing; from seeds/targets.csv.

select
    trim(kpi) as kpi,
    coalesce(trim(variant), 'default') as variant,
    coalesce(trim(dimension), 'all') as dimension,
    coalesce(trim(dimension_value), 'all') as dimension_value,
    trim(grain) as grain,
    cast(period_start as date) as period_start,
    case trim(grain)
        when 'month' then {{ date_add('month', 1, 'cast(period_start as date)') }}
        when 'quarter' then {{ date_add('month', 3, 'cast(period_start as date)') }}
        else {{ date_add('month', 12, 'cast(period_start as date)') }}
    end as period_end,
    cast(target as decimal(38, 6)) as target,
    trim(owner) as owner
from {{ ref('targets') }}
