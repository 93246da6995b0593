/*---
title = "Steps of quantity, from Salesforce reduction orders"
owner = "finance"

[decisions]
reduction = "an activated reduction order takes its quantity off the line it names, from its effective day on; several add up in the order of their days"
---*/
with crm_order as (
    select
        id,
        effective_date
    from landed.crm_order
    where
        status_code = 'Activated'
        and is_reduction
        and effective_date is not null
),

order_item as (
    select
        id,
        order_id,
        original_item_id,
        cast(quantity as decimal(18,6)) as quantity
    from landed.order_item
),

-- Reduced quantities are written below zero.
reduced as (
    select
        order_item.original_item_id,
        crm_order.effective_date,
        sum(order_item.quantity) as quantity
    from order_item
    inner join crm_order
        on crm_order.id = order_item.order_id
    where order_item.original_item_id is not null
    group by
        order_item.original_item_id,
        crm_order.effective_date
),

added_up as (
    select
        original_item_id,
        effective_date,
        sum(quantity) over (
            partition by original_item_id
            order by effective_date
            rows between unbounded preceding and current row
        ) as quantity
    from reduced
)

select
    added_up.original_item_id as contract_line_id,
    cast(1 as bigint) as version,
    'crm' as term_source,
    added_up.effective_date as start_date,
    cast(original.quantity + added_up.quantity as decimal(18,6)) as quantity,
    added_up.original_item_id as source_id
from added_up
inner join order_item as original
    on original.id = added_up.original_item_id
