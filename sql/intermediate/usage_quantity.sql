/*---
title = "Measured usage of usage lines, by segment of constant terms"
owner = "finance"
grain = ["contract_line_id", "cell_no", "seg_start_date"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line" }
cell_no = { type = "integer", doc = "Number of the cell in the line's grid" }
seg_start_date = { type = "date", doc = "First day of the segment" }
quantity = { type = "decimal(38,6)", doc = "Use as measured" }
units = { type = "decimal(18,6)", doc = "The same in the line's unit size" }
measured_days = { type = "integer", doc = "Days with a measurement, zero included" }

[checks]
not_null = ["contract_line_id", "cell_no", "seg_start_date", "quantity", "units"]

[decisions]
product = "Usage of the line's metric counts where it names no product or the line's own"
---*/
with line_grid as (
    select
        contract_line_id,
        account_id,
        product_id
    from line_grid
    where component = 'usage'
),

term_segment as (
    select
        contract_line_id,
        cell_no,
        seg_start_date,
        seg_end_date,
        metric,
        unit_size
    from term_segment
    where metric is not null
        and not is_free
),

usage_daily as (
    select
        account_id,
        metric,
        product_id,
        usage_date,
        quantity
    from usage_daily
    where usage_date <= cast($as_of as date)
),

-- By calendar month, so that days meet segments on equal keys.
measured as (
    select
        account_id,
        metric,
        product_id,
        usage_date,
        quantity,
        cast(date_part('year', usage_date) as bigint) * 12 + cast(date_part('month', usage_date) as bigint) - 1 as month_no
    from usage_daily
),

segment_month as (
    select
        term_segment.contract_line_id,
        term_segment.cell_no,
        term_segment.seg_start_date,
        term_segment.seg_end_date,
        term_segment.metric,
        coalesce(term_segment.unit_size, 1) as measured_per_unit,
        line_grid.account_id,
        line_grid.product_id,
        unnest(generate_series(
            cast(date_part('year', term_segment.seg_start_date) as bigint) * 12
                + cast(date_part('month', term_segment.seg_start_date) as bigint) - 1,
            cast(date_part('year', least(term_segment.seg_end_date - 1, cast($as_of as date))) as bigint) * 12
                + cast(date_part('month', least(term_segment.seg_end_date - 1, cast($as_of as date))) as bigint) - 1
        )) as month_no
    from term_segment
    inner join line_grid
        on term_segment.contract_line_id = line_grid.contract_line_id
),

summed as (
    select
        segment_month.contract_line_id,
        segment_month.cell_no,
        segment_month.seg_start_date,
        max(segment_month.measured_per_unit) as measured_per_unit,
        cast(sum(measured.quantity) as decimal(38,6)) as quantity,
        count(*) as measured_days
    from segment_month
    inner join measured
        on segment_month.account_id = measured.account_id
        and segment_month.metric = measured.metric
        and segment_month.month_no = measured.month_no
        and measured.usage_date >= segment_month.seg_start_date
        and measured.usage_date < segment_month.seg_end_date
    where measured.product_id is null or measured.product_id = segment_month.product_id
    group by
        segment_month.contract_line_id,
        segment_month.cell_no,
        segment_month.seg_start_date
)

select
    contract_line_id,
    cell_no,
    seg_start_date,
    quantity,
    cast(case
        when measured_per_unit = 1 then quantity
        else cast(cast(quantity as double) / measured_per_unit as decimal(38,6))
    end as decimal(18,6)) as units,
    measured_days
from summed
