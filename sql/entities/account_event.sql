/*---
title = "Events at the customer"
owner = "cs"
grain = ["event_id"]

[columns]
event_id = { type = "text", doc = "The event" }
account_id = { type = "text", doc = "The account" }
kind = { type = "text", doc = "hiring, new_product, ownership_change, new_location, funding, compliance, leadership_change or layoffs" }
occurred_at = { type = "timestamp", doc = "When it happened" }
quantity = { type = "decimal(18,6)", doc = "How many, e.g. people hired" }
detail = { type = "text", doc = "What happened, in words" }
source_ref = { type = "text", doc = "Where it was read" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["event_id", "account_id", "kind", "occurred_at"]

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
        event_id,
        account_id,
        kind,
        occurred_at,
        quantity,
        detail,
        source_ref,
        source,
        source_id
    from provided.account_event
    qualify row_number() over (partition by event_id order by _landed desc) = 1
)

select
    newest.event_id,
    coalesce(canonical_account.account_id, newest.account_id) as account_id,
    newest.kind,
    newest.occurred_at,
    newest.quantity,
    newest.detail,
    newest.source_ref,
    newest.source,
    newest.source_id
from newest
left join canonical_account
    on newest.account_id = canonical_account.external_id
    and (canonical_account.source = '' or canonical_account.source = newest.source)
