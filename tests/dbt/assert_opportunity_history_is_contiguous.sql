-- A gap in the history makes a deal vanish from the daily pipeline, which is how stalled deals drop out of other systems.
with

followed as (
    select
        opportunity_id,
        valid_from,
        valid_to,
        lead(valid_from) over (partition by opportunity_id order by valid_from) as next_from
    from {{ ref('opportunity_history') }}
)

select *
from followed
where
    (valid_to is null) <> (next_from is null)
    or valid_to <> next_from
    or valid_to <= valid_from
