-- Where somebody works: the account the record names, else the only account with the domain of the address, else the only one
-- with the company's name, else the domain or the name itself. Said anew in every run, since accounts may merge.
create or replace temp table employers as
with

accounts as (
    select members.source_system, members.source_id, members.entity, records.domain, records.name
    from account_entities as members
    left join account_records as records
        on members.source_system = records.source_system and members.source_id = records.source_id
),

of_domain as (
    select domain, min(entity) as entity
    from accounts where domain is not null group by domain having min(entity) = max(entity)
),

of_name as (
    select name, min(entity) as entity
    from accounts where name is not null group by name having min(entity) = max(entity)
)

select
    people.no,
    coalesce(accounts.entity, of_domain.entity, of_name.entity, people.work, people.firm) as company
from person_records as people
left join accounts
    on people.source_system = accounts.source_system and people.account_source_id = accounts.source_id
left join of_domain on people.work = of_domain.domain
left join of_name on people.firm = of_name.name
