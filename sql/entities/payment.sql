/*---
title = "Payments"
owner = "finance"
grain = ["payment_id"]

[columns]
payment_id = { type = "text", doc = "The payment" }
account_id = { type = "text", doc = "The account that paid" }
invoice_id = { type = "text", doc = "The invoice it was meant for" }
attempted_at = { type = "timestamp", doc = "When it was attempted" }
amount = { type = "decimal(18,4)", doc = "Amount, tax included" }
currency = { type = "text", doc = "ISO 4217 currency" }
status = { type = "text", doc = "succeeded or failed" }
failure_code = { type = "text", doc = "Why it failed" }
attempt = { type = "integer", doc = "Number of the attempt, from 1" }
is_final_attempt = { type = "boolean", doc = "No further attempt follows" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["payment_id", "account_id", "attempted_at", "amount", "currency", "status"]

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
        payment_id,
        account_id,
        invoice_id,
        attempted_at,
        amount,
        currency,
        status,
        failure_code,
        attempt,
        is_final_attempt,
        source,
        source_id
    from provided.payment
    qualify row_number() over (partition by payment_id order by _landed desc) = 1
)

select
    newest.payment_id,
    coalesce(canonical_account.account_id, newest.account_id) as account_id,
    newest.invoice_id,
    newest.attempted_at,
    newest.amount,
    newest.currency,
    newest.status,
    newest.failure_code,
    newest.attempt,
    newest.is_final_attempt,
    newest.source,
    newest.source_id
from newest
left join canonical_account
    on newest.account_id = canonical_account.external_id
    and (canonical_account.source = '' or canonical_account.source = newest.source)
