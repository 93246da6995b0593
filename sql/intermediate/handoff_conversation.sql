/*---
title = "Conversations in the last weeks before a deal was won"
owner = "cs"
grain = ["opportunity_id", "engagement_id"]

[columns]
opportunity_id = { type = "text", doc = "The deal" }
engagement_id = { type = "text", doc = "The call, meeting or e-mail" }
kind = { type = "text", doc = "call, meeting or email" }
occurred_at = { type = "timestamp", doc = "When it happened" }
occurred_date = { type = "date", doc = "The day of that" }
contact_id = { type = "text", doc = "The customer's person" }
sentences = { type = "integer", doc = "Recorded sentences; 0 where nothing of what was said is kept" }

[checks]
not_null = ["opportunity_id", "engagement_id", "kind", "occurred_at", "occurred_date", "sentences"]

[decisions]
window = "from the policy's days before the deal was won to that day, both included"
whose = "the engagement names the deal, or names no deal and is with the deal's account"
kinds = "notes are our own words about a talk and machines promise nothing: both are left out"
---*/
with handoff_deal as (
    select
        opportunity_id,
        account_id,
        close_date,
        evidence_from_date,
    from handoff_deal
),

engagement as (
    select
        engagement_id,
        account_id,
        opportunity_id,
        kind,
        occurred_at,
        cast(occurred_at as date) as occurred_date,
        contact_id,
    from engagement
    where
        occurred_at < cast($as_of_end as timestamp)
        and kind in ('call', 'meeting', 'email')
        and not coalesce(is_automated, false)
),

utterance as (
    select engagement_id
    from utterance
),

about_the_deal as (
    select
        handoff_deal.opportunity_id,
        engagement.engagement_id,
        engagement.kind,
        engagement.occurred_at,
        engagement.occurred_date,
        engagement.contact_id,
    from engagement
    inner join handoff_deal
        on handoff_deal.opportunity_id = engagement.opportunity_id
    where engagement.occurred_date between handoff_deal.evidence_from_date and handoff_deal.close_date
    union all
    select
        handoff_deal.opportunity_id,
        engagement.engagement_id,
        engagement.kind,
        engagement.occurred_at,
        engagement.occurred_date,
        engagement.contact_id,
    from engagement
    inner join handoff_deal
        on handoff_deal.account_id = engagement.account_id
    where
        engagement.opportunity_id is null
        and engagement.occurred_date between handoff_deal.evidence_from_date and handoff_deal.close_date
),

recorded as (
    select
        utterance.engagement_id,
        count(*) as sentences,
    from utterance
    inner join (select distinct engagement_id from about_the_deal) as wanted
        on wanted.engagement_id = utterance.engagement_id
    group by utterance.engagement_id
)

select
    about_the_deal.opportunity_id,
    about_the_deal.engagement_id,
    about_the_deal.kind,
    about_the_deal.occurred_at,
    about_the_deal.occurred_date,
    about_the_deal.contact_id,
    cast(coalesce(recorded.sentences, 0) as bigint) as sentences,
from about_the_deal
left join recorded
    on recorded.engagement_id = about_the_deal.engagement_id
