/*---
title = "Opportunities"
owner = "cs"
grain = ["opportunity_id"]

[columns]
opportunity_id = { type = "text", doc = "The opportunity" }
account_id = { type = "text", doc = "The account" }
kind = { type = "text", doc = "new, renewal or expansion" }
stage = { type = "text", doc = "Sales stage" }
amount = { type = "decimal(18,4)", doc = "Amount of the deal, in its currency" }
currency = { type = "text", doc = "ISO 4217 currency of the amount" }
close_date = { type = "date", doc = "Expected or actual day of closing" }
is_closed = { type = "boolean", doc = "Won or lost" }
is_won = { type = "boolean", doc = "Won" }
owner_id = { type = "text", doc = "The person who owns the deal" }
discount_pct = { type = "decimal(9,4)", doc = "Discount given, percent points" }
forecast_category = { type = "text", doc = "Category in the sales forecast" }
stage_changed_at = { type = "timestamp", doc = "When the stage last changed" }
created_at = { type = "timestamp", doc = "When the record was created" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["opportunity_id", "account_id"]

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
        opportunity_id,
        account_id,
        kind,
        stage,
        amount,
        currency,
        close_date,
        is_closed,
        is_won,
        owner_id,
        discount_pct,
        forecast_category,
        stage_changed_at,
        created_at,
        source,
        source_id
    from provided.opportunity
    qualify row_number() over (partition by opportunity_id order by _landed desc) = 1
)

select
    newest.opportunity_id,
    coalesce(canonical_account.account_id, newest.account_id) as account_id,
    newest.kind,
    newest.stage,
    newest.amount,
    newest.currency,
    newest.close_date,
    newest.is_closed,
    newest.is_won,
    newest.owner_id,
    newest.discount_pct,
    newest.forecast_category,
    newest.stage_changed_at,
    newest.created_at,
    newest.source,
    newest.source_id
from newest
left join canonical_account
    on newest.account_id = canonical_account.external_id
    and (canonical_account.source = '' or canonical_account.source = newest.source)
