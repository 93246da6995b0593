/*---
title = "What the lines of a commitment owed in each of its periods"
owner = "finance"
grain = ["commitment_id", "period_no", "contract_line_id", "cell_no"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
commitment_id = { type = "text", doc = "The commitment" }
period_no = { type = "integer", doc = "Number of the commitment's period" }
contract_line_id = { type = "text", doc = "Canonical contract line" }
cell_no = { type = "integer", doc = "Number of the cell in the line's grid" }
obligation_start_date = { type = "date", doc = "First day of the line's service period" }
days = { type = "integer", doc = "Its calendar days within the commitment's period" }
whole_days = { type = "integer", doc = "All its calendar days" }
is_last = { type = "boolean", doc = "Its last day lies in this period, which takes the remainder of rounding" }
spend_amount = { type = "decimal(18,4)", doc = "Expected amount of those days; null where it cannot be rated" }
spend_quantity = { type = "decimal(18,6)", doc = "Units of those days" }
missing_term = { type = "text", doc = "What stands in the way of rating the service period" }
minor_digits = { type = "integer", doc = "Decimals of the currency" }

[checks]
not_null = ["commitment_id", "period_no", "contract_line_id", "cell_no", "days", "whole_days"]

[decisions]
by_service_day = "An obligation that straddles two periods is split by calendar days, half up, the remainder to the period of its last day"
open_end = "A single charge without an end counts on its first day"
running = "Usage that is not measured yet does not block a commitment while its period runs"
---*/
with commitment_grid as (
    select
        commitment_id,
        minor_digits,
        months,
        anchor_month_no,
        anchor_day
    from commitment_grid
),

commitment_span as (
    select
        commitment_id,
        period_no,
        period_start_date,
        period_end_date
    from commitment_span
),

commitment_scope as (
    select
        commitment_id,
        contract_line_id
    from commitment_scope
),

line_grid as (
    select
        contract_line_id,
        component
    from line_grid
),

expected_charge as (
    select
        contract_line_id,
        cell_no,
        period_start_date,
        period_end_date,
        missing_term,
        expected_amount,
        quantity_days,
        days_denominator
    from expected_charge
),

eligible as (
    select
        commitment_grid.commitment_id,
        commitment_grid.minor_digits,
        commitment_grid.months,
        commitment_grid.anchor_month_no,
        commitment_grid.anchor_day,
        expected_charge.contract_line_id,
        expected_charge.cell_no,
        expected_charge.period_start_date as obligation_start_date,
        case
            when expected_charge.period_end_date >= date '9999-01-01' then cast(expected_charge.period_start_date + 1 as date)
            else expected_charge.period_end_date
        end as obligation_end_date,
        case
            when expected_charge.missing_term = 'usage' and expected_charge.period_end_date > cast($as_of as date) then null
            else expected_charge.missing_term
        end as missing_term,
        expected_charge.expected_amount,
        case
            when line_grid.component = 'usage' then cast(coalesce(expected_charge.quantity_days, 0) as decimal(18,6))
            else cast(round(cast(
                cast(coalesce(expected_charge.quantity_days, 0) as double) / expected_charge.days_denominator
                as decimal(38,10)), 6) as decimal(18,6))
        end as quantity
    from commitment_scope
    inner join commitment_grid
        on commitment_scope.commitment_id = commitment_grid.commitment_id
    inner join expected_charge
        on commitment_scope.contract_line_id = expected_charge.contract_line_id
    inner join line_grid
        on commitment_scope.contract_line_id = line_grid.contract_line_id
),

-- The periods an obligation can touch follow from its months, so that the join below stays one of equal keys.
candidate as (
    select
        eligible.*,
        unnest(generate_series(
            case
                when months is null then cast(0 as bigint)
                else greatest(cast(floor(cast(
                    cast(date_part('year', obligation_start_date) as bigint) * 12 + cast(date_part('month', obligation_start_date) as bigint) - 1
                    - anchor_month_no - case when cast(date_part('day', obligation_start_date) as bigint) < anchor_day then 1 else 0 end
                    as double) / months) as bigint), cast(0 as bigint))
            end,
            case
                when months is null then cast(0 as bigint)
                else greatest(cast(floor(cast(
                    cast(date_part('year', obligation_end_date - 1) as bigint) * 12 + cast(date_part('month', obligation_end_date - 1) as bigint) - 1 - anchor_month_no
                    as double) / months) as bigint), cast(0 as bigint))
            end
        )) as period_no
    from eligible
),

piece as (
    select
        candidate.commitment_id,
        candidate.period_no,
        candidate.contract_line_id,
        candidate.cell_no,
        candidate.obligation_start_date,
        candidate.minor_digits,
        candidate.missing_term,
        coalesce(candidate.expected_amount, 0) as expected_amount,
        candidate.quantity,
        greatest(candidate.obligation_start_date, commitment_span.period_start_date) as from_date,
        cast(least(candidate.obligation_end_date, commitment_span.period_end_date)
            - greatest(candidate.obligation_start_date, commitment_span.period_start_date) as bigint) as days,
        cast(candidate.obligation_end_date - candidate.obligation_start_date as bigint) as whole_days,
        candidate.obligation_end_date <= commitment_span.period_end_date as is_last
    from candidate
    inner join commitment_span
        on candidate.commitment_id = commitment_span.commitment_id
        and candidate.period_no = commitment_span.period_no
    where candidate.obligation_start_date < commitment_span.period_end_date
        and candidate.obligation_end_date > commitment_span.period_start_date
),

-- Half up by days, of the obligations that straddle a boundary.
shared as (
    select
        commitment_id,
        period_no,
        contract_line_id,
        cell_no,
        minor_digits,
        from_date,
        cast(cast(expected_amount * days as double) / whole_days as decimal(38,10)) as exact_amount,
        cast(cast(expected_amount * (from_date - obligation_start_date) as double) / whole_days as decimal(38,10)) as exact_before,
        cast(round(cast(cast(quantity * days as double) / whole_days as decimal(38,10)), 6) as decimal(18,6)) as part_quantity,
        cast(round(cast(cast(quantity * (from_date - obligation_start_date) as double) / whole_days as decimal(38,10)), 6) as decimal(18,6)) as quantity_before
    from piece
    where days < whole_days
),

rounded as (
    select
        commitment_id,
        period_no,
        contract_line_id,
        cell_no,
        from_date,
        case minor_digits
            when 0 then cast(round(exact_amount, 0) as decimal(18,4))
            when 3 then cast(round(exact_amount, 3) as decimal(18,4))
            else cast(round(exact_amount, 2) as decimal(18,4))
        end as part_amount,
        case minor_digits
            when 0 then cast(round(exact_before, 0) as decimal(18,4))
            when 3 then cast(round(exact_before, 3) as decimal(18,4))
            else cast(round(exact_before, 2) as decimal(18,4))
        end as amount_before,
        part_quantity,
        quantity_before
    from shared
),

-- What lies before the commitment's first period, and what every period before the last day's takes.
taken as (
    select
        rounded.*,
        first_value(amount_before) over own_order as outside_amount,
        first_value(quantity_before) over own_order as outside_quantity,
        sum(part_amount) over own_parts - part_amount as other_amount,
        sum(part_quantity) over own_parts - part_quantity as other_quantity
    from rounded
    window own_parts as (partition by commitment_id, contract_line_id, cell_no),
        own_order as (partition by commitment_id, contract_line_id, cell_no order by from_date)
)

select
    piece.commitment_id,
    piece.period_no,
    piece.contract_line_id,
    piece.cell_no,
    piece.obligation_start_date,
    piece.days,
    piece.whole_days,
    piece.is_last,
    cast(case
        when piece.missing_term is not null then null
        when taken.commitment_id is null then piece.expected_amount
        when piece.is_last then piece.expected_amount - taken.outside_amount - taken.other_amount
        else taken.part_amount
    end as decimal(18,4)) as spend_amount,
    cast(case
        when taken.commitment_id is null then piece.quantity
        when piece.is_last then piece.quantity - taken.outside_quantity - taken.other_quantity
        else taken.part_quantity
    end as decimal(18,6)) as spend_quantity,
    piece.missing_term,
    piece.minor_digits
from piece
left join taken
    on piece.commitment_id = taken.commitment_id
    and piece.period_no = taken.period_no
    and piece.contract_line_id = taken.contract_line_id
    and piece.cell_no = taken.cell_no
