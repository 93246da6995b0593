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
rung_no = { type = "integer", doc = "Place in the version's price ladder" }
quantity = { type = "decimal(18,6)", doc = "Contracted quantity; 1 for a flat line" }
price = { type = "decimal(18,8)", doc = "Price of one unit per billing period" }
metric = { type = "text", doc = "Usage metric that a usage line charges" }
unit_size = { type = "decimal(18,6)", doc = "How many of the unit one price buys" }
is_free = { type = "boolean", doc = "Not charged: inside an agreed free period or a pause" }
is_paused = { type = "boolean", doc = "Not charged for a pause" }
missing_term = { type = "text", doc = "What stands in the way of rating these days; null where nothing does" }

[checks]
not_null = ["contract_line_id", "term_start_date", "term_end_date", "version", "rung_no", "is_free", "is_paused"]

[decisions]
flat = "A flat line has quantity 1, whatever the line says"
ramp = "A ramp step's quantity and price replace the version's, each from its day on until a later step states it again"
pause = "A day inside a free period is free, whether paused or not"
escalated_tiers = "No rule says how tiers, packages or included units escalate: not rated from the first step on"
---*/
with line_version as (
    select
        contract_line_id,
        version,
        seg_start_date,
        seg_end_date,
        pricing_model,
        quantity,
        price_period_months,
        unit_size,
        metric,
        is_rated,
        is_overlapping
    from line_version
),

line_grid as (
    select
        contract_line_id,
        term_source,
        component,
        is_single_period,
        is_frequency_missing,
        is_go_live_missing,
        life_start_date,
        life_end_date
    from line_grid
),

rated_term as (
    select
        contract_line_id,
        version,
        has_tiers,
        missing_term
    from rated_term
),

line_price as (
    select
        contract_line_id,
        version,
        rung_no,
        from_date,
        to_date,
        price,
        step_no,
        term_no,
        missing_term
    from line_price
    where from_date < to_date
),

line_ramp as (
    select
        contract_line_id,
        version,
        start_date,
        end_date,
        quantity_in_force
    from line_ramp
    where quantity_in_force is not null
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

pause as (
    select
        contract_line_id,
        version,
        term_source,
        start_date,
        end_date
    from pause
),

uncharged_by_source as (
    select
        free_period.*,
        false as is_pause
    from free_period
    union all
    select
        pause.*,
        true as is_pause
    from pause
),

uncharged as (
    select
        line_grid.contract_line_id,
        uncharged_by_source.version,
        uncharged_by_source.start_date,
        coalesce(uncharged_by_source.end_date, date '9999-12-31') as end_date,
        uncharged_by_source.is_pause
    from uncharged_by_source
    left join canonical_id
        on uncharged_by_source.contract_line_id = canonical_id.external_id
    inner join line_grid
        on coalesce(canonical_id.canonical_id, uncharged_by_source.contract_line_id) = line_grid.contract_line_id
        and uncharged_by_source.term_source = line_grid.term_source
),

-- One-off lines owe on their start date, whichever version names them first.
charged as (
    select
        line_version.*,
        line_grid.component,
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

-- Terms change where a version, a price, a ramp step, a free period, a pause or a discount begins or ends.
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
        from_date
    from line_price
    where rung_no > 0
    union
    select
        contract_line_id,
        start_date
    from line_ramp
    union
    select
        contract_line_id,
        start_date
    from uncharged
    union
    select
        contract_line_id,
        end_date
    from uncharged
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

uncharged_stretch as (
    select
        termed.contract_line_id,
        termed.term_start_date,
        bool_and(uncharged.is_pause) as is_paused
    from termed
    inner join uncharged
        on termed.contract_line_id = uncharged.contract_line_id
        and termed.term_start_date >= uncharged.start_date
        and termed.term_end_date <= uncharged.end_date
        and (uncharged.version is null or uncharged.version = termed.version)
    group by
        termed.contract_line_id,
        termed.term_start_date
),

-- Rated families and escalators do not meet.
priced as (
    select
        termed.* exclude (quantity),
        case
            when termed.pricing_model = 'flat' then cast(1 as decimal(18,6))
            else coalesce(line_ramp.quantity_in_force, termed.quantity)
        end as quantity,
        line_price.rung_no,
        line_price.price,
        line_price.missing_term as missing_price,
        line_price.step_no + line_price.term_no > 0 as is_escalated,
        coalesce(rated_term.has_tiers, false) as has_tiers,
        rated_term.missing_term as missing_rating
    from termed
    inner join line_price
        on termed.contract_line_id = line_price.contract_line_id
        and termed.version = line_price.version
        and line_price.from_date <= termed.term_start_date
        and termed.term_start_date < line_price.to_date
    left join line_ramp
        on termed.contract_line_id = line_ramp.contract_line_id
        and termed.version = line_ramp.version
        and line_ramp.start_date <= termed.term_start_date
        and termed.term_start_date < line_ramp.end_date
    left join rated_term
        on termed.contract_line_id = rated_term.contract_line_id
        and termed.version = rated_term.version
)

select
    priced.contract_line_id,
    priced.term_start_date,
    priced.term_end_date,
    priced.version,
    priced.rung_no,
    priced.quantity,
    priced.price,
    priced.metric,
    priced.unit_size,
    uncharged_stretch.contract_line_id is not null as is_free,
    coalesce(uncharged_stretch.is_paused, false) as is_paused,
    case
        when priced.is_overlapping then 'overlapping versions'
        when priced.is_frequency_missing then 'billing_frequency'
        when priced.component = 'charge' and priced.is_single_period and priced.price_period_months is not null then 'billing_frequency'
        when priced.missing_price is not null then priced.missing_price
        when priced.missing_rating is not null then priced.missing_rating
        when priced.price is null and not priced.has_tiers then 'unit_price'
        when priced.component = 'usage' and priced.metric is null and priced.pricing_model <> 'flat' then 'metric'
        when priced.component <> 'usage' and priced.pricing_model <> 'flat' and priced.quantity is null then 'quantity'
        when priced.is_go_live_missing then 'go_live_date'
        when priced.is_rated and priced.is_escalated then 'not_rated: escalated tiers'
    end as missing_term
from priced
left join uncharged_stretch
    on priced.contract_line_id = uncharged_stretch.contract_line_id
    and priced.term_start_date = uncharged_stretch.term_start_date
