/*---
title = "Contracts with two versions for the same day (D3)"
owner = "finance"
grain = ["check_code", "account_id", "contract_id", "contract_line_id", "product_id", "subject_id", "period_start_date"]

[columns]
check_code = { type = "text", doc = "The check" }
class = { type = "text", doc = "unverifiable" }
account_id = { type = "text", doc = "The account" }
contract_id = { type = "text", doc = "Canonical contract; empty where none" }
contract_line_id = { type = "text", doc = "Canonical contract line; empty where none" }
product_id = { type = "text", doc = "Canonical product; empty where none" }
subject_id = { type = "text", doc = "Empty" }
period_start_date = { type = "date", doc = "The day both versions take effect" }
period_end_date = { type = "date", doc = "First day after it" }
billable_date = { type = "date", doc = "Day from which it counts" }
gap_amount = { type = "decimal(18,4)", doc = "Nothing: it cannot be told" }
expected_amount = { type = "decimal(18,4)", doc = "Nothing" }
billed_amount = { type = "decimal(18,4)", doc = "Nothing" }
run_rate_12m = { type = "decimal(18,4)", doc = "Nothing" }
currency = { type = "text", doc = "Currency of the amounts" }
evidence = { type = "text", doc = "The rows it rests on" }
explanation = { type = "text", doc = "One sentence with the numbers in it" }

[checks]
not_null = ["check_code", "class", "account_id", "contract_id", "contract_line_id", "product_id", "subject_id", "period_start_date", "gap_amount", "run_rate_12m", "currency", "explanation"]

[decisions]
rule = "Two versions that take effect on one day cannot both hold; the higher one is read, and what it charges cannot be verified"
---*/
with contract_version as (
    select
        contract_id,
        version,
        account_id,
        valid_from_date,
        valid_to_date,
        currency
    from contract_version
    where is_overlapping
),

-- A version that gives way on the very day another overlapping one begins: that day is the one they share.
shared as (
    select
        contract_version.contract_id,
        contract_version.valid_to_date as effective_date,
        min(contract_version.version) as first_version,
        max(later.version) as last_version,
        max(later.account_id) as account_id,
        max(later.currency) as currency
    from contract_version
    inner join contract_version as later
        on contract_version.contract_id = later.contract_id
        and contract_version.valid_to_date = later.valid_from_date
        and contract_version.version < later.version
    group by
        contract_version.contract_id,
        contract_version.valid_to_date
)

select
    'D3' as check_code,
    'unverifiable' as class,
    account_id,
    contract_id,
    '' as contract_line_id,
    '' as product_id,
    '' as subject_id,
    effective_date as period_start_date,
    cast(effective_date + 1 as date) as period_end_date,
    effective_date as billable_date,
    cast(0 as decimal(18,4)) as gap_amount,
    cast(0 as decimal(18,4)) as expected_amount,
    cast(0 as decimal(18,4)) as billed_amount,
    cast(0 as decimal(18,4)) as run_rate_12m,
    currency,
    concat('contract ', contract_id, ' version ', cast(first_version as varchar), '; contract ', contract_id, ' version ', cast(last_version as varchar)) as evidence,
    concat(
        'Versions ', cast(first_version as varchar), ' and ', cast(last_version as varchar), ' of contract ', contract_id,
        ' both take effect on ', cast(effective_date as varchar), '; what is due from then on cannot be told.'
    ) as explanation
from shared
