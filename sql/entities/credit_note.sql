/*---
title = "Credit notes"
owner = "finance"
grain = ["credit_note_id"]

[columns]
credit_note_id = { type = "text", doc = "The credit note" }
account_id = { type = "text", doc = "The account" }
invoice_id = { type = "text", doc = "The invoice credited" }
invoice_line_id = { type = "text", doc = "The invoice line credited" }
issued_date = { type = "date", doc = "Day of issue" }
amount = { type = "decimal(18,4)", doc = "Amount credited, positive, before tax" }
currency = { type = "text", doc = "ISO 4217 currency" }
reason_code = { type = "text", doc = "Why" }
approved_by = { type = "text", doc = "Who approved" }
voided_at = { type = "timestamp", doc = "When it was voided" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["credit_note_id", "account_id", "issued_date", "amount", "currency"]

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
        credit_note_id,
        account_id,
        invoice_id,
        invoice_line_id,
        issued_date,
        amount,
        currency,
        reason_code,
        approved_by,
        voided_at,
        source,
        source_id
    from provided.credit_note
    qualify row_number() over (partition by credit_note_id order by _landed desc) = 1
)

select
    newest.credit_note_id,
    coalesce(canonical_account.account_id, newest.account_id) as account_id,
    newest.invoice_id,
    newest.invoice_line_id,
    newest.issued_date,
    newest.amount,
    newest.currency,
    newest.reason_code,
    newest.approved_by,
    newest.voided_at,
    newest.source,
    newest.source_id
from newest
left join canonical_account
    on newest.account_id = canonical_account.external_id
    and (canonical_account.source = '' or canonical_account.source = newest.source)
