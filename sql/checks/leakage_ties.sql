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
waived_difference = { type = "decimal(18,4)", doc = "waived less the obligations' waived amounts" }
absorbed_difference = { type = "decimal(18,4)", doc = "absorbed less the obligations' absorbed amounts" }
corrected_difference = { type = "decimal(18,4)", doc = "corrected less the obligations' corrected amounts" }
invoiced_difference = { type = "decimal(18,4)", doc = "invoiced without unmatched lines less what obligations of every verdict say is billed" }
unmatched_difference = { type = "decimal(18,4)", doc = "unmatched less the unmatched invoice lines" }
---*/
with revenue_leakage as (
    select
        account_id,
        currency,
        billable,
        invoiced,
        unmatched,
        underbilled,
        overbilled,
        waived,
        absorbed,
        corrected
    from revenue_leakage
),

obligation as (
    select
        account_id,
        currency,
        verdict,
        expected_amount,
        billed_amount,
        underbilled_amount,
        overbilled_amount,
        waived_amount,
        absorbed_amount,
        corrected_amount
    from obligation
),

unmatched_invoice_line as (
    select
        account_id,
        currency,
        amount
    from unmatched_invoice_line
    where not is_credit
),

every_amount as (
    select
        account_id,
        currency,
        billable,
        underbilled,
        overbilled,
        waived,
        absorbed,
        corrected,
        cast(invoiced - unmatched as decimal(18, 4)) as invoiced,
        unmatched
    from revenue_leakage
    union all
    select
        account_id,
        currency,
        cast(case when verdict = 'verified' then -expected_amount else 0 end as decimal(18, 4)) as billable,
        cast(-coalesce(underbilled_amount, 0) as decimal(18, 4)) as underbilled,
        cast(-coalesce(overbilled_amount, 0) as decimal(18, 4)) as overbilled,
        cast(-coalesce(waived_amount, 0) as decimal(18, 4)) as waived,
        cast(-coalesce(absorbed_amount, 0) as decimal(18, 4)) as absorbed,
        cast(-coalesce(corrected_amount, 0) as decimal(18, 4)) as corrected,
        cast(-billed_amount as decimal(18, 4)) as invoiced,
        cast(0 as decimal(18, 4)) as unmatched
    from obligation
    union all
    select
        account_id,
        currency,
        cast(0 as decimal(18, 4)) as billable,
        cast(0 as decimal(18, 4)) as underbilled,
        cast(0 as decimal(18, 4)) as overbilled,
        cast(0 as decimal(18, 4)) as waived,
        cast(0 as decimal(18, 4)) as absorbed,
        cast(0 as decimal(18, 4)) as corrected,
        cast(0 as decimal(18, 4)) as invoiced,
        cast(-amount as decimal(18, 4)) as unmatched
    from unmatched_invoice_line
),

summed as (
    select
        account_id,
        currency,
        cast(sum(billable) as decimal(18, 4)) as billable_difference,
        cast(sum(underbilled) as decimal(18, 4)) as underbilled_difference,
        cast(sum(overbilled) as decimal(18, 4)) as overbilled_difference,
        cast(sum(waived) as decimal(18, 4)) as waived_difference,
        cast(sum(absorbed) as decimal(18, 4)) as absorbed_difference,
        cast(sum(corrected) as decimal(18, 4)) as corrected_difference,
        cast(sum(invoiced) as decimal(18, 4)) as invoiced_difference,
        cast(sum(unmatched) as decimal(18, 4)) as unmatched_difference
    from every_amount
    group by account_id, currency
)

select
    account_id,
    currency,
    billable_difference,
    underbilled_difference,
    overbilled_difference,
    waived_difference,
    absorbed_difference,
    corrected_difference,
    invoiced_difference,
    unmatched_difference
from summed
where billable_difference <> 0
    or underbilled_difference <> 0
    or overbilled_difference <> 0
    or waived_difference <> 0
    or absorbed_difference <> 0
    or corrected_difference <> 0
    or invoiced_difference <> 0
    or unmatched_difference <> 0
