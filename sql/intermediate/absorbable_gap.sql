/*---
title = "Gaps of lines that a true-up billed too high or too low could have made up for"
owner = "finance"
grain = ["commitment_id", "period_no", "owed_id", "cell_no", "place"]

[columns]
commitment_id = { type = "text", doc = "The commitment" }
period_no = { type = "integer", doc = "Number of its period" }
owed_id = { type = "text", doc = "The contract line of the gap" }
cell_no = { type = "integer", doc = "Number of the cell in the line's grid" }
place = { type = "integer", doc = "Order of the gap within its obligation" }
period_start_date = { type = "date", doc = "First day of the gap's service period" }
pool_place = { type = "integer", doc = "Order of the true-up's finding within the true-up" }
pool_amount = { type = "decimal(18,4)", doc = "The true-up's excess or shortfall, after waivers and credits" }
sign = { type = "integer", doc = "1 where an excess meets leaks, -1 where a shortfall meets overbillings" }
open_amount = { type = "decimal(18,4)", doc = "What is left of the gap after waivers and credits, without sign" }
limit_amount = { type = "decimal(18,4)", doc = "Of it, the share of the days within the commitment's period" }
turn = { type = "integer", doc = "1 for the first of several commitments that can absorb the gap" }

[checks]
not_null = ["commitment_id", "period_no", "owed_id", "cell_no", "place", "pool_amount", "sign", "open_amount", "limit_amount", "turn"]

[decisions]
credits_first = "What credits gave back is settled: neither an excess nor an overbilling that was credited absorbs anything"
straddling = "Of an obligation that straddles two periods of a commitment each period's true-up absorbs at most its days' share, half up; the period of the last day takes what the other days leave"
duplicates = "A line billed twice is no spend, so no true-up can have counted it"
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

pool as (
    select
        finding_row.owed_id as commitment_id,
        finding_row.cell_no as period_no,
        finding_row.place as pool_place,
        cast(case when finding_row.gap_amount < 0 then 1 else -1 end as bigint) as sign,
        abs(finding_row.gap_amount - coalesce(finding_waiver.waived_amount, 0) - coalesce(finding_correction.corrected_amount, 0)) as pool_amount
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
    where finding_row.component = 'true_up'
),

-- Lines and cells first, so that only gaps below a true-up that is off are weighed.
reach as (
    select
        pool.commitment_id,
        pool.period_no,
        pool.pool_place,
        pool.sign,
        pool.pool_amount,
        commitment_spend.contract_line_id,
        commitment_spend.cell_no,
        commitment_spend.days,
        commitment_spend.whole_days,
        commitment_spend.is_last,
        commitment_spend.minor_digits
    from commitment_spend
    inner join pool
        on commitment_spend.commitment_id = pool.commitment_id
        and commitment_spend.period_no = pool.period_no
    where pool.pool_amount > 0
),

open_gap as (
    select
        reach.*,
        finding_row.place,
        finding_row.period_start_date,
        abs(finding_row.gap_amount - coalesce(finding_waiver.waived_amount, 0) - coalesce(finding_correction.corrected_amount, 0)) as open_amount
    from reach
    inner join finding_row
        on reach.contract_line_id = finding_row.owed_id
        and reach.cell_no = finding_row.cell_no
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
    where finding_row.component <> 'true_up'
        and (finding_row.gap_amount > 0 and reach.sign = 1 or finding_row.gap_amount < 0 and reach.sign = -1)
),

share as (
    select
        open_gap.*,
        cast(cast(open_amount * days as double) / whole_days as decimal(38,10)) as part,
        cast(cast(open_amount * (whole_days - days) as double) / whole_days as decimal(38,10)) as other_part
    from open_gap
    where open_amount > 0
)

select
    commitment_id,
    period_no,
    contract_line_id as owed_id,
    cell_no,
    place,
    period_start_date,
    pool_place,
    cast(pool_amount as decimal(18,4)) as pool_amount,
    sign,
    cast(open_amount as decimal(18,4)) as open_amount,
    cast(case
        when days = whole_days then open_amount
        when is_last then open_amount - case minor_digits
            when 0 then cast(round(other_part, 0) as decimal(18,4))
            when 3 then cast(round(other_part, 3) as decimal(18,4))
            else cast(round(other_part, 2) as decimal(18,4))
        end
        when minor_digits = 0 then cast(round(part, 0) as decimal(18,4))
        when minor_digits = 3 then cast(round(part, 3) as decimal(18,4))
        else cast(round(part, 2) as decimal(18,4))
    end as decimal(18,4)) as limit_amount,
    cast(dense_rank() over (partition by contract_line_id, cell_no, place order by commitment_id) as bigint) as turn
from share
