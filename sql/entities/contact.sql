/*---
title = "Contacts"
owner = "cs"
grain = ["contact_id"]

[columns]
contact_id = { type = "text", doc = "The contact" }
account_id = { type = "text", doc = "The account the contact works for" }
name = { type = "text", doc = "The contact's name" }
email_domain = { type = "text", doc = "Domain of the e-mail address" }
email_hash = { type = "text", doc = "Hash of the e-mail address, so that people can be matched without keeping it" }
title = { type = "text", doc = "Job title" }
role = { type = "text", doc = "champion, economic_buyer, admin, user or other" }
is_primary = { type = "boolean", doc = "The account's first contact" }
is_active = { type = "boolean", doc = "Still works there, as far as we know" }
departed_date = { type = "date", doc = "Day the contact left" }
created_at = { type = "timestamp", doc = "When the record was created" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["contact_id", "account_id"]

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
        contact_id,
        account_id,
        name,
        email_domain,
        email_hash,
        title,
        role,
        is_primary,
        is_active,
        departed_date,
        created_at,
        source,
        source_id
    from provided.contact
    qualify row_number() over (partition by contact_id order by _landed desc) = 1
)

select
    newest.contact_id,
    coalesce(canonical_account.account_id, newest.account_id) as account_id,
    newest.name,
    newest.email_domain,
    newest.email_hash,
    newest.title,
    newest.role,
    newest.is_primary,
    newest.is_active,
    newest.departed_date,
    newest.created_at,
    newest.source,
    newest.source_id
from newest
left join canonical_account
    on newest.account_id = canonical_account.external_id
    and (canonical_account.source = '' or canonical_account.source = newest.source)
