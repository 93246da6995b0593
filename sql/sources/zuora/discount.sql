/*---
title = "Discount charges in Zuora, with their windows"
owner = "finance"

[decisions]
id = "The charge's id, which is of one version and segment; split over lines it is id/charge number"
scope = "A discount at rate plan level, or for some kinds of charges only, is one of each line it lowers; any other of the whole contract"
scope_kinds = "ApplyDiscountTo names the kinds; where it names none, all"
end_basis = "Zuora applies a discount to the days it is effective on"
---*/
with subscription as (
    select
        id,
        number,
        version,
        coalesce(start_date, contract_date, term_start_date) as start_date
    from landed.subscription
),

charge as (
    select
        id,
        number,
        segment,
        name,
        charge_model,
        charge_type,
        upper(discount_level) as discount_level,
        upper(discount_scope) as discount_scope,
        start_date,
        end_date,
        subscription_id,
        rate_plan_id
    from landed.charge
),

charge_tier as (
    select
        charge_id,
        max(discount_percentage) as discount_percentage,
        max(discount_amount) as discount_amount
    from landed.charge_tier
    group by charge_id
),

given as (
    select
        charge.id,
        charge.number,
        charge.name,
        charge.start_date,
        charge.end_date,
        charge.subscription_id,
        charge.rate_plan_id,
        charge.discount_level,
        charge.discount_scope,
        charge_tier.discount_percentage,
        charge_tier.discount_amount,
        charge.charge_model like '%Percentage%' as is_percent,
        coalesce(charge.discount_level, '') = 'RATEPLAN'
            or not (
                charge.discount_scope is null
                or (
                    charge.discount_scope like '%ONETIME%'
                    and charge.discount_scope like '%RECURRING%'
                    and charge.discount_scope like '%USAGE%'
                )
            ) as is_split
    from charge
    left join charge_tier
        on charge.id = charge_tier.charge_id
    where charge.charge_model like 'Discount%'
),

line as (
    select distinct
        subscription_id,
        rate_plan_id,
        number,
        upper(replace(charge_type, '-', '')) as kind
    from charge
    where charge_model not like 'Discount%'
),

placed as (
    select
        given.*,
        given.id as discount_id,
        cast(null as varchar) as contract_line_id
    from given
    where not given.is_split
    union all
    select
        given.*,
        concat(given.id, '/', line.number) as discount_id,
        line.number as contract_line_id
    from given
    inner join line
        on given.subscription_id = line.subscription_id
        and (coalesce(given.discount_level, '') <> 'RATEPLAN' or given.rate_plan_id = line.rate_plan_id)
        and (given.discount_scope is null or given.discount_scope like concat('%', line.kind, '%'))
    where given.is_split
)

select
    placed.discount_id,
    subscription.number as contract_id,
    placed.contract_line_id,
    subscription.version,
    'billing' as term_source,
    case when placed.is_percent then 'percent' else 'amount' end as kind,
    cast(round(case when placed.is_percent then placed.discount_percentage else placed.discount_amount end, 8) as decimal(18,8)) as value,
    case when not placed.is_percent then 'period' end as amount_per,
    'multiplicative' as stacking,
    coalesce(placed.start_date, subscription.start_date) as start_date,
    placed.end_date,
    'service' as end_basis,
    placed.number as code,
    placed.name as reason,
    placed.id as source_id
from placed
inner join subscription
    on placed.subscription_id = subscription.id
where case when placed.is_percent then placed.discount_percentage else placed.discount_amount end is not null
    and coalesce(placed.start_date, subscription.start_date) is not null
