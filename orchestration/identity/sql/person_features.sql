-- People in the form in which they are compared; `wanted` holds the records that are new or have changed.
create or replace temp table fresh as
with

spelt as (
    select
        *,
        -- Family, Given
        case when contains(full_name, ',') then trim(string_split(full_name, ',')[2]) || ' ' || trim(string_split(full_name, ',')[1])
            else full_name end as one_name,
        lower(trim(regexp_replace(email, '^\s*mailto:|[<>"'' ]', '', 'g'))) as address
    from wanted
),

parts as (
    select
        * exclude (first_name, last_name),
        called(coalesce(first_name, case when last_name is null then regexp_extract(trim(one_name), '^(.*?)(\s+\S+)?$', 1) end)) as first_name,
        called(coalesce(last_name, case when first_name is null then regexp_extract(trim(one_name), '^.*?\s+(\S+)$', 1) end)) as last_name,
        case when regexp_matches(address, '^[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>]+$') then string_split(address, '@')[1] end as raw_local,
        case when regexp_matches(address, '^[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>]+$') then string_split(address, '@')[2] end as host
    from spelt
),

mailed as (
    select
        parts.*,
        coalesce(domains.domain, host) as mail_domain,
        coalesce(domains.class, 'corporate') as mail_class,
        list_contains($roles, regexp_replace(string_split(raw_local, '+')[1], '[._-]', '', 'g'))
            or list_contains($roles, string_split(raw_local, '+')[1]) as is_role,
        case
            when domains.domain in ('gmail.com', 'googlemail.com') then replace(string_split(raw_local, '+')[1], '.', '')
            else coalesce(nullif(string_split(raw_local, '+')[1], ''), raw_local)
        end as plain_local
    from parts
    left join domains on parts.host = domains.text
)

select
    mailed.no,
    hash(mailed.source_system, mailed.source_id) as tie,
    mailed.source_system,
    mailed.source_id,
    mailed.row_hash,
    mailed.first_name,
    coalesce(nicknames.name, mailed.first_name) as given,
    mailed.last_name,
    coalesce(nicknames.name, mailed.first_name) || ' ' || mailed.last_name as full_name,
    case when not is_role then plain_local || '@' || case when mail_domain = 'googlemail.com' then 'gmail.com' else mail_domain end end as email,
    case when not is_role then plain_local end as local,
    case when not is_role then regexp_replace(plain_local, '[0-9]+$', '') end as local_stem,
    case when not is_role then mail_domain end as mail_domain,
    case when mail_class = 'corporate' then mail_domain end as work,
    mailed.account_source_id,
    cast(null as varchar) as company,
    names.core as firm,
    dialled(mailed.phone) as phone,
    nullif(replace(folded(mailed.postal_code), ' ', ''), '') as postal_code,
    replace(folded(mailed.city), ' ', '') as city,
    nullif(upper(trim(mailed.country_code)), '') as country,
    nullif(regexp_replace(mailed.born_on, '[^0-9]', '', 'g'), '') as born_on,
    nullif(regexp_replace(upper(mailed.national_id), '[^0-9A-Z]', '', 'g'), '') as national_id,
    address_key(concat_ws(' ', mailed.house, mailed.street), $road_words) as street,
    mailed.linked_ids
from mailed
left join nicknames on mailed.first_name = nicknames.short
left join names on mailed.company_name = names.text
