-- Which runs were there, what did they read, and how did they end?
-- Grain: run_id. The run that builds this table is the one that is running.
-- Left out: runs of other home folders.

select
    run_id,
    started_at,
    finished_at,
    status,
    cast(exit_code as bigint) as exit_code,
    as_of,
    known_at,
    version,
    content_hash,
    git_commit,
    message,
    seconds,
    rows_read,
    rows_appended,
    tests_passed,
    tests_warned,
    tests_failed
from {{ source('run', 'runs') }}
