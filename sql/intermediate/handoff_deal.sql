/*---
title = "Deals to hand over: what was won, by whom, and the handoff form as far as there is one"
owner = "cs"
grain = ["opportunity_id"]

[columns]
opportunity_id = { type = "text", doc = "The deal" }
account_id = { type = "text", doc = "The account" }
account_name = { type = "text", doc = "The account's name; null where the account is not known" }
close_date = { type = "date", doc = "Day the deal was won" }
quarter = { type = "text", doc = "Calendar quarter of that day, such as 2026-Q3" }
rep_id = { type = "text", doc = "Who hands over: who submitted the form, else who owns the deal" }
manager_id = { type = "text", doc = "That person's manager; null where nobody is named" }
team_id = { type = "text", doc = "The manager's team; the person alone where there is no manager" }
team_rank = { type = "integer", doc = "1 for the team's deal won last, 2 for the one before" }
crm_discount_pct = { type = "decimal(9,4)", doc = "Discount in the CRM, percent points; null where it states none" }
evidence_from_date = { type = "date", doc = "First day of the last weeks of the sales cycle, in which evidence is looked for" }
due_date = { type = "date", doc = "Last day on which a handoff is in time" }
handoff_id = { type = "text", doc = "The handoff; null where none has been submitted" }
submitted_at = { type = "timestamp", doc = "When it was submitted" }
submitted_date = { type = "date", doc = "The day of that" }
accepted_at = { type = "timestamp", doc = "When customer success accepted it; null where not yet" }
rejected_reason = { type = "text", doc = "Why it was sent back" }
pricing_concessions = { type = "text", doc = "As the form says" }
has_custom_pricing = { type = "boolean", doc = "As the form says" }
discount_pct = { type = "decimal(9,4)", doc = "As the form says, percent points" }
discount_end_date = { type = "date", doc = "As the form says" }
technical_commitments = { type = "text", doc = "As the form says" }
risk_flags = { type = "text", doc = "As the form says" }
champion_contact_id = { type = "text", doc = "As the form says" }
champion_notes = { type = "text", doc = "As the form says" }
goals = { type = "text", doc = "As the form says" }

[checks]
not_null = ["opportunity_id", "account_id", "close_date", "quarter", "due_date"]

[decisions]
population = "won deals of the kinds the policy lists, and every deal with a handoff; a deal whose kind nobody states is taken for a new one; internal accounts are left out"
unknown_deal = "a handoff of a deal that no source provides counts as won on the day it was submitted"
last_handoff = "of several handoffs of a deal the one submitted last by as_of holds: one sent back is replaced by the next"
team = "a team is everybody with the same manager; who has none is a team of one"
---*/
with opportunity as (
    select
        opportunity_id,
        account_id,
        coalesce(kind, 'new') as kind,
        coalesce(close_date, cast(stage_changed_at as date)) as close_date,
        owner_id,
        discount_pct,
    from opportunity
    where coalesce(is_won, lower(stage) like '%won%', false)
),

handoff as (
    select *
    from handoff
    where coalesce(submitted_at < cast($as_of_end as timestamp), true)
    qualify row_number() over (partition by opportunity_id order by submitted_at desc nulls last, handoff_id desc) = 1
),

account as (
    select
        account_id,
        name,
        sales_owner_id,
        coalesce(is_internal, false) as is_internal,
    from account
),

person as (
    select
        person_id,
        manager_id,
    from person
),

every_opportunity as (
    select distinct opportunity_id
    from opportunity
),

-- A deal in the CRM, or one that only its handoff speaks of. A deal not won has no handoff to make.
deal as (
    select
        opportunity.opportunity_id,
        opportunity.account_id,
        coalesce(opportunity.close_date, cast(handoff.submitted_at as date)) as close_date,
        coalesce(handoff.submitted_by, opportunity.owner_id) as rep_id,
        opportunity.discount_pct as crm_discount_pct,
    from opportunity
    left join handoff
        on handoff.opportunity_id = opportunity.opportunity_id
    where
        handoff.handoff_id is not null
        or strpos(concat(',', cast($handoff_deal_kinds as varchar), ','), concat(',', opportunity.kind, ',')) > 0
    union all
    select
        handoff.opportunity_id,
        handoff.account_id,
        cast(handoff.submitted_at as date) as close_date,
        handoff.submitted_by as rep_id,
        cast(null as decimal(9,4)) as crm_discount_pct,
    from handoff
    left join every_opportunity
        on every_opportunity.opportunity_id = handoff.opportunity_id
    where
        every_opportunity.opportunity_id is null
        and handoff.account_id is not null
),

owned as (
    select
        deal.opportunity_id,
        deal.account_id,
        account.name as account_name,
        deal.close_date,
        coalesce(deal.rep_id, account.sales_owner_id) as rep_id,
        deal.crm_discount_pct,
    from deal
    left join account
        on account.account_id = deal.account_id
    where
        deal.close_date <= cast($as_of as date)
        and not coalesce(account.is_internal, false)
)

select
    owned.opportunity_id,
    owned.account_id,
    owned.account_name,
    owned.close_date,
    concat(
        cast(cast(date_part('year', owned.close_date) as bigint) as varchar),
        '-Q',
        cast(cast(date_part('quarter', owned.close_date) as bigint) as varchar)
    ) as quarter,
    owned.rep_id,
    person.manager_id,
    coalesce(person.manager_id, owned.rep_id) as team_id,
    cast(row_number() over (
        partition by coalesce(person.manager_id, owned.rep_id)
        order by owned.close_date desc, owned.opportunity_id
    ) as bigint) as team_rank,
    owned.crm_discount_pct,
    cast(owned.close_date - cast(cast($handoff_evidence_days as bigint) as integer) as date) as evidence_from_date,
    cast(owned.close_date + cast(cast($handoff_sla_days as bigint) as integer) as date) as due_date,
    handoff.handoff_id,
    handoff.submitted_at,
    cast(handoff.submitted_at as date) as submitted_date,
    case when handoff.accepted_at < cast($as_of_end as timestamp) then handoff.accepted_at end as accepted_at,
    handoff.rejected_reason,
    handoff.pricing_concessions,
    handoff.has_custom_pricing,
    handoff.discount_pct,
    handoff.discount_end_date,
    handoff.technical_commitments,
    handoff.risk_flags,
    handoff.champion_contact_id,
    handoff.champion_notes,
    handoff.goals,
from owned
left join handoff
    on handoff.opportunity_id = owned.opportunity_id
left join person
    on person.person_id = owned.rep_id
