/*---
title = "Annual recurring revenue of each contract line on the first of each month"
owner = "finance"
grain = ["contract_line_id", "month_date"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line, or the commitment" }
contract_id = { type = "text", doc = "Canonical contract" }
account_id = { type = "text", doc = "The account" }
product_id = { type = "text", doc = "Canonical product; empty for a commitment over several" }
component = { type = "text", doc = "charge or commitment" }
currency = { type = "text", doc = "Contract currency" }
minor_digits = { type = "integer", doc = "Decimals of the currency" }
month_date = { type = "date", doc = "First of a month, the day measured" }
cell_no = { type = "integer", doc = "Service period that holds the day" }
quantity = { type = "decimal(18,6)", doc = "Contracted quantity" }
gross_arr = { type = "decimal(38,10)", doc = "A year at quantity and price of the day, before discounts" }
arr_contracted = { type = "decimal(18,4)", doc = "A year at the terms of the day; null where a term is wanting" }
arr_live = { type = "decimal(18,4)", doc = "Of it, charged on that day: neither in a free period nor paused" }
ramp_no = { type = "integer", doc = "Ramp steps so far that stated a quantity, a price or a commitment" }
discount_factor = { type = "decimal(38,12)", doc = "What percent discounts leave, 0 to 1" }
missing_term = { type = "text", doc = "What stands in the way; null where nothing does" }

[checks]
not_null = ["contract_line_id", "contract_id", "account_id", "component", "currency", "minor_digits", "month_date", "ramp_no"]
expect.live_is_contracted = "arr_contracted is null or arr_live between 0 and arr_contracted"

[decisions]
recurring = "Quantity, price and discounts in force on the day for twelve months; tiers, packages and included units by what a whole period costs; usage and one-off charges are none"
seats = "The contracted quantity: seats above it are use until a version takes them in, or a true-forward has raised the quantity for good"
not_charged = "In a free period or a pause the contract counts at the terms of the next charged day, else the last one before; it is not live"
commitment = "A commitment that trues up counts with what it is more than the recurring revenue of its own lines; a prepaid one is a line of its own already"
one_period = "A line whose whole life is one period counts by its days, 365 to the year; without an end nothing can be told"
amount_once = "An amount taken off once is no part of a year"
window = "From twelve months before the first month published to as_of"
---*/
with line_grid as (
    select
        contract_line_id,
        contract_id,
        account_id,
        product_id,
        component,
        months,
        life_start_date,
        life_end_date,
        currency,
        minor_digits
    from line_grid
),

segment_charge as (
    select
        contract_line_id,
        cell_no,
        seg_start_date,
        cast(seg_start_date + cast(seg_days as int) as date) as seg_end_date,
        version,
        rung_no,
        contracted_quantity,
        quantity,
        price,
        weight,
        value_days,
        is_rated,
        is_free,
        missing_term,
        discount_factor,
        discount_amount
    from segment_charge
),

line_version as (
    select
        contract_line_id,
        version
    from line_version
    where seat_settlement = 'true_forward'
),

line_price as (
    select
        contract_line_id,
        version,
        rung_no,
        ramp_no
    from line_price
    where ramp_no > 0
),

line_ramp as (
    select
        contract_line_id,
        version,
        start_date,
        end_date,
        quantity_stage
    from line_ramp
    where quantity_stage > 0
),

commitment_grid as (
    select
        commitment_id,
        contract_id,
        account_id,
        currency,
        minor_digits,
        months
    from commitment_grid
    where not is_prepaid
),

commitment_span as (
    select
        commitment_id,
        period_no,
        period_start_date,
        period_end_date,
        committed_amount,
        missing_term
    from commitment_span
),

commitment_scope as (
    select
        commitment_id,
        contract_line_id
    from commitment_scope
),

calendar_month as (
    select
        month_no,
        first_date
    from calendar_month
),

month_window as (
    select
        month_no - cast($arr_history_months as bigint) - 12 as first_month_no,
        month_no as last_month_no
    from calendar_month
    where first_date = cast(date_trunc('month', cast($as_of as date)) as date)
),

-- Stretches that are measured: segments of recurring lines and periods of commitments.
stretch as (
    select
        segment_charge.contract_line_id as item_id,
        segment_charge.cell_no,
        segment_charge.seg_start_date as from_date,
        segment_charge.seg_end_date as to_date
    from segment_charge
    inner join line_grid
        on segment_charge.contract_line_id = line_grid.contract_line_id
    where line_grid.component = 'charge'
    union all
    select
        commitment_span.commitment_id as item_id,
        commitment_span.period_no as cell_no,
        commitment_span.period_start_date as from_date,
        commitment_span.period_end_date as to_date
    from commitment_span
    inner join commitment_grid
        on commitment_span.commitment_id = commitment_grid.commitment_id
),

-- The months whose first day lies in a stretch: of a monthly period that begins on the first, one.
numbered as (
    select
        stretch.item_id,
        stretch.cell_no,
        stretch.from_date,
        unnest(generate_series(
            greatest(
                cast(date_part('year', stretch.from_date - 1) as bigint) * 12 + cast(date_part('month', stretch.from_date - 1) as bigint),
                month_window.first_month_no
            ),
            least(
                cast(date_part('year', stretch.to_date - 1) as bigint) * 12 + cast(date_part('month', stretch.to_date - 1) as bigint) - 1,
                month_window.last_month_no
            )
        )) as month_no
    from stretch
    cross join month_window
),

measured as (
    select
        numbered.item_id,
        numbered.cell_no,
        numbered.from_date,
        calendar_month.first_date as month_date
    from numbered
    inner join calendar_month
        on numbered.month_no = calendar_month.month_no
),

-- Days that are not charged borrow the terms of the nearest charged segment, the next one first.
free_segment as (
    select
        contract_line_id,
        seg_start_date
    from segment_charge
    where is_free
),

borrowed as (
    select
        free_segment.contract_line_id,
        free_segment.seg_start_date,
        charged.seg_start_date as terms_date
    from free_segment
    inner join segment_charge as charged
        on free_segment.contract_line_id = charged.contract_line_id
    where not charged.is_free
    qualify row_number() over (
        partition by free_segment.contract_line_id, free_segment.seg_start_date
        order by case when charged.seg_start_date > free_segment.seg_start_date then 0 else 1 end,
            case when charged.seg_start_date > free_segment.seg_start_date then charged.seg_start_date end,
            charged.seg_start_date desc
    ) = 1
),

line_month as (
    select
        measured.item_id as contract_line_id,
        measured.cell_no,
        measured.month_date,
        coalesce(borrowed.terms_date, measured.from_date) as terms_date,
        borrowed.terms_date is null as is_own
    from measured
    left join borrowed
        on measured.item_id = borrowed.contract_line_id
        and measured.from_date = borrowed.seg_start_date
),

-- What a whole period costs, and how many of them a year has.
termed as (
    select
        line_grid.contract_line_id,
        line_grid.contract_id,
        line_grid.account_id,
        line_grid.product_id,
        line_grid.currency,
        line_grid.minor_digits,
        line_month.month_date,
        line_month.cell_no,
        line_month.terms_date,
        segment_charge.version,
        segment_charge.rung_no,
        line_month.is_own and not segment_charge.is_free as is_live,
        case when line_version.contract_line_id is null then segment_charge.contracted_quantity else segment_charge.quantity end as quantity,
        case
            when segment_charge.is_rated
                then cast(cast(segment_charge.value_days as double) / cast(nullif(segment_charge.weight, 0) as double) as decimal(38,10))
            when line_version.contract_line_id is null
                then cast(cast(segment_charge.contracted_quantity as decimal(38,6)) * segment_charge.price as decimal(38,10))
            else cast(cast(segment_charge.quantity as decimal(38,6)) * segment_charge.price as decimal(38,10))
        end as period_value,
        segment_charge.discount_factor,
        segment_charge.discount_amount,
        case
            when line_grid.months is null then 1
            else cast(round(cast(12 as double) / cast(line_grid.months as double)) as bigint)
        end as periods,
        case when line_grid.months is null then cast(line_grid.life_end_date - line_grid.life_start_date as bigint) end as life_days,
        case
            when segment_charge.missing_term <> 'seats' then segment_charge.missing_term
            when line_grid.months is null and line_grid.life_end_date >= date '9999-01-01' then 'end_date'
        end as missing_term
    from line_month
    inner join line_grid
        on line_month.contract_line_id = line_grid.contract_line_id
    inner join segment_charge
        on line_month.contract_line_id = segment_charge.contract_line_id
        and line_month.terms_date = segment_charge.seg_start_date
    left join line_version
        on segment_charge.contract_line_id = line_version.contract_line_id
        and segment_charge.version = line_version.version
),

valued as (
    select
        termed.*,
        cast(period_value * cast(periods as decimal(4,0)) as decimal(38,10)) as gross_value,
        cast(
            greatest(cast(period_value * discount_factor as decimal(38,10)) - discount_amount, 0) * cast(periods as decimal(4,0))
            as decimal(38,10)
        ) as net_value
    from termed
),

yearly as (
    select
        valued.* exclude (gross_value, net_value),
        case
            when missing_term is not null then null
            when life_days is null then gross_value
            else cast(cast(gross_value as double) * 365 / cast(life_days as double) as decimal(38,10))
        end as gross_arr,
        case
            when missing_term is not null then null
            when life_days is null then net_value
            else cast(cast(net_value as double) * 365 / cast(life_days as double) as decimal(38,10))
        end as net_arr
    from valued
),

charge_arr as (
    select
        yearly.contract_line_id,
        yearly.contract_id,
        yearly.account_id,
        yearly.product_id,
        'charge' as component,
        yearly.currency,
        yearly.minor_digits,
        yearly.month_date,
        yearly.cell_no,
        yearly.quantity,
        yearly.gross_arr,
        case
            when yearly.minor_digits = 0 then cast(round(yearly.net_arr, 0) as decimal(18,4))
            when yearly.minor_digits = 3 then cast(round(yearly.net_arr, 3) as decimal(18,4))
            else cast(round(yearly.net_arr, 2) as decimal(18,4))
        end as arr_contracted,
        yearly.is_live,
        coalesce(line_price.ramp_no, 0) + coalesce(line_ramp.quantity_stage, 0) as ramp_no,
        yearly.discount_factor,
        yearly.missing_term
    from yearly
    left join line_price
        on yearly.contract_line_id = line_price.contract_line_id
        and yearly.version = line_price.version
        and yearly.rung_no = line_price.rung_no
    left join line_ramp
        on yearly.contract_line_id = line_ramp.contract_line_id
        and yearly.version = line_ramp.version
        and line_ramp.start_date <= yearly.terms_date
        and yearly.terms_date < line_ramp.end_date
),

-- What the lines of a commitment bring by themselves on the day.
covered as (
    select
        commitment_scope.commitment_id,
        charge_arr.month_date,
        sum(charge_arr.arr_contracted) as arr,
        min(charge_arr.missing_term) as missing_term
    from commitment_scope
    inner join charge_arr
        on commitment_scope.contract_line_id = charge_arr.contract_line_id
    group by
        commitment_scope.commitment_id,
        charge_arr.month_date
),

scope_product as (
    select
        commitment_scope.commitment_id,
        case when min(line_grid.product_id) = max(line_grid.product_id) then min(line_grid.product_id) else '' end as product_id
    from commitment_scope
    inner join line_grid
        on commitment_scope.contract_line_id = line_grid.contract_line_id
    group by commitment_scope.commitment_id
),

-- A period cut short is a year's commitment by its days.
committed as (
    select
        commitment_grid.commitment_id,
        commitment_grid.contract_id,
        commitment_grid.account_id,
        coalesce(scope_product.product_id, '') as product_id,
        commitment_grid.currency,
        commitment_grid.minor_digits,
        measured.month_date,
        measured.cell_no,
        case
            when commitment_span.committed_amount is null then null
            when commitment_grid.months is not null and commitment_span.period_end_date - commitment_span.period_start_date >= 28 * commitment_grid.months
                then cast(cast(commitment_span.committed_amount as double) * 12 / cast(commitment_grid.months as double) as decimal(38,10))
            when commitment_span.period_end_date < date '9999-01-01'
                then cast(
                    cast(commitment_span.committed_amount as double) * 365
                    / cast(commitment_span.period_end_date - commitment_span.period_start_date as double)
                    as decimal(38,10)
                )
        end as commitment_value,
        coalesce(covered.arr, 0) as covered_arr,
        coalesce(
            commitment_span.missing_term,
            covered.missing_term,
            case when commitment_span.committed_amount is null then 'amount' end,
            case when commitment_grid.months is null and commitment_span.period_end_date >= date '9999-01-01' then 'end_date' end
        ) as missing_term
    from measured
    inner join commitment_grid
        on measured.item_id = commitment_grid.commitment_id
    inner join commitment_span
        on measured.item_id = commitment_span.commitment_id
        and measured.cell_no = commitment_span.period_no
    left join covered
        on measured.item_id = covered.commitment_id
        and measured.month_date = covered.month_date
    left join scope_product
        on measured.item_id = scope_product.commitment_id
),

-- The n-th different amount a commitment has had.
commitment_stage as (
    select
        commitment_id,
        period_no,
        cast(dense_rank() over (partition by commitment_id order by first_period_no) as bigint) as stage
    from (
        select
            commitment_id,
            period_no,
            min(period_no) over (partition by commitment_id, committed_amount) as first_period_no
        from commitment_span
    ) as dated
),

commitment_arr as (
    select
        committed.* exclude (commitment_value, covered_arr),
        case when committed.missing_term is null then greatest(committed.commitment_value - committed.covered_arr, 0) end as arr,
        commitment_stage.stage
    from committed
    inner join commitment_stage
        on committed.commitment_id = commitment_stage.commitment_id
        and committed.cell_no = commitment_stage.period_no
)

select
    contract_line_id,
    contract_id,
    account_id,
    product_id,
    component,
    currency,
    minor_digits,
    month_date,
    cell_no,
    quantity,
    gross_arr,
    arr_contracted,
    case when is_live then arr_contracted else case when arr_contracted is not null then cast(0 as decimal(18,4)) end end as arr_live,
    ramp_no,
    discount_factor,
    missing_term
from charge_arr
union all
select
    commitment_id as contract_line_id,
    contract_id,
    account_id,
    product_id,
    'commitment' as component,
    currency,
    minor_digits,
    month_date,
    cell_no,
    cast(1 as decimal(18,6)) as quantity,
    cast(arr as decimal(38,10)) as gross_arr,
    case
        when minor_digits = 0 then cast(round(arr, 0) as decimal(18,4))
        when minor_digits = 3 then cast(round(arr, 3) as decimal(18,4))
        else cast(round(arr, 2) as decimal(18,4))
    end as arr_contracted,
    case
        when minor_digits = 0 then cast(round(arr, 0) as decimal(18,4))
        when minor_digits = 3 then cast(round(arr, 3) as decimal(18,4))
        else cast(round(arr, 2) as decimal(18,4))
    end as arr_live,
    stage as ramp_no,
    cast(1 as decimal(38,12)) as discount_factor,
    missing_term
from commitment_arr
