/*---
title = "Invoice lines"
owner = "finance"
grain = ["invoice_line_id"]

[columns]
invoice_line_id = { type = "text", doc = "The invoice line" }
invoice_id = { type = "text", doc = "The invoice" }
contract_line_id = { type = "text", doc = "The contract line billed" }
commitment_id = { type = "text", doc = "The commitment a true-up settles" }
product_id = { type = "text", doc = "The product" }
description = { type = "text", doc = "Text on the invoice" }
kind = { type = "text", doc = "recurring, usage, one_off, proration, true_up or credit" }
quantity = { type = "decimal(18,6)", doc = "Quantity billed" }
unit = { type = "text", doc = "What is counted" }
unit_size = { type = "decimal(18,6)", doc = "How many of the unit one price buys" }
unit_price = { type = "decimal(18,8)", doc = "Price of one unit" }
gross_amount = { type = "decimal(18,4)", doc = "Quantity times price" }
discount_amount = { type = "decimal(18,4)", doc = "Discount taken off, positive" }
amount = { type = "decimal(18,4)", doc = "What is billed before tax" }
tax_amount = { type = "decimal(18,4)", doc = "Tax on the line" }
is_tax_inclusive = { type = "boolean", doc = "The amount contains the tax" }
service_start_date = { type = "date", doc = "First day of service billed" }
service_end_date = { type = "date", doc = "First day after the service billed" }
is_manual_override = { type = "boolean", doc = "The price was edited by hand" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["invoice_line_id", "invoice_id", "kind", "amount"]

[decisions]
newest_wins = "Where a key was landed more than once, the row landed last holds"
---*/
select
    invoice_line_id,
    invoice_id,
    contract_line_id,
    commitment_id,
    product_id,
    description,
    kind,
    quantity,
    unit,
    unit_size,
    unit_price,
    gross_amount,
    discount_amount,
    amount,
    tax_amount,
    is_tax_inclusive,
    service_start_date,
    service_end_date,
    is_manual_override,
    source,
    source_id
from provided.invoice_line
qualify row_number() over (partition by invoice_line_id order by _landed desc) = 1
