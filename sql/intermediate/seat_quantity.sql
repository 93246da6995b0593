/*---
title = "Seats that lines with a seat rule owe, by segment of constant terms"
owner = "finance"
grain = ["contract_line_id", "cell_no", "seg_start_date"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line" }
cell_no = { type = "integer", doc = "Number of the cell in the line's grid" }
seg_start_date = { type = "date", doc = "First day of the segment" }
quantity = { type = "decimal(18,6)", doc = "Seats owed: contracted, or more where the rule counts more" }
counted_seats = { type = "decimal(18,6)", doc = "Seats the rule counts for the segment; null where it counts none yet" }
missing_term = { type = "text", doc = "seats where a period has ended and none was counted" }

[checks]
not_null = ["contract_line_id", "cell_no", "seg_start_date"]

[decisions]
when = "Until a period has ended, the contract's grace days included, the contracted quantity holds"
grace = "Seats up to the agreed percentage over the contract are free; one seat more and all count"
true_forward = "The period's own seats bill nothing: the highest count of the line's earlier periods under the same version holds from then on. A period belongs to the version of its last charged day"
---*/
with line_version as (
    select
        contract_line_id,
        version,
        seat_rule,
        coalesce(seat_settlement, 'true_up') = 'true_forward' as is_forward,
        coalesce(seat_grace_pct, 0) as seat_grace_pct
    from line_version
    where coalesce(seat_rule, 'none') <> 'none'
        and component = 'charge'
),

line_grid as (
    select
        contract_line_id,
        issue_grace_days
    from line_grid
),

term_segment as (
    select
        contract_line_id,
        cell_no,
        seg_start_date,
        period_end_date,
        version,
        quantity
    from term_segment
    where not is_free
),

seat_count as (
    select
        contract_line_id,
        cell_no,
        high_water,
        average,
        end_of_month
    from seat_count
),

segment as (
    select
        term_segment.contract_line_id,
        term_segment.cell_no,
        term_segment.seg_start_date,
        term_segment.version,
        term_segment.quantity,
        line_version.is_forward,
        line_version.seat_grace_pct,
        term_segment.period_end_date + cast(line_grid.issue_grace_days as int) <= cast($as_of as date) as has_ended,
        case line_version.seat_rule
            when 'average' then seat_count.average
            when 'end_of_month' then seat_count.end_of_month
            else seat_count.high_water
        end as seats,
        row_number() over (
            partition by term_segment.contract_line_id, term_segment.cell_no
            order by term_segment.seg_start_date desc
        ) = 1 as is_last
    from term_segment
    inner join line_version
        on term_segment.contract_line_id = line_version.contract_line_id
        and term_segment.version = line_version.version
    inner join line_grid
        on term_segment.contract_line_id = line_grid.contract_line_id
    left join seat_count
        on term_segment.contract_line_id = seat_count.contract_line_id
        and term_segment.cell_no = seat_count.cell_no
),

-- What earlier periods under the same version counted; a period speaks by its last segment.
carried as (
    select
        segment.*,
        max(case when is_last then seats end) over (
            partition by contract_line_id, version
            order by seg_start_date
            rows between unbounded preceding and 1 preceding
        ) as earlier_seats,
        max(case when is_last and has_ended then 1 else 0 end) over (
            partition by contract_line_id, version
            order by seg_start_date
            rows between unbounded preceding and 1 preceding
        ) as earlier_periods
    from segment
),

ruled as (
    select
        contract_line_id,
        cell_no,
        seg_start_date,
        quantity,
        seat_grace_pct,
        case when is_forward then earlier_seats when has_ended then seats end as seats,
        case when is_forward then coalesce(earlier_periods, 0) = 1 else has_ended end as is_count_due
    from carried
)

select
    contract_line_id,
    cell_no,
    seg_start_date,
    case
        when seats is null or seats <= quantity then quantity
        when cast(seats as decimal(38,6)) * cast(100 as decimal(9,4)) <= cast(quantity as decimal(38,6)) * cast(100 + seat_grace_pct as decimal(9,4)) then quantity
        else seats
    end as quantity,
    seats as counted_seats,
    case when is_count_due and seats is null then 'seats' end as missing_term
from ruled
