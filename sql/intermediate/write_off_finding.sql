/*---
title = "Write-offs that nobody approved or gave a reason for (A2)"
owner = "finance"
grain = ["check_code", "account_id", "contract_id", "contract_line_id", "product_id", "subject_id", "period_start_date"]

[columns]
check_code = { type = "text", doc = "The check" }
class = { type = "text", doc = "leak" }
account_id = { type = "text", doc = "The account" }
contract_id = { type = "text", doc = "Canonical contract; empty where none" }
contract_line_id = { type = "text", doc = "Canonical contract line; empty where none" }
product_id = { type = "text", doc = "Canonical product; empty where none" }
subject_id = { type = "text", doc = "The invoice" }
period_start_date = { type = "date", doc = "Day of the write-off" }
period_end_date = { type = "date", doc = "First day after it" }
billable_date = { type = "date", doc = "Day from which it counts" }
gap_amount = { type = "decimal(18,4)", doc = "Written off before tax" }
expected_amount = { type = "decimal(18,4)", doc = "The invoice before tax" }
billed_amount = { type = "decimal(18,4)", doc = "What is left of it" }
run_rate_12m = { type = "decimal(18,4)", doc = "A one-off is itself" }
currency = { type = "text", doc = "Currency of the amounts" }
evidence = { type = "text", doc = "The rows it rests on" }
explanation = { type = "text", doc = "One sentence with the numbers in it" }

[checks]
not_null = ["check_code", "class", "account_id", "contract_id", "contract_line_id", "product_id", "subject_id", "period_start_date", "gap_amount", "run_rate_12m", "currency", "explanation"]

[decisions]
approval = "A write-off needs both an approver and a reason"
before_tax = "Amount less its share of the invoice tax, rounded once for each write-off"
---*/
with write_off as (
    select
        write_off_id,
        invoice_id,
        amount,
        written_off_date,
        approved_by,
        reason
    from write_off
    where written_off_date <= cast($as_of as date)
        and (approved_by is null or reason is null)
),

invoice_balance as (
    select
        invoice_id,
        account_id,
        contract_id,
        currency,
        minor_digits,
        total_amount,
        tax_amount
    from invoice_balance
),

-- The whole part by rounding, the rest exactly, so that halves survive large amounts.
halved as (
    select
        write_off.*,
        invoice_balance.account_id,
        invoice_balance.contract_id,
        invoice_balance.currency,
        invoice_balance.minor_digits,
        invoice_balance.total_amount,
        invoice_balance.tax_amount,
        cast(round(
            cast(write_off.amount as double) * cast(invoice_balance.tax_amount as double) / cast(nullif(invoice_balance.total_amount, 0) as double)
        ) as decimal(38,0)) as whole_tax
    from write_off
    inner join invoice_balance
        on write_off.invoice_id = invoice_balance.invoice_id
),

taxed as (
    select
        halved.*,
        cast(case
            when coalesce(total_amount, 0) <= 0 or tax_amount <= 0 then 0
            when tax_amount >= total_amount then amount
            else whole_tax + cast(cast(
                cast(amount as decimal(38,4)) * cast(tax_amount as decimal(18,4)) - whole_tax * cast(total_amount as decimal(18,4))
                as double) / cast(total_amount as double) as decimal(38,10))
        end as decimal(38,10)) as tax_share
    from halved
),

net as (
    select
        taxed.*,
        amount - case minor_digits
            when 0 then cast(round(tax_share, 0) as decimal(18,4))
            when 3 then cast(round(tax_share, 3) as decimal(18,4))
            else cast(round(tax_share, 2) as decimal(18,4))
        end as net_amount
    from taxed
),

summed as (
    select
        invoice_id,
        account_id,
        contract_id,
        currency,
        minor_digits,
        written_off_date,
        cast(coalesce(total_amount - tax_amount, 0) as decimal(18,4)) as invoice_net_amount,
        cast(sum(net_amount) as decimal(18,4)) as net_amount,
        bool_or(approved_by is null) as is_unapproved,
        string_agg(concat('write-off ', write_off_id), '; ' order by write_off_id) as evidence
    from net
    group by
        invoice_id,
        account_id,
        contract_id,
        currency,
        minor_digits,
        written_off_date,
        total_amount,
        tax_amount
)

select
    'A2' as check_code,
    'leak' as class,
    account_id,
    contract_id,
    '' as contract_line_id,
    '' as product_id,
    invoice_id as subject_id,
    written_off_date as period_start_date,
    cast(written_off_date + 1 as date) as period_end_date,
    written_off_date as billable_date,
    net_amount as gap_amount,
    invoice_net_amount as expected_amount,
    cast(invoice_net_amount - net_amount as decimal(18,4)) as billed_amount,
    net_amount as run_rate_12m,
    currency,
    concat('invoice ', invoice_id, '; ', evidence) as evidence,
    concat(
        'Of invoice ', invoice_id, ' ',
        case minor_digits
            when 0 then cast(cast(net_amount as decimal(18,0)) as varchar)
            when 3 then cast(cast(net_amount as decimal(18,3)) as varchar)
            else cast(cast(net_amount as decimal(18,2)) as varchar)
        end, ' ', currency,
        ' before tax was written off on ', cast(written_off_date as varchar),
        case when is_unapproved then ' without approval.' else ' without a reason.' end
    ) as explanation
from summed
where net_amount > 0
