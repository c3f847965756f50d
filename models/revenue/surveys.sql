-- Answers to satisfaction surveys.
-- Grain: survey_id. nps: 0..10 as answered; csat and ces: share of the scale.
-- Left out: answers after the as-of day, deleted answers, answers without a score.

select
    {{ surrogate_key(['surveys.source_system', 'surveys.source_id']) }} as survey_id,
    surveys.source_system,
    surveys.source_id,
    account_members.account_id,
    person_members.person_id,
    surveys.kind,
    surveys.answered_at,
    {{ reporting_date('surveys.answered_at') }} as answered_on,
    surveys.score,
    accounts.segment,
    accounts.region
from {{ ref('entry_surveys') }} as surveys
left join {{ source('identity', 'account_members') }} as account_members
    on
        surveys.source_system = account_members.source_system
        and surveys.account_source_id = account_members.source_id
left join {{ source('identity', 'person_members') }} as person_members
    on
        surveys.source_system = person_members.source_system
        and surveys.person_source_id = person_members.source_id
left join {{ ref('accounts') }} as accounts
    on account_members.account_id = accounts.account_id
where
    not surveys.is_deleted
    and surveys.score is not null
    and {{ reporting_date('surveys.answered_at') }} <= {{ as_of_date() }}
