-- What did each step of each run take, and each table in it?
-- Grain: run_id, step, table_name; the step as a whole has the table_name ''.
-- Left out: what the run that builds this table does after it, and runs whose log is no longer kept.

select
    run_id,
    step,
    table_name,
    status,
    seconds,
    cpu_seconds,
    peak_memory_bytes,
    row_count,
    rows_appended,
    cursor_value
from {{ source('run', 'steps') }}
