/*---
title = "The champion a handoff names, against the contacts and the conversations"
owner = "cs"
grain = ["opportunity_id"]

[columns]
opportunity_id = { type = "text", doc = "The deal" }
contact_id = { type = "text", doc = "The champion named; one found where the form names none" }
form_says = { type = "text", doc = "stated or silent" }
verdict = { type = "text", doc = "confirmed, contradicted, omitted, unsupported or no_evidence" }
conversations_with = { type = "integer", doc = "Conversations of the last weeks in which that contact took part" }
reason = { type = "text", doc = "What the verdict rests on, in words" }

[checks]
not_null = ["opportunity_id", "form_says", "verdict", "conversations_with", "reason"]

[decisions]
contradicted = "somebody of another account, or who had left before the handoff was submitted, is not this customer's champion"
confirmed = "known as the champion, or took part in a conversation of the last weeks"
omitted = "no champion is named, yet a contact with that role took part in the conversations"
silent_alone = "no champion named and none known is a matter of completeness, not of truth: no row"
---*/
with handoff_deal as (
    select
        opportunity_id,
        account_id,
        close_date,
        coalesce(submitted_date, close_date) as submitted_date,
        champion_contact_id,
    from handoff_deal
    where handoff_id is not null
),

contact as (
    select
        contact_id,
        account_id,
        role,
        departed_date,
    from contact
    where coalesce(created_at < cast($as_of_end as timestamp), true)
),

handoff_conversation as (
    select
        opportunity_id,
        contact_id,
        count(*) as conversations,
    from handoff_conversation
    where contact_id is not null
    group by
        opportunity_id,
        contact_id
),

conversed as (
    select
        opportunity_id,
        sum(conversations) as conversations,
    from handoff_conversation
    group by opportunity_id
),

named as (
    select
        handoff_deal.opportunity_id,
        handoff_deal.champion_contact_id as contact_id,
        contact.contact_id is not null as is_known,
        coalesce(contact.account_id <> handoff_deal.account_id, false) as is_elsewhere,
        coalesce(contact.departed_date <= handoff_deal.submitted_date, false) as has_left,
        contact.departed_date,
        coalesce(contact.role = 'champion', false) as is_champion,
        coalesce(handoff_conversation.conversations, 0) as conversations_with,
        coalesce(conversed.conversations, 0) as conversations,
    from handoff_deal
    left join contact
        on contact.contact_id = handoff_deal.champion_contact_id
    left join handoff_conversation
        on handoff_conversation.opportunity_id = handoff_deal.opportunity_id
        and handoff_conversation.contact_id = handoff_deal.champion_contact_id
    left join conversed
        on conversed.opportunity_id = handoff_deal.opportunity_id
    where handoff_deal.champion_contact_id is not null
),

unnamed as (
    select
        handoff_deal.opportunity_id,
        contact.contact_id,
        handoff_conversation.conversations as conversations_with,
    from handoff_deal
    inner join contact
        on contact.account_id = handoff_deal.account_id
    inner join handoff_conversation
        on handoff_conversation.opportunity_id = handoff_deal.opportunity_id
        and handoff_conversation.contact_id = contact.contact_id
    where
        handoff_deal.champion_contact_id is null
        and contact.role = 'champion'
        and coalesce(contact.departed_date > handoff_deal.submitted_date, true)
    qualify row_number() over (
        partition by handoff_deal.opportunity_id
        order by handoff_conversation.conversations desc, contact.contact_id
    ) = 1
)

select
    opportunity_id,
    contact_id,
    'stated' as form_says,
    case
        when is_elsewhere or has_left then 'contradicted'
        when is_champion or conversations_with > 0 then 'confirmed'
        when is_known or conversations > 0 then 'unsupported'
        else 'no_evidence'
    end as verdict,
    cast(conversations_with as bigint) as conversations_with,
    case
        when is_elsewhere then concat('contact ', contact_id, ' belongs to another account')
        when has_left then concat('contact ', contact_id, ' left on ', cast(departed_date as varchar))
        when conversations_with > 0
            then concat(
                'contact ', contact_id, ' took part in ', cast(conversations_with as varchar), ' of the last conversations'
            )
        when is_champion then concat('contact ', contact_id, ' is recorded as the champion')
        when is_known then concat('contact ', contact_id, ' is not recorded as a champion and took part in none of the last conversations')
        when conversations > 0 then concat('contact ', contact_id, ' is not known and took part in none of the last conversations')
        else concat('neither contact ', contact_id, ' nor any conversation with a named contact is known')
    end as reason,
from named
union all
select
    opportunity_id,
    contact_id,
    'silent' as form_says,
    'omitted' as verdict,
    cast(conversations_with as bigint) as conversations_with,
    concat(
        'contact ', contact_id, ' is recorded as the champion and took part in ', cast(conversations_with as varchar),
        ' of the last conversations'
    ) as reason,
from unnamed
