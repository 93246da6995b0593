/*---
title = "Up to when a contract line needs nothing that is not rated yet"
owner = "finance"
grain = ["contract_line_id"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line" }
rated_to_date = { type = "date", doc = "Periods that end after this day need ramps, escalators, pauses or commitments" }

[checks]
not_null = ["contract_line_id", "rated_to_date"]

[decisions]
scope = "Flat and per-unit lines are rated; a ramp step, escalator or pause blocks the periods from its start, a commitment every period"
---*/
with line_grid as (
    select
        contract_line_id,
        term_source
    from line_grid
),

canonical_id as (
    select
        external_id,
        canonical_id
    from canonical_id
    where kind = 'line'
),

limit_by_source as (
    select
        contract_line_id,
        term_source,
        start_date as limit_date
    from ramp_step
    union all
    select
        contract_line_id,
        term_source,
        first_date
    from escalator
    union all
    select
        contract_line_id,
        term_source,
        start_date
    from pause
    union all
    select
        contract_line_id,
        term_source,
        date '1900-01-01'
    from commitment_line
)

select
    line_grid.contract_line_id,
    min(limit_by_source.limit_date) as rated_to_date
from limit_by_source
left join canonical_id
    on limit_by_source.contract_line_id = canonical_id.external_id
inner join line_grid
    on coalesce(canonical_id.canonical_id, limit_by_source.contract_line_id) = line_grid.contract_line_id
    and limit_by_source.term_source = line_grid.term_source
group by line_grid.contract_line_id
