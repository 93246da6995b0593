/*---
title = "Invoice lines on the grid of their contract line, arithmetic put right"
owner = "finance"
grain = ["invoice_line_id"]

[columns]
invoice_line_id = { type = "text", doc = "The invoice line" }
invoice_id = { type = "text", doc = "The invoice" }
contract_line_id = { type = "text", doc = "Canonical contract line" }
component = { type = "text", doc = "charge, usage or one_off" }
state = { type = "text", doc = "posted, draft or void, as of the run" }
is_credit = { type = "boolean", doc = "A credit" }
issued_date = { type = "date", doc = "Day of issue" }
kind = { type = "text", doc = "Kind of the invoice line" }
quantity = { type = "decimal(18,6)", doc = "Quantity in the contract's unit size" }
unit_price = { type = "decimal(18,8)", doc = "Price of one unit" }
gross_amount = { type = "decimal(18,4)", doc = "Before discount, line arithmetic put right" }
error_amount = { type = "decimal(18,4)", doc = "E0: what right arithmetic adds to the amount" }
amount = { type = "decimal(18,4)", doc = "Billed before tax, in the contract's currency like all amounts here but one" }
invoice_amount = { type = "decimal(18,4)", doc = "The same in the invoice's currency" }
service_start_date = { type = "date", doc = "First day of service" }
service_end_date = { type = "date", doc = "First day after it" }
first_cell_no = { type = "integer", doc = "First cell it touches" }
last_cell_no = { type = "integer", doc = "Last cell it touches" }
is_whole = { type = "boolean", doc = "Begins and ends on cell boundaries and is no proration" }
is_priced_whole = { type = "boolean", doc = "Quantity times unit price is its gross amount" }
group_key = { type = "text", doc = "Contract line, days, quantity and price: lines that share it repeat each other" }
is_manual_override = { type = "boolean", doc = "The price was edited by hand" }
is_gross_stated = { type = "boolean", doc = "The line says its gross amount or its discount" }
is_converted = { type = "boolean", doc = "Billed in another currency than the contract's" }

[checks]
not_null = ["invoice_line_id", "contract_line_id", "service_start_date", "service_end_date", "first_cell_no", "last_cell_no"]

[decisions]
arithmetic = "A whole period's gross amount is quantity times price, read as the price of the period, of its price period, or of each of several periods; other readings are an error of the line"
conversion = "Arithmetic is put right in the invoice's currency; then each amount is converted once, half up in the contract's currency, the unit price at eight decimals"
rated = "Lines rated by tiers, packages, percentage or included units have no such product: only gross less discount and amount can disagree"
null_days = "No days at all: the cell of the issue date, under arrears the one before; a line issued before the contract line begins bills its first days"
---*/
with billed_line as (
    select
        invoice_line_id,
        invoice_id,
        contract_line_id,
        state,
        currency,
        minor_digits,
        issued_date,
        kind,
        is_credit,
        quantity,
        unit_size,
        unit_price,
        gross_amount,
        discount_amount,
        amount,
        is_gross_stated,
        service_start_date,
        service_end_date,
        is_manual_override,
        fx_rate,
        is_fx_divided
    from billed_line
    where contract_line_id is not null
),

line_grid as (
    select
        contract_line_id,
        component,
        pricing_model,
        is_rated,
        months,
        is_single_period,
        anchor_month_no,
        anchor_day,
        life_start_date,
        life_end_date,
        bill_timing,
        price_period_months,
        unit_size,
        minor_digits
    from line_grid
),

calendar_month as (
    select
        month_no,
        first_date,
        day_count
    from calendar_month
),

-- The day that decides the first cell, and the day that decides the last.
dated as (
    select
        billed_line.*,
        line_grid.component,
        line_grid.pricing_model,
        line_grid.is_rated,
        line_grid.months,
        line_grid.is_single_period,
        line_grid.anchor_month_no,
        line_grid.anchor_day,
        line_grid.life_start_date,
        line_grid.life_end_date,
        line_grid.price_period_months,
        line_grid.unit_size as contract_unit_size,
        line_grid.minor_digits as contract_minor_digits,
        billed_line.service_start_date is null and billed_line.service_end_date is null
            and (line_grid.component = 'usage' or line_grid.bill_timing = 'arrears') as is_cell_before,
        billed_line.service_start_date is null as has_no_start,
        billed_line.service_end_date is null or billed_line.service_end_date <= billed_line.service_start_date as has_no_end,
        coalesce(
            billed_line.service_start_date,
            billed_line.service_end_date - 1,
            greatest(billed_line.issued_date, line_grid.life_start_date)
        ) as first_day,
        case
            when billed_line.service_end_date is null or billed_line.service_end_date <= billed_line.service_start_date
                then coalesce(billed_line.service_start_date, greatest(billed_line.issued_date, line_grid.life_start_date))
            else billed_line.service_end_date - 1
        end as last_day
    from billed_line
    inner join line_grid
        on billed_line.contract_line_id = line_grid.contract_line_id
),

numbered as (
    select
        dated.*,
        cast(floor(cast(
            cast(date_part('year', first_day) as bigint) * 12 + cast(date_part('month', first_day) as bigint) - 1 - anchor_month_no
            as double) / coalesce(months, 1)) as bigint) as first_near_no,
        cast(floor(cast(
            cast(date_part('year', last_day) as bigint) * 12 + cast(date_part('month', last_day) as bigint) - 1 - anchor_month_no
            as double) / coalesce(months, 1)) as bigint) as last_near_no
    from dated
),

celled as (
    select
        numbered.*,
        case
            when numbered.is_single_period then 0
            else numbered.first_near_no
                - case when numbered.first_day < cast(first_near.first_date + cast(least(numbered.anchor_day, first_near.day_count) - 1 as int) as date) then 1 else 0 end
                - case when numbered.is_cell_before then 1 else 0 end
        end as first_cell_no,
        case
            when numbered.is_single_period then 0
            else numbered.last_near_no
                - case when numbered.last_day < cast(last_near.first_date + cast(least(numbered.anchor_day, last_near.day_count) - 1 as int) as date) then 1 else 0 end
                - case when numbered.is_cell_before then 1 else 0 end
        end as last_cell_no
    from numbered
    left join calendar_month as first_near
        on numbered.anchor_month_no + numbered.first_near_no * numbered.months = first_near.month_no
    left join calendar_month as last_near
        on numbered.anchor_month_no + numbered.last_near_no * numbered.months = last_near.month_no
),

placed as (
    select
        celled.*,
        case
            when celled.is_single_period then celled.life_start_date
            when celled.has_no_start then cast(cell_start.first_date + cast(least(celled.anchor_day, cell_start.day_count) - 1 as int) as date)
            else celled.first_day
        end as from_date,
        case
            when celled.is_single_period then celled.life_end_date
            when celled.has_no_end then cast(cell_end.first_date + cast(least(celled.anchor_day, cell_end.day_count) - 1 as int) as date)
            else celled.last_day + 1
        end as to_date,
        cast(cell_start.first_date + cast(least(celled.anchor_day, cell_start.day_count) - 1 as int) as date) as cell_start_date,
        cast(cell_end.first_date + cast(least(celled.anchor_day, cell_end.day_count) - 1 as int) as date) as cell_end_date
    from celled
    left join calendar_month as cell_start
        on celled.anchor_month_no + celled.first_cell_no * celled.months = cell_start.month_no
    left join calendar_month as cell_end
        on celled.anchor_month_no + (celled.last_cell_no + 1) * celled.months = cell_end.month_no
),

-- What quantity times price comes to, read as the price of a period, of its price period, or of each of several periods.
multiplied as (
    select
        placed.*,
        placed.component <> 'charge' or placed.is_single_period
            or (placed.kind <> 'proration' and placed.from_date = placed.cell_start_date and placed.to_date = placed.cell_end_date) as is_whole,
        cast(cast(placed.quantity as decimal(38,6)) * placed.unit_price as decimal(38,10)) as product_amount,
        placed.last_cell_no - placed.first_cell_no + 1 as cells
    from placed
),

candidates as (
    select
        multiplied.*,
        case minor_digits
            when 0 then cast(round(product_amount, 0) as decimal(18,4))
            when 3 then cast(round(product_amount, 3) as decimal(18,4))
            else cast(round(product_amount, 2) as decimal(18,4))
        end as product_once,
        case minor_digits
            when 0 then cast(round(product_amount * cells, 0) as decimal(18,4))
            when 3 then cast(round(product_amount * cells, 3) as decimal(18,4))
            else cast(round(product_amount * cells, 2) as decimal(18,4))
        end as product_by_cells,
        case minor_digits
            when 0 then cast(round(cast(cast(product_amount * months as double) / price_period_months as decimal(38,10)), 0) as decimal(18,4))
            when 3 then cast(round(cast(cast(product_amount * months as double) / price_period_months as decimal(38,10)), 3) as decimal(18,4))
            else cast(round(cast(cast(product_amount * months as double) / price_period_months as decimal(38,10)), 2) as decimal(18,4))
        end as product_by_months
    from multiplied
),

righted as (
    select
        candidates.*,
        case
            when not is_whole or is_rated or product_once is null then gross_amount
            when gross_amount = product_once or gross_amount = product_by_cells then gross_amount
            when (component = 'charge' or pricing_model = 'flat') and gross_amount = product_by_months then gross_amount
            else product_once
        end as right_gross_amount
    from candidates
),

-- The whole part of a quotient by rounding, the rest exactly, so that halves survive large amounts.
halved as (
    select
        righted.*,
        case when is_fx_divided then cast(round(cast(right_gross_amount as double) / cast(fx_rate as double)) as decimal(38,0)) end as gross_whole,
        case when is_fx_divided then cast(round(cast(amount as double) / cast(fx_rate as double)) as decimal(38,0)) end as amount_whole,
        case
            when is_fx_divided
                then cast(round(cast(right_gross_amount - discount_amount - amount as double) / cast(fx_rate as double)) as decimal(38,0))
        end as error_whole
    from righted
),

converted as (
    select
        halved.*,
        case
            when fx_rate is null then cast(right_gross_amount as decimal(38,10))
            when is_fx_divided then gross_whole + cast(cast(
                cast(right_gross_amount as decimal(38,4)) - gross_whole * fx_rate as double) / cast(fx_rate as double) as decimal(38,10))
            else cast(cast(right_gross_amount as decimal(38,4)) * fx_rate as decimal(38,10))
        end as gross_exact,
        case
            when fx_rate is null then cast(amount as decimal(38,10))
            when is_fx_divided then amount_whole + cast(cast(
                cast(amount as decimal(38,4)) - amount_whole * fx_rate as double) / cast(fx_rate as double) as decimal(38,10))
            else cast(cast(amount as decimal(38,4)) * fx_rate as decimal(38,10))
        end as amount_exact,
        case
            when fx_rate is null then cast((right_gross_amount - discount_amount - amount) as decimal(38,10))
            when is_fx_divided then error_whole + cast(cast(
                cast(right_gross_amount - discount_amount - amount as decimal(38,4)) - error_whole * fx_rate as double) / cast(fx_rate as double) as decimal(38,10))
            else cast(cast(right_gross_amount - discount_amount - amount as decimal(38,4)) * fx_rate as decimal(38,10))
        end as error_exact,
        case
            when fx_rate is null then cast(unit_price as decimal(38,10))
            when is_fx_divided then cast(cast(unit_price as double) / cast(fx_rate as double) as decimal(38,10))
            else cast(cast(unit_price as double) * cast(fx_rate as double) as decimal(38,10))
        end as unit_price_exact
    from halved
)

select
    invoice_line_id,
    invoice_id,
    contract_line_id,
    component,
    state,
    is_credit,
    issued_date,
    kind,
    cast(case
        when unit_size is not null and contract_unit_size is not null and unit_size <> contract_unit_size
            then cast(cast(quantity as double) * cast(unit_size as double) / cast(contract_unit_size as double) as decimal(38,6))
        else quantity
    end as decimal(18,6)) as quantity,
    cast(round(unit_price_exact, 8) as decimal(18,8)) as unit_price,
    case
        when fx_rate is null then cast(gross_exact as decimal(18,4))
        when contract_minor_digits = 0 then cast(round(gross_exact, 0) as decimal(18,4))
        when contract_minor_digits = 3 then cast(round(gross_exact, 3) as decimal(18,4))
        else cast(round(gross_exact, 2) as decimal(18,4))
    end as gross_amount,
    case
        when fx_rate is null then cast(error_exact as decimal(18,4))
        when contract_minor_digits = 0 then cast(round(error_exact, 0) as decimal(18,4))
        when contract_minor_digits = 3 then cast(round(error_exact, 3) as decimal(18,4))
        else cast(round(error_exact, 2) as decimal(18,4))
    end as error_amount,
    case
        when fx_rate is null then cast(amount_exact as decimal(18,4))
        when contract_minor_digits = 0 then cast(round(amount_exact, 0) as decimal(18,4))
        when contract_minor_digits = 3 then cast(round(amount_exact, 3) as decimal(18,4))
        else cast(round(amount_exact, 2) as decimal(18,4))
    end as amount,
    amount as invoice_amount,
    from_date as service_start_date,
    to_date as service_end_date,
    cast(first_cell_no as bigint) as first_cell_no,
    cast(last_cell_no as bigint) as last_cell_no,
    is_whole,
    coalesce(gross_amount = product_once, false) as is_priced_whole,
    concat_ws(
        '|',
        contract_line_id,
        coalesce(cast(case when is_single_period then service_start_date else from_date end as varchar), ''),
        coalesce(cast(case when is_single_period then service_end_date else to_date end as varchar), ''),
        coalesce(cast(quantity as varchar), ''),
        coalesce(cast(unit_price as varchar), ''),
        case when quantity is null and unit_price is null then cast(amount as varchar) else '' end,
        case when fx_rate is not null then currency end
    ) as group_key,
    is_manual_override,
    is_gross_stated,
    fx_rate is not null as is_converted
from converted
