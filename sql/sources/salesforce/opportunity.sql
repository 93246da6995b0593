/*---
title = "Opportunities, from Salesforce"
owner = "cs"

[decisions]
kind = "a job's own field decides; else the type: renewals by that word; new business or new customer is new; upsell, add-on, expansion or existing business is an expansion; downgrades and others are unknown"
discount = "a job's own field decides; else what the lines ask against their list prices, only where every line has a list price above zero"
private = "an opportunity without an account is nobody's and left out"
currency = "the deal's own where the job asks for it, else the organisation's"
---*/
with opportunity as (
    select
        id,
        account_id,
        lower(type) as type,
        lower(kind) as kind,
        stage,
        cast(amount as decimal(18,4)) as amount,
        currency,
        close_date,
        is_closed,
        is_won,
        owner_id,
        cast(discount_pct as decimal(9,4)) as discount_pct,
        forecast_category,
        stage_changed_at,
        created_date
    from landed.opportunity
    where account_id is not null
),

opportunity_line as (
    select
        opportunity_id,
        cast(quantity as decimal(18,6)) as quantity,
        cast(list_price as decimal(20,8)) as list_price,
        cast(total_price as decimal(18,4)) as total_price
    from landed.opportunity_line
),

organization as (
    select min(currency) as currency
    from landed.organization
),

listed as (
    select
        opportunity_id,
        sum(total_price) as asked,
        sum(cast(list_price * quantity as decimal(38,10))) as list_amount,
        bool_and(coalesce(list_price > 0 and quantity > 0 and total_price is not null, false)) as is_all_listed
    from opportunity_line
    group by opportunity_id
)

select
    opportunity.id as opportunity_id,
    opportunity.account_id,
    case
        when opportunity.kind is not null then opportunity.kind
        when opportunity.type like '%renew%' then 'renewal'
        when opportunity.type like '%downgrade%' then null
        when opportunity.type like '%new business%' or opportunity.type like '%new customer%' or opportunity.type = 'new' then 'new'
        when
            opportunity.type like '%upsell%'
            or opportunity.type like '%up-sell%'
            or opportunity.type like '%cross%sell%'
            or opportunity.type like '%add-on%'
            or opportunity.type like '%expan%'
            or opportunity.type like '%upgrade%'
            or opportunity.type like '%existing business%'
            then 'expansion'
    end as kind,
    opportunity.stage,
    opportunity.amount,
    coalesce(opportunity.currency, organization.currency) as currency,
    opportunity.close_date,
    opportunity.is_closed,
    opportunity.is_won,
    opportunity.owner_id,
    coalesce(
        opportunity.discount_pct,
        case
            when listed.is_all_listed
                then try_cast(
                    round(cast(100 - cast(100 * listed.asked as double) / cast(listed.list_amount as double) as decimal(38,10)), 4) as decimal(9,4)
                )
        end
    ) as discount_pct,
    opportunity.forecast_category,
    opportunity.stage_changed_at,
    opportunity.created_date as created_at,
    opportunity.id as source_id
from opportunity
left join listed
    on listed.opportunity_id = opportunity.id
cross join organization
