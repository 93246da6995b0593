/*---
title = "Ramp steps of contract lines, by version"
owner = "finance"
grain = ["contract_line_id", "version", "start_date"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line" }
contract_id = { type = "text", doc = "Canonical contract" }
version = { type = "integer", doc = "The contract version it belongs to" }
start_date = { type = "date", doc = "First day of the step" }
end_date = { type = "date", doc = "First day of the next step; 9999-12-31 where there is none" }
quantity = { type = "decimal(18,6)", doc = "Quantity the step states; null where it leaves the quantity alone" }
unit_price = { type = "decimal(18,8)", doc = "Price the step states; null where it leaves the price alone" }
discount_pct = { type = "decimal(9,4)", doc = "Discount the step states, percent points; null where it leaves the discount alone" }
commit_amount = { type = "decimal(18,4)", doc = "Commitment the step states; null where it leaves the commitment alone" }
quantity_in_force = { type = "decimal(18,6)", doc = "Quantity from this or an earlier step; null where none states one" }
quantity_stage = { type = "integer", doc = "Steps so far that state a quantity" }

[checks]
not_null = ["contract_line_id", "contract_id", "version", "start_date", "end_date", "quantity_stage"]

[decisions]
versions = "A step without a version holds in every version; where a version states a step of its own for the same day, that one's fields come first"
fields = "Each field holds until a later step states it again: a step of quantity alone leaves the price of the step before"
---*/
with canonical_id as (
    select
        external_id,
        canonical_id
    from canonical_id
    where kind = 'line'
),

line_version as (
    select
        contract_line_id,
        contract_id,
        version,
        term_source
    from line_version
),

ramp_step as (
    select
        contract_line_id,
        version,
        term_source,
        start_date,
        quantity,
        unit_price,
        discount_pct,
        commit_amount
    from ramp_step
),

spread as (
    select
        line_version.contract_line_id,
        line_version.contract_id,
        line_version.version,
        ramp_step.start_date,
        ramp_step.quantity,
        ramp_step.unit_price,
        ramp_step.discount_pct,
        ramp_step.commit_amount,
        ramp_step.version is not null as is_own
    from ramp_step
    left join canonical_id
        on ramp_step.contract_line_id = canonical_id.external_id
    inner join line_version
        on coalesce(canonical_id.canonical_id, ramp_step.contract_line_id) = line_version.contract_line_id
        and ramp_step.term_source = line_version.term_source
    where ramp_step.version is null or ramp_step.version = line_version.version
),

-- One step a day and version.
merged as (
    select
        contract_line_id,
        min(contract_id) as contract_id,
        version,
        start_date,
        coalesce(max(case when is_own then quantity end), max(quantity)) as quantity,
        coalesce(max(case when is_own then unit_price end), max(unit_price)) as unit_price,
        coalesce(max(case when is_own then discount_pct end), max(discount_pct)) as discount_pct,
        coalesce(max(case when is_own then commit_amount end), max(commit_amount)) as commit_amount
    from spread
    group by
        contract_line_id,
        version,
        start_date
)

select
    contract_line_id,
    contract_id,
    version,
    start_date,
    coalesce(lead(start_date) over (partition by contract_line_id, version order by start_date), date '9999-12-31') as end_date,
    quantity,
    unit_price,
    discount_pct,
    commit_amount,
    last_value(quantity ignore nulls) over (
        partition by contract_line_id, version
        order by start_date
        rows between unbounded preceding and current row
    ) as quantity_in_force,
    count(quantity) over (
        partition by contract_line_id, version
        order by start_date
        rows between unbounded preceding and current row
    ) as quantity_stage
from merged
