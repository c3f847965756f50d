-- Which work do tasks of Asana stand for, and when was it done?
-- Grain: source_system, source_id. A task of several projects is one task, of the first of them.
-- Left out: subtasks, which are in no project.

with

placed as (
    select
        memberships.source_system,
        memberships.task_gid,
        projects.name as project_name,
        projects.team_name,
        row_number() over (
            partition by memberships.source_system, memberships.task_gid
            order by length(memberships.project_gid), memberships.project_gid
        ) as preference
    from {{ vendor_records('asana', 'membership') }} as memberships
    left join {{ vendor_records('asana', 'project', key='gid') }} as projects
        on
            memberships.source_system = projects.source_system
            and memberships.project_gid = projects.gid
    where not memberships.is_gone
)

select
    tasks.source_system,
    tasks.gid as source_id,
    tasks.created_at,
    tasks.modified_at as updated_at,
    tasks.is_gone as is_deleted,
    tasks.custom,
    placed.project_name as project,
    tasks.name,
    cast(null as {{ dbt.type_string() }}) as department,
    placed.team_name as team,
    tasks.assignee_gid as assignee_source_id,
    cast(null as {{ dbt.type_string() }}) as account_source_id,
    cast(null as {{ dbt.type_string() }}) as opportunity_source_id,
    case when tasks.completed then 'completed' else 'open' end as status,
    tasks.created_at as opened_at,
    tasks.due_on,
    case when tasks.completed then tasks.completed_at end as done_at
from {{ vendor_records('asana', 'task', key='gid') }} as tasks
left join placed
    on
        tasks.source_system = placed.source_system
        and tasks.gid = placed.task_gid
        and placed.preference = 1
