/*---
title = "Approved deviations"
owner = "finance"
grain = ["exception_id"]

[columns]
exception_id = { type = "text", doc = "The exception" }
account_id = { type = "text", doc = "The account it covers; every account where null" }
contract_id = { type = "text", doc = "The contract it covers; every contract where null" }
contract_line_id = { type = "text", doc = "The line it covers; every line where null" }
check_code = { type = "text", doc = "The check it covers; every check where null" }
start_date = { type = "date", doc = "First day covered" }
end_date = { type = "date", doc = "First day not covered; open where null" }
approved_by = { type = "text", doc = "Who approved" }
approved_at = { type = "timestamp", doc = "When" }
reason = { type = "text", doc = "Why" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["exception_id", "start_date", "approved_by", "approved_at", "reason"]

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
        exception_id,
        account_id,
        contract_id,
        contract_line_id,
        check_code,
        start_date,
        end_date,
        approved_by,
        approved_at,
        reason,
        source,
        source_id
    from provided.billing_exception
    qualify row_number() over (partition by exception_id order by _landed desc) = 1
)

select
    newest.exception_id,
    coalesce(canonical_account.account_id, newest.account_id) as account_id,
    newest.contract_id,
    newest.contract_line_id,
    newest.check_code,
    newest.start_date,
    newest.end_date,
    newest.approved_by,
    newest.approved_at,
    newest.reason,
    newest.source,
    newest.source_id
from newest
left join canonical_account
    on newest.account_id = canonical_account.external_id
    and (canonical_account.source = '' or canonical_account.source = newest.source)
