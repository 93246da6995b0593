/*---
title = "What the billed price is where it is too low: an earlier stage, version or term"
owner = "finance"
grain = ["contract_line_id", "cell_no"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line" }
cell_no = { type = "integer", doc = "Number of the cell in the line's grid" }
is_ramp_missed = { type = "boolean", doc = "The price of an earlier ramp stage" }
is_superseded = { type = "boolean", doc = "The price of an earlier version of the contract" }
is_prior_term = { type = "boolean", doc = "The price of the contract it renews, or the one before an uplift past the end" }

[checks]
not_null = ["contract_line_id", "cell_no", "is_ramp_missed", "is_superseded", "is_prior_term"]

[decisions]
equal = "Equal within one minor unit for each billed line, at the billed quantity and days"
ramp_stage = "The version's own price before the first ramp price is a stage; one is earlier than that of the last charged day"
---*/
with waterfall as (
    select
        contract_line_id,
        cell_no,
        quantity_fraction,
        billed_gross_amount,
        line_count,
        last_version,
        minor_digits
    from waterfall
    where verdict = 'verified'
        and line_count > 0
        and value_price > value_quantity
),

segment_charge as (
    select
        contract_line_id,
        cell_no,
        version,
        rung_no
    from segment_charge
    where is_last
),

line_price as (
    select
        contract_line_id,
        version,
        rung_no,
        price,
        ramp_no,
        term_no
    from line_price
    where price is not null
),

line_term as (
    select
        contract_line_id,
        version,
        price
    from line_term
),

line_grid as (
    select
        contract_line_id,
        contract_id,
        product_id,
        component,
        months,
        renews_contract_id
    from line_grid
),

gap as (
    select
        waterfall.*,
        cast(line_count as decimal(10,0))
            * case minor_digits when 0 then cast(1 as decimal(18,4)) when 3 then cast(0.001 as decimal(18,4)) else cast(0.01 as decimal(18,4)) end
            as tolerance
    from waterfall
),

last_rung as (
    select
        gap.contract_line_id,
        gap.cell_no,
        segment_charge.version,
        line_price.ramp_no,
        line_price.term_no
    from gap
    inner join segment_charge
        on gap.contract_line_id = segment_charge.contract_line_id
        and gap.cell_no = segment_charge.cell_no
    inner join line_price
        on segment_charge.contract_line_id = line_price.contract_line_id
        and segment_charge.version = line_price.version
        and segment_charge.rung_no = line_price.rung_no
    where line_price.ramp_no > 0 or line_price.term_no > 0
),

-- Every price of the renewed contract's last version for the same product and a billing period of the same length:
-- a biller may have kept the one before or after an escalator step.
prior_price as (
    select distinct
        line_grid.contract_line_id,
        prior_term.price,
        prior_term.version,
        max(prior_term.version) over (partition by line_grid.contract_line_id, prior_grid.contract_line_id) as last_version
    from line_grid
    inner join line_grid as prior_grid
        on line_grid.renews_contract_id = prior_grid.contract_id
        and line_grid.product_id = prior_grid.product_id
        and line_grid.component = prior_grid.component
    inner join line_term as prior_term
        on prior_grid.contract_line_id = prior_term.contract_line_id
    where coalesce(line_grid.months, 0) = coalesce(prior_grid.months, 0)
),

candidate as (
    select
        last_rung.contract_line_id,
        last_rung.cell_no,
        'ramp' as cause,
        line_price.price
    from last_rung
    inner join line_price
        on last_rung.contract_line_id = line_price.contract_line_id
        and last_rung.version = line_price.version
        and line_price.ramp_no < last_rung.ramp_no
    union all
    select
        gap.contract_line_id,
        gap.cell_no,
        'version' as cause,
        line_term.price
    from gap
    inner join line_term
        on gap.contract_line_id = line_term.contract_line_id
        and line_term.version < gap.last_version
    union all
    select
        last_rung.contract_line_id,
        last_rung.cell_no,
        'term' as cause,
        line_price.price
    from last_rung
    inner join line_price
        on last_rung.contract_line_id = line_price.contract_line_id
        and last_rung.version = line_price.version
        and line_price.term_no < last_rung.term_no
    union all
    select
        gap.contract_line_id,
        gap.cell_no,
        'term' as cause,
        prior_price.price
    from gap
    inner join prior_price
        on gap.contract_line_id = prior_price.contract_line_id
        and prior_price.version = prior_price.last_version
),

matched as (
    select
        candidate.contract_line_id,
        candidate.cell_no,
        candidate.cause
    from candidate
    inner join gap
        on candidate.contract_line_id = gap.contract_line_id
        and candidate.cell_no = gap.cell_no
    where abs(gap.billed_gross_amount - cast(gap.quantity_fraction * candidate.price as decimal(38,10))) <= gap.tolerance
)

select
    contract_line_id,
    cell_no,
    bool_or(cause = 'ramp') as is_ramp_missed,
    bool_or(cause = 'version') as is_superseded,
    bool_or(cause = 'term') as is_prior_term
from matched
group by
    contract_line_id,
    cell_no
