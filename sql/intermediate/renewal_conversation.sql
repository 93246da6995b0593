/*---
title = "What was said about renewals that are open"
owner = "cs"
grain = ["contract_id"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
contract_id = { type = "text", doc = "Canonical contract" }
last_touch_date = { type = "date", doc = "Last call or meeting with the customer since the renewal opened, about whatever; null without one" }
held_date = { type = "date", doc = "Last renewal conversation since the renewal opened; null where none was held" }
held_by_id = { type = "text", doc = "Our person in it; null where the source names none" }
contact_id = { type = "text", doc = "The customer's person in it; null where the source names none" }
conversations = { type = "integer", doc = "Renewal conversations since the renewal opened" }
has_going_answer = { type = "boolean", doc = "The customer was asked how it is going, and answered; null where no sentences are known" }
has_growth_answer = { type = "boolean", doc = "The customer was asked where more use could come from, and answered; null where no sentences are known" }
has_obstacle_answer = { type = "boolean", doc = "The customer was asked what would prevent renewal, and answered; null where no sentences are known" }

[checks]
not_null = ["contract_id", "conversations"]
expect.held = "(held_date is null) = (conversations = 0)"

[decisions]
conversation = "A two-way call or meeting in the window whose deal is a renewal, whose subject says so, or in which one of the three questions was asked; one of which neither deal nor subject nor sentences are known counts too, because its source tells no more"
answered = "The customer says something after our question, in the same conversation; the answers of all conversations of the window count together"
questions = "Our sentences with a question mark and one of the phrases of each question; other wordings are not seen, and the question then stands as open"
---*/
with renewal_event as (
    select
        contract_id,
        account_id,
        opens_date,
    from renewal_event
),

bilateral_touch as (
    select
        engagement_id,
        account_id,
        contact_id,
        person_id,
        touched_on,
    from bilateral_touch
    where kind in ('call', 'meeting')
),

engagement as (
    select
        engagement_id,
        opportunity_id,
        subject,
    from engagement
),

opportunity as (
    select
        opportunity_id,
        kind,
    from opportunity
),

utterance as (
    select
        engagement_id,
        sequence,
        side,
        text,
    from utterance
),

touched as (
    select
        renewal_event.contract_id,
        bilateral_touch.engagement_id,
        bilateral_touch.contact_id,
        bilateral_touch.person_id,
        bilateral_touch.touched_on,
    from renewal_event
    inner join bilateral_touch
        on bilateral_touch.account_id = renewal_event.account_id
        and bilateral_touch.touched_on >= renewal_event.opens_date
),

talk as (
    select distinct engagement_id
    from touched
),

spoken as (
    select
        utterance.engagement_id,
        utterance.sequence,
        utterance.side,
        utterance.side = 'ours' and utterance.text like '%?%' as is_question,
        lower(utterance.text) as words,
    from talk
    inner join utterance
        on utterance.engagement_id = talk.engagement_id
),

asked as (
    select
        engagement_id,
        max(case when side = 'customer' then sequence end) as last_answer,
        min(
            case
                when is_question
                    and (
                        words like '%how is it going%'
                        or words like '%how''s it going%'
                        or words like '%how are things%'
                        or words like '%how has it%'
                        or words like '%how have things%'
                        or words like '%how satisfied%'
                        or words like '%how happy%'
                        or words like '%how well%'
                        or words like '%from your side%'
                    ) then sequence
            end
        ) as going_sequence,
        min(
            case
                when is_question
                    and (
                        words like '%which teams%'
                        or words like '%other teams%'
                        or words like '%more teams%'
                        or words like '%who else%'
                        or words like '%what else%'
                        or words like '%more seats%'
                        or words like '%expand%'
                        or words like '%expansion%'
                        or words like '%grow%'
                    ) then sequence
            end
        ) as growth_sequence,
        min(
            case
                when is_question
                    and (
                        words like '%keep you from%'
                        or words like '%stop you from%'
                        or words like '%prevent%'
                        or words like '%not renew%'
                        or words like '%in the way of%'
                        or words like '%against renewing%'
                        or words like '%concerns about%renew%'
                    ) then sequence
            end
        ) as obstacle_sequence,
    from spoken
    group by engagement_id
),

judged as (
    select
        touched.contract_id,
        touched.engagement_id,
        touched.contact_id,
        touched.person_id,
        touched.touched_on,
        coalesce(opportunity.kind = 'renewal', false)
        or coalesce(lower(engagement.subject) like '%renew%', false)
        or coalesce(asked.going_sequence, asked.growth_sequence, asked.obstacle_sequence) is not null
        or (opportunity.opportunity_id is null and engagement.subject is null and asked.engagement_id is null) as is_conversation,
        asked.engagement_id is not null as is_recorded,
        coalesce(asked.last_answer > asked.going_sequence, false) as has_going_answer,
        coalesce(asked.last_answer > asked.growth_sequence, false) as has_growth_answer,
        coalesce(asked.last_answer > asked.obstacle_sequence, false) as has_obstacle_answer,
    from touched
    inner join engagement
        on engagement.engagement_id = touched.engagement_id
    left join opportunity
        on opportunity.opportunity_id = engagement.opportunity_id
    left join asked
        on asked.engagement_id = touched.engagement_id
),

summed as (
    select
        contract_id,
        max(touched_on) as last_touch_date,
        max(case when is_conversation then touched_on end) as held_date,
        count(*) filter (where is_conversation) as conversations,
        max(case when is_conversation and is_recorded then case when has_going_answer then 1 else 0 end end) as going,
        max(case when is_conversation and is_recorded then case when has_growth_answer then 1 else 0 end end) as growth,
        max(case when is_conversation and is_recorded then case when has_obstacle_answer then 1 else 0 end end) as obstacle,
    from judged
    group by contract_id
),

latest as (
    select
        contract_id,
        person_id,
        contact_id,
    from judged
    where is_conversation
    qualify row_number() over (partition by contract_id order by touched_on desc, engagement_id desc) = 1
)

select
    renewal_event.contract_id,
    summed.last_touch_date,
    summed.held_date,
    latest.person_id as held_by_id,
    latest.contact_id,
    cast(coalesce(summed.conversations, 0) as bigint) as conversations,
    summed.going = 1 as has_going_answer,
    summed.growth = 1 as has_growth_answer,
    summed.obstacle = 1 as has_obstacle_answer,
from renewal_event
left join summed
    on summed.contract_id = renewal_event.contract_id
left join latest
    on latest.contract_id = renewal_event.contract_id
