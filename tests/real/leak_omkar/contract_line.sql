-- What is due is the plan's price for every month that has begun.
select
    subscription.sub_id as contract_line_id,
    cast(1 as bigint) as version,
    subscription.sub_id as contract_id,
    'billing' as term_source,
    subscription.plan_id as product_id,
    plan.plan_name as product_name,
    'recurring' as charge_type,
    'flat' as pricing_model,
    plan.monthly_price as unit_price,
    'month' as price_period,
    greatest(subscription.start_date, date '2024-01-01') as start_date,
    subscription.end_date + 1 as end_date
from landed.subscriptions as subscription
inner join landed.plans as plan
    on subscription.plan_id = plan.plan_id
