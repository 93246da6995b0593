/*---
title = "Invoice lines as of the run, each with the contract line it bills"
owner = "finance"
grain = ["invoice_line_id"]

[columns]
invoice_line_id = { type = "text", doc = "The invoice line" }
invoice_id = { type = "text", doc = "The invoice" }
account_id = { type = "text", doc = "The account billed" }
contract_id = { type = "text", doc = "Canonical contract the invoice names" }
product_id = { type = "text", doc = "Canonical product the line names" }
commitment_id = { type = "text", doc = "The commitment a true-up settles" }
contract_line_id = { type = "text", doc = "Canonical contract line it belongs to; null where none or several fit" }
state = { type = "text", doc = "posted, draft or void, as of the run" }
currency = { type = "text", doc = "Invoice currency, of all amounts here" }
minor_digits = { type = "integer", doc = "Decimals of the invoice currency" }
issued_date = { type = "date", doc = "Day of issue" }
kind = { type = "text", doc = "recurring, usage, one_off, proration, true_up or credit" }
is_credit = { type = "boolean", doc = "A credit: it lowers what was billed, it bills nothing" }
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
unmatched_reason = { type = "text", doc = "Why no contract line: none, several, currency or commitment" }
fitting_line_id = { type = "text", doc = "The contract line that fits, also where no exchange rate is known" }
match_rule = { type = "text", doc = "What decided which contract line it is" }
fx_rate = { type = "decimal(18,8)", doc = "Rate into the contract's currency; null where both are one" }
is_fx_divided = { type = "boolean", doc = "Amounts are divided by the rate to reach the contract's currency; else multiplied" }

[checks]
not_null = ["invoice_line_id", "invoice_id", "state", "amount", "is_credit"]

[decisions]
currency = "A line in another currency than its contract's belongs to it where a rate is known: the contract's fixed rate, else the newest of the day of issue; else it stays unmatched"
---*/
with currency_minor_unit as (
    select
        currency,
        minor_digits
    from currency_minor_unit
),

contract_version as (
    select
        contract_id,
        fx_rule,
        fx_fixed_rate
    from contract_version
    where is_current
),

invoice_rate as (
    select
        contract_currency,
        invoice_currency,
        issued_date,
        rate,
        is_divided
    from invoice_rate
),

line_grid as (
    select
        contract_line_id,
        contract_id,
        currency
    from line_grid
),

invoice_item as (
    select
        invoice_line_id,
        invoice_id,
        account_id,
        contract_id,
        product_id,
        commitment_id,
        state,
        currency,
        issued_date,
        kind,
        is_credit,
        quantity,
        unit_size,
        unit_price,
        gross_amount,
        discount_amount,
        amount,
        is_gross_stated,
        service_start_date,
        service_end_date,
        is_manual_override
    from invoice_item
),

line_match as (
    select
        invoice_line_id,
        contract_line_id,
        match_rule,
        candidates
    from line_match
),

-- A fixed rate is invoice currency for one of the contract's.
converted as (
    select
        invoice_item.*,
        line_match.contract_line_id as match_line_id,
        line_match.match_rule,
        coalesce(line_match.candidates, 0) as candidates,
        line_grid.currency = invoice_item.currency as is_same_currency,
        case when coalesce(contract_version.fx_rule, 'spot') = 'fixed' then nullif(contract_version.fx_fixed_rate, 0) else invoice_rate.rate end as rate,
        coalesce(contract_version.fx_rule, 'spot') = 'fixed' or coalesce(invoice_rate.is_divided, true) as is_divided
    from invoice_item
    left join line_match
        on invoice_item.invoice_line_id = line_match.invoice_line_id
    left join line_grid
        on line_match.contract_line_id = line_grid.contract_line_id
    left join contract_version
        on line_grid.contract_id = contract_version.contract_id
    left join invoice_rate
        on line_grid.currency = invoice_rate.contract_currency
        and invoice_item.currency = invoice_rate.invoice_currency
        and invoice_item.issued_date = invoice_rate.issued_date
)

select
    converted.invoice_line_id,
    converted.invoice_id,
    converted.account_id,
    converted.contract_id,
    converted.product_id,
    converted.commitment_id,
    case when converted.is_same_currency or converted.rate is not null then converted.match_line_id end as contract_line_id,
    converted.state,
    converted.currency,
    cast(coalesce(currency_minor_unit.minor_digits, 2) as bigint) as minor_digits,
    converted.issued_date,
    converted.kind,
    converted.is_credit,
    converted.quantity,
    converted.unit_size,
    converted.unit_price,
    converted.gross_amount,
    converted.discount_amount,
    converted.amount,
    converted.is_gross_stated,
    converted.service_start_date,
    converted.service_end_date,
    converted.is_manual_override,
    case
        when converted.kind = 'true_up' then 'commitment'
        when converted.match_line_id is null and converted.candidates > 1 then 'several'
        when converted.match_line_id is null then 'none'
        when not converted.is_same_currency and converted.rate is null then 'currency'
    end as unmatched_reason,
    converted.match_line_id as fitting_line_id,
    converted.match_rule,
    cast(case when not converted.is_same_currency then converted.rate end as decimal(18,8)) as fx_rate,
    case when not converted.is_same_currency and converted.rate is not null then converted.is_divided end as is_fx_divided
from converted
left join currency_minor_unit
    on converted.currency = currency_minor_unit.currency
