/*---
title = "Onboarding milestones"
owner = "cs"
grain = ["contract_id", "step"]

[columns]
account_id = { type = "text", doc = "The account" }
contract_id = { type = "text", doc = "The contract being onboarded" }
step = { type = "text", doc = "welcome, kickoff_scheduled, kickoff_held, configured, first_milestone or checkin_30" }
due_date = { type = "date", doc = "When it is due" }
done_at = { type = "timestamp", doc = "When it was done" }
owner_id = { type = "text", doc = "Who is to do it" }
blocked_by = { type = "text", doc = "us or customer, where it is blocked" }
is_applicable = { type = "boolean", doc = "Applies to this contract" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["account_id", "contract_id", "step"]

[decisions]
newest_wins = "Where a key was landed more than once, the row landed last holds"
whose = "The account is the canonical one, whatever id the source knows it by"
---*/
with canonical_account as (
    select
        external_id,
        source,
        account_id
    from canonical_account
),

newest as (
    select
        account_id,
        contract_id,
        step,
        due_date,
        done_at,
        owner_id,
        blocked_by,
        is_applicable,
        source,
        source_id
    from provided.milestone
    qualify row_number() over (partition by contract_id, step order by _landed desc) = 1
)

select
    coalesce(canonical_account.account_id, newest.account_id) as account_id,
    newest.contract_id,
    newest.step,
    newest.due_date,
    newest.done_at,
    newest.owner_id,
    newest.blocked_by,
    newest.is_applicable,
    newest.source,
    newest.source_id
from newest
left join canonical_account
    on newest.account_id = canonical_account.external_id
    and (canonical_account.source = '' or canonical_account.source = newest.source)
