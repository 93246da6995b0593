/*---
title = "Who leads a role"
owner = "data"
grain = ["role"]

[columns]
role = { type = "text", doc = "csm, account_manager, sales, finance, support, revops or executive" }
lead_id = { type = "text", doc = "The person who answers for it" }
people = { type = "integer", doc = "Active people in the role" }

[checks]
not_null = ["role", "lead_id", "people"]

[decisions]
lead = "Whoever is named manager of most of the role's active people, of several the one whose id sorts first; where no manager is named, or has left, the active person of the role whose id sorts first"
empty = "A role nobody is active in has no row"
---*/
with person as (
    select
        person_id,
        role,
        manager_id,
    from person
    where
        coalesce(is_active, true)
        and role is not null
),

managed as (
    select
        person.role,
        person.manager_id,
        count(*) as people,
    from person
    inner join person as manager
        on manager.person_id = person.manager_id
    group by
        person.role,
        person.manager_id
),

chosen as (
    select
        role,
        manager_id,
    from managed
    qualify row_number() over (partition by role order by people desc, manager_id) = 1
),

staffed as (
    select
        role,
        min(person_id) as first_id,
        count(*) as people,
    from person
    group by role
)

select
    staffed.role,
    coalesce(chosen.manager_id, staffed.first_id) as lead_id,
    cast(staffed.people as bigint) as people,
from staffed
left join chosen
    on chosen.role = staffed.role
