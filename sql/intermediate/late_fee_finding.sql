/*---
title = "Late fees that the contract grants and nobody charged (R5)"
owner = "finance"
grain = ["check_code", "account_id", "contract_id", "contract_line_id", "product_id", "subject_id", "period_start_date"]

[columns]
check_code = { type = "text", doc = "The check" }
class = { type = "text", doc = "opportunity" }
account_id = { type = "text", doc = "The account" }
contract_id = { type = "text", doc = "Canonical contract; empty where none" }
contract_line_id = { type = "text", doc = "Canonical contract line; empty where none" }
product_id = { type = "text", doc = "Canonical product; empty where none" }
subject_id = { type = "text", doc = "The invoice" }
period_start_date = { type = "date", doc = "Day of issue" }
period_end_date = { type = "date", doc = "First day after it" }
billable_date = { type = "date", doc = "Day from which it counts" }
gap_amount = { type = "decimal(18,4)", doc = "The fee" }
expected_amount = { type = "decimal(18,4)", doc = "The fee" }
billed_amount = { type = "decimal(18,4)", doc = "Nothing" }
run_rate_12m = { type = "decimal(18,4)", doc = "A one-off is itself" }
currency = { type = "text", doc = "Currency of the amounts" }
evidence = { type = "text", doc = "The rows it rests on" }
explanation = { type = "text", doc = "One sentence with the numbers in it" }

[checks]
not_null = ["check_code", "class", "account_id", "contract_id", "contract_line_id", "product_id", "subject_id", "period_start_date", "gap_amount", "run_rate_12m", "currency", "explanation"]

[decisions]
late = "What was still open when the last day without a fee ended: total less credit notes, payments and write-offs by then; before tax"
charged = "A posted line that says late fee or interest, on the contract or else the account, issued after the due date, settles the clause for the invoice"
disputed = "Nothing is asked while a dispute is open"
terms = "The clause of the contract version in force on the day of issue"
---*/
with invoice_balance as (
    select
        invoice_id,
        account_id,
        contract_id,
        currency,
        minor_digits,
        issued_date,
        due_date,
        total_amount,
        tax_amount,
        credited_amount
    from invoice_balance
    where contract_id <> ''
        and not is_in_dispute
),

contract_version as (
    select
        contract_id,
        version,
        valid_from_date,
        valid_to_date,
        late_fee_pct,
        late_fee_after_days
    from contract_version
    where late_fee_pct > 0
),

invoice_payment as (
    select
        invoice_id,
        moved_at,
        amount
    from invoice_payment
),

write_off as (
    select
        invoice_id,
        written_off_date,
        amount
    from write_off
),

payment as (
    select invoice_id
    from payment
),

payment_event as (
    select invoice_id
    from payment_event
),

billed_line as (
    select
        invoice_line_id,
        account_id,
        contract_id,
        issued_date
    from billed_line
    where state = 'posted'
),

invoice_line as (
    select invoice_line_id
    from invoice_line
    where lower(description) like '%late fee%'
        or lower(description) like '%interest%'
),

known_payment as (
    select count(*) as payments
    from payment
),

known_event as (
    select count(*) as events
    from payment_event
),

fee_line as (
    select
        billed_line.account_id,
        billed_line.contract_id,
        billed_line.issued_date
    from invoice_line
    inner join billed_line
        on invoice_line.invoice_line_id = billed_line.invoice_line_id
),

claused as (
    select
        invoice_balance.*,
        contract_version.version,
        contract_version.late_fee_pct,
        cast(invoice_balance.due_date + cast(coalesce(contract_version.late_fee_after_days, 0) as int) as date) as free_until_date
    from invoice_balance
    inner join contract_version
        on invoice_balance.contract_id = contract_version.contract_id
        and invoice_balance.issued_date >= contract_version.valid_from_date
        and invoice_balance.issued_date < contract_version.valid_to_date
    cross join known_payment
    cross join known_event
    where known_payment.payments + known_event.events > 0
        and invoice_balance.total_amount > 0
),

due as (
    select *
    from claused
    where free_until_date < cast($as_of as date)
    qualify row_number() over (partition by invoice_id order by version desc) = 1
),

paid as (
    select
        due.invoice_id,
        sum(invoice_payment.amount) as amount
    from due
    inner join invoice_payment
        on due.invoice_id = invoice_payment.invoice_id
    where cast(invoice_payment.moved_at as date) <= due.free_until_date
    group by due.invoice_id
),

written_off as (
    select
        due.invoice_id,
        sum(write_off.amount) as amount
    from due
    inner join write_off
        on due.invoice_id = write_off.invoice_id
    where write_off.written_off_date <= due.free_until_date
    group by due.invoice_id
),

charged as (
    select distinct due.invoice_id
    from due
    inner join fee_line
        on due.account_id = fee_line.account_id
        and fee_line.issued_date > due.due_date
        and (fee_line.contract_id is null or fee_line.contract_id = due.contract_id)
),

late as (
    select
        due.*,
        due.total_amount - due.credited_amount - coalesce(paid.amount, 0) - coalesce(written_off.amount, 0) as late_amount
    from due
    left join paid
        on due.invoice_id = paid.invoice_id
    left join written_off
        on due.invoice_id = written_off.invoice_id
    left join charged
        on due.invoice_id = charged.invoice_id
    where charged.invoice_id is null
),

-- The whole part by rounding, the rest exactly, so that halves survive large amounts.
halved as (
    select
        late.*,
        cast(round(cast(late_amount as double) * cast(tax_amount as double) / cast(total_amount as double)) as decimal(38,0)) as whole_tax
    from late
    where late_amount > 0
),

taxed as (
    select
        halved.*,
        cast(case
            when tax_amount <= 0 then 0
            when tax_amount >= total_amount then late_amount
            else whole_tax + cast(cast(
                cast(late_amount as decimal(38,4)) * cast(tax_amount as decimal(18,4)) - whole_tax * cast(total_amount as decimal(18,4))
                as double) / cast(total_amount as double) as decimal(38,10))
        end as decimal(38,10)) as late_tax
    from halved
),

net as (
    select
        taxed.*,
        cast(late_amount - case minor_digits
            when 0 then cast(round(late_tax, 0) as decimal(18,4))
            when 3 then cast(round(late_tax, 3) as decimal(18,4))
            else cast(round(late_tax, 2) as decimal(18,4))
        end as decimal(18,4)) as late_net_amount
    from taxed
),

priced as (
    select
        net.*,
        cast(cast(late_net_amount as decimal(38,8)) * late_fee_pct / 100 as decimal(38,10)) as fee_exact
    from net
),

rounded as (
    select
        priced.*,
        case minor_digits
            when 0 then cast(round(fee_exact, 0) as decimal(18,4))
            when 3 then cast(round(fee_exact, 3) as decimal(18,4))
            else cast(round(fee_exact, 2) as decimal(18,4))
        end as fee_amount
    from priced
)

select
    'R5' as check_code,
    'opportunity' as class,
    account_id,
    contract_id,
    '' as contract_line_id,
    '' as product_id,
    invoice_id as subject_id,
    issued_date as period_start_date,
    cast(issued_date + 1 as date) as period_end_date,
    cast(free_until_date + 1 as date) as billable_date,
    fee_amount as gap_amount,
    fee_amount as expected_amount,
    cast(0 as decimal(18,4)) as billed_amount,
    fee_amount as run_rate_12m,
    currency,
    concat('invoice ', invoice_id, '; contract ', contract_id, ' version ', cast(version as varchar)) as evidence,
    concat(
        'Of invoice ', invoice_id, ', due on ', cast(due_date as varchar), ', ',
        case minor_digits
            when 0 then cast(cast(late_net_amount as decimal(18,0)) as varchar)
            when 3 then cast(cast(late_net_amount as decimal(18,3)) as varchar)
            else cast(cast(late_net_amount as decimal(18,2)) as varchar)
        end, ' ', currency,
        ' before tax was not paid by ', cast(free_until_date as varchar),
        '; the contract grants ', cast(cast(late_fee_pct as decimal(9,2)) as varchar), ' % = ',
        case minor_digits
            when 0 then cast(cast(fee_amount as decimal(18,0)) as varchar)
            when 3 then cast(cast(fee_amount as decimal(18,3)) as varchar)
            else cast(cast(fee_amount as decimal(18,2)) as varchar)
        end, ' ', currency, ' and no late fee was billed.'
    ) as explanation
from rounded
where fee_amount > 0
