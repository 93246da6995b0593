/*---
title = "Contract lines, from activated Salesforce orders"
owner = "finance"

[decisions]
agreed = "lines of activated orders under a contract; reduction orders are steps of the lines they reduce"
charge = "the line's own field, then the product's, where the job names them; else a line with a first and a last day of service is recurring, and without is left out: a price whose period is guessed would make leaks of nothing"
period = "where the job names no field the price is for the time of service: exactly a month, a quarter or a year; another length is left out"
end = "Salesforce's last day of service is ours less one"
---*/
with crm_order as (
    select
        id,
        contract_id,
        effective_date,
        end_date
    from landed.crm_order
    where
        status_code = 'Activated'
        and contract_id is not null
        and not coalesce(is_reduction, false)
),

order_item as (
    select
        id,
        order_id,
        product_id,
        cast(quantity as decimal(18,6)) as quantity,
        cast(unit_price as decimal(18,8)) as unit_price,
        service_date,
        end_date,
        charge_type,
        pricing_model,
        price_period,
        billing_frequency,
        cast(included_quantity as decimal(18,6)) as included_quantity
    from landed.order_item
    where product_id is not null
),

product as (
    select
        id,
        name,
        unit,
        charge_type,
        metric
    from landed.product
),

served as (
    select
        order_item.id,
        crm_order.contract_id,
        order_item.product_id,
        product.name as product_name,
        lower(coalesce(order_item.charge_type, product.charge_type)) as charge_type,
        lower(order_item.pricing_model) as pricing_model,
        lower(order_item.price_period) as price_period,
        lower(order_item.billing_frequency) as billing_frequency,
        order_item.quantity,
        order_item.unit_price,
        order_item.included_quantity,
        product.unit,
        product.metric,
        coalesce(order_item.service_date, crm_order.effective_date) as start_date,
        coalesce(order_item.end_date, crm_order.end_date) + 1 as end_date
    from order_item
    inner join crm_order
        on crm_order.id = order_item.order_id
    left join product
        on product.id = order_item.product_id
),

-- Whole months of service; null where the last is cut.
measured as (
    select
        served.*,
        case
            when date_part('day', start_date) = date_part('day', end_date)
                then cast(
                    12 * (date_part('year', end_date) - date_part('year', start_date))
                    + date_part('month', end_date) - date_part('month', start_date) as bigint
                )
        end as months
    from served
),

priced as (
    select
        measured.*,
        case
            when charge_type like '%usage%' or charge_type like '%consumption%' then 'usage'
            when charge_type like '%one%time%' or charge_type like '%one%off%' then 'one_off'
            when charge_type like '%recurring%' then 'recurring'
            when charge_type is null and end_date is not null then 'recurring'
        end as charge,
        case
            when charge_type like '%one%time%' or charge_type like '%one%off%' then 'once'
            when price_period like '%month%' then 'month'
            when price_period like '%quarter%' then 'quarter'
            when price_period like '%year%' or price_period like '%annual%' then 'year'
            when price_period like '%billing%' then 'billing_period'
            when price_period like '%once%' then 'once'
            when price_period is null and charge_type like '%usage%' then 'billing_period'
            when price_period is null and months = 1 then 'month'
            when price_period is null and months = 3 then 'quarter'
            when price_period is null and months = 12 then 'year'
        end as period
    from measured
)

select
    id as contract_line_id,
    cast(1 as bigint) as version,
    contract_id,
    'crm' as term_source,
    product_id,
    product_name,
    charge as charge_type,
    coalesce(pricing_model, 'per_unit') as pricing_model,
    quantity,
    unit_price,
    period as price_period,
    unit,
    metric,
    included_quantity,
    start_date,
    end_date,
    case
        when billing_frequency like '%month%' then 'monthly'
        when billing_frequency like '%quarter%' then 'quarterly'
        when billing_frequency like '%semi%' then 'semiannual'
        when billing_frequency like '%annual%' or billing_frequency like '%year%' then 'annual'
    end as billing_frequency,
    id as source_id
from priced
where
    charge is not null
    and period is not null
    and start_date is not null
