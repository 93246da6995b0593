/*---
title = "What the days of constant terms of a rated line are worth"
owner = "finance"
grain = ["contract_line_id", "cell_no", "seg_start_date"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line" }
cell_no = { type = "integer", doc = "Number of the cell in the line's grid" }
seg_start_date = { type = "date", doc = "First day of the segment" }
version = { type = "integer", doc = "The contract version in force" }
is_rated = { type = "boolean", doc = "The version in force is no quantity times price" }
family = { type = "text", doc = "graduated, volume, package, percentage or flat" }
package_size = { type = "decimal(18,6)", doc = "Units per package" }
unit_rate = { type = "decimal(38,10)", doc = "The line's own price of one unit per billing period, percent points over 100" }
included_quantity = { type = "decimal(38,6)", doc = "Included units of the period" }
contracted_quantity = { type = "decimal(38,6)", doc = "Contracted units, before seats raise them; null for usage" }
share_quantity = { type = "decimal(38,6)", doc = "Weight of the segment: its days, its usage" }
share_total = { type = "decimal(38,6)", doc = "What the weights are a share of: 1 for days, all usage for usage" }
gross = { type = "decimal(38,10)", doc = "R(x) of the segment's terms for a whole period" }
value_days = { type = "decimal(38,10)", doc = "gross times the segment's weight" }
missing_term = { type = "text", doc = "price_tier where no tier and no unit price holds for the quantity" }

[checks]
not_null = ["contract_line_id", "cell_no", "seg_start_date", "version", "is_rated", "family", "included_quantity", "share_quantity", "share_total"]

[decisions]
usage = "All usage of a period is rated once under the terms of each segment; the segments share by their usage, without usage by their days"
included = "Included units come off first; prorated ones by charged calendar days of the cell"
packages = "A begun package is owed whole"
zero = "No units beyond the included ones: nothing is owed, no flat fee either"
---*/
with line_grid as (
    select
        contract_line_id,
        component,
        is_single_period
    from line_grid
    where is_rated
),

rated_term as (
    select
        contract_line_id,
        version,
        family,
        is_rated,
        has_tiers,
        included_quantity,
        is_included_prorated,
        package_size
    from rated_term
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

term_segment as (
    select
        contract_line_id,
        cell_no,
        seg_start_date,
        cell_end_date,
        version,
        quantity,
        price,
        seg_days,
        seg_measure,
        cell_days
    from term_segment
    where not is_free
),

usage_quantity as (
    select
        contract_line_id,
        cell_no,
        seg_start_date,
        units
    from usage_quantity
),

seat_quantity as (
    select
        contract_line_id,
        cell_no,
        seg_start_date,
        quantity
    from seat_quantity
),

segment as (
    select
        term_segment.contract_line_id,
        term_segment.cell_no,
        term_segment.seg_start_date,
        term_segment.version,
        term_segment.seg_days,
        term_segment.seg_measure,
        term_segment.cell_days,
        term_segment.cell_end_date,
        term_segment.quantity as contracted_quantity,
        line_grid.component,
        line_grid.is_single_period,
        rated_term.family,
        rated_term.is_rated,
        rated_term.has_tiers,
        rated_term.package_size,
        rated_term.is_included_prorated,
        rated_term.included_quantity as included_whole,
        case
            when rated_term.family = 'percentage' then cast(cast(term_segment.price as decimal(38,8)) * cast(0.01 as decimal(4,2)) as decimal(38,10))
            else cast(term_segment.price as decimal(38,10))
        end as unit_rate,
        case
            when line_grid.component = 'usage' then cast(coalesce(usage_quantity.units, 0) as decimal(38,6))
            else cast(coalesce(seat_quantity.quantity, term_segment.quantity) as decimal(38,6))
        end as units
    from term_segment
    inner join line_grid
        on term_segment.contract_line_id = line_grid.contract_line_id
    inner join rated_term
        on term_segment.contract_line_id = rated_term.contract_line_id
        and term_segment.version = rated_term.version
    left join usage_quantity
        on term_segment.contract_line_id = usage_quantity.contract_line_id
        and term_segment.cell_no = usage_quantity.cell_no
        and term_segment.seg_start_date = usage_quantity.seg_start_date
    left join seat_quantity
        on term_segment.contract_line_id = seat_quantity.contract_line_id
        and term_segment.cell_no = seat_quantity.cell_no
        and term_segment.seg_start_date = seat_quantity.seg_start_date
),

totalled as (
    select
        segment.*,
        sum(units) over (partition by contract_line_id, cell_no) as total_units,
        sum(seg_days) over (partition by contract_line_id, cell_no) as charged_days,
        sum(units) over (
            partition by contract_line_id, cell_no order by seg_start_date rows between unbounded preceding and current row
        ) as units_so_far,
        sum(seg_days) over (
            partition by contract_line_id, cell_no order by seg_start_date rows between unbounded preceding and current row
        ) as days_so_far
    from segment
),

shared as (
    select
        totalled.*,
        case
            when is_included_prorated and not (is_single_period and cell_end_date >= date '9999-01-01')
                then cast(cast(cast(included_whole as double) * charged_days / cell_days as decimal(38,12)) as decimal(38,6))
            else cast(included_whole as decimal(38,6))
        end as included_quantity,
        case when component = 'usage' then cast(total_units as decimal(38,6)) else units end as asked_units,
        case
            when component = 'charge' then cast(seg_measure as decimal(38,6))
            when component = 'one_off' then cast(1 as decimal(38,6))
            when total_units = 0 then cast(seg_days as decimal(38,6))
            else units
        end as share_quantity,
        case
            when component <> 'usage' then cast(0 as decimal(38,6))
            when total_units = 0 then cast(days_so_far - seg_days as decimal(38,6))
            else cast(units_so_far - units as decimal(38,6))
        end as share_before,
        case
            when component <> 'usage' then cast(1 as decimal(38,6))
            when total_units = 0 then cast(charged_days as decimal(38,6))
            else cast(total_units as decimal(38,6))
        end as share_total
    from totalled
),

excess as (
    select
        shared.*,
        cast(greatest(asked_units - included_quantity, 0) as decimal(38,6)) as excess_units,
        cast(round(
            cast(greatest(asked_units - included_quantity, 0) as double) / cast(coalesce(nullif(package_size, 0), 1) as double)
        ) as decimal(38,0)) as near_packages
    from shared
),

-- The piece of R that holds; packages by comparing whole ones, not by a quotient.
pieced as (
    select
        excess.*,
        tier_step.base_amount,
        coalesce(cast(tier_step.price as decimal(38,10)), excess.unit_rate) as rate,
        case
            when excess.family <> 'package' then cast(excess.excess_units - tier_step.base_quantity as decimal(38,6))
            when near_packages * excess.package_size < excess.excess_units then cast(near_packages + 1 as decimal(38,6))
            when (near_packages - 1) * excess.package_size >= excess.excess_units then cast(near_packages - 1 as decimal(38,6))
            else cast(near_packages as decimal(38,6))
        end as charged_units
    from excess
    left join tier_step
        on excess.contract_line_id = tier_step.contract_line_id
        and excess.version = tier_step.version
        and excess.excess_units > tier_step.lower_quantity
        and excess.excess_units <= tier_step.upper_quantity
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

-- A segment's share is what all up to it make less what all before it make, so that shares of one R add up to it.
weighed as (
    select
        rated.*,
        cast(gross * share_before as decimal(38,16)) as part_before,
        cast(gross * (share_before + share_quantity) as decimal(38,16)) as part_up_to,
        cast(round(cast(gross as double) * cast(share_before as double) / cast(share_total as double)) as decimal(38,0)) as whole_before,
        cast(round(
            cast(gross as double) * cast(share_before + share_quantity as double) / cast(share_total as double)
        ) as decimal(38,0)) as whole_up_to
    from rated
),

divided as (
    select
        weighed.*,
        cast(whole_before + cast(
            cast(part_before - whole_before * share_total as double) / cast(share_total as double) as decimal(38,10)
        ) as decimal(38,10)) as value_before,
        cast(whole_up_to + cast(
            cast(part_up_to - whole_up_to * share_total as double) / cast(share_total as double) as decimal(38,10)
        ) as decimal(38,10)) as value_up_to
    from weighed
)

select
    contract_line_id,
    cell_no,
    seg_start_date,
    version,
    is_rated,
    family,
    package_size,
    unit_rate,
    included_quantity,
    case when component <> 'usage' then cast(contracted_quantity as decimal(38,6)) end as contracted_quantity,
    share_quantity,
    share_total,
    gross,
    case
        when share_total = 1 then cast(part_up_to as decimal(38,10))
        else value_up_to - value_before
    end as value_days,
    case when gross is null and asked_units is not null and has_tiers then 'price_tier' end as missing_term
from divided
