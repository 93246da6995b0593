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
count = "Assigned seats, else active ones, of the account and the line's product, by snapshot within the service period; a snapshot without product counts where the product has none that day"
when = "Seats count once the period has ended, the contract's grace days included; until then the contracted quantity holds"
grace = "Seats up to the agreed percentage over the contract are free; one seat more and all count"
true_forward = "The period's own seats bill nothing: the highest count of the line's earlier periods under the same version holds from then on. A period belongs to the version of its last charged day"
---*/
with canonical_id as (
    select
        external_id,
        canonical_id
    from canonical_id
    where kind = 'product'
),

line_version as (
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
        account_id,
        product_id,
        issue_grace_days
    from line_grid
),

term_segment as (
    select
        contract_line_id,
        cell_no,
        seg_start_date,
        period_start_date,
        period_end_date,
        version,
        quantity
    from term_segment
    where not is_free
),

seat_snapshot as (
    select
        account_id,
        product_id,
        snapshot_date,
        coalesce(assigned, active) as seats
    from seat_snapshot
    where snapshot_date <= cast($as_of as date)
        and coalesce(assigned, active) is not null
),

segment as (
    select
        term_segment.contract_line_id,
        term_segment.cell_no,
        term_segment.seg_start_date,
        term_segment.period_start_date,
        term_segment.period_end_date,
        term_segment.version,
        term_segment.quantity,
        line_version.seat_rule,
        line_version.is_forward,
        line_version.seat_grace_pct,
        line_grid.account_id,
        line_grid.product_id,
        term_segment.period_end_date + cast(line_grid.issue_grace_days as int) <= cast($as_of as date) as has_ended
    from term_segment
    inner join line_version
        on term_segment.contract_line_id = line_version.contract_line_id
        and term_segment.version = line_version.version
    inner join line_grid
        on term_segment.contract_line_id = line_grid.contract_line_id
),

period as (
    select
        contract_line_id,
        cell_no,
        min(account_id) as account_id,
        min(product_id) as product_id,
        min(period_start_date) as period_start_date,
        min(period_end_date) as period_end_date
    from segment
    where has_ended
    group by
        contract_line_id,
        cell_no
),

-- By calendar month, so that snapshots meet periods on equal keys.
period_month as (
    select
        period.*,
        unnest(generate_series(
            cast(date_part('year', period_start_date) as bigint) * 12 + cast(date_part('month', period_start_date) as bigint) - 1,
            cast(date_part('year', period_end_date - 1) as bigint) * 12 + cast(date_part('month', period_end_date - 1) as bigint) - 1
        )) as month_no
    from period
),

known_snapshot as (
    select
        seat_snapshot.account_id,
        coalesce(canonical_id.canonical_id, seat_snapshot.product_id) as product_id,
        seat_snapshot.snapshot_date,
        seat_snapshot.seats,
        cast(date_part('year', seat_snapshot.snapshot_date) as bigint) * 12
            + cast(date_part('month', seat_snapshot.snapshot_date) as bigint) - 1 as month_no
    from seat_snapshot
    left join canonical_id
        on seat_snapshot.product_id = canonical_id.external_id
),

snapshot as (
    select
        period_month.contract_line_id,
        period_month.cell_no,
        known_snapshot.snapshot_date,
        known_snapshot.seats
    from period_month
    inner join known_snapshot
        on period_month.account_id = known_snapshot.account_id
        and period_month.month_no = known_snapshot.month_no
        and known_snapshot.snapshot_date >= period_month.period_start_date
        and known_snapshot.snapshot_date < period_month.period_end_date
    where known_snapshot.product_id is null or known_snapshot.product_id = period_month.product_id
    qualify row_number() over (
        partition by period_month.contract_line_id, period_month.cell_no, known_snapshot.snapshot_date
        order by known_snapshot.product_id nulls last, known_snapshot.seats desc
    ) = 1
),

in_order as (
    select
        snapshot.*,
        row_number() over (partition by contract_line_id, cell_no order by snapshot_date desc) = 1 as is_last
    from snapshot
),

counted as (
    select
        contract_line_id,
        cell_no,
        max(seats) as high_water,
        cast(cast(cast(sum(seats) as double) / count(*) as decimal(38,10)) as decimal(18,6)) as average,
        max(case when is_last then seats end) as end_of_month
    from in_order
    group by
        contract_line_id,
        cell_no
),

-- A period's count under the rule of the version that ends it.
period_count as (
    select
        segment.contract_line_id,
        segment.cell_no,
        segment.version,
        segment.has_ended,
        case segment.seat_rule
            when 'average' then counted.average
            when 'end_of_month' then counted.end_of_month
            else counted.high_water
        end as seats
    from segment
    left join counted
        on segment.contract_line_id = counted.contract_line_id
        and segment.cell_no = counted.cell_no
    qualify row_number() over (
        partition by segment.contract_line_id, segment.cell_no
        order by segment.seg_start_date desc
    ) = 1
),

forward_count as (
    select
        contract_line_id,
        cell_no,
        version,
        max(seats) over (
            partition by contract_line_id, version
            order by cell_no
            rows between unbounded preceding and 1 preceding
        ) as seats,
        bool_or(has_ended) over (
            partition by contract_line_id, version
            order by cell_no
            rows between unbounded preceding and 1 preceding
        ) as has_earlier
    from period_count
),

ruled as (
    select
        segment.contract_line_id,
        segment.cell_no,
        segment.seg_start_date,
        segment.quantity,
        segment.seat_grace_pct,
        case
            when segment.is_forward then forward_count.seats
            when not segment.has_ended then null
            when segment.seat_rule = 'average' then counted.average
            when segment.seat_rule = 'end_of_month' then counted.end_of_month
            else counted.high_water
        end as seats,
        case
            when segment.is_forward then coalesce(forward_count.has_earlier, false)
            else segment.has_ended
        end as is_count_due
    from segment
    left join counted
        on segment.contract_line_id = counted.contract_line_id
        and segment.cell_no = counted.cell_no
    left join forward_count
        on segment.contract_line_id = forward_count.contract_line_id
        and segment.cell_no = forward_count.cell_no
        and segment.version = forward_count.version
)

select
    contract_line_id,
    cell_no,
    seg_start_date,
    cast(case
        when seats is null then quantity
        when cast(seats as decimal(38,6)) * cast(100 as decimal(9,4)) <= cast(quantity as decimal(38,6)) * cast(100 + seat_grace_pct as decimal(9,4)) then quantity
        else greatest(seats, quantity)
    end as decimal(18,6)) as quantity,
    seats as counted_seats,
    case when is_count_due and seats is null then 'seats' end as missing_term
from ruled
