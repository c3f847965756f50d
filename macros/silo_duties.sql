{#- Which silo should know whom, as two CTEs: `silos` (source_system, should_know: everyone, customers or buyers) and
    `buyers`, the accounts that have a deal. A system that knows no account at all has no duty to know them. -#}
{% macro silo_duties() -%}
duties as (
    select distinct source_system, 'everyone' as should_know from {{ ref('entry_opportunities') }}
    union distinct
    select distinct source_system, 'customers' as should_know from {{ ref('entry_subscription_periods') }}
    union distinct
    select distinct source_system, 'customers' as should_know from {{ ref('entry_tickets') }}
    union distinct
    select distinct source_system, 'buyers' as should_know from {{ ref('entry_campaigns') }}
),

silos as (
    select duties.source_system, duties.should_know
    from duties
    inner join (select distinct source_system from {{ ref('entry_accounts') }}) as knowing
        on duties.source_system = knowing.source_system
),

buyers as (
    select distinct account_id from {{ ref('opportunities') }}
)
{%- endmacro %}
