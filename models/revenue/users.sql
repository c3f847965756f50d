-- Who owns work, and in which team?
-- Grain: user_id. One row per employee and system; deleted users stay, since past deals are theirs.
-- Left out: nothing.

select
    {{ surrogate_key(['source_system', 'source_id']) }} as user_id,
    source_system,
    source_id,
    name,
    email,
    department,
    team,
    role,
    region,
    case
        when manager_source_id is not null then {{ surrogate_key(['source_system', 'manager_source_id']) }}
    end as manager_id,
    coalesce(is_active, not is_deleted) as is_active,
    started_on,
    ended_on,
    is_deleted
from {{ ref('entry_users') }}
