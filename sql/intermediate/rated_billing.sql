/*---
title = "What the contract would charge for the quantity billed on a rated line"
owner = "finance"
grain = ["contract_line_id", "cell_no"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line" }
cell_no = { type = "integer", doc = "Number of the cell in the line's grid" }
reading = { type = "text", doc = "How the billed quantity reads: total, excess over the included units, packages, due or unknown" }
quantity_change = { type = "decimal(38,10)", doc = "What the right quantity adds: (R_c - R_b) N / G" }
contracted_change = { type = "decimal(38,10)", doc = "The same up to the contracted quantity, before seats raise it; null for usage" }

[checks]
not_null = ["contract_line_id", "cell_no", "reading"]

[decisions]
included = "The billed quantity is what lies over the included units, unless the gross amount is what the contract charges for it as a total, one minor unit a line allowed"
packages = "A package line whose gross amount is quantity times price counts packages"
due = "A gross amount that is what is due bills the right quantity, whatever number stands on the line: one lump, a fee of its own, an upgrade in the middle of the period"
unknown = "A line without quantity, or one unit at the gross amount itself where that is not its price, bills the contract's: the gap is one of price"
---*/
with line_grid as (
    select
        contract_line_id,
        component,
        minor_digits
    from line_grid
    where is_rated
),

tier_step as (
    select
        contract_line_id,
        version,
        lower_quantity,
        upper_quantity,
        base_quantity,
        base_amount,
        price
    from tier_step
),

rated_segment as (
    select
        contract_line_id,
        cell_no,
        seg_start_date,
        version,
        family,
        package_size,
        unit_rate,
        included_quantity,
        contracted_quantity,
        share_quantity,
        share_total,
        value_days
    from rated_segment
),

expected_charge as (
    select
        contract_line_id,
        cell_no,
        days_numerator,
        days_denominator,
        day_unit,
        value_days
    from expected_charge
    where days_numerator > 0
),

billed_charge as (
    select
        contract_line_id,
        cell_no,
        billed_quantity,
        quantity_fraction,
        net_amount,
        gross_amount,
        line_count,
        is_lump,
        is_quantity_unknown
    from billed_charge
    where line_count > 0
),

-- The gross amount as it would be for all charged days, in the scale of value_days.
billed as (
    select
        billed_charge.contract_line_id,
        billed_charge.cell_no,
        billed_charge.is_lump,
        billed_charge.is_quantity_unknown,
        cast(greatest(billed_charge.billed_quantity, 0) as decimal(38,6)) as quantity,
        cast(case
            when line_grid.component = 'charge' and billed_charge.quantity_fraction <> 0
                then cast(billed_charge.gross_amount as double) * expected_charge.days_numerator * cast(billed_charge.billed_quantity as double)
                    / (cast(billed_charge.quantity_fraction as double) * expected_charge.days_denominator)
            else cast(billed_charge.gross_amount as double)
        end as decimal(38,10)) as gross,
        cast(expected_charge.day_unit as double) / expected_charge.days_denominator as day_scale,
        expected_charge.day_unit,
        expected_charge.value_days,
        expected_charge.days_denominator,
        case when billed_charge.gross_amount = 0 then cast(1 as decimal(18,4)) else billed_charge.net_amount end as net_amount,
        cast(case when billed_charge.gross_amount = 0 then cast(1 as decimal(38,4)) else cast(billed_charge.gross_amount as decimal(38,4)) end
            * cast(expected_charge.days_denominator as decimal(10,0)) as decimal(38,4)) as price_whole,
        cast(billed_charge.line_count as decimal(10,0))
            * case line_grid.minor_digits when 0 then cast(1 as decimal(18,4)) when 3 then cast(0.001 as decimal(18,4)) else cast(0.01 as decimal(18,4)) end
            as tolerance
    from billed_charge
    inner join line_grid
        on billed_charge.contract_line_id = line_grid.contract_line_id
    inner join expected_charge
        on billed_charge.contract_line_id = expected_charge.contract_line_id
        and billed_charge.cell_no = expected_charge.cell_no
),

segment as (
    select
        rated_segment.*,
        billed.quantity
    from rated_segment
    inner join billed
        on rated_segment.contract_line_id = billed.contract_line_id
        and rated_segment.cell_no = billed.cell_no
),

asked as (
    select
        segment.*,
        'total' as reading,
        cast(greatest(quantity - included_quantity, 0) as decimal(38,6)) as excess_units
    from segment
    union all
    select
        segment.*,
        'excess' as reading,
        quantity as excess_units
    from segment
    union all
    select
        segment.*,
        'packages' as reading,
        cast(quantity * package_size as decimal(38,6)) as excess_units
    from segment
    where family = 'package'
    union all
    select
        segment.*,
        'contracted' as reading,
        cast(greatest(contracted_quantity - included_quantity, 0) as decimal(38,6)) as excess_units
    from segment
    where contracted_quantity is not null
),

counted as (
    select
        asked.*,
        cast(round(cast(excess_units as double) / cast(coalesce(nullif(package_size, 0), 1) as double)) as decimal(38,0)) as near_packages
    from asked
),

pieced as (
    select
        counted.*,
        tier_step.base_amount,
        coalesce(cast(tier_step.price as decimal(38,10)), counted.unit_rate) as rate,
        case
            when counted.family <> 'package' then cast(counted.excess_units - tier_step.base_quantity as decimal(38,6))
            when near_packages * counted.package_size < counted.excess_units then cast(near_packages + 1 as decimal(38,6))
            when (near_packages - 1) * counted.package_size >= counted.excess_units then cast(near_packages - 1 as decimal(38,6))
            else cast(near_packages as decimal(38,6))
        end as charged_units
    from counted
    left join tier_step
        on counted.contract_line_id = tier_step.contract_line_id
        and counted.version = tier_step.version
        and counted.excess_units > tier_step.lower_quantity
        and counted.excess_units <= tier_step.upper_quantity
),

rated as (
    select
        pieced.*,
        case
            when family = 'flat' then unit_rate
            when excess_units = 0 then cast(0 as decimal(38,10))
            else cast(base_amount + cast(charged_units * rate as decimal(38,10)) as decimal(38,10))
        end as gross
    from pieced
),

weighed as (
    select
        rated.*,
        cast(gross * share_quantity as decimal(38,16)) as value_part,
        cast(round(cast(gross as double) * cast(share_quantity as double) / cast(share_total as double)) as decimal(38,0)) as value_whole
    from rated
),

shared as (
    select
        contract_line_id,
        cell_no,
        reading,
        included_quantity,
        value_days as due_value_days,
        case
            when share_total = 1 then cast(value_part as decimal(38,10))
            else cast(value_whole + cast(
                cast(value_part - value_whole * share_total as double) / cast(share_total as double)
                as decimal(38,10)
            ) as decimal(38,10))
        end as value_days
    from weighed
),

pivoted as (
    select
        contract_line_id,
        cell_no,
        max(included_quantity) as included_quantity,
        sum(case when reading = 'total' then value_days end) as total_value,
        sum(case when reading = 'excess' then value_days end) as excess_value,
        sum(case when reading = 'packages' then value_days end) as packages_value,
        sum(case when reading = 'contracted' then value_days end) as contracted_value,
        sum(case when reading = 'total' then due_value_days end) as due_value
    from shared
    group by
        contract_line_id,
        cell_no
),

read as (
    select
        pivoted.*,
        billed.day_unit,
        billed.value_days,
        billed.net_amount,
        billed.price_whole,
        case
            when billed.is_quantity_unknown then 'unknown'
            when abs(billed.gross - cast(cast(pivoted.total_value as double) * billed.day_scale as decimal(38,10))) <= billed.tolerance then 'total'
            when abs(billed.gross - cast(cast(pivoted.excess_value as double) * billed.day_scale as decimal(38,10))) <= billed.tolerance then 'excess'
            when abs(billed.gross - cast(cast(pivoted.packages_value as double) * billed.day_scale as decimal(38,10))) <= billed.tolerance then 'packages'
            when abs(billed.gross - cast(cast(billed.value_days as double) / billed.days_denominator as decimal(38,10))) <= billed.tolerance then 'due'
            when billed.is_lump then 'unknown'
            when pivoted.included_quantity > 0 then 'excess'
            else 'total'
        end as reading
    from pivoted
    inner join billed
        on pivoted.contract_line_id = billed.contract_line_id
        and pivoted.cell_no = billed.cell_no
),

changed as (
    select
        read.*,
        value_days - cast(day_unit as decimal(4,0)) * case reading
            when 'unknown' then due_value
            when 'due' then due_value
            when 'excess' then excess_value
            when 'packages' then packages_value
            else total_value
        end as swapped,
        cast(day_unit as decimal(4,0)) * contracted_value - value_days as uncontracted
    from read
),

multiplied as (
    select
        contract_line_id,
        cell_no,
        reading,
        price_whole,
        cast(cast(swapped as decimal(38,10)) * net_amount as decimal(38,14)) as quantity_part,
        cast(cast(swapped + uncontracted as decimal(38,10)) * net_amount as decimal(38,14)) as contracted_part
    from changed
),

halved as (
    select
        multiplied.*,
        cast(round(cast(quantity_part as double) / cast(price_whole as double)) as decimal(38,0)) as quantity_units,
        cast(round(cast(contracted_part as double) / cast(price_whole as double)) as decimal(38,0)) as contracted_units
    from multiplied
)

select
    contract_line_id,
    cell_no,
    reading,
    cast(quantity_units + cast(cast(quantity_part - quantity_units * price_whole as double) / cast(price_whole as double) as decimal(38,10)) as decimal(38,10))
        as quantity_change,
    cast(contracted_units + cast(cast(contracted_part - contracted_units * price_whole as double) / cast(price_whole as double) as decimal(38,10)) as decimal(38,10))
        as contracted_change
from halved
