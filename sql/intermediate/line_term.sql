/*---
title = "Stretches of days in which a contract line's terms do not change"
owner = "finance"
grain = ["contract_line_id", "term_start_date"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line" }
term_start_date = { type = "date", doc = "First day of the stretch" }
term_end_date = { type = "date", doc = "First day after it; 9999-12-31 where open" }
version = { type = "integer", doc = "The contract version in force" }
quantity = { type = "decimal(18,6)", doc = "Contracted quantity; 1 for a flat line" }
price = { type = "decimal(18,8)", doc = "Price of one unit per billing period" }
metric = { type = "text", doc = "Usage metric that a usage line charges" }
unit_size = { type = "decimal(18,6)", doc = "How many of the unit one price buys" }
is_free = { type = "boolean", doc = "Inside an agreed free period" }
missing_term = { type = "text", doc = "What stands in the way of rating these days; null where nothing does" }

[checks]
not_null = ["contract_line_id", "term_start_date", "term_end_date", "version"]

[decisions]
price = "Per billing period, kept at eight decimals unless the contract names the decimals"
flat = "A flat line has quantity 1, whatever the line says"
---*/
with line_version as (
    select
        contract_line_id,
        version,
        seg_start_date,
        seg_end_date,
        uplift_from_date,
        pricing_model,
        quantity,
        unit_price,
        price_decimals,
        price_period_months,
        unit_size,
        metric,
        is_simple
    from line_version
),

line_grid as (
    select
        contract_line_id,
        term_source,
        component,
        months,
        is_single_period,
        is_frequency_missing,
        is_go_live_missing,
        life_start_date,
        life_end_date
    from line_grid
),

line_discount as (
    select
        contract_line_id,
        start_date,
        end_date
    from line_discount
    where not is_invoice_basis
),

canonical_id as (
    select
        external_id,
        canonical_id
    from canonical_id
    where kind = 'line'
),

free_period as (
    select
        contract_line_id,
        version,
        term_source,
        start_date,
        end_date
    from free_period
),

free as (
    select
        line_grid.contract_line_id,
        free_period.version,
        free_period.start_date,
        coalesce(free_period.end_date, date '9999-12-31') as end_date
    from free_period
    left join canonical_id
        on free_period.contract_line_id = canonical_id.external_id
    inner join line_grid
        on coalesce(canonical_id.canonical_id, free_period.contract_line_id) = line_grid.contract_line_id
        and free_period.term_source = line_grid.term_source
),

-- One-off lines owe on their start date, whichever version names them first.
charged as (
    select
        line_version.*,
        line_grid.component,
        line_grid.months,
        line_grid.is_single_period,
        line_grid.is_frequency_missing,
        line_grid.is_go_live_missing,
        case
            when line_grid.component = 'one_off' then line_grid.life_start_date
            else greatest(line_version.seg_start_date, line_grid.life_start_date)
        end as from_date,
        case
            when line_grid.component = 'one_off' then line_grid.life_end_date
            else least(line_version.seg_end_date, line_grid.life_end_date)
        end as to_date
    from line_version
    inner join line_grid
        on line_version.contract_line_id = line_grid.contract_line_id
    where line_grid.component <> 'one_off' and line_version.seg_start_date < line_version.seg_end_date
        or line_grid.component = 'one_off'
    qualify line_grid.component <> 'one_off'
        or row_number() over (
            partition by line_version.contract_line_id
            order by case
                    when line_version.seg_start_date <= line_grid.life_start_date and line_version.seg_end_date > line_grid.life_start_date then 0
                    else 1
                end,
                line_version.version
        ) = 1
),

-- Terms change where a version, a free period or a discount begins or ends.
cut as (
    select
        contract_line_id,
        from_date as cut_date
    from charged
    where from_date < to_date
    union
    select
        contract_line_id,
        to_date
    from charged
    where from_date < to_date
    union
    select
        contract_line_id,
        uplift_from_date
    from charged
    union
    select
        contract_line_id,
        start_date
    from free
    union
    select
        contract_line_id,
        end_date
    from free
    union
    select
        contract_line_id,
        start_date
    from line_discount
    union
    select
        contract_line_id,
        end_date
    from line_discount
),

stretch as (
    select
        contract_line_id,
        cut_date as term_start_date,
        lead(cut_date) over (partition by contract_line_id order by cut_date) as term_end_date
    from cut
),

termed as (
    select
        stretch.contract_line_id,
        stretch.term_start_date,
        stretch.term_end_date,
        charged.* exclude (contract_line_id, seg_start_date, seg_end_date, from_date, to_date)
    from stretch
    inner join charged
        on stretch.contract_line_id = charged.contract_line_id
        and stretch.term_start_date >= charged.from_date
        and stretch.term_end_date <= charged.to_date
),

free_stretch as (
    select distinct
        termed.contract_line_id,
        termed.term_start_date
    from termed
    inner join free
        on termed.contract_line_id = free.contract_line_id
        and termed.term_start_date >= free.start_date
        and termed.term_end_date <= free.end_date
        and (free.version is null or free.version = termed.version)
),

-- The price of a billing period in two parts, whole units and the rest, so that the division stays exact to ten decimals.
priced as (
    select
        termed.*,
        cast(termed.unit_price as decimal(38,8)) * cast(coalesce(termed.months, 1) as decimal(4,0)) as period_numerator,
        coalesce(termed.price_period_months, 1) as period_divisor
    from termed
),

divided as (
    select
        priced.*,
        case
            when component <> 'charge' or is_single_period or price_period_months is null then unit_price
            else cast(
                cast(round(cast(period_numerator as double) / period_divisor) as decimal(38,0))
                + cast(
                    cast(
                        period_numerator
                        - cast(round(cast(period_numerator as double) / period_divisor) as decimal(38,0)) * cast(period_divisor as decimal(4,0))
                        as double
                    ) / period_divisor as decimal(38,10)
                )
                as decimal(38,10)
            )
        end as exact_price
    from priced
)

select
    divided.contract_line_id,
    divided.term_start_date,
    divided.term_end_date,
    divided.version,
    case when divided.pricing_model = 'flat' then cast(1 as decimal(18,6)) else divided.quantity end as quantity,
    case divided.price_decimals
        when 0 then cast(round(divided.exact_price, 0) as decimal(18,8))
        when 1 then cast(round(divided.exact_price, 1) as decimal(18,8))
        when 2 then cast(round(divided.exact_price, 2) as decimal(18,8))
        when 3 then cast(round(divided.exact_price, 3) as decimal(18,8))
        when 4 then cast(round(divided.exact_price, 4) as decimal(18,8))
        when 5 then cast(round(divided.exact_price, 5) as decimal(18,8))
        when 6 then cast(round(divided.exact_price, 6) as decimal(18,8))
        when 7 then cast(round(divided.exact_price, 7) as decimal(18,8))
        else cast(round(divided.exact_price, 8) as decimal(18,8))
    end as price,
    divided.metric,
    divided.unit_size,
    free_stretch.contract_line_id is not null as is_free,
    case
        when not divided.is_simple or divided.component = 'usage' and divided.pricing_model = 'flat' then 'not_rated_yet'
        when divided.term_start_date >= divided.uplift_from_date then 'not_rated_yet'
        when divided.is_frequency_missing then 'billing_frequency'
        when divided.component = 'charge' and divided.is_single_period and divided.price_period_months is not null then 'billing_frequency'
        when divided.unit_price is null then 'unit_price'
        when divided.component = 'usage' and divided.metric is null then 'metric'
        when divided.component <> 'usage' and divided.pricing_model <> 'flat' and divided.quantity is null then 'quantity'
        when divided.is_go_live_missing then 'go_live_date'
    end as missing_term
from divided
left join free_stretch
    on divided.contract_line_id = free_stretch.contract_line_id
    and divided.term_start_date = free_stretch.term_start_date
