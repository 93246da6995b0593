/*---
title = "Stripe customers"
owner = "data"

[decisions]
newest = "The picture of a customer's last update holds; without one the customer as listed"
kept = "A deleted customer stays: its invoices do"
test = "What is not live is test data"
---*/
with customer as (
    select
        id,
        created_at,
        name,
        domain,
        account_id,
        parent_external_id,
        is_live
    from landed.customer
),

-- One row a customer: its last update.
customer_event as (
    select
        customer_id,
        name,
        domain,
        account_id,
        parent_external_id,
        is_live
    from landed.customer_event
    qualify row_number() over (partition by customer_id order by happened_at desc, id desc) = 1
)

select
    'stripe' as system,
    customer.id as external_id,
    case when customer_event.customer_id is null then customer.account_id else customer_event.account_id end as account_id,
    coalesce(customer_event.name, customer.name) as name,
    coalesce(customer_event.domain, customer.domain) as domain,
    case
        when customer_event.customer_id is null then customer.parent_external_id
        else customer_event.parent_external_id
    end as parent_external_id,
    not coalesce(customer_event.is_live, customer.is_live) as is_test,
    customer.id as source_id
from customer
left join customer_event
    on customer.id = customer_event.customer_id
