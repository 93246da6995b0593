/*---
title = "Tax billed too low for the account (X1)"
owner = "finance"
grain = ["check_code", "account_id", "contract_id", "contract_line_id", "product_id", "subject_id", "period_start_date"]

[columns]
check_code = { type = "text", doc = "The check" }
class = { type = "text", doc = "liability" }
account_id = { type = "text", doc = "The account" }
contract_id = { type = "text", doc = "Canonical contract; empty where none" }
contract_line_id = { type = "text", doc = "Canonical contract line; empty where none" }
product_id = { type = "text", doc = "Canonical product; empty where none" }
subject_id = { type = "text", doc = "Empty; the currency where it is not the account's" }
period_start_date = { type = "date", doc = "Day of issue of the invoices" }
period_end_date = { type = "date", doc = "First day after it" }
billable_date = { type = "date", doc = "Day from which it counts" }
gap_amount = { type = "decimal(18,4)", doc = "Tax billed less tax due: negative" }
expected_amount = { type = "decimal(18,4)", doc = "Tax due" }
billed_amount = { type = "decimal(18,4)", doc = "Tax billed" }
run_rate_12m = { type = "decimal(18,4)", doc = "A one-off is itself" }
currency = { type = "text", doc = "Currency of the amounts" }
evidence = { type = "text", doc = "The rows it rests on" }
explanation = { type = "text", doc = "One sentence with the numbers in it" }

[checks]
not_null = ["check_code", "class", "account_id", "contract_id", "contract_line_id", "product_id", "subject_id", "period_start_date", "gap_amount", "run_rate_12m", "currency", "explanation"]

[decisions]
tolerance = "One minor unit for each line of the invoice may be lost in rounding"
unknown_tax = "An invoice that says nothing of tax is not judged"
currency = "A case is an account in its own currency, or that of its first invoice; invoices in another currency are a case of theirs"
---*/
with account as (
    select
        account_id,
        currency as account_currency,
        expected_tax_pct
    from account
    where expected_tax_pct is not null
),

invoice as (
    select
        invoice_id,
        subtotal,
        tax,
        total
    from invoice
),

invoice_balance as (
    select
        invoice_id,
        account_id,
        currency,
        minor_digits,
        issued_date
    from invoice_balance
),

invoice_line as (
    select
        invoice_id,
        amount,
        tax_amount,
        is_tax_inclusive
    from invoice_line
),

lines as (
    select
        invoice_id,
        count(*) as line_count,
        sum(case when coalesce(is_tax_inclusive, false) then amount - coalesce(tax_amount, 0) else amount end) as net_amount,
        sum(tax_amount) as tax_amount
    from invoice_line
    group by invoice_id
),

billed as (
    select
        invoice_balance.*,
        account.account_currency,
        account.expected_tax_pct,
        first_value(invoice_balance.currency) over (
            partition by invoice_balance.account_id
            order by invoice_balance.issued_date, invoice_balance.invoice_id
        ) as first_currency,
        coalesce(lines.line_count, 1) as line_count,
        coalesce(lines.net_amount, invoice.subtotal, invoice.total - invoice.tax) as net_amount,
        coalesce(invoice.tax, invoice.total - invoice.subtotal, lines.tax_amount) as tax_amount
    from invoice_balance
    inner join account
        on invoice_balance.account_id = account.account_id
    inner join invoice
        on invoice_balance.invoice_id = invoice.invoice_id
    left join lines
        on invoice_balance.invoice_id = lines.invoice_id
),

due as (
    select
        billed.*,
        cast(cast(net_amount as decimal(38,8)) * expected_tax_pct / 100 as decimal(38,10)) as due_exact,
        line_count * case minor_digits
            when 0 then cast(1 as decimal(18,4))
            when 3 then cast(0.001 as decimal(18,4))
            else cast(0.01 as decimal(18,4))
        end as tolerance
    from billed
    where tax_amount is not null
        and net_amount is not null
),

rounded as (
    select
        due.*,
        case minor_digits
            when 0 then cast(round(due_exact, 0) as decimal(18,4))
            when 3 then cast(round(due_exact, 3) as decimal(18,4))
            else cast(round(due_exact, 2) as decimal(18,4))
        end as due_amount
    from due
),

summed as (
    select
        account_id,
        currency,
        minor_digits,
        expected_tax_pct,
        case when currency = coalesce(account_currency, first_currency) then '' else currency end as subject_id,
        issued_date,
        count(*) as invoices,
        cast(sum(due_amount) as decimal(18,4)) as due_amount,
        cast(sum(tax_amount) as decimal(18,4)) as tax_amount,
        string_agg(concat('invoice ', invoice_id), '; ' order by invoice_id) as evidence
    from rounded
    where due_amount > tax_amount + tolerance
    group by
        account_id,
        currency,
        minor_digits,
        expected_tax_pct,
        case when currency = coalesce(account_currency, first_currency) then '' else currency end,
        issued_date
)

select
    'X1' as check_code,
    'liability' as class,
    account_id,
    '' as contract_id,
    '' as contract_line_id,
    '' as product_id,
    subject_id,
    issued_date as period_start_date,
    cast(issued_date + 1 as date) as period_end_date,
    issued_date as billable_date,
    cast(tax_amount - due_amount as decimal(18,4)) as gap_amount,
    due_amount as expected_amount,
    tax_amount as billed_amount,
    cast(tax_amount - due_amount as decimal(18,4)) as run_rate_12m,
    currency,
    evidence,
    concat(
        'On ', cast(issued_date as varchar), ' ',
        case minor_digits
            when 0 then cast(cast(tax_amount as decimal(18,0)) as varchar)
            when 3 then cast(cast(tax_amount as decimal(18,3)) as varchar)
            else cast(cast(tax_amount as decimal(18,2)) as varchar)
        end, ' ', currency, ' of tax was billed where ',
        cast(cast(expected_tax_pct as decimal(9,2)) as varchar), ' % come to ',
        case minor_digits
            when 0 then cast(cast(due_amount as decimal(18,0)) as varchar)
            when 3 then cast(cast(due_amount as decimal(18,3)) as varchar)
            else cast(cast(due_amount as decimal(18,2)) as varchar)
        end, ' ', currency, ', over invoices: ', cast(invoices as varchar), '.'
    ) as explanation
from summed
