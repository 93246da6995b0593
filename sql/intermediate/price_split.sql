/*---
title = "Price gaps of lines with escalators: what the base rate lacks, and what the missed steps do"
owner = "finance"
grain = ["contract_line_id", "cell_no"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line" }
cell_no = { type = "integer", doc = "Number of the cell in the line's grid" }
billed_step_no = { type = "integer", doc = "j: escalator steps that the billed price contains, or falls short of" }
reached_step_no = { type = "integer", doc = "k: the most escalator steps any charged day has behind it" }
value_base = { type = "decimal(18,4)", doc = "Value of the price step at the price after j steps" }
step_gap = { type = "decimal(18,4)", doc = "What the steps after j add" }
check_code = { type = "text", doc = "P3 or P4, by the kind of the first missed step; O2 where the steps lower the price; null where they change nothing" }
last_base_price = { type = "decimal(18,8)", doc = "Price after j steps on the last charged day" }

[checks]
not_null = ["contract_line_id", "cell_no", "billed_step_no", "reached_step_no", "value_base", "step_gap"]

[decisions]
billed_step = "j is the smallest number of steps whose price is not below the billed one, a minor unit for each billed line allowed; where the two are equal within that, the base rate lacks nothing"
all_steps = "Where the billed price contains every step, what is left is a matter of the base rate"
kind = "The first missed step of the last charged day that has one decides between fixed and index"
---*/
with waterfall as (
    select
        contract_line_id,
        cell_no,
        value_quantity,
        value_price,
        days_denominator,
        day_unit,
        quantity_fraction,
        billed_net_amount,
        billed_gross_amount,
        line_count,
        minor_digits
    from waterfall
    where verdict = 'verified'
        and line_count > 0
        and quantity_fraction <> 0
        and not is_rated
        and value_price > value_quantity
),

expected_charge as (
    select
        contract_line_id,
        cell_no,
        quantity_days
    from expected_charge
    where quantity_days > 0
),

segment_charge as (
    select
        contract_line_id,
        cell_no,
        seg_start_date,
        version,
        rung_no,
        quantity_days
    from segment_charge
    where not is_free
),

line_price as (
    select
        contract_line_id,
        version,
        rung_no,
        base_no,
        step_no,
        step_kind,
        price
    from line_price
),

gap as (
    select
        waterfall.*,
        expected_charge.quantity_days
    from waterfall
    inner join expected_charge
        on waterfall.contract_line_id = expected_charge.contract_line_id
        and waterfall.cell_no = expected_charge.cell_no
),

segment as (
    select
        gap.contract_line_id,
        gap.cell_no,
        segment_charge.seg_start_date,
        segment_charge.version,
        segment_charge.quantity_days,
        line_price.base_no,
        line_price.step_no
    from gap
    inner join segment_charge
        on gap.contract_line_id = segment_charge.contract_line_id
        and gap.cell_no = segment_charge.cell_no
    inner join line_price
        on segment_charge.contract_line_id = line_price.contract_line_id
        and segment_charge.version = line_price.version
        and segment_charge.rung_no = line_price.rung_no
),

reached as (
    select
        contract_line_id,
        cell_no,
        max(step_no) as reached_step_no
    from segment
    group by
        contract_line_id,
        cell_no
    having max(step_no) > 0
),

tried as (
    select
        contract_line_id,
        cell_no,
        reached_step_no,
        unnest(generate_series(cast(0 as bigint), reached_step_no)) as tried_step_no
    from reached
),

-- Every segment at the price after so many steps, or after all it has.
priced as (
    select
        tried.contract_line_id,
        tried.cell_no,
        tried.tried_step_no,
        segment.seg_start_date,
        cast(segment.quantity_days * line_price.price as decimal(38,10)) as value_days,
        line_price.price
    from tried
    inner join segment
        on tried.contract_line_id = segment.contract_line_id
        and tried.cell_no = segment.cell_no
    inner join line_price
        on segment.contract_line_id = line_price.contract_line_id
        and segment.version = line_price.version
        and segment.base_no = line_price.base_no
        and least(tried.tried_step_no, segment.step_no) = line_price.step_no
),

last_segment as (
    select
        contract_line_id,
        cell_no,
        tried_step_no,
        price
    from priced
    qualify row_number() over (partition by contract_line_id, cell_no, tried_step_no order by seg_start_date desc) = 1
),

summed as (
    select
        contract_line_id,
        cell_no,
        tried_step_no,
        sum(value_days) as value_days
    from priced
    group by
        contract_line_id,
        cell_no,
        tried_step_no
),

compared as (
    select
        gap.*,
        tried.reached_step_no,
        tried.tried_step_no,
        cast(summed.value_days * cast(gap.day_unit as decimal(4,0)) as decimal(38,10)) as value_days,
        gap.billed_gross_amount - cast(
            cast(gap.quantity_fraction as double) * cast(summed.value_days as double) * gap.day_unit / cast(gap.quantity_days as double)
            as decimal(38,6)
        ) as above_amount,
        cast(gap.line_count as decimal(10,0))
            * case gap.minor_digits when 0 then cast(1 as decimal(18,4)) when 3 then cast(0.001 as decimal(18,4)) else cast(0.01 as decimal(18,4)) end
            as tolerance
    from gap
    inner join tried
        on gap.contract_line_id = tried.contract_line_id
        and gap.cell_no = tried.cell_no
    inner join summed
        on tried.contract_line_id = summed.contract_line_id
        and tried.cell_no = summed.cell_no
        and tried.tried_step_no = summed.tried_step_no
),

chosen as (
    select *
    from compared
    where above_amount <= tolerance or tried_step_no = reached_step_no
    qualify row_number() over (partition by contract_line_id, cell_no order by tried_step_no) = 1
),

fraction as (
    select
        chosen.*,
        case
            when billed_gross_amount = 0 then cast(value_days as decimal(38,14))
            else cast(value_days * cast(billed_net_amount as decimal(18,4)) as decimal(38,14))
        end as part,
        case
            when billed_gross_amount = 0 then cast(days_denominator as decimal(38,4))
            else cast(cast(billed_gross_amount as decimal(38,4)) * cast(days_denominator as decimal(10,0)) as decimal(38,4))
        end as whole
    from chosen
),

halved as (
    select
        fraction.*,
        cast(round(cast(part as double) / cast(whole as double)) as decimal(38,0)) as units
    from fraction
),

divided as (
    select
        halved.*,
        units + cast(cast(part - units * whole as double) / cast(whole as double) as decimal(38,10)) as base
    from halved
),

valued as (
    select
        divided.*,
        cast(case
            when tried_step_no = reached_step_no then value_price
            when above_amount >= - tolerance then value_quantity
            when minor_digits = 0 then cast(round(base, 0) as decimal(18,4))
            when minor_digits = 3 then cast(round(base, 3) as decimal(18,4))
            else cast(round(base, 2) as decimal(18,4))
        end as decimal(18,4)) as value_base
    from divided
),

missed as (
    select
        valued.contract_line_id,
        valued.cell_no,
        line_price.step_kind
    from valued
    inner join segment
        on valued.contract_line_id = segment.contract_line_id
        and valued.cell_no = segment.cell_no
        and segment.step_no > valued.tried_step_no
    inner join line_price
        on segment.contract_line_id = line_price.contract_line_id
        and segment.version = line_price.version
        and segment.base_no = line_price.base_no
        and valued.tried_step_no + 1 = line_price.step_no
    qualify row_number() over (partition by valued.contract_line_id, valued.cell_no order by segment.seg_start_date desc) = 1
)

select
    valued.contract_line_id,
    valued.cell_no,
    cast(valued.tried_step_no as bigint) as billed_step_no,
    valued.reached_step_no,
    valued.value_base,
    cast(valued.value_price - valued.value_base as decimal(18,4)) as step_gap,
    case
        when valued.value_price = valued.value_base then null
        when valued.value_price < valued.value_base then 'O2'
        when missed.step_kind = 'index' then 'P4'
        else 'P3'
    end as check_code,
    last_segment.price as last_base_price
from valued
left join missed
    on valued.contract_line_id = missed.contract_line_id
    and valued.cell_no = missed.cell_no
left join last_segment
    on valued.contract_line_id = last_segment.contract_line_id
    and valued.cell_no = last_segment.cell_no
    and valued.tried_step_no = last_segment.tried_step_no
