/*---
title = "Posted invoice lines by the periods they bill"
owner = "finance"
grain = ["invoice_line_id", "cell_no"]

[columns]
invoice_line_id = { type = "text", doc = "The invoice line" }
invoice_id = { type = "text", doc = "The invoice" }
contract_line_id = { type = "text", doc = "Canonical contract line" }
component = { type = "text", doc = "charge, usage or one_off" }
cell_no = { type = "integer", doc = "Number of the cell in the line's grid" }
cell_start_date = { type = "date", doc = "Boundary that begins the cell" }
cell_end_date = { type = "date", doc = "Boundary that ends it" }
role = { type = "text", doc = "billed, duplicate, reversed, credit or reversal" }
issued_date = { type = "date", doc = "Day of issue" }
covered_from_date = { type = "date", doc = "First day of the line in the cell" }
covered_to_date = { type = "date", doc = "First day after it" }
quantity = { type = "decimal(18,6)", doc = "Quantity; of usage and one-off lines the cell's share" }
unit_price = { type = "decimal(18,8)", doc = "Price of one unit" }
gross_amount = { type = "decimal(18,4)", doc = "The cell's share of the gross amount" }
error_amount = { type = "decimal(18,4)", doc = "The cell's share of E0" }
amount = { type = "decimal(18,4)", doc = "The cell's share of the amount" }
line_gross_amount = { type = "decimal(18,4)", doc = "Gross amount of the whole line" }
cells = { type = "integer", doc = "Cells the line touches" }
is_whole = { type = "boolean", doc = "Begins and ends on cell boundaries and is no proration" }
is_priced_whole = { type = "boolean", doc = "Quantity times unit price is its gross amount" }
is_manual_override = { type = "boolean", doc = "The price was edited by hand" }
is_converted = { type = "boolean", doc = "Billed in another currency than the contract's" }

[checks]
not_null = ["invoice_line_id", "contract_line_id", "cell_no", "role", "amount"]

[decisions]
gross_unknown = "A line that says neither gross amount nor discount is read with the contract's: billed as expected, or as expected with a discount that has ended, it was billed at the contract's gross amount; else, without a unit price, at its amount before the contract's discount"
spread = "By calendar days, half up, the remainder in the last cell, so that every cent lies in one period"
---*/
with placed_line as (
    select
        invoice_line_id,
        invoice_id,
        contract_line_id,
        component,
        is_credit,
        issued_date,
        quantity,
        unit_price,
        gross_amount,
        error_amount,
        amount,
        service_start_date,
        service_end_date,
        first_cell_no,
        last_cell_no,
        is_whole,
        is_priced_whole,
        is_manual_override,
        is_gross_stated,
        is_converted
    from placed_line
    where state = 'posted'
),

expected_charge as (
    select
        contract_line_id,
        cell_no,
        gross_amount as due_gross_amount,
        expected_amount as due_amount,
        coalesce(expired_amount, 0) as expired_amount
    from expected_charge
    where missing_term is null
        and expected_amount > 0
        and (gross_amount <> expected_amount or expired_amount > 0)
),

line_role as (
    select
        subject_id,
        role as given_role
    from line_role
    where is_line
),

line_grid as (
    select
        contract_line_id,
        months,
        is_single_period,
        anchor_month_no,
        anchor_day,
        life_start_date,
        life_end_date,
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

roled as (
    select
        placed_line.*,
        coalesce(line_role.given_role, case when placed_line.is_credit then 'credit' else 'billed' end) as role
    from placed_line
    left join line_role
        on placed_line.invoice_line_id = line_role.subject_id
),

-- Most lines lie in one cell; only the others have to be spread.
numbered as (
    select
        roled.*,
        roled.first_cell_no as cell_no
    from roled
    where roled.first_cell_no = roled.last_cell_no
    union all
    select
        roled.*,
        unnest(generate_series(roled.first_cell_no, roled.last_cell_no)) as cell_no
    from roled
    where roled.first_cell_no < roled.last_cell_no
),

overlapped as (
    select
        numbered.*,
        line_grid.minor_digits,
        coalesce(cast(cell_start.first_date + cast(least(line_grid.anchor_day, cell_start.day_count) - 1 as int) as date), line_grid.life_start_date) as cell_start_date,
        coalesce(cast(cell_end.first_date + cast(least(line_grid.anchor_day, cell_end.day_count) - 1 as int) as date), line_grid.life_end_date) as cell_end_date
    from numbered
    inner join line_grid
        on numbered.contract_line_id = line_grid.contract_line_id
    left join calendar_month as cell_start
        on line_grid.anchor_month_no + numbered.cell_no * line_grid.months = cell_start.month_no
    left join calendar_month as cell_end
        on line_grid.anchor_month_no + (numbered.cell_no + 1) * line_grid.months = cell_end.month_no
),

shared as (
    select
        overlapped.*,
        case when first_cell_no = last_cell_no then service_start_date else greatest(service_start_date, cell_start_date) end as covered_from_date,
        case when first_cell_no = last_cell_no then service_end_date else least(service_end_date, cell_end_date) end as covered_to_date,
        cast(service_end_date - service_start_date as double) as line_days
    from overlapped
),

weighed as (
    select
        shared.*,
        cast(covered_to_date - covered_from_date as double) as days
    from shared
),

-- Each cell's share as it rounds; the last cell takes what the others leave.
rounded as (
    select
        weighed.*,
        cell_no = last_cell_no as is_last,
        case
            when first_cell_no = last_cell_no then amount
            when minor_digits = 0 then cast(round(cast(cast(amount as double) * days / line_days as decimal(38,10)), 0) as decimal(18,4))
            when minor_digits = 3 then cast(round(cast(cast(amount as double) * days / line_days as decimal(38,10)), 3) as decimal(18,4))
            else cast(round(cast(cast(amount as double) * days / line_days as decimal(38,10)), 2) as decimal(18,4))
        end as amount_share,
        case
            when first_cell_no = last_cell_no then gross_amount
            when minor_digits = 0 then cast(round(cast(cast(gross_amount as double) * days / line_days as decimal(38,10)), 0) as decimal(18,4))
            when minor_digits = 3 then cast(round(cast(cast(gross_amount as double) * days / line_days as decimal(38,10)), 3) as decimal(18,4))
            else cast(round(cast(cast(gross_amount as double) * days / line_days as decimal(38,10)), 2) as decimal(18,4))
        end as gross_share,
        case
            when first_cell_no = last_cell_no or error_amount = 0 then error_amount
            when minor_digits = 0 then cast(round(cast(cast(error_amount as double) * days / line_days as decimal(38,10)), 0) as decimal(18,4))
            when minor_digits = 3 then cast(round(cast(cast(error_amount as double) * days / line_days as decimal(38,10)), 3) as decimal(18,4))
            else cast(round(cast(cast(error_amount as double) * days / line_days as decimal(38,10)), 2) as decimal(18,4))
        end as error_share,
        case
            when component = 'charge' or first_cell_no = last_cell_no then quantity
            else cast(cast(cast(quantity as double) * days / line_days as decimal(38,6)) as decimal(18,6))
        end as quantity_share
    from weighed
),

whole as (
    select
        invoice_line_id,
        sum(amount_share) as amount_total,
        sum(gross_share) as gross_total,
        sum(error_share) as error_total,
        sum(quantity_share) as quantity_total
    from rounded
    where first_cell_no < last_cell_no
    group by invoice_line_id
),

totalled as (
    select
        rounded.*,
        whole.amount_total,
        whole.gross_total,
        whole.error_total,
        whole.quantity_total,
        rounded.is_last and whole.invoice_line_id is not null as takes_rest
    from rounded
    left join whole
        on rounded.invoice_line_id = whole.invoice_line_id
),

settled as (
    select
        invoice_line_id,
        invoice_id,
        contract_line_id,
        component,
        cast(cell_no as bigint) as cell_no,
        cell_start_date,
        cell_end_date,
        role,
        issued_date,
        covered_from_date,
        covered_to_date,
        cast(case
            when takes_rest and component <> 'charge' then quantity_share + quantity - quantity_total
            else quantity_share
        end as decimal(18,6)) as quantity,
        unit_price,
        cast(case when takes_rest then gross_share + gross_amount - gross_total else gross_share end as decimal(18,4)) as gross_amount,
        cast(case when takes_rest then error_share + error_amount - error_total else error_share end as decimal(18,4)) as error_amount,
        cast(case when takes_rest then amount_share + amount - amount_total else amount_share end as decimal(18,4)) as amount,
        gross_amount as line_gross_amount,
        cast(last_cell_no - first_cell_no + 1 as bigint) as cells,
        is_whole,
        is_priced_whole,
        is_manual_override,
        is_gross_stated or amount <= 0 or role not in ('billed', 'duplicate') as is_gross_known,
        is_converted,
        case minor_digits
            when 0 then cast(1 as decimal(18,4))
            when 3 then cast(0.001 as decimal(18,4))
            else cast(0.01 as decimal(18,4))
        end as minor_unit
    from totalled
),

-- Few billers leave the gross amount out, or all of a job's lines do: only those meet the contract's.
restated as (
    select
        settled.invoice_line_id,
        settled.contract_line_id,
        settled.cell_no,
        case
            when abs(settled.amount - expected_charge.due_amount) <= settled.minor_unit
                or (
                    expected_charge.expired_amount > 0
                    and abs(settled.amount - expected_charge.due_amount + expected_charge.expired_amount) <= settled.minor_unit
                )
                then expected_charge.due_gross_amount
            when settled.unit_price is null
                then cast(
                    cast(settled.amount as double) * cast(expected_charge.due_gross_amount as double) / cast(expected_charge.due_amount as double)
                    as decimal(18,4)
                )
            else settled.gross_amount
        end as gross_amount
    from settled
    inner join expected_charge
        on settled.contract_line_id = expected_charge.contract_line_id
        and settled.cell_no = expected_charge.cell_no
    where not settled.is_gross_known
)

select
    settled.invoice_line_id,
    settled.invoice_id,
    settled.contract_line_id,
    settled.component,
    settled.cell_no,
    settled.cell_start_date,
    settled.cell_end_date,
    settled.role,
    settled.issued_date,
    settled.covered_from_date,
    settled.covered_to_date,
    settled.quantity,
    settled.unit_price,
    coalesce(restated.gross_amount, settled.gross_amount) as gross_amount,
    settled.error_amount,
    settled.amount,
    settled.line_gross_amount,
    settled.cells,
    settled.is_whole,
    settled.is_priced_whole,
    settled.is_manual_override,
    settled.is_converted
from settled
left join restated
    on settled.invoice_line_id = restated.invoice_line_id
    and settled.cell_no = restated.cell_no
