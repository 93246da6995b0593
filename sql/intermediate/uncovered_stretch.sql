/*---
title = "Charged days of under-covered periods, billed or not, and why not"
owner = "finance"
grain = ["contract_line_id", "cell_no", "start_date"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line" }
cell_no = { type = "integer", doc = "Number of the cell in the line's grid" }
start_date = { type = "date", doc = "First day of the stretch" }
end_date = { type = "date", doc = "First day after it" }
days = { type = "integer", doc = "Calendar days" }
measure = { type = "integer", doc = "Days by the contract's proration method" }
is_covered = { type = "boolean", doc = "Inside a posted line that stands" }
check_code = { type = "text", doc = "C12, C1, C8, C9, C4, C3 or C2; null where covered" }
subject_id = { type = "text", doc = "The draft or void invoice of a C12; else empty" }

[checks]
not_null = ["contract_line_id", "cell_no", "start_date", "end_date", "days", "is_covered", "subject_id"]

[decisions]
order = "Per day, first match: in a draft or void line C12, line never posted C1, in the unbroken run from a free period's end C8, from a pause's end C9, before the first covered day C4, after the last C3, else C2"
---*/
with waterfall as (
    select
        contract_line_id,
        cell_no,
        period_start_date,
        period_end_date
    from waterfall
    where verdict = 'verified'
        and component = 'charge'
        and value_coverage > value_billed
),

term_segment as (
    select
        contract_line_id,
        cell_no,
        seg_start_date,
        seg_end_date,
        is_free,
        is_paused
    from term_segment
),

charged_segment as (
    select
        contract_line_id,
        cell_no,
        seg_start_date,
        seg_end_date
    from term_segment
    where not is_free
),

uncharged_segment as (
    select
        contract_line_id,
        seg_end_date,
        is_paused
    from term_segment
    where is_free
),

line_allocation as (
    select
        contract_line_id,
        cell_no,
        role,
        covered_from_date,
        covered_to_date
    from line_allocation
    where role in ('billed', 'duplicate', 'reversed')
),

posted_span as (
    select
        contract_line_id,
        min(case when role = 'billed' then covered_from_date end) as first_covered_date,
        max(case when role = 'billed' then covered_to_date end) as last_covered_date
    from line_allocation
    group by contract_line_id
),

covering as (
    select
        contract_line_id,
        cell_no,
        covered_from_date,
        covered_to_date
    from line_allocation
    where role = 'billed'
),

placed_line as (
    select
        invoice_line_id,
        invoice_id,
        contract_line_id,
        issued_date,
        service_start_date,
        service_end_date
    from placed_line
    where state <> 'posted'
        and not is_credit
),

line_grid as (
    select
        contract_line_id,
        proration_method
    from line_grid
),

pending as (
    select
        waterfall.contract_line_id,
        waterfall.cell_no,
        placed_line.invoice_line_id,
        placed_line.invoice_id,
        placed_line.issued_date,
        greatest(placed_line.service_start_date, waterfall.period_start_date) as from_date,
        least(placed_line.service_end_date, waterfall.period_end_date) as to_date
    from waterfall
    inner join placed_line
        on waterfall.contract_line_id = placed_line.contract_line_id
        and placed_line.service_start_date < waterfall.period_end_date
        and placed_line.service_end_date > waterfall.period_start_date
),

-- Days enter and leave three states: charged, covered, pending. One pass in day order tells each stretch's.
event as (
    select
        waterfall.contract_line_id,
        waterfall.cell_no,
        charged_segment.seg_start_date as event_date,
        1 as charged,
        0 as covered,
        0 as held
    from waterfall
    inner join charged_segment
        on waterfall.contract_line_id = charged_segment.contract_line_id
        and waterfall.cell_no = charged_segment.cell_no
    union all
    select
        waterfall.contract_line_id,
        waterfall.cell_no,
        charged_segment.seg_end_date,
        -1,
        0,
        0
    from waterfall
    inner join charged_segment
        on waterfall.contract_line_id = charged_segment.contract_line_id
        and waterfall.cell_no = charged_segment.cell_no
    union all
    select
        waterfall.contract_line_id,
        waterfall.cell_no,
        covering.covered_from_date,
        0,
        1,
        0
    from waterfall
    inner join covering
        on waterfall.contract_line_id = covering.contract_line_id
        and waterfall.cell_no = covering.cell_no
    union all
    select
        waterfall.contract_line_id,
        waterfall.cell_no,
        covering.covered_to_date,
        0,
        -1,
        0
    from waterfall
    inner join covering
        on waterfall.contract_line_id = covering.contract_line_id
        and waterfall.cell_no = covering.cell_no
    union all
    select
        contract_line_id,
        cell_no,
        from_date,
        0,
        0,
        1
    from pending
    union all
    select
        contract_line_id,
        cell_no,
        to_date,
        0,
        0,
        -1
    from pending
),

event_day as (
    select
        contract_line_id,
        cell_no,
        event_date,
        sum(charged) as charged,
        sum(covered) as covered,
        sum(held) as held
    from event
    group by
        contract_line_id,
        cell_no,
        event_date
),

running as (
    select
        contract_line_id,
        cell_no,
        event_date as start_date,
        lead(event_date) over (partition by contract_line_id, cell_no order by event_date) as end_date,
        sum(charged) over (partition by contract_line_id, cell_no order by event_date rows between unbounded preceding and current row) as charged,
        sum(covered) over (partition by contract_line_id, cell_no order by event_date rows between unbounded preceding and current row) as covered,
        sum(held) over (partition by contract_line_id, cell_no order by event_date rows between unbounded preceding and current row) as held
    from event_day
),

stretch as (
    select
        contract_line_id,
        cell_no,
        start_date,
        end_date,
        covered > 0 as is_covered,
        held > 0 as is_held
    from running
    where charged > 0
        and end_date is not null
),

holder as (
    select
        stretch.contract_line_id,
        stretch.cell_no,
        stretch.start_date,
        pending.invoice_id
    from stretch
    inner join pending
        on stretch.contract_line_id = pending.contract_line_id
        and stretch.cell_no = pending.cell_no
        and pending.from_date <= stretch.start_date
        and pending.to_date >= stretch.end_date
    where not stretch.is_covered
        and stretch.is_held
    qualify row_number() over (
        partition by stretch.contract_line_id, stretch.cell_no, stretch.start_date
        order by pending.issued_date desc, pending.invoice_id desc, pending.invoice_line_id desc
    ) = 1
),

-- The last free period or pause that ended on or before the stretch.
freed as (
    select
        stretch.contract_line_id,
        stretch.cell_no,
        stretch.start_date,
        max(uncharged_segment.seg_end_date) as free_end_date,
        max(case when uncharged_segment.is_paused then uncharged_segment.seg_end_date end) as pause_end_date
    from stretch
    inner join uncharged_segment
        on stretch.contract_line_id = uncharged_segment.contract_line_id
        and uncharged_segment.seg_end_date <= stretch.start_date
    where not stretch.is_covered
    group by
        stretch.contract_line_id,
        stretch.cell_no,
        stretch.start_date
),

-- A covered day between that end and the stretch breaks the run.
broken as (
    select distinct
        freed.contract_line_id,
        freed.cell_no,
        freed.start_date
    from freed
    inner join covering
        on freed.contract_line_id = covering.contract_line_id
        and covering.covered_from_date < freed.start_date
        and covering.covered_to_date > freed.free_end_date
),

coded as (
    select
        stretch.contract_line_id,
        stretch.cell_no,
        stretch.start_date,
        stretch.end_date,
        stretch.is_covered,
        line_grid.proration_method,
        case
            when stretch.is_covered then null
            when holder.invoice_id is not null then 'C12'
            when posted_span.contract_line_id is null then 'C1'
            when freed.free_end_date is not null and broken.contract_line_id is null
                then case when freed.pause_end_date = freed.free_end_date then 'C9' else 'C8' end
            when stretch.start_date < posted_span.first_covered_date then 'C4'
            when stretch.start_date >= posted_span.last_covered_date then 'C3'
            else 'C2'
        end as check_code,
        coalesce(holder.invoice_id, '') as subject_id
    from stretch
    inner join line_grid
        on stretch.contract_line_id = line_grid.contract_line_id
    left join holder
        on stretch.contract_line_id = holder.contract_line_id
        and stretch.cell_no = holder.cell_no
        and stretch.start_date = holder.start_date
    left join posted_span
        on stretch.contract_line_id = posted_span.contract_line_id
    left join freed
        on stretch.contract_line_id = freed.contract_line_id
        and stretch.cell_no = freed.cell_no
        and stretch.start_date = freed.start_date
    left join broken
        on stretch.contract_line_id = broken.contract_line_id
        and stretch.cell_no = broken.cell_no
        and stretch.start_date = broken.start_date
)

select
    contract_line_id,
    cell_no,
    start_date,
    end_date,
    cast(end_date - start_date as bigint) as days,
    cast(case
        when proration_method = '30_360' then
            360 * (cast(date_part('year', end_date) as bigint) - cast(date_part('year', start_date) as bigint))
            + 30 * (cast(date_part('month', end_date) as bigint) - cast(date_part('month', start_date) as bigint))
            + case
                when date_part('month', end_date) = 2 and date_part('month', end_date + 1) = 3 then 30
                else least(cast(date_part('day', end_date) as bigint), 30)
            end
            - case
                when date_part('month', start_date) = 2 and date_part('month', start_date + 1) = 3 then 30
                else least(cast(date_part('day', start_date) as bigint), 30)
            end
        else end_date - start_date
    end as bigint) as measure,
    is_covered,
    check_code,
    subject_id
from coded
