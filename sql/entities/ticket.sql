/*---
title = "Support tickets"
owner = "cs"
grain = ["ticket_id"]

[columns]
ticket_id = { type = "text", doc = "The ticket" }
account_id = { type = "text", doc = "The account" }
contact_id = { type = "text", doc = "Who wrote" }
created_at = { type = "timestamp", doc = "When it was opened" }
first_replied_at = { type = "timestamp", doc = "When we first answered" }
resolved_at = { type = "timestamp", doc = "When it was solved" }
priority = { type = "text", doc = "low, normal, high or urgent" }
status = { type = "text", doc = "Status in the support system" }
escalated_at = { type = "timestamp", doc = "When it was escalated" }
reopen_count = { type = "integer", doc = "How often it was reopened" }
is_sla_breached = { type = "boolean", doc = "A service level was missed" }
csat_score = { type = "decimal(9,4)", doc = "The customer's score of the ticket" }
tone = { type = "decimal(9,4)", doc = "Tone of the customer's words, -1 to 1" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["ticket_id", "account_id", "created_at"]

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
        ticket_id,
        account_id,
        contact_id,
        created_at,
        first_replied_at,
        resolved_at,
        priority,
        status,
        escalated_at,
        reopen_count,
        is_sla_breached,
        csat_score,
        tone,
        source,
        source_id
    from provided.ticket
    qualify row_number() over (partition by ticket_id order by _landed desc) = 1
)

select
    newest.ticket_id,
    coalesce(canonical_account.account_id, newest.account_id) as account_id,
    newest.contact_id,
    newest.created_at,
    newest.first_replied_at,
    newest.resolved_at,
    newest.priority,
    newest.status,
    newest.escalated_at,
    newest.reopen_count,
    newest.is_sla_breached,
    newest.csat_score,
    newest.tone,
    newest.source,
    newest.source_id
from newest
left join canonical_account
    on newest.account_id = canonical_account.external_id
    and (canonical_account.source = '' or canonical_account.source = newest.source)
