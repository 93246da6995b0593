/*---
title = "Outages of ours"
owner = "cs"
grain = ["outage_id"]

[columns]
outage_id = { type = "text", doc = "The outage" }
start_at = { type = "timestamp", doc = "When it began" }
end_at = { type = "timestamp", doc = "When it ended" }
scope = { type = "text", doc = "all, or what was affected" }
account_id = { type = "text", doc = "The account affected; everybody where null" }
published_at = { type = "timestamp", doc = "When it was made known" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["outage_id", "start_at", "end_at"]

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
        outage_id,
        start_at,
        end_at,
        scope,
        account_id,
        published_at,
        source,
        source_id
    from provided.outage
    qualify row_number() over (partition by outage_id order by _landed desc) = 1
)

select
    newest.outage_id,
    newest.start_at,
    newest.end_at,
    newest.scope,
    coalesce(canonical_account.account_id, newest.account_id) as account_id,
    newest.published_at,
    newest.source,
    newest.source_id
from newest
left join canonical_account
    on newest.account_id = canonical_account.external_id
    and (canonical_account.source = '' or canonical_account.source = newest.source)
