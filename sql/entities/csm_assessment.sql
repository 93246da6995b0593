/*---
title = "Assessments by customer success managers"
owner = "cs"
grain = ["assessment_id"]

[columns]
assessment_id = { type = "text", doc = "The assessment" }
account_id = { type = "text", doc = "The account" }
person_id = { type = "text", doc = "Who judged" }
rating = { type = "text", doc = "green, yellow or red" }
assessed_at = { type = "timestamp", doc = "When" }
reason = { type = "text", doc = "Why, in words" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["assessment_id", "account_id", "rating", "assessed_at"]

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
        assessment_id,
        account_id,
        person_id,
        rating,
        assessed_at,
        reason,
        source,
        source_id
    from provided.csm_assessment
    qualify row_number() over (partition by assessment_id order by _landed desc) = 1
)

select
    newest.assessment_id,
    coalesce(canonical_account.account_id, newest.account_id) as account_id,
    newest.person_id,
    newest.rating,
    newest.assessed_at,
    newest.reason,
    newest.source,
    newest.source_id
from newest
left join canonical_account
    on newest.account_id = canonical_account.external_id
    and (canonical_account.source = '' or canonical_account.source = newest.source)
