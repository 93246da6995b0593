/*---
title = "Gaps that a commitment's true-up has made up for"
owner = "finance"
grain = ["finding_id", "component", "period_start_date", "step"]

[columns]
finding_id = { type = "text", doc = "The case" }
component = { type = "text", doc = "charge, usage, one_off or true_up" }
period_start_date = { type = "date", doc = "First day of the service period" }
step = { type = "text", doc = "Step of the waterfall" }
absorbed_amount = { type = "decimal(18,4)", doc = "Part of the gap that is absorbed; signed like it" }

[checks]
not_null = ["finding_id", "component", "period_start_date", "step", "absorbed_amount"]

[decisions]
absorbed = "A true-up billed on too low a spend has brought in what its lines leaked: the lesser of its excess and those leaks, after waivers, is taken from the leaks in order of period_start_date, contract_line_id and step"
turned = "A true-up short because its lines were overbilled is absorbed with signs turned: the customer has paid it there already"
several = "A line under several commitments is absorbed by the one that sorts first, then by the next; a third leaves it alone"
---*/
with absorbable_gap as (
    select
        commitment_id,
        period_no,
        owed_id,
        cell_no,
        place,
        period_start_date,
        pool_place,
        pool_amount,
        sign,
        open_amount,
        limit_amount,
        turn
    from absorbable_gap
),

finding_row as (
    select
        finding_id,
        owed_id,
        component,
        cell_no,
        step,
        place,
        period_start_date
    from finding_row
    where step <> ''
),

first_turn as (
    select
        commitment_id,
        period_no,
        owed_id,
        cell_no,
        place,
        pool_place,
        sign,
        least(limit_amount, greatest(pool_amount - coalesce(sum(limit_amount) over (
            partition by commitment_id, period_no
            order by period_start_date, owed_id, place
            rows between unbounded preceding and 1 preceding
        ), 0), 0)) as absorbed_amount
    from absorbable_gap
    where turn = 1
),

taken_from_pool as (
    select
        commitment_id,
        period_no,
        sum(absorbed_amount) as amount
    from first_turn
    group by
        commitment_id,
        period_no
),

taken_from_gap as (
    select
        owed_id,
        cell_no,
        place,
        sum(absorbed_amount) as amount
    from first_turn
    group by
        owed_id,
        cell_no,
        place
),

left_over as (
    select
        absorbable_gap.commitment_id,
        absorbable_gap.period_no,
        absorbable_gap.owed_id,
        absorbable_gap.cell_no,
        absorbable_gap.place,
        absorbable_gap.period_start_date,
        absorbable_gap.pool_place,
        absorbable_gap.sign,
        absorbable_gap.pool_amount - coalesce(taken_from_pool.amount, 0) as pool_amount,
        least(absorbable_gap.limit_amount, absorbable_gap.open_amount - taken_from_gap.amount) as limit_amount
    from absorbable_gap
    inner join taken_from_gap
        on absorbable_gap.owed_id = taken_from_gap.owed_id
        and absorbable_gap.cell_no = taken_from_gap.cell_no
        and absorbable_gap.place = taken_from_gap.place
    left join taken_from_pool
        on absorbable_gap.commitment_id = taken_from_pool.commitment_id
        and absorbable_gap.period_no = taken_from_pool.period_no
    where absorbable_gap.turn = 2
),

second_turn as (
    select
        commitment_id,
        period_no,
        owed_id,
        cell_no,
        place,
        pool_place,
        sign,
        least(limit_amount, greatest(pool_amount - coalesce(sum(limit_amount) over (
            partition by commitment_id, period_no
            order by period_start_date, owed_id, place
            rows between unbounded preceding and 1 preceding
        ), 0), 0)) as absorbed_amount
    from left_over
),

both_turns as (
    select * from first_turn
    union all
    select * from second_turn
),

absorbed as (
    select *
    from both_turns
    where absorbed_amount <> 0
),

-- What is taken from the lines stands on the true-up with the other sign.
both_sides as (
    select
        owed_id,
        cell_no,
        place,
        absorbed_amount * sign as absorbed_amount,
        false as is_true_up
    from absorbed
    union all
    select
        commitment_id as owed_id,
        period_no as cell_no,
        pool_place as place,
        - absorbed_amount * sign as absorbed_amount,
        true as is_true_up
    from absorbed
),

summed as (
    select
        owed_id,
        cell_no,
        place,
        is_true_up,
        sum(absorbed_amount) as absorbed_amount
    from both_sides
    group by
        owed_id,
        cell_no,
        place,
        is_true_up
)

select
    finding_row.finding_id,
    finding_row.component,
    finding_row.period_start_date,
    finding_row.step,
    cast(summed.absorbed_amount as decimal(18,4)) as absorbed_amount
from summed
inner join finding_row
    on summed.owed_id = finding_row.owed_id
    and summed.cell_no = finding_row.cell_no
    and summed.place = finding_row.place
    and summed.is_true_up = (finding_row.component = 'true_up')
