/*---
title = "Onboarding milestones, from the company's own object"
owner = "cs"
---*/
with onboarding as (
    select
        id,
        account_id,
        contract_id,
        lower(step) as step,
        due_date,
        done_at
    from landed.onboarding
)

select
    account_id,
    contract_id,
    step,
    due_date,
    done_at,
    id as source_id
from onboarding
