/*---
title = "Months in which an account was billed for a product"
owner = "finance"
grain = ["account_id", "product_id", "month_date"]

[columns]
account_id = { type = "text", doc = "The account billed" }
product_id = { type = "text", doc = "Canonical product, of the contract line or as the invoice line names it" }
month_date = { type = "date", doc = "First day of the month" }

[checks]
not_null = ["account_id", "product_id", "month_date"]

[decisions]
month = "Every month that the service days of a posted line touch; the month of issue where it names none"
---*/
with billed_line as (
    select
        account_id,
        product_id,
        contract_line_id,
        issued_date,
        service_start_date,
        service_end_date
    from billed_line
    where state = 'posted'
        and not is_credit
),

line_grid as (
    select
        contract_line_id,
        product_id
    from line_grid
),

dated as (
    select
        billed_line.account_id,
        coalesce(line_grid.product_id, billed_line.product_id) as product_id,
        coalesce(billed_line.service_start_date, billed_line.issued_date) as from_date,
        greatest(coalesce(billed_line.service_end_date - 1, billed_line.service_start_date, billed_line.issued_date), coalesce(billed_line.service_start_date, billed_line.issued_date)) as last_date
    from billed_line
    left join line_grid
        on billed_line.contract_line_id = line_grid.contract_line_id
    where coalesce(line_grid.product_id, billed_line.product_id) is not null
),

month_of_line as (
    select
        account_id,
        product_id,
        cast(unnest(generate_series(
            cast(date_trunc('month', from_date) as date),
            cast(date_trunc('month', last_date) as date),
            interval '1 month'
        )) as date) as month_date
    from dated
)

select distinct
    account_id,
    product_id,
    month_date
from month_of_line
where account_id is not null
