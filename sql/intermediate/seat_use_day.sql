/*---
title = "Share of the contracted seats in use, by day measured"
owner = "cs"
grain = ["account_id", "product_id", "snapshot_date"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
account_id = { type = "text", doc = "The account" }
product_id = { type = "text", doc = "Canonical product; empty where snapshots name none" }
snapshot_date = { type = "date", doc = "The day" }
active = { type = "decimal(18,6)", doc = "Seats in use" }
seats = { type = "decimal(18,6)", doc = "Seats under contract on the first of the month" }
used_pct = { type = "decimal(18,4)", doc = "Active over contracted, percent points" }

[checks]
not_null = ["account_id", "product_id", "snapshot_date", "active", "seats", "used_pct"]

[decisions]
used = "Active seats, else assigned ones, over the quantity under contract on the first of the snapshot's month"
window = "The last 180 days"
---*/
with seat_snapshot as (
    select
        account_id,
        product_id,
        snapshot_date,
        coalesce(active, assigned) as active
    from seat_snapshot
    where snapshot_date <= cast($as_of as date)
        and snapshot_date > cast($as_of as date) - 180
        and coalesce(active, assigned) is not null
),

canonical_id as (
    select
        external_id,
        canonical_id
    from canonical_id
    where kind = 'product'
),

line_arr as (
    select
        contract_line_id,
        account_id,
        product_id,
        month_date,
        quantity
    from line_arr
    where component = 'charge'
        and quantity > 0
),

seat_line as (
    select
        contract_line_id,
        version
    from seat_line
),

counted_line as (
    select distinct contract_line_id
    from seat_line
),

by_product as (
    select
        line_arr.account_id,
        line_arr.product_id,
        line_arr.month_date,
        sum(line_arr.quantity) as seats
    from line_arr
    inner join counted_line
        on line_arr.contract_line_id = counted_line.contract_line_id
    group by
        line_arr.account_id,
        line_arr.product_id,
        line_arr.month_date
),

-- A snapshot without a product speaks of all seats.
contracted as (
    select
        account_id,
        product_id,
        month_date,
        seats
    from by_product
    union all
    select
        account_id,
        '' as product_id,
        month_date,
        sum(seats) as seats
    from by_product
    group by
        account_id,
        month_date
),

snapshot as (
    select
        seat_snapshot.account_id,
        coalesce(canonical_id.canonical_id, seat_snapshot.product_id, '') as product_id,
        seat_snapshot.snapshot_date,
        sum(seat_snapshot.active) as active
    from seat_snapshot
    left join canonical_id
        on seat_snapshot.product_id = canonical_id.external_id
    group by
        seat_snapshot.account_id,
        coalesce(canonical_id.canonical_id, seat_snapshot.product_id, ''),
        seat_snapshot.snapshot_date
)

select
    snapshot.account_id,
    snapshot.product_id,
    snapshot.snapshot_date,
    cast(snapshot.active as decimal(18,6)) as active,
    cast(contracted.seats as decimal(18,6)) as seats,
    cast(round(cast(snapshot.active as double) * 100 / cast(contracted.seats as double), 4) as decimal(18,4)) as used_pct
from snapshot
inner join contracted
    on snapshot.account_id = contracted.account_id
    and snapshot.product_id = contracted.product_id
    and cast(date_trunc('month', snapshot.snapshot_date) as date) = contracted.month_date
