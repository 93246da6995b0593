/*---
title = "Invoices that give more days to pay than the contract (R6)"
owner = "finance"
grain = ["check_code", "account_id", "contract_id", "contract_line_id", "product_id", "subject_id", "period_start_date"]

[columns]
check_code = { type = "text", doc = "The check" }
class = { type = "text", doc = "timing" }
account_id = { type = "text", doc = "The account" }
contract_id = { type = "text", doc = "Canonical contract; empty where none" }
contract_line_id = { type = "text", doc = "Canonical contract line; empty where none" }
product_id = { type = "text", doc = "Canonical product; empty where none" }
subject_id = { type = "text", doc = "The invoice" }
period_start_date = { type = "date", doc = "Day of issue" }
period_end_date = { type = "date", doc = "First day after it" }
billable_date = { type = "date", doc = "Day from which it counts" }
gap_amount = { type = "decimal(18,4)", doc = "Nothing: it is a matter of days" }
expected_amount = { type = "decimal(18,4)", doc = "The invoice before tax" }
billed_amount = { type = "decimal(18,4)", doc = "The invoice before tax" }
run_rate_12m = { type = "decimal(18,4)", doc = "Nothing" }
currency = { type = "text", doc = "Currency of the amounts" }
evidence = { type = "text", doc = "The rows it rests on" }
explanation = { type = "text", doc = "One sentence with the numbers in it" }

[checks]
not_null = ["check_code", "class", "account_id", "contract_id", "contract_line_id", "product_id", "subject_id", "period_start_date", "gap_amount", "run_rate_12m", "currency", "explanation"]

[decisions]
terms = "The days the contract version in force on the day of issue states; terms by default bind nobody"
money = "Timing only: nothing is lost but days"
---*/
with invoice as (
    select
        invoice_id,
        due_date
    from invoice
    where due_date is not null
),

invoice_balance as (
    select
        invoice_id,
        account_id,
        contract_id,
        currency,
        issued_date,
        cast(coalesce(total_amount - tax_amount, 0) as decimal(18,4)) as net_amount
    from invoice_balance
    where contract_id <> ''
),

contract_version as (
    select
        contract_id,
        version,
        valid_from_date,
        valid_to_date,
        stated_payment_terms_days
    from contract_version
    where stated_payment_terms_days is not null
),

held as (
    select
        invoice_balance.*,
        invoice.due_date,
        contract_version.version,
        contract_version.stated_payment_terms_days
    from invoice_balance
    inner join invoice
        on invoice_balance.invoice_id = invoice.invoice_id
    inner join contract_version
        on invoice_balance.contract_id = contract_version.contract_id
        and invoice_balance.issued_date >= contract_version.valid_from_date
        and invoice_balance.issued_date < contract_version.valid_to_date
    qualify row_number() over (partition by invoice_balance.invoice_id order by contract_version.version desc) = 1
)

select
    'R6' as check_code,
    'timing' as class,
    account_id,
    contract_id,
    '' as contract_line_id,
    '' as product_id,
    invoice_id as subject_id,
    issued_date as period_start_date,
    cast(issued_date + 1 as date) as period_end_date,
    issued_date as billable_date,
    cast(0 as decimal(18,4)) as gap_amount,
    net_amount as expected_amount,
    net_amount as billed_amount,
    cast(0 as decimal(18,4)) as run_rate_12m,
    currency,
    concat('invoice ', invoice_id, '; contract ', contract_id, ' version ', cast(version as varchar)) as evidence,
    concat(
        'Invoice ', invoice_id, ' of ', cast(issued_date as varchar), ' is due on ', cast(due_date as varchar), ', after ',
        cast(due_date - issued_date as varchar), ' days; the contract gives ', cast(stated_payment_terms_days as varchar), '.'
    ) as explanation
from held
where due_date - issued_date > stated_payment_terms_days
