/*---
title = "Exchange rates between a contract's currency and an invoice's, by day of issue"
owner = "finance"
grain = ["contract_currency", "invoice_currency", "issued_date"]

[columns]
contract_currency = { type = "text", doc = "Currency of the contract" }
invoice_currency = { type = "text", doc = "Currency of the invoice" }
issued_date = { type = "date", doc = "Day of issue" }
rate_date = { type = "date", doc = "Day of the rate" }
rate = { type = "decimal(18,8)", doc = "The rate" }
is_divided = { type = "boolean", doc = "The rate is invoice currency for one of the contract's: amounts are divided by it; else multiplied" }

[checks]
not_null = ["contract_currency", "invoice_currency", "issued_date", "rate_date", "rate", "is_divided"]

[decisions]
newest = "The newest rate of either direction that is not older than the policy allows; on one day that from the contract's currency"
---*/
with line_grid as (
    select distinct currency as contract_currency
    from line_grid
),

invoice as (
    select distinct
        currency as invoice_currency,
        coalesce(issued_date, cast(finalized_at as date), cast(created_at as date)) as issued_date
    from invoice
    where coalesce(issued_date, cast(finalized_at as date), cast(created_at as date)) <= cast($as_of as date)
),

fx_rate as (
    select
        rate_date,
        from_currency,
        to_currency,
        rate
    from fx_rate
    where rate > 0
),

quoted as (
    select
        line_grid.contract_currency,
        invoice.invoice_currency,
        invoice.issued_date,
        fx_rate.rate_date,
        fx_rate.rate,
        true as is_divided
    from invoice
    inner join fx_rate
        on invoice.invoice_currency = fx_rate.to_currency
        and fx_rate.rate_date <= invoice.issued_date
        and fx_rate.rate_date > invoice.issued_date - cast(cast($fx_max_age_days as bigint) as int)
    inner join line_grid
        on fx_rate.from_currency = line_grid.contract_currency
    union all
    select
        line_grid.contract_currency,
        invoice.invoice_currency,
        invoice.issued_date,
        fx_rate.rate_date,
        fx_rate.rate,
        false as is_divided
    from invoice
    inner join fx_rate
        on invoice.invoice_currency = fx_rate.from_currency
        and fx_rate.rate_date <= invoice.issued_date
        and fx_rate.rate_date > invoice.issued_date - cast(cast($fx_max_age_days as bigint) as int)
    inner join line_grid
        on fx_rate.to_currency = line_grid.contract_currency
)

select
    contract_currency,
    invoice_currency,
    issued_date,
    rate_date,
    rate,
    is_divided
from quoted
where contract_currency <> invoice_currency
qualify row_number() over (
    partition by contract_currency, invoice_currency, issued_date
    order by rate_date desc, case when is_divided then 0 else 1 end
) = 1
