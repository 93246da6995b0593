/*---
title = "Discounts on items of Zuora invoices"
owner = "finance"

[decisions]
id = "The discount as the version of the subscription that was billed has it"
---*/
with item as (
    select
        id,
        charge_amount,
        processing_type,
        applied_to_id,
        charge_id,
        charge_number
    from landed.invoice_item
),

charge as (
    select
        id,
        number,
        charge_model,
        upper(discount_level) as discount_level,
        upper(discount_scope) as discount_scope
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

lowered as (
    select
        id,
        charge_number
    from item
)

select
    item.id as applied_discount_id,
    item.applied_to_id as invoice_line_id,
    case
        when charge.id is null then null
        when coalesce(charge.discount_level, '') = 'RATEPLAN'
            or not (
                charge.discount_scope is null
                or (
                    charge.discount_scope like '%ONETIME%'
                    and charge.discount_scope like '%RECURRING%'
                    and charge.discount_scope like '%USAGE%'
                )
            )
            then concat(charge.id, '/', lowered.charge_number)
        else charge.id
    end as discount_id,
    item.charge_number as code,
    case
        when charge.charge_model like '%Percentage%' then 'percent'
        when charge.charge_model is not null then 'amount'
    end as kind,
    cast(round(
        case when charge.charge_model like '%Percentage%' then charge_tier.discount_percentage else charge_tier.discount_amount end,
        8
    ) as decimal(18,8)) as value,
    cast(round(-item.charge_amount, 4) as decimal(18,4)) as amount,
    item.id as source_id
from item
inner join lowered
    on item.applied_to_id = lowered.id
left join charge
    on item.charge_id = charge.id
left join charge_tier
    on item.charge_id = charge_tier.charge_id
where coalesce(item.processing_type, '0') in ('1', 'Discount')
    and item.charge_amount <> 0
