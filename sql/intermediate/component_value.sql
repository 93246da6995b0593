/*---
title = "Every component of health as it was measured"
owner = "cs"
grain = ["account_id", "component"]

[columns]
account_id = { type = "text", doc = "The account" }
component = { type = "text", doc = "The component" }
family = { type = "text", doc = "usage, commercial, support, billing, relationship or sentiment" }
value = { type = "decimal(18,4)", doc = "What was measured, in the component's unit; null where unknown" }
baseline = { type = "decimal(18,4)", doc = "What it is to be compared with" }
reason = { type = "text", doc = "The numbers, in one sentence" }

[checks]
not_null = ["account_id", "component", "family", "reason"]

[decisions]
applies = "only what applies has a row: nothing that a source would have to provide which the job does not have counts against an account. Use alone is asked of every account, for without it no health is seen"
nothing = "an account of which nothing applies, such as a new one without milestones, has its use as unknown: nobody is without a component"
families = "usage: usage, breadth, depth, onboarding; commercial: seats, contract; support: tickets, escalations, resolution; billing: payment; relationship: reply, contacts, threading; sentiment: tone, surveys"
---*/
with health_usage as (
    select
        account_id,
        is_applicable,
        value,
        baseline,
        reason,
    from health_usage
),

health_adoption as (
    select
        account_id,
        is_breadth_applicable,
        breadth_value,
        breadth_baseline,
        breadth_reason,
        is_depth_applicable,
        depth_value,
        depth_baseline,
        depth_reason,
    from health_adoption
),

health_onboarding as (
    select
        account_id,
        is_applicable,
        value,
        baseline,
        reason,
    from health_onboarding
),

health_seats as (
    select
        account_id,
        is_applicable,
        value,
        baseline,
        reason,
    from health_seats
),

health_contract as (
    select
        account_id,
        is_applicable,
        value,
        baseline,
        reason,
    from health_contract
),

health_support as (
    select
        account_id,
        tickets_value,
        tickets_baseline,
        tickets_reason,
        is_escalations_applicable,
        escalations_value,
        escalations_baseline,
        escalations_reason,
        is_resolution_applicable,
        resolution_value,
        resolution_baseline,
        resolution_reason,
    from health_support
),

health_payment as (
    select
        account_id,
        is_applicable,
        value,
        baseline,
        reason,
    from health_payment
),

health_reply as (
    select
        account_id,
        is_applicable,
        value,
        baseline,
        reason,
    from health_reply
),

health_contacts as (
    select
        account_id,
        is_applicable,
        value,
        baseline,
        reason,
    from health_contacts
),

health_threading as (
    select
        account_id,
        is_applicable,
        value,
        baseline,
        reason,
    from health_threading
),

health_tone as (
    select
        account_id,
        is_applicable,
        value,
        baseline,
        reason,
    from health_tone
),

health_survey as (
    select
        account_id,
        is_applicable,
        value,
        baseline,
        reason,
    from health_survey
),

component as (
    select
        account_id,
        'usage' as component,
        'usage' as family,
        is_applicable,
        value,
        baseline,
        reason,
    from health_usage
    union all
    select
        account_id,
        'breadth' as component,
        'usage' as family,
        is_breadth_applicable as is_applicable,
        breadth_value as value,
        breadth_baseline as baseline,
        breadth_reason as reason,
    from health_adoption
    union all
    select
        account_id,
        'depth' as component,
        'usage' as family,
        is_depth_applicable as is_applicable,
        depth_value as value,
        depth_baseline as baseline,
        depth_reason as reason,
    from health_adoption
    union all
    select
        account_id,
        'onboarding' as component,
        'usage' as family,
        is_applicable,
        value,
        baseline,
        reason,
    from health_onboarding
    union all
    select
        account_id,
        'seats' as component,
        'commercial' as family,
        is_applicable,
        value,
        baseline,
        reason,
    from health_seats
    union all
    select
        account_id,
        'contract' as component,
        'commercial' as family,
        is_applicable,
        value,
        baseline,
        reason,
    from health_contract
    union all
    select
        account_id,
        'tickets' as component,
        'support' as family,
        tickets_value is not null as is_applicable,
        tickets_value as value,
        tickets_baseline as baseline,
        tickets_reason as reason,
    from health_support
    union all
    select
        account_id,
        'escalations' as component,
        'support' as family,
        is_escalations_applicable as is_applicable,
        escalations_value as value,
        escalations_baseline as baseline,
        escalations_reason as reason,
    from health_support
    union all
    select
        account_id,
        'resolution' as component,
        'support' as family,
        is_resolution_applicable as is_applicable,
        resolution_value as value,
        resolution_baseline as baseline,
        resolution_reason as reason,
    from health_support
    union all
    select
        account_id,
        'payment' as component,
        'billing' as family,
        is_applicable,
        value,
        baseline,
        reason,
    from health_payment
    union all
    select
        account_id,
        'reply' as component,
        'relationship' as family,
        is_applicable,
        value,
        baseline,
        reason,
    from health_reply
    union all
    select
        account_id,
        'contacts' as component,
        'relationship' as family,
        is_applicable,
        value,
        baseline,
        reason,
    from health_contacts
    union all
    select
        account_id,
        'threading' as component,
        'relationship' as family,
        is_applicable,
        value,
        baseline,
        reason,
    from health_threading
    union all
    select
        account_id,
        'tone' as component,
        'sentiment' as family,
        is_applicable,
        value,
        baseline,
        reason,
    from health_tone
    union all
    select
        account_id,
        'surveys' as component,
        'sentiment' as family,
        is_applicable,
        value,
        baseline,
        reason,
    from health_survey
),

judged_account as (
    select distinct account_id
    from component
    where is_applicable
)

select
    component.account_id,
    component.component,
    component.family,
    cast(component.value as decimal(18,4)) as value,
    cast(component.baseline as decimal(18,4)) as baseline,
    component.reason,
from component
left join judged_account
    on judged_account.account_id = component.account_id
where
    component.is_applicable
    or (judged_account.account_id is null and component.component = 'usage')
