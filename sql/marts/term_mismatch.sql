/*---
title = "Where signed terms, CRM and biller disagree"
owner = "finance"
grain = ["contract_id", "field", "as_of_date"]
partition_by = ["as_of_date"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
contract_id = { type = "text", doc = "Canonical contract" }
field = { type = "text", doc = "start_date, end_date, term_type, currency, auto_renew, billing_frequency, notice_days, discount; of a line: quantity, unit_price or discount with the line's id" }
contract_line_id = { type = "text", doc = "Contract line of a line's term; empty for the contract's own" }
account_id = { type = "text", doc = "The account" }
account_name = { type = "text", doc = "The account's name" }
owner_id = { type = "text", doc = "The person to act; null where nobody is named" }
owner_role = { type = "text", doc = "In which role the account names that person" }
signed_value = { type = "text", doc = "What was signed; null where unknown" }
crm_value = { type = "text", doc = "What the CRM says; null where unknown" }
billing_value = { type = "text", doc = "What the biller is set to; null where unknown" }
disagreeing_sources = { type = "text", doc = "Sources that differ from the highest-ranked one that says anything" }
as_of_date = { type = "date", doc = "Day the run looks at" }

[checks]
not_null = ["contract_id", "field", "account_id", "disagreeing_sources"]

---*/
with term_difference as (
    select
        contract_id,
        field,
        contract_line_id,
        account_id,
        signed_value,
        crm_value,
        billing_value,
        disagreeing_sources
    from term_difference
),

account as (
    select
        account_id,
        name
    from account
),

account_owner as (
    select
        account_id,
        owner_id,
        owner_role
    from account_owner
)

select
    term_difference.contract_id,
    term_difference.field,
    term_difference.contract_line_id,
    term_difference.account_id,
    account.name as account_name,
    account_owner.owner_id,
    account_owner.owner_role,
    term_difference.signed_value,
    term_difference.crm_value,
    term_difference.billing_value,
    term_difference.disagreeing_sources,
    cast($as_of as date) as as_of_date
from term_difference
left join account
    on term_difference.account_id = account.account_id
left join account_owner
    on term_difference.account_id = account_owner.account_id
