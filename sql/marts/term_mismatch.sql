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

[decisions]
unknown = "A source that says nothing disagrees with nobody"
rank = "Measured against signed, else the CRM: what the expected amounts rest on"
---*/
with source_term as (
    select
        contract_id,
        term_source,
        field,
        contract_line_id,
        value,
        comparable
    from source_term
),

contract_version as (
    select
        contract_id,
        account_id
    from contract_version
    where is_current
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
),

side_by_side as (
    select
        contract_id,
        field,
        contract_line_id,
        max(case when term_source = 'signed' then value end) as signed_value,
        max(case when term_source = 'crm' then value end) as crm_value,
        max(case when term_source = 'billing' then value end) as billing_value,
        max(case when term_source = 'signed' then comparable end) as signed_comparable,
        max(case when term_source = 'crm' then comparable end) as crm_comparable,
        max(case when term_source = 'billing' then comparable end) as billing_comparable
    from source_term
    group by
        contract_id,
        field,
        contract_line_id
    having min(comparable) <> max(comparable)
)

select
    side_by_side.contract_id,
    side_by_side.field,
    side_by_side.contract_line_id,
    contract_version.account_id,
    account.name as account_name,
    account_owner.owner_id,
    account_owner.owner_role,
    side_by_side.signed_value,
    side_by_side.crm_value,
    side_by_side.billing_value,
    concat_ws(
        '; ',
        case when side_by_side.crm_comparable <> side_by_side.signed_comparable then 'crm' end,
        case when side_by_side.billing_comparable <> coalesce(side_by_side.signed_comparable, side_by_side.crm_comparable) then 'billing' end
    ) as disagreeing_sources,
    cast($as_of as date) as as_of_date
from side_by_side
inner join contract_version
    on side_by_side.contract_id = contract_version.contract_id
left join account
    on contract_version.account_id = account.account_id
left join account_owner
    on contract_version.account_id = account_owner.account_id
