/*---
title = "Calls, e-mails, meetings and notes"
owner = "cs"
grain = ["engagement_id"]

[columns]
engagement_id = { type = "text", doc = "The engagement" }
account_id = { type = "text", doc = "The account" }
opportunity_id = { type = "text", doc = "The deal it was about" }
kind = { type = "text", doc = "call, email, meeting or note" }
direction = { type = "text", doc = "inbound (from the customer) or outbound" }
occurred_at = { type = "timestamp", doc = "When it happened" }
contact_id = { type = "text", doc = "The customer's person" }
person_id = { type = "text", doc = "Our person" }
thread_id = { type = "text", doc = "The conversation it belongs to" }
replied_to_id = { type = "text", doc = "The engagement it answers" }
subject = { type = "text", doc = "Subject line" }
sentiment = { type = "decimal(9,4)", doc = "Sentiment from -1 to 1, where the source gives one" }
is_automated = { type = "boolean", doc = "Sent by a machine" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["engagement_id", "occurred_at"]

[decisions]
newest_wins = "Where a key was landed more than once, the row landed last holds"
whose = "The account is the canonical one, whatever id the source knows it by"
---*/
with canonical_account as (
    select
        external_id,
        source,
        account_id
    from canonical_account
),

newest as (
    select
        engagement_id,
        account_id,
        opportunity_id,
        kind,
        direction,
        occurred_at,
        contact_id,
        person_id,
        thread_id,
        replied_to_id,
        subject,
        sentiment,
        is_automated,
        source,
        source_id
    from provided.engagement
    qualify row_number() over (partition by engagement_id order by _landed desc) = 1
)

select
    newest.engagement_id,
    coalesce(canonical_account.account_id, newest.account_id) as account_id,
    newest.opportunity_id,
    newest.kind,
    newest.direction,
    newest.occurred_at,
    newest.contact_id,
    newest.person_id,
    newest.thread_id,
    newest.replied_to_id,
    newest.subject,
    newest.sentiment,
    newest.is_automated,
    newest.source,
    newest.source_id
from newest
left join canonical_account
    on newest.account_id = canonical_account.external_id
    and (canonical_account.source = '' or canonical_account.source = newest.source)
