/*---
title = "Outcomes of renewals"
owner = "cs"
grain = ["outcome_id"]

[columns]
outcome_id = { type = "text", doc = "The outcome" }
account_id = { type = "text", doc = "The account" }
contract_id = { type = "text", doc = "The contract" }
kind = { type = "text", doc = "renewed, churned, contracted or expanded" }
decided_date = { type = "date", doc = "Day the customer decided" }
effective_date = { type = "date", doc = "Day it takes effect" }
arr_before = { type = "decimal(18,4)", doc = "Annual recurring revenue before" }
arr_after = { type = "decimal(18,4)", doc = "Annual recurring revenue after" }
currency = { type = "text", doc = "ISO 4217 currency of both" }
reason = { type = "text", doc = "Why, in words" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["outcome_id", "account_id", "kind", "decided_date"]

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
        outcome_id,
        account_id,
        contract_id,
        kind,
        decided_date,
        effective_date,
        arr_before,
        arr_after,
        currency,
        reason,
        source,
        source_id
    from provided.outcome
    qualify row_number() over (partition by outcome_id order by _landed desc) = 1
)

select
    newest.outcome_id,
    coalesce(canonical_account.account_id, newest.account_id) as account_id,
    newest.contract_id,
    newest.kind,
    newest.decided_date,
    newest.effective_date,
    newest.arr_before,
    newest.arr_after,
    newest.currency,
    newest.reason,
    newest.source,
    newest.source_id
from newest
left join canonical_account
    on newest.account_id = canonical_account.external_id
    and (canonical_account.source = '' or canonical_account.source = newest.source)
