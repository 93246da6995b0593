/*---
title = "Included quantities that are nearly used up"
owner = "cs"
grain = ["contract_line_id"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line" }
account_id = { type = "text", doc = "The account" }
product_id = { type = "text", doc = "Canonical product" }
currency = { type = "text", doc = "Contract currency" }
event_date = { type = "date", doc = "Day on which use reached the threshold" }
period_end_date = { type = "date", doc = "First day of the next period" }
used = { type = "decimal(18,6)", doc = "Units used since the period began" }
included = { type = "decimal(18,6)", doc = "Units the price includes for it" }
used_pct = { type = "decimal(18,4)", doc = "Used over included, percent points" }
units_beyond = { type = "decimal(18,6)", doc = "Units beyond the included ones at the period's end if use goes on as it did" }
unit_price = { type = "decimal(18,8)", doc = "Price of one unit beyond; null where tiers decide" }
periods = { type = "integer", doc = "Periods in a year; null where the line has one period" }

[checks]
not_null = ["contract_line_id", "account_id", "event_date", "period_end_date", "used", "included", "used_pct"]

[decisions]
pace = "Use so far over the days so far, up to the last day measured"
---*/
with line_grid as (
    select
        contract_line_id,
        account_id,
        product_id,
        months,
        currency
    from line_grid
    where component = 'usage'
),

segment_charge as (
    select
        contract_line_id,
        cell_no,
        period_start_date,
        period_end_date,
        version,
        contracted_quantity,
        price,
        is_free
    from segment_charge
    where period_start_date <= cast($as_of as date)
        and period_end_date > cast($as_of as date)
),

rated_term as (
    select
        contract_line_id,
        version,
        included_quantity
    from rated_term
    where included_quantity > 0
        and missing_term is null
),

line_term as (
    select
        contract_line_id,
        term_start_date,
        term_end_date,
        metric,
        unit_size
    from line_term
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
        and usage_date > cast($as_of as date) - 400
),

running as (
    select
        segment_charge.contract_line_id,
        segment_charge.period_start_date,
        segment_charge.period_end_date,
        max(rated_term.included_quantity) as included,
        sum(segment_charge.contracted_quantity) as used,
        max(segment_charge.price) as price
    from segment_charge
    inner join rated_term
        on segment_charge.contract_line_id = rated_term.contract_line_id
        and segment_charge.version = rated_term.version
    where not segment_charge.is_free
    group by
        segment_charge.contract_line_id,
        segment_charge.period_start_date,
        segment_charge.period_end_date
),

nearly as (
    select
        running.*,
        line_grid.account_id,
        line_grid.product_id,
        line_grid.months,
        line_grid.currency
    from running
    inner join line_grid
        on running.contract_line_id = line_grid.contract_line_id
    where cast(running.used as double) * 100 >= cast(running.included as double) * cast(cast($cue_allotment_pct as decimal(9,4)) as double)
        and running.period_end_date - cast($as_of as date) < cast($cue_allotment_days as bigint)
),

metered as (
    select
        nearly.contract_line_id,
        nearly.account_id,
        nearly.product_id,
        nearly.period_start_date,
        nearly.included,
        line_term.metric,
        coalesce(line_term.unit_size, 1) as unit_size
    from nearly
    inner join line_term
        on nearly.contract_line_id = line_term.contract_line_id
        and line_term.term_start_date <= cast($as_of as date)
        and line_term.term_end_date > cast($as_of as date)
),

daily as (
    select
        metered.contract_line_id,
        usage_daily.usage_date,
        max(metered.included) as included,
        max(metered.unit_size) as unit_size,
        sum(usage_daily.quantity) as quantity
    from metered
    inner join usage_daily
        on metered.account_id = usage_daily.account_id
        and metered.metric = usage_daily.metric
        and usage_daily.usage_date >= metered.period_start_date
    where usage_daily.product_id is null or usage_daily.product_id = metered.product_id
    group by
        metered.contract_line_id,
        usage_daily.usage_date
),

added as (
    select
        contract_line_id,
        usage_date,
        included,
        unit_size,
        sum(quantity) over (partition by contract_line_id order by usage_date) as total
    from daily
),

reached as (
    select
        contract_line_id,
        max(usage_date) as last_date,
        min(case
            when cast(total as double) * 100 >= cast(included as double) * cast(unit_size as double) * cast(cast($cue_allotment_pct as decimal(9,4)) as double)
                then usage_date
        end) as event_date
    from added
    group by contract_line_id
)

select
    nearly.contract_line_id,
    nearly.account_id,
    nearly.product_id,
    nearly.currency,
    coalesce(reached.event_date, reached.last_date) as event_date,
    nearly.period_end_date,
    cast(nearly.used as decimal(18,6)) as used,
    cast(nearly.included as decimal(18,6)) as included,
    cast(round(cast(nearly.used as double) * 100 / cast(nearly.included as double), 4) as decimal(18,4)) as used_pct,
    cast(greatest(
        round(
            cast(nearly.used as double) * cast(nearly.period_end_date - nearly.period_start_date as double)
            / cast(reached.last_date - nearly.period_start_date + 1 as double),
            6
        ) - cast(nearly.included as double),
        0
    ) as decimal(18,6)) as units_beyond,
    nearly.price as unit_price,
    case when nearly.months is not null then cast(round(cast(12 as double) / cast(nearly.months as double)) as bigint) end as periods
from nearly
inner join reached
    on nearly.contract_line_id = reached.contract_line_id
