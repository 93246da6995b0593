/*---
title = "Service periods cut where terms change"
owner = "finance"
grain = ["contract_line_id", "cell_no", "seg_start_date"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line" }
cell_no = { type = "integer", doc = "Number of the cell in the line's grid" }
seg_start_date = { type = "date", doc = "First day of the segment" }
seg_end_date = { type = "date", doc = "First day after it" }
cell_start_date = { type = "date", doc = "Boundary that begins the cell" }
cell_end_date = { type = "date", doc = "Boundary that ends it" }
period_start_date = { type = "date", doc = "First day of the service period" }
period_end_date = { type = "date", doc = "First day after it" }
billable_date = { type = "date", doc = "Contractual invoice date" }
check_date = { type = "date", doc = "First day on which a missing invoice counts" }
version = { type = "integer", doc = "The contract version in force" }
rung_no = { type = "integer", doc = "Place in the version's price ladder" }
quantity = { type = "decimal(18,6)", doc = "Contracted quantity; null for usage" }
price = { type = "decimal(18,8)", doc = "Price of one unit per billing period" }
metric = { type = "text", doc = "Usage metric that a usage line charges" }
unit_size = { type = "decimal(18,6)", doc = "How many of the unit one price buys" }
is_free = { type = "boolean", doc = "Not charged: inside an agreed free period or a pause" }
is_paused = { type = "boolean", doc = "Not charged for a pause" }
missing_term = { type = "text", doc = "What stands in the way of rating these days" }
seg_days = { type = "integer", doc = "Calendar days" }
seg_measure = { type = "integer", doc = "Days by the contract's proration method" }
cell_days = { type = "integer", doc = "Calendar days of the whole cell" }
cell_measure = { type = "integer", doc = "Days of the whole cell by the contract's proration method" }
discount_factor = { type = "decimal(38,12)", doc = "What percent discounts leave of the gross amount, 0 to 1" }
discount_amount = { type = "decimal(38,8)", doc = "Amount discounts per billing period, in force on these days" }
expired_pct = { type = "decimal(38,8)", doc = "Percent points of discounts that ended on or before these days, added up" }
expired_amount = { type = "decimal(38,8)", doc = "Amount discounts per billing period that ended on or before these days" }

[checks]
not_null = ["contract_line_id", "cell_no", "seg_start_date", "seg_end_date", "seg_days", "seg_measure", "discount_factor"]

[decisions]
proration = "30/360 counts 360 a year, 30 a month, the last day of February as the 30th; every other method counts calendar days"
stacking = "A ramp's discount first, then in order of sequence, then discount_id; kept at twelve decimals after each; at most four on one day"
---*/
with line_grid as (
    select
        contract_line_id,
        component,
        months,
        price_period_months,
        is_single_period,
        proration_method
    from line_grid
),

service_period as (
    select
        contract_line_id,
        cell_no,
        cell_start_date,
        cell_end_date,
        period_start_date,
        period_end_date,
        billable_date,
        check_date
    from service_period
),

line_term as (
    select
        contract_line_id,
        term_start_date,
        term_end_date,
        version,
        rung_no,
        quantity,
        price,
        metric,
        unit_size,
        is_free,
        is_paused,
        missing_term
    from line_term
),

line_discount as (
    select
        contract_line_id,
        discount_id,
        version,
        kind,
        value,
        is_once,
        is_additive,
        is_invoice_basis,
        is_own,
        is_ramp,
        sequence,
        start_date,
        end_date
    from line_discount
),

cut as (
    select
        service_period.contract_line_id,
        service_period.cell_no,
        service_period.cell_start_date,
        service_period.cell_end_date,
        service_period.period_start_date,
        service_period.period_end_date,
        service_period.billable_date,
        service_period.check_date,
        line_grid.component,
        line_grid.months,
        line_grid.price_period_months,
        line_grid.proration_method = '30_360' and not line_grid.is_single_period as is_30_360,
        greatest(service_period.period_start_date, line_term.term_start_date) as seg_start_date,
        least(service_period.period_end_date, line_term.term_end_date) as seg_end_date,
        line_term.version,
        line_term.rung_no,
        line_term.quantity,
        line_term.price,
        line_term.metric,
        line_term.unit_size,
        line_term.is_free,
        line_term.is_paused,
        line_term.missing_term
    from service_period
    inner join line_grid
        on service_period.contract_line_id = line_grid.contract_line_id
    inner join line_term
        on service_period.contract_line_id = line_term.contract_line_id
        and service_period.period_start_date < line_term.term_end_date
        and service_period.period_end_date > line_term.term_start_date
),

-- The 30/360 number of a day; segments of a period then add up to the period.
measured as (
    select
        cut.*,
        case when is_30_360 then 360 * cast(date_part('year', seg_start_date) as bigint) + 30 * cast(date_part('month', seg_start_date) as bigint)
            + case
                when date_part('month', seg_start_date) = 2 and date_part('month', seg_start_date + 1) = 3 then 30
                else least(cast(date_part('day', seg_start_date) as bigint), 30)
            end
        end as seg_start_no,
        case when is_30_360 then 360 * cast(date_part('year', seg_end_date) as bigint) + 30 * cast(date_part('month', seg_end_date) as bigint)
            + case
                when date_part('month', seg_end_date) = 2 and date_part('month', seg_end_date + 1) = 3 then 30
                else least(cast(date_part('day', seg_end_date) as bigint), 30)
            end
        end as seg_end_no,
        case when is_30_360 then 360 * cast(date_part('year', cell_start_date) as bigint) + 30 * cast(date_part('month', cell_start_date) as bigint)
            + case
                when date_part('month', cell_start_date) = 2 and date_part('month', cell_start_date + 1) = 3 then 30
                else least(cast(date_part('day', cell_start_date) as bigint), 30)
            end
        end as cell_start_no,
        case when is_30_360 then 360 * cast(date_part('year', cell_end_date) as bigint) + 30 * cast(date_part('month', cell_end_date) as bigint)
            + case
                when date_part('month', cell_end_date) = 2 and date_part('month', cell_end_date + 1) = 3 then 30
                else least(cast(date_part('day', cell_end_date) as bigint), 30)
            end
        end as cell_end_no
    from cut
),

-- In force: by service day, or by the billable date for the whole period. Expired: it once held and ended on or before these days.
discounted as (
    select
        cut.contract_line_id,
        cut.cell_no,
        cut.seg_start_date,
        line_discount.discount_id,
        line_discount.kind,
        line_discount.is_additive,
        line_discount.is_ramp,
        line_discount.kind = 'amount' and not line_discount.is_own as is_unspread,
        line_discount.kind not in ('percent', 'amount') as is_unrated,
        line_discount.value is null as is_value_missing,
        line_discount.is_once,
        line_discount.value as pct,
        cast(case
            when line_discount.kind = 'amount' and not line_discount.is_once and cut.price_period_months is not null and cut.months is not null
                then cast(cast(line_discount.value as double) * cut.months / cut.price_period_months as decimal(38,8))
            else line_discount.value
        end as decimal(38,8)) as amount,
        case
            when line_discount.is_invoice_basis
                then line_discount.start_date <= cut.billable_date and cut.billable_date < line_discount.end_date
            else line_discount.start_date <= cut.seg_start_date and cut.seg_end_date <= line_discount.end_date
        end as is_in_force,
        case
            when line_discount.is_invoice_basis then line_discount.end_date <= cut.billable_date
            else line_discount.end_date <= cut.seg_start_date
        end as is_expired,
        case
            when line_discount.is_once
                then line_discount.start_date >= cut.period_start_date and line_discount.start_date < cut.period_end_date
            else line_discount.start_date <= cut.seg_start_date and cut.seg_end_date <= line_discount.end_date
        end as is_touching,
        line_discount.sequence
    from cut
    inner join line_discount
        on cut.contract_line_id = line_discount.contract_line_id
        and cut.period_end_date > line_discount.start_date
    where (line_discount.version is null or line_discount.version = cut.version)
        and not cut.is_free
),

in_order as (
    select
        discounted.*,
        row_number() over (
            partition by contract_line_id, cell_no, seg_start_date, is_in_force, kind
            order by case when is_ramp then 0 else 1 end, sequence nulls first, discount_id
        ) as place
    from discounted
),

pivoted as (
    select
        contract_line_id,
        cell_no,
        seg_start_date,
        max(case when is_in_force and kind = 'percent' and place = 1 then pct end) as pct_1,
        max(case when is_in_force and kind = 'percent' and place = 2 then pct end) as pct_2,
        max(case when is_in_force and kind = 'percent' and place = 3 then pct end) as pct_3,
        max(case when is_in_force and kind = 'percent' and place = 4 then pct end) as pct_4,
        bool_or(is_in_force and kind = 'percent' and place = 1 and is_additive) as is_additive_1,
        bool_or(is_in_force and kind = 'percent' and place = 2 and is_additive) as is_additive_2,
        bool_or(is_in_force and kind = 'percent' and place = 3 and is_additive) as is_additive_3,
        bool_or(is_in_force and kind = 'percent' and place = 4 and is_additive) as is_additive_4,
        bool_or(is_in_force and kind = 'percent' and place > 4) as has_too_many,
        bool_or(is_unspread and is_touching) as has_unspread,
        bool_or(is_unrated and is_in_force) as has_unrated,
        bool_or(is_value_missing) as has_missing_value,
        sum(case when is_in_force and kind = 'amount' and not is_once then amount else 0 end) as discount_amount,
        sum(case when is_expired and kind = 'percent' then pct else 0 end) as expired_pct,
        sum(case when is_expired and kind = 'amount' and not is_once and not is_unspread then amount else 0 end) as expired_amount
    from in_order
    group by
        contract_line_id,
        cell_no,
        seg_start_date
),

after_first as (
    select
        pivoted.*,
        cast(greatest(1 - cast(coalesce(pct_1, 0) as decimal(38,8)) * cast(0.01 as decimal(4,2)), 0) as decimal(38,12)) as factor_1
    from pivoted
),

after_second as (
    select
        after_first.*,
        cast(case
            when pct_2 is null then factor_1
            when is_additive_2 then greatest(factor_1 - cast(pct_2 as decimal(38,8)) * cast(0.01 as decimal(4,2)), 0)
            else greatest(factor_1 * cast(1 - cast(pct_2 as decimal(38,8)) * cast(0.01 as decimal(4,2)) as decimal(13,10)), 0)
        end as decimal(38,12)) as factor_2
    from after_first
),

after_third as (
    select
        after_second.*,
        cast(case
            when pct_3 is null then factor_2
            when is_additive_3 then greatest(factor_2 - cast(pct_3 as decimal(38,8)) * cast(0.01 as decimal(4,2)), 0)
            else greatest(factor_2 * cast(1 - cast(pct_3 as decimal(38,8)) * cast(0.01 as decimal(4,2)) as decimal(13,10)), 0)
        end as decimal(38,12)) as factor_3
    from after_second
),

after_fourth as (
    select
        after_third.*,
        cast(case
            when pct_4 is null then factor_3
            when is_additive_4 then greatest(factor_3 - cast(pct_4 as decimal(38,8)) * cast(0.01 as decimal(4,2)), 0)
            else greatest(factor_3 * cast(1 - cast(pct_4 as decimal(38,8)) * cast(0.01 as decimal(4,2)) as decimal(13,10)), 0)
        end as decimal(38,12)) as factor_4
    from after_third
)

select
    measured.contract_line_id,
    measured.cell_no,
    measured.seg_start_date,
    measured.seg_end_date,
    measured.cell_start_date,
    measured.cell_end_date,
    measured.period_start_date,
    measured.period_end_date,
    measured.billable_date,
    measured.check_date,
    measured.version,
    measured.rung_no,
    measured.quantity,
    measured.price,
    measured.metric,
    measured.unit_size,
    measured.is_free,
    measured.is_paused,
    coalesce(
        measured.missing_term,
        case
            when after_fourth.has_missing_value then 'discount value'
            when after_fourth.has_unspread then 'not_rated: amount off a whole contract'
            when after_fourth.has_unrated then 'not_rated: discount kind'
            when after_fourth.has_too_many then 'not_rated: more than four discounts'
        end
    ) as missing_term,
    cast(measured.seg_end_date - measured.seg_start_date as bigint) as seg_days,
    cast(coalesce(measured.seg_end_no - measured.seg_start_no, measured.seg_end_date - measured.seg_start_date) as bigint) as seg_measure,
    cast(measured.cell_end_date - measured.cell_start_date as bigint) as cell_days,
    cast(coalesce(measured.cell_end_no - measured.cell_start_no, measured.cell_end_date - measured.cell_start_date) as bigint) as cell_measure,
    cast(coalesce(after_fourth.factor_4, 1) as decimal(38,12)) as discount_factor,
    cast(coalesce(after_fourth.discount_amount, 0) as decimal(38,8)) as discount_amount,
    cast(coalesce(after_fourth.expired_pct, 0) as decimal(38,8)) as expired_pct,
    cast(coalesce(after_fourth.expired_amount, 0) as decimal(38,8)) as expired_amount
from measured
left join after_fourth
    on measured.contract_line_id = after_fourth.contract_line_id
    and measured.cell_no = after_fourth.cell_no
    and measured.seg_start_date = after_fourth.seg_start_date
