/*---
title = "Opportunities, from HubSpot deals"
owner = "cs"

[decisions]
account = "the deal's primary company, else its only one; a deal of several companies without a primary one is left out"
kind = "a job's own property decides; else the pipeline's name, where it speaks of renewals, expansion or upsell; else new business is new. Existing business may be either, so unknown"
closed = "HubSpot's own flags; else what the pipeline says of the stage: closed, and won at a probability of one"
currency = "the deal's own, else the account's of HubSpot"
---*/
with deal as (
    select
        id,
        pipeline_id,
        stage_id,
        type,
        cast(amount as decimal(18,4)) as amount,
        currency,
        closed_at,
        is_closed,
        is_won,
        owner_id,
        forecast_category,
        stage_entered_at,
        created_at,
        lower(kind) as kind,
        cast(discount_pct as decimal(9,4)) as discount_pct
    from landed.deal
),

stage as (
    select
        pipeline_id,
        lower(pipeline) as pipeline,
        id,
        label,
        is_closed,
        probability
    from landed.stage
    where object = 'deals'
),

company_link as (
    select
        from_id,
        to_id,
        primary_label
    from landed.deal_link
    where to_type = 'companies'
),

portal as (
    select min(currency) as currency
    from landed.portal
),

whose as (
    select
        from_id,
        coalesce(
            min(case when primary_label is not null then to_id end),
            case when count(*) = 1 then min(to_id) end
        ) as account_id
    from company_link
    group by from_id
)

select
    deal.id as opportunity_id,
    whose.account_id,
    case
        when deal.kind is not null then deal.kind
        when stage.pipeline like '%renew%' then 'renewal'
        when stage.pipeline like '%expan%' or stage.pipeline like '%upsell%' then 'expansion'
        when deal.type = 'newbusiness' then 'new'
    end as kind,
    coalesce(stage.label, deal.stage_id) as stage,
    deal.amount,
    coalesce(deal.currency, portal.currency) as currency,
    cast(deal.closed_at as date) as close_date,
    coalesce(deal.is_closed, stage.is_closed) as is_closed,
    coalesce(deal.is_won, stage.is_closed and stage.probability = 1) as is_won,
    deal.owner_id,
    deal.discount_pct,
    deal.forecast_category,
    deal.stage_entered_at as stage_changed_at,
    deal.created_at,
    deal.id as source_id
from deal
inner join whose
    on whose.from_id = deal.id
left join stage
    on stage.pipeline_id = deal.pipeline_id
    and stage.id = deal.stage_id
cross join portal
where whose.account_id is not null
