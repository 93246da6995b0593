/*---
title = "Invoices"
owner = "finance"
grain = ["invoice_id"]

[columns]
invoice_id = { type = "text", doc = "The invoice" }
account_id = { type = "text", doc = "The account billed" }
contract_id = { type = "text", doc = "The contract billed" }
number = { type = "text", doc = "The number printed on it" }
status = { type = "text", doc = "draft, open, paid, void or uncollectible" }
created_at = { type = "timestamp", doc = "When it was created" }
issued_date = { type = "date", doc = "Day of issue" }
finalized_at = { type = "timestamp", doc = "When it became final" }
due_date = { type = "date", doc = "Day payment is due" }
currency = { type = "text", doc = "ISO 4217 currency" }
subtotal = { type = "decimal(18,4)", doc = "Sum of the lines before tax" }
tax = { type = "decimal(18,4)", doc = "Tax" }
total = { type = "decimal(18,4)", doc = "Sum with tax" }
amount_paid = { type = "decimal(18,4)", doc = "Paid so far, as the biller says" }
amount_due = { type = "decimal(18,4)", doc = "Still due, as the biller says" }
voided_at = { type = "timestamp", doc = "When it was voided" }
disputed_at = { type = "timestamp", doc = "When the customer disputed it" }
replaces_invoice_id = { type = "text", doc = "The invoice this one replaces" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["invoice_id", "account_id", "status", "currency"]

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
        invoice_id,
        account_id,
        contract_id,
        number,
        status,
        created_at,
        issued_date,
        finalized_at,
        due_date,
        currency,
        subtotal,
        tax,
        total,
        amount_paid,
        amount_due,
        voided_at,
        disputed_at,
        replaces_invoice_id,
        source,
        source_id
    from provided.invoice
    qualify row_number() over (partition by invoice_id order by _landed desc) = 1
)

select
    newest.invoice_id,
    coalesce(canonical_account.account_id, newest.account_id) as account_id,
    newest.contract_id,
    newest.number,
    newest.status,
    newest.created_at,
    newest.issued_date,
    newest.finalized_at,
    newest.due_date,
    newest.currency,
    newest.subtotal,
    newest.tax,
    newest.total,
    newest.amount_paid,
    newest.amount_due,
    newest.voided_at,
    newest.disputed_at,
    newest.replaces_invoice_id,
    newest.source,
    newest.source_id
from newest
left join canonical_account
    on newest.account_id = canonical_account.external_id
    and (canonical_account.source = '' or canonical_account.source = newest.source)
