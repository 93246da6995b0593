/*---
title = "Our own people"
owner = "data"
grain = ["person_id"]

[columns]
person_id = { type = "text", doc = "The person" }
name = { type = "text", doc = "The person's name" }
email = { type = "text", doc = "The person's e-mail address" }
role = { type = "text", doc = "csm, account_manager, sales, finance, support, revops or executive" }
manager_id = { type = "text", doc = "The person's manager" }
backup_id = { type = "text", doc = "Who acts when this person is away" }
is_active = { type = "boolean", doc = "Still with us" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["person_id"]

[decisions]
newest_wins = "Where a key was landed more than once, the row landed last holds"
---*/
select
    person_id,
    name,
    email,
    role,
    manager_id,
    backup_id,
    is_active,
    source,
    source_id
from provided.person
qualify row_number() over (partition by person_id order by _landed desc) = 1
