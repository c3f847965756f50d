-- Changes of deals of Pipedrive. Stage and status are one word here: a deal goes from what its stage is called to Won or Lost, and back.
-- Grain: source_system, source_id. Left out: moves of a deal between stages while it is won or lost, which change no word.

with

words as (
    select
        changes.*,
        case
            when changes.old_status = 'won' then 'Won'
            when changes.old_status = 'lost' then 'Lost'
            else coalesce(old_stages.name, changes.old_stage_id)
        end as old_word,
        case
            when changes.new_status = 'won' then 'Won'
            when changes.new_status = 'lost' then 'Lost'
            else coalesce(new_stages.name, changes.new_stage_id)
        end as new_word
    from {{ vendor_records('pipedrive', 'deal_change') }} as changes
    left join {{ vendor_records('pipedrive', 'stage') }} as old_stages
        on
            changes.source_system = old_stages.source_system
            and changes.old_stage_id = old_stages.id
    left join {{ vendor_records('pipedrive', 'stage') }} as new_stages
        on
            changes.source_system = new_stages.source_system
            and changes.new_stage_id = new_stages.id
)

select
    source_system,
    id as source_id,
    log_time as created_at,
    log_time as updated_at,
    is_gone as is_deleted,
    custom,
    deal_id as opportunity_source_id,
    log_time as changed_at,
    case field_key
        when 'value' then 'amount'
        when 'expected_close_date' then 'expected_close_on'
        when 'user_id' then 'owner_source_id'
        when 'owner_id' then 'owner_source_id'
        when 'probability' then 'probability'
        else 'stage'
    end as field,
    case
        when field_key in ('stage_id', 'status') then old_word
        when field_key = 'probability'
            then cast({{ try_cast('old_value', 'double') }} / cast(100 as double) as {{ dbt.type_string() }})
        else old_value
    end as old_value,
    case
        when field_key in ('stage_id', 'status') then new_word
        when field_key = 'probability'
            then cast({{ try_cast('new_value', 'double') }} / cast(100 as double) as {{ dbt.type_string() }})
        else new_value
    end as new_value,
    user_id as changed_by_source_id
from words
where
    log_time is not null
    and not (field_key in ('stage_id', 'status') and coalesce(old_word, '') = coalesce(new_word, ''))
