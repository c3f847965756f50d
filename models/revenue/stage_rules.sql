-- What does each stage word of each source mean on the shared scale?
-- Grain: source_system, kind, stage: every word that occurs on a deal or in its history. A rule for the deal's kind goes
-- before a rule for any kind. A word without a rule counts as open and has no shared stage.
-- Left out: rules for words that never occur.

with

words as (
    select
        source_system,
        coalesce(kind, 'unknown') as kind,
        stage
    from {{ ref('entry_opportunities') }}
    union distinct
    select
        changes.source_system,
        coalesce(deals.kind, 'unknown') as kind,
        changes.new_value as stage
    from {{ ref('entry_opportunity_changes') }} as changes
    inner join {{ ref('entry_opportunities') }} as deals
        on
            changes.source_system = deals.source_system
            and changes.opportunity_source_id = deals.source_id
    where changes.field = 'stage' and changes.new_value is not null
    union distinct
    select
        changes.source_system,
        coalesce(deals.kind, 'unknown') as kind,
        changes.old_value as stage
    from {{ ref('entry_opportunity_changes') }} as changes
    inner join {{ ref('entry_opportunities') }} as deals
        on
            changes.source_system = deals.source_system
            and changes.opportunity_source_id = deals.source_id
    where changes.field = 'stage' and changes.old_value is not null
),

rules as (
    select
        trim(source_system) as source_system,
        lower(trim(kind)) as kind,
        lower(trim(stage)) as stage,
        lower(trim(shared_stage)) as shared_stage,
        cast(stage_order as integer) as stage_order,
        lower(trim(is_closed)) in ('true', 't', '1', 'yes') as is_closed,
        lower(trim(is_won)) in ('true', 't', '1', 'yes') as is_won
    from {{ ref('stage_mapping') }}
)

select
    words.source_system,
    words.kind,
    words.stage,
    coalesce(for_kind.shared_stage, for_any.shared_stage) as shared_stage,
    coalesce(for_kind.stage_order, for_any.stage_order) as stage_order,
    coalesce(for_kind.is_closed, for_any.is_closed, false) as is_closed,
    coalesce(for_kind.is_won, for_any.is_won, false) as is_won,
    coalesce(for_kind.shared_stage, for_any.shared_stage) is not null as is_mapped,
    -- qualified or later, and not yet decided
    coalesce(
        not coalesce(for_kind.is_closed, for_any.is_closed)
        and coalesce(for_kind.shared_stage, for_any.shared_stage) in ('qualified', 'proposal', 'negotiation'),
        false
    ) as is_qualified
from words
left join rules as for_kind
    on
        words.source_system = for_kind.source_system
        and words.kind = for_kind.kind
        and lower(trim(words.stage)) = for_kind.stage
left join rules as for_any
    on
        words.source_system = for_any.source_system
        and coalesce(for_any.kind, '') = ''
        and lower(trim(words.stage)) = for_any.stage
