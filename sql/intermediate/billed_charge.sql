/*---
title = "What was billed for each contract line and period, as factors"
owner = "finance"
grain = ["contract_line_id", "cell_no"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line" }
component = { type = "text", doc = "charge, usage or one_off" }
cell_no = { type = "integer", doc = "Number of the cell in the line's grid" }
cell_start_date = { type = "date", doc = "Boundary that begins the cell" }
cell_end_date = { type = "date", doc = "Boundary that ends it" }
billed_amount = { type = "decimal(18,4)", doc = "Posted lines without credits, duplicates included, reversed ones not" }
duplicate_amount = { type = "decimal(18,4)", doc = "Posted lines that repeat an earlier one" }
reversed_amount = { type = "decimal(18,4)", doc = "Posted lines taken back in full before they were billed again" }
credit_line_amount = { type = "decimal(18,4)", doc = "Credit lines, positive" }
error_amount = { type = "decimal(18,4)", doc = "E0: what right line arithmetic adds" }
net_amount = { type = "decimal(18,4)", doc = "N: billed lines that stand, arithmetic put right" }
gross_amount = { type = "decimal(18,4)", doc = "G: the same before discount" }
billed_quantity = { type = "decimal(38,12)", doc = "q_b: billed quantity, averaged over the covered days" }
quantity_fraction = { type = "decimal(38,12)", doc = "QF: quantity times billed fraction of the period, added up" }
single_kind = { type = "text", doc = "Where one ragged line stands alone: priced (its own unit price counts) or days (the contract's fraction of its days)" }
single_price = { type = "decimal(38,10)", doc = "Its unit price, of a flat line its period price" }
single_period_price = { type = "decimal(38,10)", doc = "Its quantity times unit price" }
single_days = { type = "integer", doc = "Its days as the contract counts them" }
line_count = { type = "integer", doc = "Billed lines that stand" }
is_lump = { type = "boolean", doc = "Every line that stands is one unit at its own gross amount" }
is_quantity_unknown = { type = "boolean", doc = "A line that stands names no quantity" }
has_manual_override = { type = "boolean", doc = "A price was edited by hand" }
has_converted = { type = "boolean", doc = "A line that stands was billed in another currency" }
first_issued_date = { type = "date", doc = "Earliest issue of a posted line, reversed ones included" }
evidence = { type = "text", doc = "The invoice lines" }

[checks]
not_null = ["contract_line_id", "cell_no", "billed_amount"]

[decisions]
fraction = "1 for a line that begins and ends on boundaries; else gross over quantity times price; else, where that price is not the contract's, its days by the contract's proration"
several_lines = "Quantities are averaged over covered days, prices weighed by quantity and fraction: an upgrade line of ten seats for half a month is five seats of the month"
single_line = "The fraction of a line that stands alone is never rounded: its own price, or its days, enter the steps as they are"
rated_lines = "Of tiers, packages and included units no quantity times price is known: a ragged line's fraction is its days"
negative_lines = "A negative proration takes its quantity back"
---*/
with line_allocation as (
    select
        invoice_line_id,
        contract_line_id,
        component,
        cell_no,
        cell_start_date,
        cell_end_date,
        role,
        issued_date,
        covered_from_date,
        covered_to_date,
        quantity,
        unit_price,
        gross_amount,
        error_amount,
        amount,
        line_gross_amount,
        cells,
        is_whole,
        is_priced_whole,
        is_manual_override,
        is_converted
    from line_allocation
),

line_grid as (
    select
        contract_line_id,
        pricing_model,
        is_rated,
        proration_method
    from line_grid
),

expected_charge as (
    select
        contract_line_id,
        cell_no,
        days_numerator,
        days_denominator,
        day_unit,
        is_rated,
        last_price,
        last_quantity
    from expected_charge
),

standing as (
    select
        line_allocation.*,
        line_grid.pricing_model = 'flat' and not coalesce(expected_charge.is_rated, line_grid.is_rated) as is_flat,
        coalesce(expected_charge.is_rated, line_grid.is_rated) as is_rated,
        line_grid.proration_method,
        coalesce(expected_charge.days_numerator, 0) as days_numerator,
        expected_charge.days_denominator,
        expected_charge.day_unit,
        expected_charge.last_price,
        expected_charge.last_quantity,
        covered_to_date - covered_from_date as days,
        case when line_allocation.gross_amount < 0 then -1 else 1 end as sign,
        cast(abs(line_allocation.quantity) as decimal(38,6)) * abs(line_allocation.unit_price) as period_price
    from line_allocation
    inner join line_grid
        on line_allocation.contract_line_id = line_grid.contract_line_id
    left join expected_charge
        on line_allocation.contract_line_id = expected_charge.contract_line_id
        and line_allocation.cell_no = expected_charge.cell_no
    where line_allocation.role = 'billed'
),

-- The days of a ragged line as the contract counts them.
measured as (
    select
        standing.*,
        case
            when proration_method = '30_360' then
                360 * (cast(date_part('year', covered_to_date) as bigint) - cast(date_part('year', covered_from_date) as bigint))
                + 30 * (cast(date_part('month', covered_to_date) as bigint) - cast(date_part('month', covered_from_date) as bigint))
                + case
                    when date_part('month', covered_to_date) = 2 and date_part('month', covered_to_date + 1) = 3 then 30
                    else least(cast(date_part('day', covered_to_date) as bigint), 30)
                end
                - case
                    when date_part('month', covered_from_date) = 2 and date_part('month', covered_from_date + 1) = 3 then 30
                    else least(cast(date_part('day', covered_from_date) as bigint), 30)
                end
            else days
        end as measure
    from standing
),

fractioned as (
    select
        measured.*,
        cast(case
            when component <> 'charge' or is_whole then 1
            when is_rated and days_numerator > 0 then cast(cast(measure * day_unit as double) / days_denominator as decimal(38,12))
            when not is_rated and cells = 1 and period_price > 0 and not is_priced_whole
                then cast(cast(abs(line_gross_amount) as double) / cast(period_price as double) as decimal(38,12))
            when not is_rated and cells = 1 and period_price > 0 and not is_flat and unit_price = last_price then 1
            when not is_rated and cells = 1 and period_price > 0 and is_flat and period_price = last_price then 1
            when days_numerator > 0 then cast(cast(measure * day_unit as double) / days_denominator as decimal(38,12))
            else cast(cast(days as double) / cast(cell_end_date - cell_start_date as double) as decimal(38,12))
        end as decimal(38,12)) as fraction,
        case
            when component <> 'charge' or is_whole then null
            when is_rated then case when days_numerator > 0 then 'days' end
            when cells = 1 and period_price > 0 and not is_priced_whole then 'priced'
            when cells = 1 and period_price > 0 and (not is_flat and unit_price = last_price or is_flat and period_price = last_price) then null
            when days_numerator > 0 then 'days'
        end as kind
    from measured
),

-- Days that several lines cover count once; a line that stands alone needs neither a window nor a sorted list.
crowded as (
    select
        contract_line_id,
        cell_no
    from line_allocation
    where role = 'billed'
    group by
        contract_line_id,
        cell_no
    having count(*) > 1
),

overlapping as (
    select
        line_allocation.contract_line_id,
        line_allocation.cell_no,
        line_allocation.invoice_line_id,
        line_allocation.covered_from_date,
        line_allocation.covered_to_date,
        max(line_allocation.covered_to_date) over (
            partition by line_allocation.contract_line_id, line_allocation.cell_no
            order by line_allocation.covered_from_date, line_allocation.invoice_line_id
            rows between unbounded preceding and 1 preceding
        ) as covered_before_date
    from line_allocation
    inner join crowded
        on line_allocation.contract_line_id = crowded.contract_line_id
        and line_allocation.cell_no = crowded.cell_no
    where line_allocation.role = 'billed'
),

covered as (
    select
        contract_line_id,
        cell_no,
        sum(greatest(covered_to_date - greatest(covered_from_date, coalesce(covered_before_date, covered_from_date)), 0)) as union_days,
        string_agg(invoice_line_id, ', ' order by invoice_line_id) as evidence
    from overlapping
    group by
        contract_line_id,
        cell_no
),

ranked as (
    select
        fractioned.*,
        case
            when is_flat then cast(sign as decimal(38,6))
            else cast(coalesce(abs(quantity), last_quantity, 1) * sign as decimal(38,6))
        end as signed_quantity
    from fractioned
),

summed as (
    select
        contract_line_id,
        cell_no,
        bool_or(is_flat) as is_flat,
        max(component) as component,
        sum(amount + error_amount) as net_amount,
        sum(gross_amount) as gross_amount,
        sum(error_amount) as error_amount,
        sum(signed_quantity) as quantity_sum,
        sum(signed_quantity * fraction) as quantity_fraction,
        sum(signed_quantity * cast(days as decimal(10,0))) as quantity_days,
        sum(days) as line_days,
        count(*) as line_count,
        bool_and(coalesce(quantity = 1 and unit_price = line_gross_amount, false)) as is_lump,
        bool_or(quantity is null) as is_quantity_unknown,
        max(kind) as single_kind,
        max(cast(case when is_flat then period_price else abs(unit_price) end as decimal(38,10))) as single_price,
        max(cast(period_price as decimal(38,10))) as single_period_price,
        max(measure * day_unit) as single_days,
        bool_or(is_manual_override) as has_manual_override,
        bool_or(is_converted) as has_converted,
        min(invoice_line_id) as evidence
    from ranked
    group by
        contract_line_id,
        cell_no
),

united as (
    select
        summed.* exclude (evidence),
        coalesce(covered.union_days, summed.line_days) as union_days,
        coalesce(covered.evidence, summed.evidence) as evidence
    from summed
    left join covered
        on summed.contract_line_id = covered.contract_line_id
        and summed.cell_no = covered.cell_no
),

-- One division each, at twelve decimals, on exact sums.
averaged as (
    select
        united.*,
        case
            when component <> 'charge' and is_flat then cast(1 as decimal(38,12))
            when component <> 'charge' then cast(quantity_sum as decimal(38,12))
            when is_flat then cast(1 as decimal(38,12))
            when union_days = 0 then cast(quantity_sum as decimal(38,12))
            else cast(round(cast(quantity_days as double) / cast(union_days as double)) as decimal(38,12))
                + cast(
                    cast(
                        quantity_days - cast(round(cast(quantity_days as double) / cast(union_days as double)) as decimal(38,0)) * cast(union_days as decimal(10,0))
                        as double
                    ) / cast(union_days as double)
                    as decimal(38,12)
                )
        end as billed_quantity,
        case
            when component <> 'charge' and is_flat then cast(1 as decimal(38,12))
            when component <> 'charge' then cast(quantity_sum as decimal(38,12))
            when is_flat and quantity_days <> 0
                then cast(cast(quantity_fraction as double) * cast(union_days as double) / cast(quantity_days as double) as decimal(38,12))
            else cast(quantity_fraction as decimal(38,12))
        end as fraction_quantity
    from united
),

every_role as (
    select
        contract_line_id,
        cell_no,
        max(component) as component,
        min(cell_start_date) as cell_start_date,
        max(cell_end_date) as cell_end_date,
        sum(case when role in ('billed', 'duplicate') then amount else 0 end) as billed_amount,
        sum(case when role = 'duplicate' then amount else 0 end) as duplicate_amount,
        sum(case when role = 'reversed' then amount else 0 end) as reversed_amount,
        sum(case when role = 'credit' then - amount else 0 end) as credit_line_amount,
        min(case when role in ('billed', 'duplicate', 'reversed') then issued_date end) as first_issued_date
    from line_allocation
    group by
        contract_line_id,
        cell_no
)

select
    every_role.contract_line_id,
    every_role.component,
    every_role.cell_no,
    every_role.cell_start_date,
    every_role.cell_end_date,
    cast(every_role.billed_amount as decimal(18,4)) as billed_amount,
    cast(every_role.duplicate_amount as decimal(18,4)) as duplicate_amount,
    cast(every_role.reversed_amount as decimal(18,4)) as reversed_amount,
    cast(every_role.credit_line_amount as decimal(18,4)) as credit_line_amount,
    cast(coalesce(averaged.error_amount, 0) as decimal(18,4)) as error_amount,
    cast(coalesce(averaged.net_amount, 0) as decimal(18,4)) as net_amount,
    cast(coalesce(averaged.gross_amount, 0) as decimal(18,4)) as gross_amount,
    averaged.billed_quantity,
    averaged.fraction_quantity as quantity_fraction,
    case when averaged.line_count = 1 and averaged.gross_amount > 0 and averaged.single_days > 0 then averaged.single_kind end as single_kind,
    averaged.single_price,
    averaged.single_period_price,
    cast(averaged.single_days as bigint) as single_days,
    coalesce(averaged.line_count, 0) as line_count,
    coalesce(averaged.is_lump, false) as is_lump,
    coalesce(averaged.is_quantity_unknown, false) as is_quantity_unknown,
    coalesce(averaged.has_manual_override, false) as has_manual_override,
    coalesce(averaged.has_converted, false) as has_converted,
    every_role.first_issued_date,
    averaged.evidence
from every_role
left join averaged
    on every_role.contract_line_id = averaged.contract_line_id
    and every_role.cell_no = averaged.cell_no
