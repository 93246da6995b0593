/*---
title = "Customers, organisations and groups as other systems know them"
owner = "data"
grain = ["source", "system", "external_id"]

[columns]
system = { type = "text", doc = "The system that knows it, e.g. stripe; the source's name where it does not say" }
external_id = { type = "text", doc = "Its id there: what the system's invoices, tickets and events carry as account_id" }
account_id = { type = "text", doc = "The account's id, where the system itself carries it, e.g. in a metadata field; null where it does not" }
name = { type = "text", doc = "Its name there" }
domain = { type = "text", doc = "Its web addresses, domains or e-mail addresses, joined by semicolons" }
parent_external_id = { type = "text", doc = "The one above it in that system" }
is_test = { type = "boolean", doc = "A test or sandbox one, which nobody needs to tie to an account" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["system", "external_id"]

[decisions]
newest_wins = "Where a key was landed more than once, the row landed last holds"
whose_id = "account_id is what the system says, right or wrong; account_xref decides"
---*/
select
    coalesce(system, source) as system,
    external_id,
    nullif(trim(account_id), '') as account_id,
    name,
    domain,
    parent_external_id,
    is_test,
    source,
    source_id
from provided.external_account
qualify row_number() over (partition by source, coalesce(system, source), external_id order by _landed desc) = 1
