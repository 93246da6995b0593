/*---
title = "What was written in e-mails about deals, from Salesforce"
owner = "cs"

[decisions]
whole = "an e-mail is one utterance: sentences and quoted replies are told apart later, in one place for all systems"
side = "who sent the message: one that came in is the customer's"
deals_only = "the stream asks for the text of e-mails about opportunities alone: nothing else reads it"
---*/
with email_text as (
    select
        id,
        is_incoming,
        text
    from landed.email_text
)

select
    id as engagement_id,
    cast(1 as bigint) as sequence,
    case when is_incoming then 'customer' else 'ours' end as side,
    text,
    id as source_id
from email_text
where
    is_incoming is not null
    and trim(text) <> ''
