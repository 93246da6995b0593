/*---
title = "Quantity and gross value of each segment of constant terms"
owner = "finance"
grain = ["contract_line_id", "cell_no", "seg_start_date"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line" }
cell_no = { type = "integer", doc = "Number of the cell in the line's grid" }
seg_start_date = { type = "date", doc = "First day of the segment" }
cell_start_date = { type = "date", doc = "Boundary that begins the cell" }
cell_end_date = { type = "date", doc = "Boundary that ends it" }
period_start_date = { type = "date", doc = "First day of the service period" }
period_end_date = { type = "date", doc = "First day after it" }
billable_date = { type = "date", doc = "Contractual invoice date" }
check_date = { type = "date", doc = "First day on which a missing invoice counts" }
seg_days = { type = "integer", doc = "Calendar days" }
cell_days = { type = "integer", doc = "Calendar days of the whole cell" }
cell_measure = { type = "integer", doc = "Days of the whole cell by the contract's proration method" }
version = { type = "integer", doc = "The contract version in force" }
rung_no = { type = "integer", doc = "Place in the version's price ladder" }
contracted_quantity = { type = "decimal(18,6)", doc = "Quantity as the contract states it; of usage what was used" }
quantity = { type = "decimal(18,6)", doc = "Quantity that is due" }
price = { type = "decimal(18,8)", doc = "Price of one unit per billing period" }
weight = { type = "integer", doc = "What the segment's days count: by the proration method; one-offs and usage once" }
quantity_days = { type = "decimal(38,6)", doc = "Quantity times weight" }
contracted_days = { type = "decimal(38,6)", doc = "Contracted quantity times weight" }
value_days = { type = "decimal(38,10)", doc = "Gross value of a whole period times weight" }
is_rated = { type = "boolean", doc = "The terms are no quantity times price" }
is_free = { type = "boolean", doc = "Not charged: inside an agreed free period or a pause" }
is_last = { type = "boolean", doc = "The last charged segment of its period" }
missing_term = { type = "text", doc = "What stands in the way of rating these days; null where nothing does" }
discount_factor = { type = "decimal(38,12)", doc = "What percent discounts leave of the gross amount, 0 to 1" }
discount_amount = { type = "decimal(38,8)", doc = "Amount discounts per billing period, in force on these days" }
expired_pct = { type = "decimal(38,8)", doc = "Percent points of discounts that ended on or before these days, added up" }
expired_amount = { type = "decimal(38,8)", doc = "Amount discounts per billing period that ended on or before these days" }

[checks]
not_null = ["contract_line_id", "cell_no", "seg_start_date", "weight", "is_free", "is_last", "discount_factor"]

[decisions]
wide_products = "One factor of every product is cast to 38 digits: DuckDB keeps a product of two 18-digit decimals in 18 digits"
weight = "A day counts once: by the proration method for recurring lines; usage counts itself, but at a flat price every started period is whole"
---*/
with line_grid as (
    select
        contract_line_id,
        component,
        pricing_model
    from line_grid
),

term_segment as (
    select
        contract_line_id,
        cell_no,
        seg_start_date,
        cell_start_date,
        cell_end_date,
        period_start_date,
        period_end_date,
        billable_date,
        check_date,
        seg_days,
        seg_measure,
        cell_days,
        cell_measure,
        version,
        rung_no,
        quantity,
        price,
        is_free,
        missing_term,
        discount_factor,
        discount_amount,
        expired_pct,
        expired_amount
    from term_segment
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
        quantity,
        missing_term
    from seat_quantity
),

rated_segment as (
    select
        contract_line_id,
        cell_no,
        seg_start_date,
        is_rated,
        value_days,
        missing_term
    from rated_segment
),

-- Found by an aggregate of few columns: a window would sort every column of every segment.
last_segment as (
    select
        contract_line_id,
        cell_no,
        max(seg_start_date) as last_seg_start_date
    from term_segment
    where not is_free
    group by
        contract_line_id,
        cell_no
),

weighed as (
    select
        term_segment.* exclude (quantity, missing_term),
        last_segment.last_seg_start_date,
        coalesce(term_segment.missing_term, seat_quantity.missing_term, rated_segment.missing_term) as missing_term,
        case
            when line_grid.component = 'usage' and line_grid.pricing_model <> 'flat'
                then usage_quantity.units
            else term_segment.quantity
        end as contracted_quantity,
        case
            when line_grid.component = 'usage' and line_grid.pricing_model <> 'flat' then usage_quantity.units
            else coalesce(seat_quantity.quantity, term_segment.quantity)
        end as quantity,
        coalesce(rated_segment.is_rated, false) as is_rated,
        rated_segment.contract_line_id is not null and (line_grid.component <> 'usage' or line_grid.pricing_model <> 'flat') as has_rating,
        rated_segment.value_days as rated_value_days,
        case
            when line_grid.component = 'charge' then term_segment.seg_measure
            when line_grid.component = 'usage' and line_grid.pricing_model = 'flat' then term_segment.seg_days
            else 1
        end as weight
    from term_segment
    inner join line_grid
        on term_segment.contract_line_id = line_grid.contract_line_id
    left join last_segment
        on term_segment.contract_line_id = last_segment.contract_line_id
        and term_segment.cell_no = last_segment.cell_no
    left join usage_quantity
        on term_segment.contract_line_id = usage_quantity.contract_line_id
        and term_segment.cell_no = usage_quantity.cell_no
        and term_segment.seg_start_date = usage_quantity.seg_start_date
    left join seat_quantity
        on term_segment.contract_line_id = seat_quantity.contract_line_id
        and term_segment.cell_no = seat_quantity.cell_no
        and term_segment.seg_start_date = seat_quantity.seg_start_date
    left join rated_segment
        on term_segment.contract_line_id = rated_segment.contract_line_id
        and term_segment.cell_no = rated_segment.cell_no
        and term_segment.seg_start_date = rated_segment.seg_start_date
)

select
    contract_line_id,
    cell_no,
    seg_start_date,
    cell_start_date,
    cell_end_date,
    period_start_date,
    period_end_date,
    billable_date,
    check_date,
    seg_days,
    cell_days,
    cell_measure,
    version,
    rung_no,
    contracted_quantity,
    quantity,
    price,
    cast(weight as bigint) as weight,
    cast(cast(quantity as decimal(38,6)) * cast(weight as decimal(10,0)) as decimal(38,6)) as quantity_days,
    cast(cast(contracted_quantity as decimal(38,6)) * cast(weight as decimal(10,0)) as decimal(38,6)) as contracted_days,
    case
        when has_rating then rated_value_days
        else cast(cast(cast(quantity as decimal(38,6)) * price as decimal(38,14)) * cast(weight as decimal(10,0)) as decimal(38,10))
    end as value_days,
    is_rated,
    is_free,
    coalesce(seg_start_date = last_seg_start_date, false) as is_last,
    missing_term,
    discount_factor,
    discount_amount,
    expired_pct,
    expired_amount
from weighed
