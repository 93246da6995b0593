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
credits_first = "What credits gave back is settled: neither an excess nor an overbilling that was credited absorbs anything"
straddling = "Of an obligation that straddles two periods of a commitment each period's true-up absorbs at most its days' share"
several = "A line under several commitments is absorbed by the one that sorts first, then by the next"
---*/
with finding_row as (
    select
        finding_id,
        owed_id,
        component,
        cell_no,
        step,
        place,
        period_start_date,
        gap_amount
    from finding_row
    where step not in ('', 'O1')
        and gap_amount <> 0
),

finding_waiver as (
    select
        finding_id,
        component,
        period_start_date,
        step,
        waived_amount
    from finding_waiver
),

finding_correction as (
    select
        finding_id,
        component,
        period_start_date,
        step,
        corrected_amount
    from finding_correction
),

commitment_spend as (
    select
        commitment_id,
        period_no,
        contract_line_id,
        cell_no,
        days,
        whole_days,
        is_last,
        minor_digits
    from commitment_spend
),

-- What is left of each gap after waivers and credits.
remaining as (
    select
        finding_row.*,
        abs(finding_row.gap_amount - coalesce(finding_waiver.waived_amount, 0) - coalesce(finding_correction.corrected_amount, 0)) as open_amount
    from finding_row
    left join finding_waiver
        on finding_row.finding_id = finding_waiver.finding_id
        and finding_row.component = finding_waiver.component
        and finding_row.period_start_date = finding_waiver.period_start_date
        and finding_row.step = finding_waiver.step
    left join finding_correction
        on finding_row.finding_id = finding_correction.finding_id
        and finding_row.component = finding_correction.component
        and finding_row.period_start_date = finding_correction.period_start_date
        and finding_row.step = finding_correction.step
),

-- The excess or the shortfall of each true-up; it absorbs gaps of the other sign.
pool as (
    select
        finding_id,
        owed_id as commitment_id,
        cell_no as period_no,
        period_start_date,
        step,
        case when gap_amount < 0 then 1 else -1 end as absorbed_sign,
        open_amount as pool_amount
    from remaining
    where component = 'true_up'
        and open_amount > 0
),

share as (
    select
        pool.commitment_id,
        pool.period_no,
        pool.absorbed_sign,
        pool.pool_amount,
        remaining.finding_id,
        remaining.owed_id,
        remaining.component,
        remaining.period_start_date,
        remaining.step,
        remaining.place,
        remaining.open_amount,
        commitment_spend.is_last,
        commitment_spend.minor_digits,
        cast(cast(remaining.open_amount * commitment_spend.days as double) / commitment_spend.whole_days as decimal(38,10)) as part,
        cast(cast(remaining.open_amount * (commitment_spend.whole_days - commitment_spend.days) as double) / commitment_spend.whole_days as decimal(38,10)) as other_part,
        dense_rank() over (
            partition by remaining.finding_id, remaining.component, remaining.period_start_date, remaining.step
            order by pool.commitment_id
        ) as turn
    from pool
    inner join commitment_spend
        on pool.commitment_id = commitment_spend.commitment_id
        and pool.period_no = commitment_spend.period_no
    inner join remaining
        on commitment_spend.contract_line_id = remaining.owed_id
        and commitment_spend.cell_no = remaining.cell_no
    where remaining.component <> 'true_up'
        and remaining.open_amount > 0
        and (remaining.gap_amount > 0 and pool.absorbed_sign = 1 or remaining.gap_amount < 0 and pool.absorbed_sign = -1)
),

-- Half up by days; the period of the last day takes what the others leave.
bounded as (
    select
        share.*,
        case
            when is_last then open_amount - case minor_digits
                when 0 then cast(round(other_part, 0) as decimal(18,4))
                when 3 then cast(round(other_part, 3) as decimal(18,4))
                else cast(round(other_part, 2) as decimal(18,4))
            end
            when minor_digits = 0 then cast(round(part, 0) as decimal(18,4))
            when minor_digits = 3 then cast(round(part, 3) as decimal(18,4))
            else cast(round(part, 2) as decimal(18,4))
        end as limit_amount
    from share
),

first_turn as (
    select
        bounded.*,
        least(limit_amount, greatest(pool_amount - coalesce(sum(limit_amount) over (
            partition by commitment_id, period_no
            order by period_start_date, owed_id, place
            rows between unbounded preceding and 1 preceding
        ), 0), 0)) as absorbed_amount
    from bounded
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
        finding_id,
        component,
        period_start_date,
        step,
        sum(absorbed_amount) as amount
    from first_turn
    group by
        finding_id,
        component,
        period_start_date,
        step
),

left_over as (
    select
        bounded.* exclude (limit_amount, pool_amount),
        bounded.pool_amount - coalesce(taken_from_pool.amount, 0) as pool_amount,
        least(bounded.limit_amount, bounded.open_amount - coalesce(taken_from_gap.amount, 0)) as limit_amount
    from bounded
    left join taken_from_pool
        on bounded.commitment_id = taken_from_pool.commitment_id
        and bounded.period_no = taken_from_pool.period_no
    left join taken_from_gap
        on bounded.finding_id = taken_from_gap.finding_id
        and bounded.component = taken_from_gap.component
        and bounded.period_start_date = taken_from_gap.period_start_date
        and bounded.step = taken_from_gap.step
    where bounded.turn = 2
),

second_turn as (
    select
        left_over.*,
        least(limit_amount, greatest(pool_amount - coalesce(sum(limit_amount) over (
            partition by commitment_id, period_no
            order by period_start_date, owed_id, place
            rows between unbounded preceding and 1 preceding
        ), 0), 0)) as absorbed_amount
    from left_over
),

absorbed as (
    select commitment_id, period_no, absorbed_sign, finding_id, component, period_start_date, step, absorbed_amount
    from first_turn
    union all
    select commitment_id, period_no, absorbed_sign, finding_id, component, period_start_date, step, absorbed_amount
    from second_turn
),

every_row as (
    select
        finding_id,
        component,
        period_start_date,
        step,
        absorbed_amount * absorbed_sign as absorbed_amount
    from absorbed
    union all
    select
        pool.finding_id,
        'true_up' as component,
        pool.period_start_date,
        pool.step,
        - absorbed.absorbed_amount * absorbed.absorbed_sign
    from absorbed
    inner join pool
        on absorbed.commitment_id = pool.commitment_id
        and absorbed.period_no = pool.period_no
)

select
    finding_id,
    component,
    period_start_date,
    step,
    cast(sum(absorbed_amount) as decimal(18,4)) as absorbed_amount
from every_row
group by
    finding_id,
    component,
    period_start_date,
    step
having sum(absorbed_amount) <> 0
