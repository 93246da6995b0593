/*---
title = "Every contract that renews within the window stands in the renewal pipeline, once"
owner = "cs"
severity = "block"

[columns]
contract_id = { type = "text", doc = "The contract" }
account_id = { type = "text", doc = "Its account" }
renewal_date = { type = "date", doc = "First day of its next term" }
pipeline_rows = { type = "integer", doc = "Its rows in the pipeline" }
---*/
with contract_renewal as (
    select
        contract_id,
        account_id,
        renewal_date,
    from contract_renewal
    where renewal_date <= cast($as_of as date) + cast(cast($renewal_open_days as bigint) as int)
),

account as (
    select account_id
    from account
    where coalesce(is_internal, false)
),

renewal_pipeline as (
    select
        contract_id,
        count(*) as pipeline_rows,
    from renewal_pipeline
    group by contract_id
)

select
    contract_renewal.contract_id,
    contract_renewal.account_id,
    contract_renewal.renewal_date,
    cast(coalesce(renewal_pipeline.pipeline_rows, 0) as bigint) as pipeline_rows,
from contract_renewal
left join account
    on account.account_id = contract_renewal.account_id
left join renewal_pipeline
    on renewal_pipeline.contract_id = contract_renewal.contract_id
where
    account.account_id is null
    and coalesce(renewal_pipeline.pipeline_rows, 0) <> 1
