/*---
title = "Discounts agreed, by contract line"
owner = "finance"
grain = ["contract_line_id", "discount_id", "version"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line" }
discount_id = { type = "text", doc = "The discount; ramp and its day for the discount of a ramp step" }
version = { type = "integer", doc = "The contract version it belongs to; every version where null" }
kind = { type = "text", doc = "percent or amount" }
value = { type = "decimal(18,8)", doc = "Percent points, or an amount per price period" }
is_once = { type = "boolean", doc = "Taken off once, in the period that holds its start date" }
is_additive = { type = "boolean", doc = "Percent of gross; else of what earlier discounts left" }
is_invoice_basis = { type = "boolean", doc = "The billable date decides for the whole period; else each service day" }
is_own = { type = "boolean", doc = "Of this line alone: its own, or the contract's where that has one line" }
is_ramp = { type = "boolean", doc = "Of a ramp step" }
sequence = { type = "integer", doc = "Order in which discounts apply" }
start_date = { type = "date", doc = "First day of the discount" }
end_date = { type = "date", doc = "First day without it; 9999-12-31 where open" }

[checks]
not_null = ["contract_line_id", "discount_id", "kind", "start_date", "end_date"]

[decisions]
discount_end = "by service date unless the discount says invoice date"
contract_wide_amount = "An amount off a whole contract of several lines is not rated: no rule says how it spreads"
ramp = "A ramp step's discount holds until the next step that states one; a step that states 0 ends it"
---*/
with canonical_id as (
    select
        kind,
        external_id,
        canonical_id
    from canonical_id
),

line_grid as (
    select
        contract_line_id,
        contract_id,
        term_source
    from line_grid
),

line_ramp as (
    select
        contract_line_id,
        version,
        start_date,
        discount_pct
    from line_ramp
    where discount_pct is not null
),

discount as (
    select
        discount_id,
        contract_id,
        contract_line_id,
        version,
        term_source,
        kind,
        value,
        amount_per,
        stacking,
        sequence,
        start_date,
        end_date,
        end_basis
    from discount
),

canonical_discount as (
    select
        discount.* exclude (contract_id, contract_line_id),
        coalesce(contract_alias.canonical_id, discount.contract_id) as contract_id,
        coalesce(line_alias.canonical_id, discount.contract_line_id) as contract_line_id
    from discount
    left join canonical_id as contract_alias
        on discount.contract_id = contract_alias.external_id
        and contract_alias.kind = 'contract'
    left join canonical_id as line_alias
        on discount.contract_line_id = line_alias.external_id
        and line_alias.kind = 'line'
),

line_count as (
    select
        contract_id,
        count(*) as lines
    from line_grid
    group by contract_id
),

-- A discount of the line itself, or of the whole contract.
spread as (
    select
        line_grid.contract_line_id,
        canonical_discount.* exclude (contract_id, contract_line_id),
        true as is_own
    from canonical_discount
    inner join line_grid
        on canonical_discount.contract_line_id = line_grid.contract_line_id
        and canonical_discount.term_source = line_grid.term_source
    union all
    select
        line_grid.contract_line_id,
        canonical_discount.* exclude (contract_id, contract_line_id),
        line_count.lines = 1 as is_own
    from canonical_discount
    inner join line_grid
        on canonical_discount.contract_id = line_grid.contract_id
        and canonical_discount.term_source = line_grid.term_source
    inner join line_count
        on canonical_discount.contract_id = line_count.contract_id
    where canonical_discount.contract_line_id is null
),

ramped as (
    select
        contract_line_id,
        version,
        start_date,
        discount_pct,
        coalesce(lead(start_date) over (partition by contract_line_id, version order by start_date), date '9999-12-31') as end_date
    from line_ramp
)

select
    contract_line_id,
    discount_id,
    version,
    kind,
    value,
    coalesce(amount_per, 'period') = 'once' as is_once,
    coalesce(stacking, 'multiplicative') = 'additive' as is_additive,
    coalesce(end_basis, 'service') = 'invoice' as is_invoice_basis,
    is_own,
    false as is_ramp,
    sequence,
    start_date,
    coalesce(end_date, date '9999-12-31') as end_date
from spread
union all
select
    contract_line_id,
    concat_ws(' ', 'ramp', cast(start_date as varchar)) as discount_id,
    version,
    'percent' as kind,
    cast(discount_pct as decimal(18,8)) as value,
    false as is_once,
    false as is_additive,
    false as is_invoice_basis,
    true as is_own,
    true as is_ramp,
    cast(null as bigint) as sequence,
    start_date,
    end_date
from ramped
where discount_pct <> 0
