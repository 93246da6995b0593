/*---
title = "What the billed quantity is where it is too small: an earlier stage or version"
owner = "finance"
grain = ["contract_line_id", "cell_no"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line" }
cell_no = { type = "integer", doc = "Number of the cell in the line's grid" }
is_ramp_missed = { type = "boolean", doc = "The quantity of an earlier ramp stage" }
is_superseded = { type = "boolean", doc = "The quantity of an earlier version of the contract" }

[checks]
not_null = ["contract_line_id", "cell_no", "is_ramp_missed", "is_superseded"]

[decisions]
equal = "Equal at six decimals"
ramp_stage = "The version's own quantity before the first ramp quantity is a stage; one is earlier than that of the last charged day"
---*/
with waterfall as (
    select
        contract_line_id,
        cell_no,
        billed_quantity,
        last_version
    from waterfall
    where verdict = 'verified'
        and line_count > 0
        and component <> 'usage'
        and value_quantity > value_coverage
),

segment_charge as (
    select
        contract_line_id,
        cell_no,
        seg_start_date
    from segment_charge
    where is_last
),

line_ramp as (
    select
        contract_line_id,
        version,
        start_date,
        end_date,
        quantity,
        quantity_stage
    from line_ramp
),

line_version as (
    select
        contract_line_id,
        version,
        quantity
    from line_version
),

line_term as (
    select
        contract_line_id,
        version,
        quantity
    from line_term
),

gap as (
    select
        contract_line_id,
        cell_no,
        cast(billed_quantity as decimal(18,6)) as billed_quantity,
        last_version
    from waterfall
),

last_stage as (
    select
        gap.*,
        line_ramp.quantity_stage
    from gap
    inner join segment_charge
        on gap.contract_line_id = segment_charge.contract_line_id
        and gap.cell_no = segment_charge.cell_no
    inner join line_ramp
        on gap.contract_line_id = line_ramp.contract_line_id
        and gap.last_version = line_ramp.version
        and line_ramp.start_date <= segment_charge.seg_start_date
        and segment_charge.seg_start_date < line_ramp.end_date
    where line_ramp.quantity_stage > 0
),

matched as (
    select
        last_stage.contract_line_id,
        last_stage.cell_no,
        'ramp' as cause
    from last_stage
    inner join line_ramp
        on last_stage.contract_line_id = line_ramp.contract_line_id
        and last_stage.last_version = line_ramp.version
        and line_ramp.quantity_stage < last_stage.quantity_stage
        and line_ramp.quantity = last_stage.billed_quantity
    union all
    select
        last_stage.contract_line_id,
        last_stage.cell_no,
        'ramp' as cause
    from last_stage
    inner join line_version
        on last_stage.contract_line_id = line_version.contract_line_id
        and last_stage.last_version = line_version.version
        and line_version.quantity = last_stage.billed_quantity
    union all
    select
        gap.contract_line_id,
        gap.cell_no,
        'version' as cause
    from gap
    inner join line_term
        on gap.contract_line_id = line_term.contract_line_id
        and line_term.version < gap.last_version
        and line_term.quantity = gap.billed_quantity
)

select
    contract_line_id,
    cell_no,
    bool_or(cause = 'ramp') as is_ramp_missed,
    bool_or(cause = 'version') as is_superseded
from matched
group by
    contract_line_id,
    cell_no
