/*---
title = "Which posted lines stand, repeat an earlier one or were reversed"
owner = "finance"
grain = ["subject_id", "is_line"]

[columns]
subject_id = { type = "text", doc = "Invoice line, or credit note" }
is_line = { type = "boolean", doc = "An invoice line; else a credit note" }
role = { type = "text", doc = "billed, duplicate or reversed for repeated lines; reversal for what took one back" }

[checks]
not_null = ["subject_id", "is_line", "role"]

[decisions]
duplicate = "Same contract line, or commitment of a true-up, days, quantity and price as an earlier posted line (by issued_date, then invoice_line_id)"
positive = "A repeated line that takes money back is no duplicate"
rebill = "An earlier line reversed in full on or before the issue of its repetition is taken out together with its reversal: a rebill is no duplicate"
---*/
with placed_line as (
    select
        invoice_line_id,
        invoice_id,
        contract_line_id,
        is_credit,
        issued_date,
        service_start_date,
        service_end_date,
        invoice_amount as amount,
        group_key
    from placed_line
    where state = 'posted'
),

true_up_line as (
    select
        invoice_line_id,
        invoice_id,
        commitment_id,
        is_credit,
        issued_date,
        service_start_date,
        service_end_date,
        amount,
        group_key
    from true_up_line
    where state = 'posted'
        and commitment_id is not null
),

credit_note as (
    select
        credit_note_id,
        invoice_id,
        invoice_line_id,
        issued_date,
        amount
    from credit_note
    where issued_date <= cast($as_of as date)
        and (voided_at is null or voided_at >= cast($as_of_end as timestamp))
),

-- A true-up repeats an earlier one of its commitment as a line repeats one of its contract line.
posted_line as (
    select
        invoice_line_id,
        invoice_id,
        contract_line_id,
        is_credit,
        issued_date,
        service_start_date,
        service_end_date,
        amount,
        group_key
    from placed_line
    union all
    select
        invoice_line_id,
        invoice_id,
        commitment_id as contract_line_id,
        is_credit,
        issued_date,
        service_start_date,
        service_end_date,
        amount,
        group_key
    from true_up_line
),

-- Lines of one contract line and first day; what repeats is among them, and few others are.
beside as (
    select
        contract_line_id,
        service_start_date
    from posted_line
    where not is_credit
        and amount > 0
    group by
        contract_line_id,
        service_start_date
    having count(*) > 1
),

group_size as (
    select posted_line.group_key
    from posted_line
    inner join beside
        on posted_line.contract_line_id = beside.contract_line_id
        and posted_line.service_start_date = beside.service_start_date
    where not posted_line.is_credit
        and posted_line.amount > 0
    group by posted_line.group_key
    having count(*) > 1
),

repeated as (
    select
        posted_line.group_key,
        posted_line.invoice_line_id,
        posted_line.invoice_id,
        posted_line.contract_line_id,
        posted_line.service_start_date,
        posted_line.service_end_date,
        posted_line.amount,
        posted_line.issued_date,
        row_number() over (
            partition by posted_line.group_key
            order by posted_line.issued_date, posted_line.invoice_line_id
        ) as place
    from posted_line
    inner join group_size
        on posted_line.group_key = group_size.group_key
    where not posted_line.is_credit
        and posted_line.amount > 0
),

repeated_invoice as (
    select distinct invoice_id
    from repeated
),

invoice_amount as (
    select
        posted_line.invoice_id,
        sum(posted_line.amount) as amount
    from posted_line
    inner join repeated_invoice
        on posted_line.invoice_id = repeated_invoice.invoice_id
    group by posted_line.invoice_id
),

-- Everything that takes a repeated line back in full: a credit line of the same days, a note on the line, a note on its invoice.
reversal as (
    select distinct
        repeated.group_key,
        posted_line.invoice_line_id as reversal_id,
        true as is_line,
        posted_line.issued_date
    from repeated
    inner join posted_line
        on repeated.contract_line_id = posted_line.contract_line_id
        and repeated.service_start_date = posted_line.service_start_date
        and repeated.service_end_date = posted_line.service_end_date
        and repeated.amount = - posted_line.amount
    where posted_line.is_credit
    union all
    select distinct
        repeated.group_key,
        credit_note.credit_note_id,
        false,
        credit_note.issued_date
    from repeated
    inner join credit_note
        on repeated.invoice_line_id = credit_note.invoice_line_id
        and repeated.amount = credit_note.amount
    union all
    select distinct
        repeated.group_key,
        credit_note.credit_note_id,
        false,
        credit_note.issued_date
    from repeated
    inner join credit_note
        on repeated.invoice_id = credit_note.invoice_id
        and credit_note.invoice_line_id is null
    inner join invoice_amount
        on repeated.invoice_id = invoice_amount.invoice_id
        and credit_note.amount = invoice_amount.amount
),

reversal_order as (
    select
        reversal.*,
        row_number() over (partition by group_key order by issued_date, reversal_id) as place
    from reversal
),

reversed_before as (
    select
        repeated.group_key,
        repeated.place,
        count(reversal.reversal_id) as reversals
    from repeated
    left join reversal
        on repeated.group_key = reversal.group_key
        and reversal.issued_date <= repeated.issued_date
    group by
        repeated.group_key,
        repeated.place
),

-- The last line whose every predecessor had been reversed by then is the one that stands.
standing as (
    select
        group_key,
        max(case when place >= 2 and reversals >= place - 1 then place else 1 end) as place
    from reversed_before
    group by group_key
),

reversal_in_effect as (
    select distinct
        reversal_order.reversal_id,
        reversal_order.is_line
    from reversal_order
    inner join standing
        on reversal_order.group_key = standing.group_key
    where reversal_order.place < standing.place
)

select
    repeated.invoice_line_id as subject_id,
    true as is_line,
    case
        when repeated.place < standing.place then 'reversed'
        when repeated.place = standing.place then 'billed'
        else 'duplicate'
    end as role
from repeated
inner join standing
    on repeated.group_key = standing.group_key
union all
select
    reversal_id as subject_id,
    is_line,
    'reversal' as role
from reversal_in_effect
