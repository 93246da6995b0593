-- The price is known as a monthly sum for all seats.
select
    subscription_id as contract_line_id,
    cast(1 as bigint) as version,
    subscription_id as contract_id,
    'billing' as term_source,
    lower(plan_tier) as product_id,
    plan_tier as product_name,
    'recurring' as charge_type,
    'flat' as pricing_model,
    cast(seats as decimal(18, 6)) as quantity,
    cast(mrr_amount as decimal(18, 8)) as unit_price,
    'month' as price_period,
    start_date
from landed.subscriptions
where mrr_amount > 0
