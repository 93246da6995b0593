/*---
title = "Every cent of every step of every obligation, under one code"
owner = "finance"
grain = ["contract_line_id", "cell_no", "step", "check_code", "subject_id"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line" }
cell_no = { type = "integer", doc = "Number of the cell in the line's grid" }
step = { type = "text", doc = "O1, E0, S1, S2, S3a, S3c, S4, or empty for timing" }
check_code = { type = "text", doc = "The check" }
subject_id = { type = "text", doc = "Invoice of a C12 or O1, prepaid commitment of a Q5; else empty" }
place = { type = "integer", doc = "Order within the obligation: steps, and codes end to end within a step" }
gap_amount = { type = "decimal(18,4)", doc = "What the code explains of expected minus billed" }
from_amount = { type = "decimal(18,4)", doc = "Value before it" }
to_amount = { type = "decimal(18,4)", doc = "Value after it" }

[checks]
not_null = ["contract_line_id", "cell_no", "step", "check_code", "subject_id", "gap_amount", "from_amount", "to_amount"]
expect.end_to_end = "to_amount - from_amount = gap_amount"

[decisions]
sign_first = "A negative step is O2, whatever made it; only positive steps go through the lists"
seats = "Up to the contracted quantity a short quantity is Q2 or what superseded it, above it Q1: seats the rule counts"
expired = "P1 takes what the ended discounts would have taken off, at most the step; a rest of one minor unit per billed line joins it"
overdrawn = "Below a prepaid balance what is taken off beyond what it covers is Q5, not a discount too deep"
price_list = "Edited by hand P11, in another currency P10, a rated line P8, an earlier ramp stage's price P5, an earlier version's Q6, the renewed contract's or the one before an uplift P9, else P6; missed escalator steps stand apart"
quantity_list = "An earlier ramp stage's quantity P5, an earlier version's Q6, else Q2; usage Q3"
---*/
with waterfall as (
    select
        contract_line_id,
        cell_no,
        component,
        period_start_date,
        period_end_date,
        check_date,
        billed_amount,
        duplicate_amount,
        error_amount,
        value_billed,
        value_coverage,
        value_quantity,
        value_contracted,
        value_price,
        value_discount,
        expired_amount,
        charged_days,
        days_denominator,
        day_unit,
        line_count,
        has_manual_override,
        has_converted,
        is_rated,
        first_issued_date,
        minor_digits,
        prepaid_commitment_id
    from waterfall
    where verdict = 'verified'
),

line_allocation as (
    select
        contract_line_id,
        cell_no,
        invoice_id,
        amount
    from line_allocation
    where role = 'duplicate'
),

coverage_finding as (
    select
        contract_line_id,
        cell_no,
        step,
        check_code,
        subject_id,
        place,
        gap_amount
    from coverage_finding
),

price_split as (
    select
        contract_line_id,
        cell_no,
        value_base,
        step_gap,
        check_code
    from price_split
),

price_cause as (
    select
        contract_line_id,
        cell_no,
        is_ramp_missed,
        is_superseded,
        is_prior_term
    from price_cause
),

quantity_cause as (
    select
        contract_line_id,
        cell_no,
        is_ramp_missed,
        is_superseded
    from quantity_cause
),

minor_unit as (
    select
        waterfall.*,
        case minor_digits when 0 then cast(1 as decimal(18,4)) when 3 then cast(0.001 as decimal(18,4)) else cast(0.01 as decimal(18,4)) end as one_unit
    from waterfall
),

duplicate_invoice as (
    select
        line_allocation.contract_line_id,
        line_allocation.cell_no,
        line_allocation.invoice_id,
        sum(line_allocation.amount) as amount
    from line_allocation
    group by
        line_allocation.contract_line_id,
        line_allocation.cell_no,
        line_allocation.invoice_id
),

duplicate_row as (
    select
        duplicate_invoice.contract_line_id,
        duplicate_invoice.cell_no,
        'O1' as step,
        'O1' as check_code,
        duplicate_invoice.invoice_id as subject_id,
        100 + row_number() over (
            partition by duplicate_invoice.contract_line_id, duplicate_invoice.cell_no
            order by duplicate_invoice.invoice_id
        ) as place,
        - duplicate_invoice.amount as gap_amount
    from duplicate_invoice
    inner join waterfall
        on duplicate_invoice.contract_line_id = waterfall.contract_line_id
        and duplicate_invoice.cell_no = waterfall.cell_no
    where duplicate_invoice.amount <> 0
),

error_row as (
    select
        contract_line_id,
        cell_no,
        'E0' as step,
        case when error_amount > 0 then 'E1' else 'O2' end as check_code,
        '' as subject_id,
        200000 as place,
        error_amount as gap_amount
    from waterfall
    where error_amount <> 0
),

negative_row as (
    select
        contract_line_id,
        cell_no,
        'S1' as step,
        'O2' as check_code,
        '' as subject_id,
        300000 as place,
        value_coverage - value_billed as gap_amount
    from waterfall
    where value_coverage < value_billed
    union all
    select
        contract_line_id,
        cell_no,
        'S2',
        'O2',
        '',
        400000,
        value_quantity - value_coverage
    from waterfall
    where value_quantity < value_coverage
    union all
    select
        contract_line_id,
        cell_no,
        'S3a',
        'O2',
        '',
        500000,
        value_price - value_quantity
    from waterfall
    where value_price < value_quantity
    union all
    select
        contract_line_id,
        cell_no,
        'S4',
        'O2',
        '',
        600000,
        value_discount - value_price
    from waterfall
    where value_discount < value_price
),

quantity_row as (
    select
        waterfall.contract_line_id,
        waterfall.cell_no,
        'S2' as step,
        case
            when waterfall.component = 'usage' then 'Q3'
            when quantity_cause.is_ramp_missed then 'P5'
            when quantity_cause.is_superseded then 'Q6'
            else 'Q2'
        end as check_code,
        '' as subject_id,
        400000 as place,
        least(waterfall.value_contracted, waterfall.value_quantity) - waterfall.value_coverage as gap_amount
    from waterfall
    left join quantity_cause
        on waterfall.contract_line_id = quantity_cause.contract_line_id
        and waterfall.cell_no = quantity_cause.cell_no
    where waterfall.value_quantity > waterfall.value_coverage
        and waterfall.value_contracted > waterfall.value_coverage
),

-- Seats above the contract: what is left of the step above the contracted quantity.
seat_row as (
    select
        contract_line_id,
        cell_no,
        'S2' as step,
        'Q1' as check_code,
        '' as subject_id,
        400001 as place,
        value_quantity - greatest(value_contracted, value_coverage) as gap_amount
    from waterfall
    where value_quantity > value_coverage
        and value_quantity > value_contracted
),

-- The price step in two: up to the price after the steps that were billed, and the steps that were not.
price_step as (
    select
        waterfall.contract_line_id,
        waterfall.cell_no,
        waterfall.has_manual_override,
        waterfall.has_converted,
        waterfall.is_rated,
        coalesce(price_split.value_base, waterfall.value_price) - waterfall.value_quantity as base_gap,
        coalesce(price_split.step_gap, 0) as step_gap,
        price_split.check_code as step_code
    from waterfall
    left join price_split
        on waterfall.contract_line_id = price_split.contract_line_id
        and waterfall.cell_no = price_split.cell_no
    where waterfall.value_price > waterfall.value_quantity
),

price_row as (
    select
        price_step.contract_line_id,
        price_step.cell_no,
        'S3a' as step,
        case
            when price_step.base_gap < 0 then 'O2'
            when price_step.has_manual_override then 'P11'
            when price_step.has_converted then 'P10'
            when price_step.is_rated then 'P8'
            when price_cause.is_ramp_missed then 'P5'
            when price_cause.is_superseded then 'Q6'
            when price_cause.is_prior_term then 'P9'
            else 'P6'
        end as check_code,
        '' as subject_id,
        500000 as place,
        price_step.base_gap as gap_amount
    from price_step
    left join price_cause
        on price_step.contract_line_id = price_cause.contract_line_id
        and price_step.cell_no = price_cause.cell_no
    where price_step.base_gap <> 0
    union all
    select
        contract_line_id,
        cell_no,
        'S3c',
        step_code,
        '',
        550000,
        step_gap
    from price_step
    where step_gap <> 0
),

discount_split as (
    select
        contract_line_id,
        cell_no,
        prepaid_commitment_id,
        value_discount - value_price as step_amount,
        case
            when expired_amount > 0
                and value_discount - value_price - least(value_discount - value_price, expired_amount)
                    <= one_unit * cast(line_count as decimal(10,0))
                then value_discount - value_price
            else least(value_discount - value_price, coalesce(expired_amount, 0))
        end as expired_part
    from minor_unit
    where value_discount > value_price
),

discount_row as (
    select
        contract_line_id,
        cell_no,
        'S4' as step,
        'P1' as check_code,
        '' as subject_id,
        600000 as place,
        expired_part as gap_amount
    from discount_split
    where expired_part <> 0
    union all
    select
        contract_line_id,
        cell_no,
        'S4',
        case when prepaid_commitment_id is null then 'P2' else 'Q5' end,
        coalesce(prepaid_commitment_id, ''),
        600001,
        step_amount - expired_part
    from discount_split
    where step_amount <> expired_part
),

late_row as (
    select
        contract_line_id,
        cell_no,
        '' as step,
        'C11' as check_code,
        '' as subject_id,
        700000 as place,
        cast(0 as decimal(18,4)) as gap_amount
    from waterfall
    where first_issued_date > check_date
),

every_row as (
    select * from duplicate_row
    union all
    select * from error_row
    union all
    select * from negative_row
    union all
    select * from coverage_finding
    union all
    select * from quantity_row
    union all
    select * from seat_row
    union all
    select * from price_row
    union all
    select * from discount_row
    union all
    select * from late_row
),

-- From billed to expected, end to end.
chained as (
    select
        every_row.contract_line_id,
        every_row.cell_no,
        every_row.step,
        every_row.check_code,
        every_row.subject_id,
        every_row.place,
        every_row.gap_amount,
        waterfall.billed_amount + sum(every_row.gap_amount) over (
            partition by every_row.contract_line_id, every_row.cell_no
            order by every_row.place
            rows between unbounded preceding and current row
        ) as to_amount
    from every_row
    inner join waterfall
        on every_row.contract_line_id = waterfall.contract_line_id
        and every_row.cell_no = waterfall.cell_no
)

select
    contract_line_id,
    cell_no,
    step,
    check_code,
    subject_id,
    cast(place as bigint) as place,
    cast(gap_amount as decimal(18,4)) as gap_amount,
    cast(case when step = '' then 0 else to_amount - gap_amount end as decimal(18,4)) as from_amount,
    cast(case when step = '' then 0 else to_amount end as decimal(18,4)) as to_amount
from chained
where gap_amount <> 0 or step = ''
