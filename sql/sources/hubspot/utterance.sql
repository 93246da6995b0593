/*---
title = "What was written in e-mails about deals, from HubSpot"
owner = "cs"

[decisions]
whole = "an e-mail is one utterance: sentences and quoted replies are told apart later, in one place for all systems"
side = "an e-mail that came in is the customer's, one that we sent ours; of a forwarded one nobody knows whose words they are, so it is left out"
---*/
with email_text as (
    select
        id,
        upper(direction) as direction,
        text
    from landed.email_text
)

select
    id as engagement_id,
    cast(1 as bigint) as sequence,
    case direction when 'INCOMING_EMAIL' then 'customer' else 'ours' end as side,
    text,
    id as source_id
from email_text
where
    direction in ('INCOMING_EMAIL', 'EMAIL')
    and trim(text) <> ''
