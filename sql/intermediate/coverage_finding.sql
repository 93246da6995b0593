/*---
title = "What missing coverage costs, by code"
owner = "finance"
grain = ["contract_line_id", "cell_no", "check_code", "subject_id"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line" }
cell_no = { type = "integer", doc = "Number of the cell in the line's grid" }
step = { type = "text", doc = "S1" }
check_code = { type = "text", doc = "C10, C12, C1, C8, C9, C4, C3, C2, Q3, Q5 or C7" }
subject_id = { type = "text", doc = "The draft or void invoice of a C12, the prepaid commitment of a Q5; else empty" }
place = { type = "integer", doc = "Order within the obligation" }
gap_amount = { type = "decimal(18,4)", doc = "What the code explains of the step" }

[checks]
not_null = ["contract_line_id", "cell_no", "step", "check_code", "subject_id", "place", "gap_amount"]

[decisions]
coverage = "Covered days owe what the contract's fraction of them is worth more than the billed one: C10, between nothing and the step; the rest is split by uncovered days, half up, the remainder to the code of the last one"
taken_back = "A negative line on days the contract does not charge leaves a positive step without uncovered days: C10"
other_components = "A one-off or usage line without a posted line: C12 where a draft or void line holds it, else C7 or Q3; usage beyond a prepaid balance Q5"
---*/
with waterfall as (
    select
        contract_line_id,
        cell_no,
        component,
        period_start_date,
        period_end_date,
        value_billed,
        value_coverage,
        days_denominator,
        day_unit,
        billed_quantity,
        quantity_fraction,
        single_kind,
        single_period_price,
        single_days,
        billed_net_amount,
        billed_gross_amount,
        line_count,
        minor_digits,
        prepaid_commitment_id
    from waterfall
    where verdict = 'verified'
        and value_coverage > value_billed
),

uncovered_stretch as (
    select
        contract_line_id,
        cell_no,
        start_date,
        days,
        measure,
        is_covered,
        check_code,
        subject_id
    from uncovered_stretch
),

placed_line as (
    select
        contract_line_id,
        invoice_line_id,
        invoice_id,
        issued_date,
        service_start_date,
        service_end_date
    from placed_line
    where state <> 'posted'
        and not is_credit
),

-- Coverage, recurring lines: how many charged days are covered, and how many are not.
coverage_days as (
    select
        contract_line_id,
        cell_no,
        sum(case when is_covered then measure else 0 end) as covered_measure,
        sum(case when is_covered then days else 0 end) as covered_days,
        sum(case when not is_covered then days else 0 end) as uncovered_days
    from uncovered_stretch
    group by
        contract_line_id,
        cell_no
),

covered_worth as (
    select
        waterfall.contract_line_id,
        waterfall.cell_no,
        waterfall.value_coverage - waterfall.value_billed as step_amount,
        waterfall.value_billed,
        waterfall.minor_digits,
        waterfall.line_count,
        coalesce(coverage_days.covered_days, 0) as covered_days,
        coalesce(coverage_days.uncovered_days, 0) as uncovered_days,
        case
            when waterfall.line_count = 0 or waterfall.quantity_fraction = 0 or coverage_days.covered_measure is null then cast(0 as decimal(38,10))
            when waterfall.single_kind = 'priced' then cast(
                cast(waterfall.single_period_price * waterfall.billed_net_amount as double)
                * cast(coverage_days.covered_measure * waterfall.day_unit as double)
                / (cast(waterfall.billed_gross_amount as double) * waterfall.days_denominator)
                as decimal(38,10)
            )
            when waterfall.single_kind = 'days' then cast(
                cast(waterfall.billed_net_amount as double) * cast(coverage_days.covered_measure * waterfall.day_unit as double)
                / cast(waterfall.single_days as double)
                as decimal(38,10)
            )
            else cast(
                cast(waterfall.billed_quantity * waterfall.billed_net_amount as double)
                * cast(coverage_days.covered_measure * waterfall.day_unit as double)
                / (cast(waterfall.quantity_fraction as double) * waterfall.days_denominator)
                as decimal(38,10)
            )
        end as covered_value
    from waterfall
    left join coverage_days
        on waterfall.contract_line_id = coverage_days.contract_line_id
        and waterfall.cell_no = coverage_days.cell_no
    where waterfall.component = 'charge'
),

proration_gap as (
    select
        covered_worth.*,
        case
            when uncovered_days = 0 then step_amount
            when covered_days = 0 or line_count = 0 then cast(0 as decimal(18,4))
            else least(greatest(
                case minor_digits
                    when 0 then cast(round(covered_value, 0) as decimal(18,4))
                    when 3 then cast(round(covered_value, 3) as decimal(18,4))
                    else cast(round(covered_value, 2) as decimal(18,4))
                end - value_billed,
                cast(0 as decimal(18,4))
            ), step_amount)
        end as proration_amount
    from covered_worth
),

uncovered_code as (
    select
        contract_line_id,
        cell_no,
        check_code,
        subject_id,
        sum(days) as days,
        max(start_date) as last_start_date
    from uncovered_stretch
    where not is_covered
    group by
        contract_line_id,
        cell_no,
        check_code,
        subject_id
),

coded_share as (
    select
        uncovered_code.contract_line_id,
        uncovered_code.cell_no,
        uncovered_code.check_code,
        uncovered_code.subject_id,
        proration_gap.step_amount - proration_gap.proration_amount as rest_amount,
        case proration_gap.minor_digits
            when 0 then cast(round(cast(
                cast((proration_gap.step_amount - proration_gap.proration_amount) * uncovered_code.days as double) / proration_gap.uncovered_days
                as decimal(38,10)), 0) as decimal(18,4))
            when 3 then cast(round(cast(
                cast((proration_gap.step_amount - proration_gap.proration_amount) * uncovered_code.days as double) / proration_gap.uncovered_days
                as decimal(38,10)), 3) as decimal(18,4))
            else cast(round(cast(
                cast((proration_gap.step_amount - proration_gap.proration_amount) * uncovered_code.days as double) / proration_gap.uncovered_days
                as decimal(38,10)), 2) as decimal(18,4))
        end as share_amount,
        row_number() over (
            partition by uncovered_code.contract_line_id, uncovered_code.cell_no
            order by uncovered_code.last_start_date desc
        ) = 1 as is_last,
        row_number() over (
            partition by uncovered_code.contract_line_id, uncovered_code.cell_no
            order by case uncovered_code.check_code
                    when 'C12' then 1 when 'C1' then 2 when 'C8' then 3 when 'C9' then 4 when 'C4' then 5 when 'C3' then 6 else 7
                end,
                uncovered_code.subject_id
        ) as place
    from uncovered_code
    inner join proration_gap
        on uncovered_code.contract_line_id = proration_gap.contract_line_id
        and uncovered_code.cell_no = proration_gap.cell_no
),

coverage_row as (
    select
        contract_line_id,
        cell_no,
        'S1' as step,
        'C10' as check_code,
        '' as subject_id,
        300000 as place,
        proration_amount as gap_amount
    from proration_gap
    where proration_amount <> 0
    union all
    select
        contract_line_id,
        cell_no,
        'S1',
        check_code,
        subject_id,
        300000 + place,
        case
            when is_last
                then share_amount + rest_amount - sum(share_amount) over (partition by contract_line_id, cell_no)
            else share_amount
        end
    from coded_share
),

-- One-off and usage lines without a posted line: held up in a draft or void line, or missing.
held_line as (
    select
        waterfall.contract_line_id,
        waterfall.cell_no,
        placed_line.invoice_id
    from waterfall
    inner join placed_line
        on waterfall.contract_line_id = placed_line.contract_line_id
        and placed_line.service_start_date < waterfall.period_end_date
        and placed_line.service_end_date > waterfall.period_start_date
    where waterfall.component <> 'charge'
        and waterfall.line_count = 0
    qualify row_number() over (
        partition by waterfall.contract_line_id, waterfall.cell_no
        order by placed_line.issued_date desc, placed_line.invoice_id desc, placed_line.invoice_line_id desc
    ) = 1
),

missing_row as (
    select
        waterfall.contract_line_id,
        waterfall.cell_no,
        'S1' as step,
        case
            when held_line.invoice_id is not null then 'C12'
            when waterfall.component = 'usage' and waterfall.prepaid_commitment_id is not null then 'Q5'
            when waterfall.component = 'usage' then 'Q3'
            else 'C7'
        end as check_code,
        coalesce(
            held_line.invoice_id,
            case when waterfall.component = 'usage' then waterfall.prepaid_commitment_id end,
            ''
        ) as subject_id,
        300000 as place,
        waterfall.value_coverage - waterfall.value_billed as gap_amount
    from waterfall
    left join held_line
        on waterfall.contract_line_id = held_line.contract_line_id
        and waterfall.cell_no = held_line.cell_no
    where waterfall.component <> 'charge'
),

every_row as (
    select * from coverage_row
    union all
    select * from missing_row
)

select
    contract_line_id,
    cell_no,
    step,
    check_code,
    subject_id,
    cast(place as bigint) as place,
    cast(gap_amount as decimal(18,4)) as gap_amount
from every_row
where gap_amount <> 0
