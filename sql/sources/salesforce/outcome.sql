/*---
title = "Outcomes of renewals, from closed Salesforce opportunities"
owner = "cs"

[decisions]
renewals_only = "only closed renewal opportunities say how a renewal ended: a lost one is churn, a won one a renewal; new business and expansions say nothing about it"
size = "contracted or expanded only where the job names both revenue fields; a won renewal is else simply renewed, and no figure is made up"
decided = "the day the deal entered its closing stage, which is recorded; the close date, which people type in, only where that is not known"
---*/
with opportunity as (
    select
        id,
        account_id,
        lower(coalesce(kind, type)) as kind,
        is_won,
        stage_changed_at,
        close_date,
        currency,
        renewed_contract_id,
        cast(arr_before as decimal(18,4)) as arr_before,
        cast(arr_after as decimal(18,4)) as arr_after,
        loss_reason
    from landed.opportunity
    where
        is_closed
        and account_id is not null
),

organization as (
    select min(currency) as currency
    from landed.organization
)

select
    opportunity.id as outcome_id,
    opportunity.account_id,
    opportunity.renewed_contract_id as contract_id,
    case
        when not opportunity.is_won then 'churned'
        when opportunity.arr_after < opportunity.arr_before then 'contracted'
        when opportunity.arr_after > opportunity.arr_before then 'expanded'
        else 'renewed'
    end as kind,
    coalesce(cast(opportunity.stage_changed_at as date), opportunity.close_date) as decided_date,
    opportunity.arr_before,
    case when opportunity.is_won then opportunity.arr_after else cast(0 as decimal(18,4)) end as arr_after,
    coalesce(opportunity.currency, organization.currency) as currency,
    opportunity.loss_reason as reason,
    opportunity.id as source_id
from opportunity
cross join organization
where
    opportunity.kind like '%renew%'
    and opportunity.is_won is not null
    and coalesce(cast(opportunity.stage_changed_at as date), opportunity.close_date) is not null
