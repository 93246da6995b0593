/*---
title = "What is wrong with true-ups, under one code each"
owner = "finance"
grain = ["commitment_id", "period_no", "step", "check_code", "subject_id"]

[columns]
commitment_id = { type = "text", doc = "The commitment" }
period_no = { type = "integer", doc = "Number of the period" }
step = { type = "text", doc = "O1, S1, or empty for timing" }
check_code = { type = "text", doc = "Q4, C12, O1, O2 or C11" }
subject_id = { type = "text", doc = "The commitment of a Q4, the invoice of a C12 or O1; else empty" }
place = { type = "integer", doc = "Order within the true-up" }
gap_amount = { type = "decimal(18,4)", doc = "What the code explains of expected minus billed" }
from_amount = { type = "decimal(18,4)", doc = "Value before it" }
to_amount = { type = "decimal(18,4)", doc = "Value after it" }

[checks]
not_null = ["commitment_id", "period_no", "step", "check_code", "subject_id", "gap_amount", "from_amount", "to_amount"]
expect.end_to_end = "to_amount - from_amount = gap_amount"

[decisions]
one_step = "A true-up is one amount for one period: after duplicates its whole gap is coverage, Q4 where too little was posted or nothing, C12 where nothing but a draft or void line was, O2 where too much was"
---*/
with commitment_period as (
    select
        commitment_id,
        period_no,
        check_date,
        expected_amount,
        billed_amount,
        duplicate_amount,
        line_count,
        first_issued_date,
        held_invoice_id
    from commitment_period
    where verdict = 'verified'
),

true_up_allocation as (
    select
        commitment_id,
        period_no,
        invoice_id,
        amount
    from true_up_allocation
    where role = 'duplicate'
),

duplicate_invoice as (
    select
        commitment_id,
        period_no,
        invoice_id,
        sum(amount) as amount
    from true_up_allocation
    group by
        commitment_id,
        period_no,
        invoice_id
),

every_row as (
    select
        duplicate_invoice.commitment_id,
        duplicate_invoice.period_no,
        'O1' as step,
        'O1' as check_code,
        duplicate_invoice.invoice_id as subject_id,
        100 + row_number() over (
            partition by duplicate_invoice.commitment_id, duplicate_invoice.period_no
            order by duplicate_invoice.invoice_id
        ) as place,
        - duplicate_invoice.amount as gap_amount
    from duplicate_invoice
    inner join commitment_period
        on duplicate_invoice.commitment_id = commitment_period.commitment_id
        and duplicate_invoice.period_no = commitment_period.period_no
    union all
    select
        commitment_id,
        period_no,
        'S1' as step,
        case
            when expected_amount < billed_amount - duplicate_amount then 'O2'
            when line_count = 0 and held_invoice_id is not null then 'C12'
            else 'Q4'
        end as check_code,
        case
            when expected_amount < billed_amount - duplicate_amount then ''
            when line_count = 0 and held_invoice_id is not null then held_invoice_id
            else commitment_id
        end as subject_id,
        300000 as place,
        expected_amount - (billed_amount - duplicate_amount) as gap_amount
    from commitment_period
    where expected_amount <> billed_amount - duplicate_amount
    union all
    select
        commitment_id,
        period_no,
        '' as step,
        'C11' as check_code,
        '' as subject_id,
        700000 as place,
        cast(0 as decimal(18,4)) as gap_amount
    from commitment_period
    where first_issued_date > check_date
),

-- From billed to expected, end to end.
chained as (
    select
        every_row.*,
        commitment_period.billed_amount + sum(every_row.gap_amount) over (
            partition by every_row.commitment_id, every_row.period_no
            order by every_row.place
            rows between unbounded preceding and current row
        ) as reached_amount
    from every_row
    inner join commitment_period
        on every_row.commitment_id = commitment_period.commitment_id
        and every_row.period_no = commitment_period.period_no
)

select
    commitment_id,
    period_no,
    step,
    check_code,
    subject_id,
    cast(place as bigint) as place,
    cast(gap_amount as decimal(18,4)) as gap_amount,
    cast(case when step = '' then 0 else reached_amount - gap_amount end as decimal(18,4)) as from_amount,
    cast(case when step = '' then 0 else reached_amount end as decimal(18,4)) as to_amount
from chained
