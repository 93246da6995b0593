/*---
title = "Credit notes beyond what was wrong, owed or approved (A1)"
owner = "finance"
grain = ["check_code", "account_id", "contract_id", "contract_line_id", "product_id", "subject_id", "period_start_date"]

[columns]
check_code = { type = "text", doc = "The check" }
class = { type = "text", doc = "leak" }
account_id = { type = "text", doc = "The account" }
contract_id = { type = "text", doc = "Canonical contract; empty where none" }
contract_line_id = { type = "text", doc = "Canonical contract line; empty where none" }
product_id = { type = "text", doc = "Canonical product; empty where none" }
subject_id = { type = "text", doc = "The credit note" }
period_start_date = { type = "date", doc = "Day of issue of the note" }
period_end_date = { type = "date", doc = "First day after it" }
billable_date = { type = "date", doc = "Day from which it counts" }
gap_amount = { type = "decimal(18,4)", doc = "Credited beyond what is allowed, before tax" }
expected_amount = { type = "decimal(18,4)", doc = "What is allowed of the note" }
billed_amount = { type = "decimal(18,4)", doc = "What the note gives back" }
run_rate_12m = { type = "decimal(18,4)", doc = "A one-off is itself" }
currency = { type = "text", doc = "Currency of the amounts" }
evidence = { type = "text", doc = "The rows it rests on" }
explanation = { type = "text", doc = "One sentence with the numbers in it" }

[checks]
not_null = ["check_code", "class", "account_id", "contract_id", "contract_line_id", "product_id", "subject_id", "period_start_date", "gap_amount", "run_rate_12m", "currency", "explanation"]

[decisions]
allowed = "What corrects an overbilling, or pays an uptime credit owed, is allowed; a reason with an approver, or within the credit limit, allows all of a note"
pool = "What negative steps leave to be corrected in an obligation goes to its credit lines first, then to notes by day of issue and id"
repeated = "A note that repeats an earlier one (invoice, line, amount, reason) is allowed nothing"
bound = "Together never more than the invoice before tax; a draft or void invoice leaves nothing to credit, an unknown one sets no bound"
rebill = "A note that took a line back before it was billed again is allowed whole"
limit = "The limit is in reporting currency at the rate of the day of issue; without a rate a note is not shown to be within it"
---*/
with canonical_id as (
    select
        external_id,
        canonical_id
    from canonical_id
    where kind = 'contract'
),

currency_minor_unit as (
    select
        currency,
        minor_digits
    from currency_minor_unit
),

credit_note as (
    select
        credit_note_id,
        account_id,
        invoice_id,
        invoice_line_id,
        issued_date,
        amount,
        currency,
        reason_code,
        approved_by
    from credit_note
    where issued_date <= cast($as_of as date)
        and (voided_at is null or voided_at >= cast($as_of_end as timestamp))
),

line_role as (
    select subject_id
    from line_role
    where not is_line
),

credit_allocation as (
    select
        credit_note_id,
        contract_line_id,
        cell_no,
        amount,
        note_amount
    from credit_allocation
),

billed_charge as (
    select
        contract_line_id,
        cell_no,
        credit_line_amount
    from billed_charge
),

waterfall_finding as (
    select
        contract_line_id,
        cell_no,
        gap_amount
    from waterfall_finding
    where gap_amount < 0
),

true_up_finding as (
    select
        commitment_id,
        period_no,
        gap_amount
    from true_up_finding
    where gap_amount < 0
),

true_up_line as (
    select
        invoice_line_id,
        commitment_id,
        settled_date
    from true_up_line
    where commitment_id is not null
),

commitment_period as (
    select
        commitment_id,
        period_no,
        period_start_date,
        period_end_date
    from commitment_period
),

credit_note_share as (
    select
        credit_note_id,
        invoice_line_id,
        amount
    from credit_note_share
),

sla_settlement as (
    select
        credit_note_id,
        settled_amount
    from sla_settlement
),

invoice as (
    select
        invoice_id,
        contract_id
    from invoice
),

invoice_balance as (
    select
        invoice_id,
        currency,
        total_amount - tax_amount as net_amount
    from invoice_balance
),

fx_rate as (
    select
        from_currency,
        rate_date,
        rate
    from fx_rate
    where to_currency = cast($reporting_currency as varchar)
),

rated as (
    select
        credit_note.credit_note_id,
        fx_rate.rate
    from credit_note
    inner join fx_rate
        on credit_note.currency = fx_rate.from_currency
        and fx_rate.rate_date <= credit_note.issued_date
        and fx_rate.rate_date > credit_note.issued_date - cast(cast($fx_max_age_days as bigint) as int)
    qualify row_number() over (partition by credit_note.credit_note_id order by fx_rate.rate_date desc) = 1
),

placed as (
    select
        credit_note.*,
        coalesce(canonical_id.canonical_id, invoice.contract_id, '') as contract_id,
        coalesce(currency_minor_unit.minor_digits, 2) as minor_digits,
        line_role.subject_id is not null as is_reversal,
        row_number() over (
            partition by credit_note.account_id, credit_note.invoice_id, credit_note.invoice_line_id, credit_note.amount, credit_note.reason_code
            order by credit_note.issued_date, credit_note.credit_note_id
        ) > 1 and credit_note.invoice_id is not null as is_repeated,
        coalesce(sum(credit_note.amount) over (
            partition by credit_note.invoice_id
            order by credit_note.issued_date, credit_note.credit_note_id
            rows between unbounded preceding and 1 preceding
        ), 0) as credited_before,
        case
            when credit_note.currency = cast($reporting_currency as varchar) then credit_note.amount
            else cast(cast(credit_note.amount as double) * cast(rated.rate as double) as decimal(38,10))
        end as amount_reporting,
        invoice.invoice_id is not null as is_invoice_known,
        case when invoice_balance.currency = credit_note.currency then invoice_balance.net_amount end as invoice_net_amount,
        invoice_balance.invoice_id is not null as is_invoice_posted
    from credit_note
    left join rated
        on credit_note.credit_note_id = rated.credit_note_id
    left join line_role
        on credit_note.credit_note_id = line_role.subject_id
    left join invoice
        on credit_note.invoice_id = invoice.invoice_id
    left join invoice_balance
        on credit_note.invoice_id = invoice_balance.invoice_id
    left join canonical_id
        on invoice.contract_id = canonical_id.external_id
    left join currency_minor_unit
        on credit_note.currency = currency_minor_unit.currency
),

overbilled as (
    select
        contract_line_id as owed_id,
        cell_no,
        sum(- gap_amount) as amount
    from waterfall_finding
    group by
        contract_line_id,
        cell_no
    union all
    select
        concat('true-up ', commitment_id) as owed_id,
        period_no as cell_no,
        sum(- gap_amount) as amount
    from true_up_finding
    group by
        commitment_id,
        period_no
),

-- Every obligation a note gives something back on, true-ups included.
given_back as (
    select
        credit_note_id,
        contract_line_id as owed_id,
        cell_no,
        amount,
        note_amount
    from credit_allocation
    union all
    select
        credit_note_share.credit_note_id,
        concat('true-up ', true_up_line.commitment_id) as owed_id,
        commitment_period.period_no as cell_no,
        cast(sum(credit_note_share.amount) as decimal(18,4)) as amount,
        cast(sum(credit_note_share.amount) as decimal(18,4)) as note_amount
    from credit_note_share
    inner join true_up_line
        on credit_note_share.invoice_line_id = true_up_line.invoice_line_id
    inner join commitment_period
        on true_up_line.commitment_id = commitment_period.commitment_id
        and true_up_line.settled_date >= commitment_period.period_start_date
        and true_up_line.settled_date < commitment_period.period_end_date
    group by
        credit_note_share.credit_note_id,
        true_up_line.commitment_id,
        commitment_period.period_no
),

-- What is wrong in an obligation goes to its credit lines first, then to its notes one after the other.
share as (
    select
        given_back.credit_note_id,
        given_back.amount,
        overbilled.amount - coalesce(billed_charge.credit_line_amount, 0) as wrong_amount,
        coalesce(sum(given_back.amount) over (
            partition by given_back.owed_id, given_back.cell_no
            order by placed.issued_date, placed.credit_note_id
            rows between unbounded preceding and 1 preceding
        ), 0) as used_before
    from given_back
    inner join placed
        on given_back.credit_note_id = placed.credit_note_id
    inner join overbilled
        on given_back.owed_id = overbilled.owed_id
        and given_back.cell_no = overbilled.cell_no
    left join billed_charge
        on given_back.owed_id = billed_charge.contract_line_id
        and given_back.cell_no = billed_charge.cell_no
    where not placed.is_repeated
),

correcting as (
    select
        credit_note_id,
        sum(least(amount, greatest(wrong_amount - used_before, 0))) as amount
    from share
    group by credit_note_id
),

allocated as (
    select
        credit_note_id,
        sum(amount) as amount,
        sum(note_amount) as note_amount
    from given_back
    group by credit_note_id
),

settling as (
    select
        credit_note_id,
        sum(settled_amount) as amount
    from sla_settlement
    group by credit_note_id
),

-- Shares stand in the contract's currency; where the note has another one, its amount counts in proportion.
corrected as (
    select
        correcting.credit_note_id,
        correcting.amount as share_amount,
        allocated.amount as whole_amount,
        allocated.note_amount
    from correcting
    inner join allocated
        on correcting.credit_note_id = allocated.credit_note_id
),

weighed as (
    select
        placed.*,
        case
            when corrected.share_amount is null or corrected.whole_amount = 0 then cast(0 as decimal(38,10))
            when corrected.whole_amount = corrected.note_amount then cast(corrected.share_amount as decimal(38,10))
            else cast(cast(corrected.note_amount as double) * cast(corrected.share_amount as double) / cast(corrected.whole_amount as double) as decimal(38,10))
        end as corrected_exact,
        coalesce(settling.amount, 0) as settled_amount
    from placed
    left join corrected
        on placed.credit_note_id = corrected.credit_note_id
    left join settling
        on placed.credit_note_id = settling.credit_note_id
),

measured as (
    select
        weighed.*,
        case minor_digits
            when 0 then cast(round(corrected_exact, 0) as decimal(18,4))
            when 3 then cast(round(corrected_exact, 3) as decimal(18,4))
            else cast(round(corrected_exact, 2) as decimal(18,4))
        end as corrected_amount,
        reason_code is not null
            and (approved_by is not null or coalesce(amount_reporting <= cast($credit_limit as decimal(18,4)), false)) as is_approved,
        case
            when not is_invoice_known then null
            when not is_invoice_posted then cast(0 as decimal(18,4))
            else greatest(invoice_net_amount - credited_before, 0)
        end as left_amount
    from weighed
),

judged as (
    select
        measured.*,
        cast(case
            when is_reversal then amount
            when is_repeated then 0
            else least(
                case when is_approved then amount else least(amount, corrected_amount + settled_amount) end,
                coalesce(left_amount, amount)
            )
        end as decimal(18,4)) as allowed_amount
    from measured
)

select
    'A1' as check_code,
    'leak' as class,
    account_id,
    contract_id,
    '' as contract_line_id,
    '' as product_id,
    credit_note_id as subject_id,
    issued_date as period_start_date,
    cast(issued_date + 1 as date) as period_end_date,
    issued_date as billable_date,
    cast(amount - allowed_amount as decimal(18,4)) as gap_amount,
    allowed_amount as expected_amount,
    amount as billed_amount,
    cast(amount - allowed_amount as decimal(18,4)) as run_rate_12m,
    currency,
    concat_ws('; ', concat('credit note ', credit_note_id), concat('invoice ', invoice_id), concat('invoice line ', invoice_line_id)) as evidence,
    concat(
        'Credit note ', credit_note_id, ' of ', cast(issued_date as varchar), ' gives ',
        case minor_digits
            when 0 then cast(cast(amount as decimal(18,0)) as varchar)
            when 3 then cast(cast(amount as decimal(18,3)) as varchar)
            else cast(cast(amount as decimal(18,2)) as varchar)
        end, ' ', currency, ' back',
        case when invoice_id is null then '' else concat(' on invoice ', invoice_id) end,
        '; ',
        case minor_digits
            when 0 then cast(cast(allowed_amount as decimal(18,0)) as varchar)
            when 3 then cast(cast(allowed_amount as decimal(18,3)) as varchar)
            else cast(cast(allowed_amount as decimal(18,2)) as varchar)
        end,
        ' of it ',
        case
            when is_repeated then 'is allowed, because it repeats an earlier note'
            when is_approved then 'is what earlier notes had left of the invoice before tax'
            when reason_code is null then 'corrects what was billed too much or pays what is owed, and no reason is given for the rest'
            else 'corrects what was billed too much or pays what is owed, and nobody approved the rest'
        end,
        ': ',
        case minor_digits
            when 0 then cast(cast(amount - allowed_amount as decimal(18,0)) as varchar)
            when 3 then cast(cast(amount - allowed_amount as decimal(18,3)) as varchar)
            else cast(cast(amount - allowed_amount as decimal(18,2)) as varchar)
        end, ' ', currency, ' beyond policy.'
    ) as explanation
from judged
where amount > allowed_amount
