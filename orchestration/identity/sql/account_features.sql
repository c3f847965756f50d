-- Accounts in the form in which they are compared; `wanted` holds the records that are new or have changed.
create or replace temp table fresh as
select
    wanted.no,
    hash(wanted.source_system, wanted.source_id) as tie,
    wanted.source_system,
    wanted.source_id,
    wanted.row_hash,
    names.core as name,
    names.places,
    replace(names.core, ' ', '') as squeezed,
    array_to_string(list_sort(string_split(names.core, ' ')), ' ') as words,
    list_contains($divisions, string_split(names.core, ' ')[-1]) and contains(names.core, ' ') as is_division,
    case when domains.class = 'corporate' then domains.domain end as domain,
    case when domains.class = 'corporate' then replace(string_split(domains.domain, '.')[1], '-', '') end as label,
    nullif(regexp_replace(upper(wanted.tax_id), '[^0-9A-Z]', '', 'g'), '') as tax_id,
    dialled(wanted.phone) as phone,
    address_key(wanted.street_address, $road_words) as street,
    nullif(replace(folded(wanted.postal_code), ' ', ''), '') as postal_code,
    replace(folded(wanted.city), ' ', '') as city,
    nullif(upper(trim(wanted.country_code)), '') as country,
    wanted.linked_ids
from wanted
left join names on wanted.name = names.text
left join domains on wanted.website_domain = domains.text
