/*---
title = "True-ups: what each commitment owed for each period, and what was billed of it"
owner = "finance"
grain = ["commitment_id", "period_no"]

[columns]
commitment_id = { type = "text", doc = "The commitment" }
period_no = { type = "integer", doc = "Number of the period" }
contract_id = { type = "text", doc = "Canonical contract" }
account_id = { type = "text", doc = "The account" }
term_source = { type = "text", doc = "signed, crm or billing" }
currency = { type = "text", doc = "Contract currency" }
minor_digits = { type = "integer", doc = "Decimals of the currency" }
period_start_date = { type = "date", doc = "First day of the period" }
period_end_date = { type = "date", doc = "First day after it: the day the true-up is billable" }
check_date = { type = "date", doc = "First day on which a missing invoice counts" }
verdict = { type = "text", doc = "verified, unverifiable or not_due" }
missing_term = { type = "text", doc = "What stands in the way of rating" }
blocked_amount = { type = "decimal(18,4)", doc = "Contract value that cannot be verified" }
committed_amount = { type = "decimal(18,4)", doc = "Committed spend; null where units are committed" }
committed_quantity = { type = "decimal(18,6)", doc = "Committed units; null where spend is" }
overage_unit_price = { type = "decimal(18,8)", doc = "Price of a missing unit" }
spend_amount = { type = "decimal(18,4)", doc = "What its lines owed in the period, after discounts" }
spend_quantity = { type = "decimal(18,6)", doc = "Units of its lines in the period" }
expected_amount = { type = "decimal(18,4)", doc = "The true-up due; null where unknown or the period still runs" }
billed_amount = { type = "decimal(18,4)", doc = "Posted true-up lines without credits" }
duplicate_amount = { type = "decimal(18,4)", doc = "Of it, lines that repeat an earlier one" }
reversed_amount = { type = "decimal(18,4)", doc = "Lines taken back in full before they were billed again, outside billed_amount" }
credited_amount = { type = "decimal(18,4)", doc = "Credit lines and unvoided credit notes on the true-up" }
line_count = { type = "integer", doc = "Posted lines that stand" }
first_issued_date = { type = "date", doc = "Earliest issue of a posted line" }
held_invoice_id = { type = "text", doc = "Latest draft or void invoice with a true-up line of the period" }
evidence = { type = "text", doc = "The invoice lines" }

[checks]
not_null = ["commitment_id", "period_no", "contract_id", "account_id", "period_start_date", "period_end_date", "check_date", "verdict", "billed_amount"]

[decisions]
true_up = "What the commitment is more than the eligible spend, which is what its lines owed by contract, not what was billed for them; for committed units the missing ones at the overage price"
unknown = "A line that cannot be rated leaves the spend unknown: the true-up is unverifiable for want of the same term"
prepaid = "A prepaid commitment expires without a true-up"
no_billing_source = "Where no invoice is known at all nothing can be called unbilled"
---*/
with commitment_grid as (
    select
        commitment_id,
        contract_id,
        account_id,
        term_source,
        currency,
        minor_digits,
        issue_grace_days
    from commitment_grid
    where not is_prepaid
),

commitment_span as (
    select
        commitment_id,
        period_no,
        period_start_date,
        period_end_date,
        committed_amount,
        committed_quantity,
        overage_unit_price,
        missing_term
    from commitment_span
),

commitment_spend as (
    select
        commitment_id,
        period_no,
        spend_amount,
        spend_quantity,
        missing_term
    from commitment_spend
),

true_up_allocation as (
    select
        invoice_line_id,
        invoice_id,
        commitment_id,
        period_no,
        role,
        issued_date,
        amount
    from true_up_allocation
),

credit_note_share as (
    select
        invoice_line_id,
        currency,
        amount
    from credit_note_share
),

invoice as (
    select invoice_id
    from invoice
),

known_billing as (
    select count(*) as invoices
    from invoice
),

spend as (
    select
        commitment_id,
        period_no,
        sum(spend_amount) as spend_amount,
        sum(spend_quantity) as spend_quantity,
        min(missing_term) as missing_term
    from commitment_spend
    group by
        commitment_id,
        period_no
),

billed as (
    select
        commitment_id,
        period_no,
        sum(case when role in ('billed', 'duplicate') then amount else 0 end) as billed_amount,
        sum(case when role = 'duplicate' then amount else 0 end) as duplicate_amount,
        sum(case when role = 'reversed' then amount else 0 end) as reversed_amount,
        sum(case when role = 'credit' then - amount else 0 end) as credit_amount,
        cast(sum(case when role = 'billed' then 1 else 0 end) as bigint) as line_count,
        min(case when role not in ('credit', 'reversal') then issued_date end) as first_issued_date,
        string_agg(invoice_line_id, ', ' order by invoice_line_id) as evidence
    from true_up_allocation
    where role <> 'held'
    group by
        commitment_id,
        period_no
),

noted as (
    select
        true_up_allocation.commitment_id,
        true_up_allocation.period_no,
        sum(credit_note_share.amount) as amount
    from credit_note_share
    inner join true_up_allocation
        on credit_note_share.invoice_line_id = true_up_allocation.invoice_line_id
    inner join commitment_grid
        on true_up_allocation.commitment_id = commitment_grid.commitment_id
        and credit_note_share.currency = commitment_grid.currency
    where true_up_allocation.role in ('billed', 'duplicate')
    group by
        true_up_allocation.commitment_id,
        true_up_allocation.period_no
),

held_line as (
    select
        commitment_id,
        period_no,
        invoice_id
    from true_up_allocation
    where role = 'held'
    qualify row_number() over (
        partition by commitment_id, period_no
        order by issued_date desc, invoice_id desc, invoice_line_id desc
    ) = 1
),

joined as (
    select
        commitment_grid.*,
        commitment_span.* exclude (commitment_id, missing_term),
        coalesce(commitment_span.missing_term, spend.missing_term, case when known_billing.invoices = 0 then 'invoices' end) as missing_term,
        coalesce(spend.spend_amount, 0) as spend_amount,
        coalesce(spend.spend_quantity, 0) as spend_quantity,
        coalesce(billed.billed_amount, 0) as billed_amount,
        coalesce(billed.duplicate_amount, 0) as duplicate_amount,
        coalesce(billed.reversed_amount, 0) as reversed_amount,
        coalesce(billed.credit_amount, 0) + coalesce(noted.amount, 0) as credited_amount,
        coalesce(billed.line_count, 0) as line_count,
        billed.first_issued_date,
        held_line.invoice_id as held_invoice_id,
        billed.evidence,
        case
            when commitment_span.period_end_date >= date '9999-01-01' then date '9999-12-31'
            else cast(commitment_span.period_end_date + cast(commitment_grid.issue_grace_days as int) as date)
        end as check_date
    from commitment_span
    inner join commitment_grid
        on commitment_span.commitment_id = commitment_grid.commitment_id
    cross join known_billing
    left join spend
        on commitment_span.commitment_id = spend.commitment_id
        and commitment_span.period_no = spend.period_no
    left join billed
        on commitment_span.commitment_id = billed.commitment_id
        and commitment_span.period_no = billed.period_no
    left join noted
        on commitment_span.commitment_id = noted.commitment_id
        and commitment_span.period_no = noted.period_no
    left join held_line
        on commitment_span.commitment_id = held_line.commitment_id
        and commitment_span.period_no = held_line.period_no
    where commitment_span.period_end_date <= cast($as_of as date)
        or billed.commitment_id is not null
),

-- Units short of a committed quantity cost the overage price each.
due as (
    select
        joined.*,
        case
            when check_date > cast($as_of as date) then 'not_due'
            when missing_term is not null then 'unverifiable'
            else 'verified'
        end as verdict,
        case
            when committed_amount is not null then cast(greatest(committed_amount - spend_amount, 0) as decimal(38,10))
            else cast(
                cast(greatest(committed_quantity - spend_quantity, 0) as decimal(38,6)) * cast(overage_unit_price as decimal(18,8))
                as decimal(38,10)
            )
        end as due_amount
    from joined
)

select
    commitment_id,
    period_no,
    contract_id,
    account_id,
    term_source,
    currency,
    minor_digits,
    period_start_date,
    period_end_date,
    check_date,
    verdict,
    case when verdict = 'unverifiable' then missing_term end as missing_term,
    case when verdict = 'unverifiable' then cast(coalesce(committed_amount, billed_amount) as decimal(18,4)) end as blocked_amount,
    committed_amount,
    committed_quantity,
    overage_unit_price,
    cast(spend_amount as decimal(18,4)) as spend_amount,
    cast(spend_quantity as decimal(18,6)) as spend_quantity,
    case
        when missing_term is not null or period_end_date > cast($as_of as date) then null
        when minor_digits = 0 then cast(round(due_amount, 0) as decimal(18,4))
        when minor_digits = 3 then cast(round(due_amount, 3) as decimal(18,4))
        else cast(round(due_amount, 2) as decimal(18,4))
    end as expected_amount,
    cast(billed_amount as decimal(18,4)) as billed_amount,
    cast(duplicate_amount as decimal(18,4)) as duplicate_amount,
    cast(reversed_amount as decimal(18,4)) as reversed_amount,
    cast(credited_amount as decimal(18,4)) as credited_amount,
    line_count,
    first_issued_date,
    held_invoice_id,
    evidence
from due
