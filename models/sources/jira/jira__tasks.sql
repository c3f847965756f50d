-- Which work do issues of Jira stand for, and when was it done?
-- Grain: source_system, source_id. An issue that was opened again is not done, whatever its history says.

with

entered as (
    select
        source_system,
        issue_id,
        to_value,
        max(created) as entered_at
    from {{ vendor_records('jira', 'change') }} as changes
    where field = 'status' and not is_gone
    group by source_system, issue_id, to_value
)

select
    issues.source_system,
    issues.id as source_id,
    issues.created as created_at,
    issues.updated as updated_at,
    issues.is_gone as is_deleted,
    issues.custom,
    issues.project_name as project,
    issues.summary as name,
    cast(null as {{ dbt.type_string() }}) as department,
    cast(null as {{ dbt.type_string() }}) as team,
    issues.assignee_account_id as assignee_source_id,
    cast(null as {{ dbt.type_string() }}) as account_source_id,
    cast(null as {{ dbt.type_string() }}) as opportunity_source_id,
    issues.status_name as status,
    issues.created as opened_at,
    issues.duedate as due_on,
    case
        when issues.status_category = 'done' then coalesce(entered.entered_at, issues.resolutiondate, issues.created)
    end as done_at
from {{ vendor_records('jira', 'issue') }} as issues
left join entered
    on
        issues.source_system = entered.source_system
        and issues.id = entered.issue_id
        and issues.status_id = entered.to_value
