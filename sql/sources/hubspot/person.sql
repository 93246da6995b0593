/*---
title = "Our own people, from HubSpot owners"
owner = "data"

[decisions]
role = "words of the names of the owner's teams, in the order of the list below; unknown without a team that says so"
gone = "an owner on the list of archived ones has left"
---*/
with owner as (
    select
        id,
        email,
        first_name,
        last_name,
        lower(teams) as teams,
        is_archived
    from landed.owner
)

select
    id as person_id,
    nullif(concat_ws(' ', first_name, last_name), '') as name,
    email,
    case
        when teams like '%customer success%' or starts_with(teams, 'cs ') or teams like '%csm%' then 'csm'
        when teams like '%account manage%' then 'account_manager'
        when teams like '%revenue operations%' or teams like '%revops%' or teams like '%sales operations%' then 'revops'
        when teams like '%executive team%' or teams like '%leadership%' then 'executive'
        when teams like '%financ%' or teams like '%billing%' then 'finance'
        when teams like '%support%' then 'support'
        when teams like '%sales%' then 'sales'
    end as role,
    not is_archived as is_active,
    id as source_id
from owner
