/*---
title = "Posted invoice lines that belong to no contract line"
owner = "finance"
grain = ["invoice_line_id"]

[columns]
invoice_line_id = { type = "text", doc = "The invoice line" }
invoice_id = { type = "text", doc = "The invoice" }
account_id = { type = "text", doc = "The account billed" }
product_id = { type = "text", doc = "Canonical product the line names" }
kind = { type = "text", doc = "Kind of the line" }
is_credit = { type = "boolean", doc = "A credit" }
issued_date = { type = "date", doc = "Day of issue" }
amount = { type = "decimal(18,4)", doc = "Billed before tax" }
currency = { type = "text", doc = "Invoice currency" }
reason = { type = "text", doc = "none or several contract lines fit, another currency, or no commitment" }

[checks]
not_null = ["invoice_line_id", "invoice_id", "account_id", "amount", "currency", "reason"]
---*/
with billed_line as (
    select
        invoice_line_id,
        invoice_id,
        account_id,
        product_id,
        kind,
        is_credit,
        issued_date,
        amount,
        currency,
        unmatched_reason
    from billed_line
    where state = 'posted'
        and contract_line_id is null
),

true_up_line as (
    select invoice_line_id
    from true_up_line
    where commitment_id is not null
)

select
    billed_line.invoice_line_id,
    billed_line.invoice_id,
    billed_line.account_id,
    billed_line.product_id,
    billed_line.kind,
    billed_line.is_credit,
    billed_line.issued_date,
    billed_line.amount,
    billed_line.currency,
    coalesce(billed_line.unmatched_reason, 'none') as reason
from billed_line
left join true_up_line
    on billed_line.invoice_line_id = true_up_line.invoice_line_id
where true_up_line.invoice_line_id is null
