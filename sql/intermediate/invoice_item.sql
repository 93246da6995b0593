/*---
title = "Invoice lines as of the run, with what they leave out filled in"
owner = "finance"
grain = ["invoice_line_id"]

[columns]
invoice_line_id = { type = "text", doc = "The invoice line; the invoice where it has no line" }
invoice_id = { type = "text", doc = "The invoice" }
account_id = { type = "text", doc = "The account billed" }
contract_id = { type = "text", doc = "Canonical contract the invoice names" }
product_id = { type = "text", doc = "Canonical product the line names" }
named_line_id = { type = "text", doc = "Canonical contract line the line names" }
commitment_id = { type = "text", doc = "The commitment a true-up settles" }
state = { type = "text", doc = "posted, draft or void, as of the run" }
currency = { type = "text", doc = "Invoice currency" }
issued_date = { type = "date", doc = "Day of issue" }
kind = { type = "text", doc = "recurring, usage, one_off, proration, true_up or credit" }
is_credit = { type = "boolean", doc = "A credit: it lowers what was billed, it bills nothing" }
is_discount = { type = "boolean", doc = "A discount that the biller wrote on a line of its own" }
quantity = { type = "decimal(18,6)", doc = "Quantity billed" }
unit_size = { type = "decimal(18,6)", doc = "How many of the unit one price buys" }
unit_price = { type = "decimal(18,8)", doc = "Price of one unit" }
gross_amount = { type = "decimal(18,4)", doc = "Before discount" }
discount_amount = { type = "decimal(18,4)", doc = "Discount taken off" }
amount = { type = "decimal(18,4)", doc = "Billed before tax" }
is_gross_stated = { type = "boolean", doc = "The line says its gross amount or its discount" }
service_start_date = { type = "date", doc = "First day of service, as the line says" }
service_end_date = { type = "date", doc = "First day after it, as the line says" }
is_manual_override = { type = "boolean", doc = "The price was edited by hand" }

[checks]
not_null = ["invoice_line_id", "invoice_id", "state", "amount", "is_credit", "is_discount"]

[decisions]
state = "From issued_date and voided_at, never from status, a draft excepted"
gross = "A missing gross is amount plus discount, a missing discount is gross less amount"
tax_inclusive = "Tax is taken out; what a unit costs without it is not known"
without_lines = "An invoice without any line is one line over its subtotal, else its total less tax"
discount_line = "A negative line that calls itself a discount is one: no gross amount, a discount of its amount; it lowers what was billed and is no credit"
negative_discount = "A discount written below zero that makes gross and amount fit is meant as taken off"
---*/
with canonical_id as (
    select
        kind,
        external_id,
        canonical_id
    from canonical_id
),

invoice as (
    select
        invoice_id,
        account_id,
        contract_id,
        status,
        created_at,
        issued_date,
        finalized_at,
        currency,
        subtotal,
        tax,
        total,
        voided_at
    from invoice
),

invoice_line as (
    select
        invoice_line_id,
        invoice_id,
        contract_line_id,
        commitment_id,
        product_id,
        description,
        kind,
        quantity,
        unit_size,
        unit_price,
        gross_amount,
        discount_amount,
        amount,
        tax_amount,
        is_tax_inclusive,
        service_start_date,
        service_end_date,
        is_manual_override
    from invoice_line
),

known_invoice as (
    select
        invoice.invoice_id,
        invoice.account_id,
        coalesce(contract_alias.canonical_id, invoice.contract_id) as contract_id,
        invoice.currency,
        coalesce(invoice.issued_date, cast(invoice.finalized_at as date), cast(invoice.created_at as date)) as issued_date,
        case
            when lower(invoice.status) = 'draft' then 'draft'
            when invoice.voided_at < cast($as_of_end as timestamp) or (lower(invoice.status) = 'void' and invoice.voided_at is null) then 'void'
            else 'posted'
        end as state,
        coalesce(invoice.subtotal, invoice.total - coalesce(invoice.tax, 0)) as net_amount
    from invoice
    left join canonical_id as contract_alias
        on invoice.contract_id = contract_alias.external_id
        and contract_alias.kind = 'contract'
    where coalesce(invoice.issued_date, cast(invoice.finalized_at as date), cast(invoice.created_at as date)) <= cast($as_of as date)
),

-- Amounts before tax.
stated as (
    select
        invoice_line.invoice_line_id,
        known_invoice.invoice_id,
        known_invoice.account_id,
        known_invoice.contract_id,
        coalesce(product_alias.canonical_id, invoice_line.product_id) as product_id,
        coalesce(line_alias.canonical_id, invoice_line.contract_line_id) as named_line_id,
        invoice_line.commitment_id,
        known_invoice.state,
        known_invoice.currency,
        known_invoice.issued_date,
        invoice_line.kind,
        invoice_line.amount < 0 and (
            invoice_line.kind = 'discount' or (
                invoice_line.kind in ('recurring', 'usage', 'one_off')
                and (
                    lower(coalesce(invoice_line.description, '')) like '%discount%'
                    or lower(coalesce(invoice_line.description, '')) like '%coupon%'
                )
            )
        ) as is_discount,
        invoice_line.quantity,
        invoice_line.unit_size,
        case when coalesce(invoice_line.is_tax_inclusive, false) then null else invoice_line.unit_price end as unit_price,
        case
            when coalesce(invoice_line.is_tax_inclusive, false)
                then invoice_line.amount - coalesce(invoice_line.tax_amount, 0) + coalesce(invoice_line.discount_amount, 0)
            else invoice_line.gross_amount
        end as gross_amount,
        case
            when invoice_line.discount_amount < 0 and invoice_line.gross_amount + invoice_line.discount_amount = invoice_line.amount
                then - invoice_line.discount_amount
            else invoice_line.discount_amount
        end as discount_amount,
        case
            when coalesce(invoice_line.is_tax_inclusive, false) then invoice_line.amount - coalesce(invoice_line.tax_amount, 0)
            else invoice_line.amount
        end as amount,
        coalesce(invoice_line.is_tax_inclusive, false) as is_tax_inclusive,
        invoice_line.service_start_date,
        invoice_line.service_end_date,
        coalesce(invoice_line.is_manual_override, false) as is_manual_override
    from invoice_line
    inner join known_invoice
        on invoice_line.invoice_id = known_invoice.invoice_id
    left join canonical_id as line_alias
        on invoice_line.contract_line_id = line_alias.external_id
        and line_alias.kind = 'line'
    left join canonical_id as product_alias
        on invoice_line.product_id = product_alias.external_id
        and product_alias.kind = 'product'
),

lined as (
    select distinct invoice_id
    from invoice_line
)

select
    invoice_line_id,
    invoice_id,
    account_id,
    contract_id,
    product_id,
    named_line_id,
    commitment_id,
    state,
    currency,
    issued_date,
    kind,
    not is_discount and (kind = 'credit' or (amount < 0 and kind <> 'proration')) as is_credit,
    is_discount,
    case when is_discount then cast(0 as decimal(18,6)) else quantity end as quantity,
    unit_size,
    case when is_discount then null else unit_price end as unit_price,
    cast(case
        when is_discount then 0
        else coalesce(gross_amount, amount + coalesce(discount_amount, 0))
    end as decimal(18,4)) as gross_amount,
    cast(case
        when is_discount then - amount
        else coalesce(discount_amount, case when is_tax_inclusive then 0 else coalesce(gross_amount, amount) - amount end)
    end as decimal(18,4)) as discount_amount,
    cast(amount as decimal(18,4)) as amount,
    is_discount or is_tax_inclusive or gross_amount is not null or discount_amount is not null as is_gross_stated,
    service_start_date,
    service_end_date,
    is_manual_override
from stated
union all
select
    known_invoice.invoice_id as invoice_line_id,
    known_invoice.invoice_id,
    known_invoice.account_id,
    known_invoice.contract_id,
    null as product_id,
    null as named_line_id,
    null as commitment_id,
    known_invoice.state,
    known_invoice.currency,
    known_invoice.issued_date,
    'recurring' as kind,
    known_invoice.net_amount < 0 as is_credit,
    false as is_discount,
    null as quantity,
    null as unit_size,
    null as unit_price,
    cast(known_invoice.net_amount as decimal(18,4)) as gross_amount,
    cast(0 as decimal(18,4)) as discount_amount,
    cast(known_invoice.net_amount as decimal(18,4)) as amount,
    false as is_gross_stated,
    null as service_start_date,
    null as service_end_date,
    false as is_manual_override
from known_invoice
left join lined
    on known_invoice.invoice_id = lined.invoice_id
where lined.invoice_id is null
    and known_invoice.net_amount <> 0
