/*---
title = "Survey responses"
owner = "cs"
grain = ["response_id"]

[columns]
response_id = { type = "text", doc = "The response" }
account_id = { type = "text", doc = "The account" }
contact_id = { type = "text", doc = "Who answered" }
kind = { type = "text", doc = "nps, csat or ces" }
score = { type = "decimal(9,4)", doc = "The score on the survey's own scale" }
responded_at = { type = "timestamp", doc = "When" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["response_id", "account_id", "score", "responded_at"]

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
        response_id,
        account_id,
        contact_id,
        kind,
        score,
        responded_at,
        source,
        source_id
    from provided.survey_response
    qualify row_number() over (partition by response_id order by _landed desc) = 1
)

select
    newest.response_id,
    coalesce(canonical_account.account_id, newest.account_id) as account_id,
    newest.contact_id,
    newest.kind,
    newest.score,
    newest.responded_at,
    newest.source,
    newest.source_id
from newest
left join canonical_account
    on newest.account_id = canonical_account.external_id
    and (canonical_account.source = '' or canonical_account.source = newest.source)
