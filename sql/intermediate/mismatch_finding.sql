/*---
title = "Contracts whose terms differ between signed paper, CRM and biller (D1)"
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
period_start_date = { type = "date", doc = "Start of the contract" }
period_end_date = { type = "date", doc = "First day after it" }
billable_date = { type = "date", doc = "Day from which it counts" }
gap_amount = { type = "decimal(18,4)", doc = "Nothing: it is a cause, no amount" }
expected_amount = { type = "decimal(18,4)", doc = "Nothing" }
billed_amount = { type = "decimal(18,4)", doc = "Nothing" }
run_rate_12m = { type = "decimal(18,4)", doc = "Nothing" }
currency = { type = "text", doc = "Currency of the amounts" }
evidence = { type = "text", doc = "The rows it rests on" }
explanation = { type = "text", doc = "One sentence with the numbers in it" }

[checks]
not_null = ["check_code", "class", "account_id", "contract_id", "contract_line_id", "product_id", "subject_id", "period_start_date", "gap_amount", "run_rate_12m", "currency", "explanation"]

[decisions]
rule = "One row a contract, however many fields differ; term_mismatch names them"
money = "None: a difference of terms is a cause, its money stands in the findings it makes"
---*/
with term_difference as (
    select
        contract_id,
        field,
        account_id,
        signed_value,
        crm_value,
        billing_value
    from term_difference
),

contract_version as (
    select
        contract_id,
        first_start_date,
        currency
    from contract_version
    where is_current
),

filled as (
    select
        contract_id,
        account_id,
        field,
        coalesce(signed_value, 'unknown') as signed_value,
        coalesce(crm_value, 'unknown') as crm_value,
        coalesce(billing_value, 'unknown') as billing_value
    from term_difference
),

worded as (
    select
        contract_id,
        account_id,
        field,
        concat(field, ': signed ', signed_value, ', crm ', crm_value, ', billing ', billing_value) as text
    from filled
),

counted as (
    select
        contract_id,
        account_id,
        count(*) as fields,
        string_agg(text, '; ' order by field) as text
    from worded
    group by
        contract_id,
        account_id
)

select
    'D1' as check_code,
    'unverifiable' as class,
    counted.account_id,
    counted.contract_id,
    '' as contract_line_id,
    '' as product_id,
    '' as subject_id,
    contract_version.first_start_date as period_start_date,
    cast(null as date) as period_end_date,
    contract_version.first_start_date as billable_date,
    cast(0 as decimal(18,4)) as gap_amount,
    cast(0 as decimal(18,4)) as expected_amount,
    cast(0 as decimal(18,4)) as billed_amount,
    cast(0 as decimal(18,4)) as run_rate_12m,
    contract_version.currency,
    concat('contract ', counted.contract_id, '; term_difference') as evidence,
    concat('The sources of contract ', counted.contract_id, ' disagree in terms: ', cast(counted.fields as varchar), '. ', counted.text, '.') as explanation
from counted
inner join contract_version
    on counted.contract_id = contract_version.contract_id
