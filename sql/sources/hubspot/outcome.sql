/*---
title = "Outcomes of renewals, from closed HubSpot deals"
owner = "cs"

[decisions]
renewals_only = "only closed deals that are renewals, by the job's own property or the pipeline's name, say how a renewal ended: a lost one is churn, a won one a renewal"
size = "contracted or expanded only where the job names both revenue properties; a won renewal is else simply renewed, and no figure is made up"
decided = "the day the deal entered its closing stage, else its close date"
---*/
with deal as (
    select
        id,
        pipeline_id,
        stage_id,
        currency,
        closed_at,
        is_closed,
        is_won,
        stage_entered_at,
        lost_reason,
        lower(kind) as kind,
        contract_id,
        cast(arr_before as decimal(18,4)) as arr_before,
        cast(arr_after as decimal(18,4)) as arr_after
    from landed.deal
),

stage as (
    select
        pipeline_id,
        lower(pipeline) as pipeline,
        id,
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
),

closed as (
    select
        deal.id,
        whose.account_id,
        deal.contract_id,
        coalesce(deal.is_won, stage.probability = 1) as is_won,
        cast(coalesce(deal.stage_entered_at, deal.closed_at) as date) as decided_date,
        deal.arr_before,
        deal.arr_after,
        coalesce(deal.currency, portal.currency) as currency,
        deal.lost_reason
    from deal
    inner join whose
        on whose.from_id = deal.id
    left join stage
        on stage.pipeline_id = deal.pipeline_id
        and stage.id = deal.stage_id
    cross join portal
    where
        coalesce(deal.is_closed, stage.is_closed, false)
        and coalesce(deal.kind = 'renewal', stage.pipeline like '%renew%', false)
)

select
    id as outcome_id,
    account_id,
    contract_id,
    case
        when not is_won then 'churned'
        when arr_after < arr_before then 'contracted'
        when arr_after > arr_before then 'expanded'
        else 'renewed'
    end as kind,
    decided_date,
    arr_before,
    case when is_won then arr_after else cast(0 as decimal(18,4)) end as arr_after,
    currency,
    case when not is_won then lost_reason end as reason,
    id as source_id
from closed
where
    account_id is not null
    and is_won is not null
    and decided_date is not null
