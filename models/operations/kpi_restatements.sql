-- Which published values did a later run change, from what to what, and what had changed in the data?
-- Grain: kpi, variant, grain, period_start, dimension, dimension_value, restated_at. Rows of earlier versions stay.
-- Compared are periods that were over on both as-of days, under the same definition_version. cause is JSON: the records of
-- the KPI's inputs that changed since the version before, 20 of them named, and both as-of days where they differ. Slices
-- nobody published before count when their total was.
-- Left out: differences below 1e-12 of the value; values that were null for want of an input; personal values of a change.

{% set marts = graph.nodes.values() | selectattr('config.meta.kpi', 'defined') | sort(attribute='name') if execute else [] -%}
{% set also_read = {'opportunities': ['opportunity_changes'], 'people': ['funnel_events']} -%}
{% set slices = {
    'segment': 'accounts', 'region': 'accounts', 'owner': 'users', 'team': 'users', 'forecast_unit': 'users', 'channel': 'campaigns',
} -%}
{% set keys = ['kpi', 'variant', 'grain', 'period_start', 'period_end', 'dimension', 'dimension_value'] -%}

with

inputs as (
    {%- for mart in marts %}
    {%- set mart_is_last = loop.last %}
    {%- set entities = [] %}
    {%- for entity in mart.config.meta.kpi.inputs %}
    {%- do entities.extend([entity] + also_read.get(entity, [])) %}
    {%- endfor %}
    {%- for entity in entities | unique | sort %}
    select
        cast('{{ mart.name }}' as {{ dbt.type_string() }}) as kpi,
        cast('{{ entity }}' as {{ dbt.type_string() }}) as entity
    {%- if not (mart_is_last and loop.last) %}
    union all
    {%- endif %}
    {%- endfor %}
    {%- else %}
    select
        cast(null as {{ dbt.type_string() }}) as kpi,
        cast(null as {{ dbt.type_string() }}) as entity
    {%- endfor %}
),

this_run as (
    select max(started_at) as restated_at
    from {{ source('run', 'runs') }}
    where status = 'running'
),

published as (
    select *
    from {{ source('run', 'previous_kpi_values') }}
    where
        period_end <= {{ date_add('day', 1, 'as_of') }}
        and period_end <= {{ date_add('day', 1, as_of_date()) }}
),

recomputed as (
    select *
    from {{ ref('kpi_values') }}
    where period_end <= {{ date_add('day', 1, as_of_date()) }}
),

-- Periods of which both versions have the total: what they say about slices can be compared.
comparable as (
    select
        published.kpi,
        published.variant,
        published.grain,
        published.period_start,
        published.period_end,
        published.as_of
    from published
    inner join recomputed
        on
            published.kpi = recomputed.kpi
            and published.variant = recomputed.variant
            and published.grain = recomputed.grain
            and published.period_start = recomputed.period_start
            and published.period_end = recomputed.period_end
            and published.definition_version = recomputed.definition_version
    where
        published.dimension = 'all'
        and recomputed.dimension = 'all'
        and coalesce(published.null_reason, '') not like 'missing_input:%'
        and coalesce(recomputed.null_reason, '') not like 'missing_input:%'
),

paired as (
    select
        {%- for key in keys %}
        coalesce(published.{{ key }}, recomputed.{{ key }}) as {{ key }},
        {%- endfor %}
        published.kpi is not null as was_published,
        recomputed.kpi is not null as is_recomputed,
        published.value as old_value,
        recomputed.value as new_value
    from published
    full outer join recomputed
        on
            {%- for key in keys %}
            {{ 'and ' if not loop.first }}published.{{ key }} = recomputed.{{ key }}
            {%- endfor %}
),

restated as (
    select
        paired.*,
        comparable.as_of as old_as_of
    from paired
    inner join comparable
        on
            paired.kpi = comparable.kpi
            and paired.variant = comparable.variant
            and paired.grain = comparable.grain
            and paired.period_start = comparable.period_start
            and paired.period_end = comparable.period_end
    where
        case
            -- a slice that only one version has is a change unless it is empty
            when not paired.was_published then coalesce(paired.new_value, 0) <> 0
            when not paired.is_recomputed then coalesce(paired.old_value, 0) <> 0
            when paired.old_value is null or paired.new_value is null
                then paired.old_value is not null or paired.new_value is not null
            else abs(paired.new_value - paired.old_value) > 1e-12 * greatest(abs(paired.new_value), abs(paired.old_value))
        end
),

kinds as (
    select distinct
        kpi,
        dimension
    from restated
),

concerned as (
    select
        kinds.kpi,
        kinds.dimension,
        inputs.entity
    from kinds
    inner join inputs
        on kinds.kpi = inputs.kpi
    union distinct
    select
        kpi,
        dimension,
        case dimension
            {%- for dimension, entity in slices.items() %}
            when '{{ dimension }}' then '{{ entity }}'
            {%- endfor %}
        end as entity
    from kinds
),

ranked as (
    select
        concerned.kpi,
        concerned.dimension,
        changed_records.entity,
        changed_records.place,
        changed_records.changes_of_entity,
        changed_records.change,
        row_number() over (
            partition by concerned.kpi, concerned.dimension
            order by changed_records.place, changed_records.entity
        ) as list_place
    from concerned
    inner join {{ source('run', 'changed_records') }} as changed_records
        on concerned.entity = changed_records.entity
),

causes as (
    select
        kpi,
        dimension,
        cast(sum(case when place = 1 then changes_of_entity else 0 end) as bigint) as changes,
        {{ dbt.listagg(
            "case when list_place <= 20 then change end", "', '", "order by list_place"
        ) }} as records
    from ranked
    group by kpi, dimension
)

select
    kpi,
    variant,
    grain,
    period_start,
    dimension,
    dimension_value,
    restated_at,
    old_value,
    new_value,
    cause
from {{ source('run', 'previous_restatements') }}
union all
select
    restated.kpi,
    restated.variant,
    restated.grain,
    restated.period_start,
    restated.dimension,
    restated.dimension_value,
    this_run.restated_at,
    restated.old_value,
    restated.new_value,
    '{'
    || case
        when restated.old_as_of = {{ as_of_date() }} then ''
        else
            '"as_of": {"old": "' || cast(restated.old_as_of as {{ dbt.type_string() }})
            || '", "new": "{{ var("as_of") }}"}, '
    end
    || '"changes": ' || cast(coalesce(causes.changes, 0) as {{ dbt.type_string() }})
    || ', "records": [' || coalesce(causes.records, '') || ']}' as cause
from restated
cross join this_run
left join causes
    on
        restated.kpi = causes.kpi
        and restated.dimension = causes.dimension
