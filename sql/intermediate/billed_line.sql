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
service_start_date = { type = "date", doc = "First day of service, as the line says" }
service_end_date = { type = "date", doc = "First day after it, as the line says" }
is_manual_override = { type = "boolean", doc = "The price was edited by hand" }
unmatched_reason = { type = "text", doc = "Why no contract line: none, several, currency or commitment" }
fitting_line_id = { type = "text", doc = "The contract line that fits, also where no exchange rate is known" }
fx_rate = { type = "decimal(18,8)", doc = "Rate into the contract's currency; null where both are one" }
is_fx_divided = { type = "boolean", doc = "Amounts are divided by the rate to reach the contract's currency; else multiplied" }

[checks]
not_null = ["invoice_line_id", "invoice_id", "state", "amount", "is_credit"]

[decisions]
match = "Its contract line, else contract and product, else account, product and overlapping service days, each only if exactly one contract line fits"
state = "From issued_date and voided_at, never from status, a draft excepted"
gross = "A missing gross is amount plus discount, a missing discount is gross less amount"
currency = "A line in another currency than its contract's belongs to it where a rate is known: the contract's fixed rate, else the newest of the day of issue; else it stays unmatched"
---*/
with canonical_id as (
    select
        kind,
        external_id,
        canonical_id
    from canonical_id
),

currency_minor_unit as (
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
        account_id,
        product_id,
        life_start_date,
        life_end_date,
        currency
    from line_grid
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
        invoice_id,
        account_id,
        contract_id,
        currency,
        coalesce(issued_date, cast(finalized_at as date), cast(created_at as date)) as issued_date,
        case
            when lower(status) = 'draft' then 'draft'
            when voided_at < cast($as_of_end as timestamp) or (lower(status) = 'void' and voided_at is null) then 'void'
            else 'posted'
        end as state
    from invoice
    where coalesce(issued_date, cast(finalized_at as date), cast(created_at as date)) <= cast($as_of as date)
),

-- Amounts before tax; what the line leaves out follows from what it says.
stated as (
    select
        invoice_line.invoice_line_id,
        known_invoice.invoice_id,
        known_invoice.account_id,
        coalesce(contract_alias.canonical_id, known_invoice.contract_id) as contract_id,
        coalesce(product_alias.canonical_id, invoice_line.product_id) as product_id,
        coalesce(line_alias.canonical_id, invoice_line.contract_line_id) as named_line_id,
        invoice_line.commitment_id,
        known_invoice.state,
        known_invoice.currency,
        known_invoice.issued_date,
        invoice_line.kind,
        invoice_line.kind = 'credit' or (invoice_line.amount < 0 and invoice_line.kind <> 'proration') as is_credit,
        invoice_line.quantity,
        invoice_line.unit_size,
        case when coalesce(invoice_line.is_tax_inclusive, false) then null else invoice_line.unit_price end as unit_price,
        case
            when coalesce(invoice_line.is_tax_inclusive, false)
                then invoice_line.amount - coalesce(invoice_line.tax_amount, 0) + coalesce(invoice_line.discount_amount, 0)
            else coalesce(invoice_line.gross_amount, invoice_line.amount + coalesce(invoice_line.discount_amount, 0))
        end as gross_amount,
        coalesce(
            invoice_line.discount_amount,
            case
                when coalesce(invoice_line.is_tax_inclusive, false) then 0
                else coalesce(invoice_line.gross_amount, invoice_line.amount) - invoice_line.amount
            end
        ) as discount_amount,
        case
            when coalesce(invoice_line.is_tax_inclusive, false) then invoice_line.amount - coalesce(invoice_line.tax_amount, 0)
            else invoice_line.amount
        end as amount,
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
    left join canonical_id as contract_alias
        on known_invoice.contract_id = contract_alias.external_id
        and contract_alias.kind = 'contract'
),

line_of_contract as (
    select
        contract_id,
        product_id,
        min(contract_line_id) as contract_line_id
    from line_grid
    group by
        contract_id,
        product_id
    having count(*) = 1
),

named as (
    select
        stated.*,
        coalesce(own.contract_line_id, line_of_contract.contract_line_id) as found_line_id
    from stated
    left join line_grid as own
        on stated.named_line_id = own.contract_line_id
    left join line_of_contract
        on stated.contract_id = line_of_contract.contract_id
        and stated.product_id = line_of_contract.product_id
        and own.contract_line_id is null
),

by_days as (
    select
        named.invoice_line_id,
        min(line_grid.contract_line_id) as contract_line_id,
        count(*) as candidates
    from named
    inner join line_grid
        on named.account_id = line_grid.account_id
        and named.product_id = line_grid.product_id
        and coalesce(named.service_start_date, named.issued_date) < line_grid.life_end_date
        and coalesce(named.service_end_date, coalesce(named.service_start_date, named.issued_date) + 1) > line_grid.life_start_date
    where named.found_line_id is null
        and named.kind <> 'true_up'
    group by named.invoice_line_id
),

found as (
    select
        named.*,
        case
            when named.kind = 'true_up' then null
            else coalesce(named.found_line_id, case when by_days.candidates = 1 then by_days.contract_line_id end)
        end as match_line_id,
        coalesce(by_days.candidates, 0) as candidates
    from named
    left join by_days
        on named.invoice_line_id = by_days.invoice_line_id
),

-- A fixed rate is invoice currency for one of the contract's.
converted as (
    select
        found.*,
        line_grid.currency = found.currency as is_same_currency,
        case when coalesce(contract_version.fx_rule, 'spot') = 'fixed' then nullif(contract_version.fx_fixed_rate, 0) else invoice_rate.rate end as rate,
        coalesce(contract_version.fx_rule, 'spot') = 'fixed' or coalesce(invoice_rate.is_divided, true) as is_divided
    from found
    left join line_grid
        on found.match_line_id = line_grid.contract_line_id
    left join contract_version
        on line_grid.contract_id = contract_version.contract_id
    left join invoice_rate
        on line_grid.currency = invoice_rate.contract_currency
        and found.currency = invoice_rate.invoice_currency
        and found.issued_date = invoice_rate.issued_date
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
    cast(converted.gross_amount as decimal(18,4)) as gross_amount,
    cast(converted.discount_amount as decimal(18,4)) as discount_amount,
    cast(converted.amount as decimal(18,4)) as amount,
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
    cast(case when not converted.is_same_currency then converted.rate end as decimal(18,8)) as fx_rate,
    case when not converted.is_same_currency and converted.rate is not null then converted.is_divided end as is_fx_divided
from converted
left join currency_minor_unit
    on converted.currency = currency_minor_unit.currency
