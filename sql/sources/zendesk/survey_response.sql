/*---
title = "Answers to Zendesk's question after a ticket"
owner = "cs"

[decisions]
scale = "Good is 5 and bad is 1 on the scale of 1 to 5; offers that nobody answered are no responses"
when = "When the answer last changed: a customer may take it back or improve it"
---*/
with rating as (
    select
        id,
        ticket_id,
        requester_id,
        score,
        updated_at,
    from landed.satisfaction_rating
    where score in ('good', 'good_with_comment', 'bad', 'bad_with_comment')
),

ticket as (
    select
        id,
        organization_id,
    from landed.ticket
),

requester as (
    select
        id,
        email_domain,
        organization_id,
    from landed.user
)

select
    'zendesk:' || rating.id as response_id,
    coalesce(
        ticket.organization_id,
        requester.organization_id,
        requester.email_domain,
        'user:' || rating.requester_id
    ) as account_id,
    'zendesk:' || rating.requester_id as contact_id,
    'csat' as kind,
    case when rating.score in ('good', 'good_with_comment') then cast(5 as decimal(9,4)) else cast(1 as decimal(9,4)) end as score,
    rating.updated_at as responded_at,
    rating.id as source_id,
from rating
left join ticket
    on ticket.id = rating.ticket_id
left join requester
    on requester.id = rating.requester_id
