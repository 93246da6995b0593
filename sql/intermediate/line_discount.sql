/*---
title = "Discounts agreed, by contract line"
owner = "finance"
grain = ["contract_line_id", "discount_id"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line" }
discount_id = { type = "text", doc = "The discount" }
version = { type = "integer", doc = "The contract version it belongs to; every version where null" }
kind = { type = "text", doc = "percent or amount" }
value = { type = "decimal(18,8)", doc = "Percent points, or an amount per price period" }
is_once = { type = "boolean", doc = "Taken off once, in the period that holds its start date" }
is_additive = { type = "boolean", doc = "Percent of gross; else of what earlier discounts left" }
is_invoice_basis = { type = "boolean", doc = "The billable date decides for the whole period; else each service day" }
is_rated = { type = "boolean", doc = "False where this step cannot rate it" }
sequence = { type = "integer", doc = "Order in which discounts apply" }
start_date = { type = "date", doc = "First day of the discount" }
end_date = { type = "date", doc = "First day without it; 9999-12-31 where open" }

[checks]
not_null = ["contract_line_id", "discount_id", "kind", "start_date", "end_date"]

[decisions]
discount_end = "by service date unless the discount says invoice date"
contract_wide_amount = "An amount off a whole contract of several lines is not rated yet: no rule says how it spreads"
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
        term_source,
        component
    from line_grid
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
        line_grid.component,
        canonical_discount.* exclude (contract_id, contract_line_id),
        true as is_own
    from canonical_discount
    inner join line_grid
        on canonical_discount.contract_line_id = line_grid.contract_line_id
        and canonical_discount.term_source = line_grid.term_source
    union all
    select
        line_grid.contract_line_id,
        line_grid.component,
        canonical_discount.* exclude (contract_id, contract_line_id),
        line_count.lines = 1 as is_own
    from canonical_discount
    inner join line_grid
        on canonical_discount.contract_id = line_grid.contract_id
        and canonical_discount.term_source = line_grid.term_source
    inner join line_count
        on canonical_discount.contract_id = line_count.contract_id
    where canonical_discount.contract_line_id is null
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
    kind = 'percent' or (kind = 'amount' and is_own and component = 'charge') as is_rated,
    sequence,
    start_date,
    coalesce(end_date, date '9999-12-31') as end_date
from spread
