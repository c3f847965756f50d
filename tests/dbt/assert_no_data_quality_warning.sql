-- Reported problems are shown with every run; with `strict: true` they stop it.
{{ config(severity='warn') }}
select
    test,
    failing_rows,
    message
from {{ ref('data_quality') }}
where severity = 'warning'
