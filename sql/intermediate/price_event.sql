/*---
title = "What changes the price of a contract line, in order"
owner = "finance"
grain = ["contract_line_id", "version", "event_no"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line" }
version = { type = "integer", doc = "The contract version" }
event_no = { type = "integer", doc = "Order in time, from 1" }
event_date = { type = "date", doc = "First day of the new price" }
event = { type = "text", doc = "escalator, ramp, or term for a new term past the contract's end" }
step_kind = { type = "text", doc = "fixed or index, of an escalator" }
price = { type = "decimal(18,8)", doc = "The new price where it is stated: of ramps and terms at list price" }
uplift = { type = "decimal(18,12)", doc = "Change as a fraction of a price" }
is_compounding = { type = "boolean", doc = "The change builds on the price before; else on the price before all steps" }
missing_term = { type = "text", doc = "What stands in the way of the new price; null where nothing does" }

[checks]
not_null = ["contract_line_id", "version", "event_no", "event_date", "event", "is_compounding"]

[decisions]
same_day = "On the day of a ramp price or of a new term no escalator step counts; a ramp price goes before a term's"
---*/
with line_version as (
    select
        contract_line_id,
        contract_id,
        version,
        seg_end_date
    from line_version
    where seg_start_date < seg_end_date
),

price_base as (
    select
        contract_line_id,
        version,
        from_date,
        kind,
        price
    from price_base
    where kind <> 'version'
),

holdover_term as (
    select
        contract_id,
        version,
        term_start_date,
        price_rule,
        uplift,
        missing_term
    from holdover_term
),

escalator_step as (
    select
        contract_line_id,
        escalator_version,
        first_date,
        step_no,
        step_date,
        kind,
        is_compounding,
        uplift,
        missing_term
    from escalator_step
    where is_counted
),

based as (
    select
        line_version.contract_line_id,
        line_version.version,
        holdover_term.term_start_date as event_date,
        'term' as event,
        1 as place,
        list_base.price,
        holdover_term.uplift,
        coalesce(
            holdover_term.missing_term,
            case when holdover_term.price_rule = 'list' and list_base.price is null then 'list_price' end
        ) as missing_term
    from line_version
    inner join holdover_term
        on line_version.contract_id = holdover_term.contract_id
        and line_version.version = holdover_term.version
        and holdover_term.term_start_date < line_version.seg_end_date
    left join price_base as list_base
        on line_version.contract_line_id = list_base.contract_line_id
        and line_version.version = list_base.version
        and holdover_term.term_start_date = list_base.from_date
        and list_base.kind = 'list'
    union all
    select
        line_version.contract_line_id,
        line_version.version,
        price_base.from_date as event_date,
        'ramp' as event,
        2 as place,
        price_base.price,
        cast(null as decimal(18,12)) as uplift,
        cast(null as varchar) as missing_term
    from line_version
    inner join price_base
        on line_version.contract_line_id = price_base.contract_line_id
        and line_version.version = price_base.version
        and price_base.from_date < line_version.seg_end_date
    where price_base.kind = 'ramp'
),

based_day as (
    select distinct
        contract_line_id,
        version,
        event_date
    from based
),

escalated as (
    select
        line_version.contract_line_id,
        line_version.version,
        escalator_step.step_date as event_date,
        escalator_step.kind,
        escalator_step.first_date,
        escalator_step.escalator_version,
        escalator_step.uplift,
        escalator_step.is_compounding,
        escalator_step.missing_term
    from line_version
    inner join escalator_step
        on line_version.contract_line_id = escalator_step.contract_line_id
        and escalator_step.step_date < line_version.seg_end_date
    left join based_day
        on line_version.contract_line_id = based_day.contract_line_id
        and line_version.version = based_day.version
        and escalator_step.step_date = based_day.event_date
    where based_day.contract_line_id is null
        and (escalator_step.escalator_version is null or escalator_step.escalator_version = line_version.version)
),

every_event as (
    select
        contract_line_id,
        version,
        event_date,
        'escalator' as event,
        0 as place,
        kind as step_kind,
        first_date,
        escalator_version,
        cast(null as decimal(18,8)) as price,
        uplift,
        is_compounding,
        missing_term
    from escalated
    union all
    select
        contract_line_id,
        version,
        event_date,
        event,
        place,
        cast(null as varchar) as step_kind,
        cast(null as date) as first_date,
        cast(null as bigint) as escalator_version,
        price,
        uplift,
        true as is_compounding,
        missing_term
    from based
)

select
    contract_line_id,
    version,
    row_number() over (
        partition by contract_line_id, version
        order by event_date, place, step_kind, first_date, escalator_version nulls first
    ) as event_no,
    event_date,
    event,
    step_kind,
    price,
    uplift,
    is_compounding,
    missing_term
from every_event
