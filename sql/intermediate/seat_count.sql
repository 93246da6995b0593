/*---
title = "Seats counted in ended periods of lines with a seat rule"
owner = "finance"
grain = ["contract_line_id", "cell_no"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line" }
cell_no = { type = "integer", doc = "Number of the cell in the line's grid" }
high_water = { type = "decimal(18,6)", doc = "Most seats of any snapshot" }
average = { type = "decimal(18,6)", doc = "Mean over the snapshots" }
end_of_month = { type = "decimal(18,6)", doc = "Seats of the last snapshot" }

[checks]
not_null = ["contract_line_id", "cell_no", "high_water", "average", "end_of_month"]

[decisions]
count = "Assigned seats, else active ones, of the account and the line's product, by snapshot within the service period; a snapshot without product counts where the product has none that day"
when = "Seats count once the period has ended, the contract's grace days included"
---*/
with canonical_id as (
    select
        external_id,
        canonical_id
    from canonical_id
    where kind = 'product'
),

line_version as (
    select contract_line_id
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

service_period as (
    select
        contract_line_id,
        cell_no,
        period_start_date,
        period_end_date
    from service_period
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

seat_line as (
    select distinct contract_line_id
    from line_version
),

-- By calendar month, so that snapshots meet periods on equal keys.
period_month as (
    select
        service_period.contract_line_id,
        service_period.cell_no,
        service_period.period_start_date,
        service_period.period_end_date,
        line_grid.account_id,
        line_grid.product_id,
        unnest(generate_series(
            cast(date_part('year', service_period.period_start_date) as bigint) * 12
                + cast(date_part('month', service_period.period_start_date) as bigint) - 1,
            cast(date_part('year', service_period.period_end_date - 1) as bigint) * 12
                + cast(date_part('month', service_period.period_end_date - 1) as bigint) - 1
        )) as month_no
    from service_period
    inner join seat_line
        on service_period.contract_line_id = seat_line.contract_line_id
    inner join line_grid
        on service_period.contract_line_id = line_grid.contract_line_id
    where service_period.period_end_date + cast(line_grid.issue_grace_days as int) <= cast($as_of as date)
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
        coalesce(
            max(case when known_snapshot.product_id is not null then known_snapshot.seats end),
            max(known_snapshot.seats)
        ) as seats
    from period_month
    inner join known_snapshot
        on period_month.account_id = known_snapshot.account_id
        and period_month.month_no = known_snapshot.month_no
        and known_snapshot.snapshot_date >= period_month.period_start_date
        and known_snapshot.snapshot_date < period_month.period_end_date
    where known_snapshot.product_id is null or known_snapshot.product_id = period_month.product_id
    group by
        period_month.contract_line_id,
        period_month.cell_no,
        known_snapshot.snapshot_date
),

in_order as (
    select
        snapshot.*,
        row_number() over (partition by contract_line_id, cell_no order by snapshot_date desc) = 1 as is_last
    from snapshot
)

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
