/*---
title = "Chargebee customers"
owner = "data"

[decisions]
name = "The company; of a person without one the person's name"
kept = "A deleted customer stays: its invoices do"
---*/
with customer as (
    select
        id,
        company,
        first_name,
        last_name,
        domain,
        account_id,
        parent_external_id
    from landed.customer
)

select
    'chargebee' as system,
    id as external_id,
    account_id,
    coalesce(company, nullif(concat_ws(' ', first_name, last_name), '')) as name,
    domain,
    parent_external_id,
    id as source_id
from customer
