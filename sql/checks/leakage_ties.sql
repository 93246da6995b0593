/*---
title = "Revenue leakage ties to obligations to the cent"
owner = "finance"
severity = "block"

[columns]
account_id = { type = "text", doc = "The account" }
currency = { type = "text", doc = "The currency" }
billable_difference = { type = "decimal(18,4)", doc = "billable less the verified obligations' expected amounts" }
underbilled_difference = { type = "decimal(18,4)", doc = "underbilled less the obligations' underbilled amounts" }
overbilled_difference = { type = "decimal(18,4)", doc = "overbilled less the obligations' overbilled amounts" }
---*/
with revenue_leakage as (
    select
        account_id,
        currency,
        billable,
        underbilled,
        overbilled
    from revenue_leakage
),

obligation as (
    select
        account_id,
        currency,
        expected_amount,
        underbilled_amount,
        overbilled_amount
    from obligation
    where verdict = 'verified'
),

every_amount as (
    select
        account_id,
        currency,
        billable as billable_difference,
        underbilled as underbilled_difference,
        overbilled as overbilled_difference
    from revenue_leakage
    union all
    select
        account_id,
        currency,
        cast(-expected_amount as decimal(18, 4)) as billable_difference,
        cast(-underbilled_amount as decimal(18, 4)) as underbilled_difference,
        cast(-overbilled_amount as decimal(18, 4)) as overbilled_difference
    from obligation
)

select
    account_id,
    currency,
    cast(sum(billable_difference) as decimal(18, 4)) as billable_difference,
    cast(sum(underbilled_difference) as decimal(18, 4)) as underbilled_difference,
    cast(sum(overbilled_difference) as decimal(18, 4)) as overbilled_difference
from every_amount
group by account_id, currency
having sum(billable_difference) <> 0
    or sum(underbilled_difference) <> 0
    or sum(overbilled_difference) <> 0
