/*---
title = "Nothing to do is without somebody to do it"
owner = "cs"
severity = "warn"

[columns]
action_id = { type = "text", doc = "The action nobody can be named for" }
kind = { type = "text", doc = "Its kind" }
subject_id = { type = "text", doc = "What it is about" }
---*/
with action_list as (
    select
        action_id,
        kind,
        subject_id,
        owner_id,
    from action_list
)

select
    action_id,
    kind,
    subject_id,
from action_list
where owner_id = 'unassigned'
