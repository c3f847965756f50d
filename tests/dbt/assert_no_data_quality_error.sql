-- An amount without an exchange rate was once summed as nothing: what cannot be computed right is not published.
select
    test,
    failing_rows,
    message
from {{ ref('data_quality') }}
where severity = 'error'
