/*---
title = "Terms on which signed, CRM and biller disagree"
owner = "finance"
grain = ["contract_id", "field"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
contract_id = { type = "text", doc = "Canonical contract" }
field = { type = "text", doc = "The term; of a line with the line's id" }
contract_line_id = { type = "text", doc = "Contract line of a line's term; empty for the contract's own" }
account_id = { type = "text", doc = "The account" }
signed_value = { type = "text", doc = "What was signed; null where unknown" }
crm_value = { type = "text", doc = "What the CRM says; null where unknown" }
billing_value = { type = "text", doc = "What the biller is set to; null where unknown" }
disagreeing_sources = { type = "text", doc = "Sources that differ from the highest-ranked one that says anything" }

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
    side_by_side.signed_value,
    side_by_side.crm_value,
    side_by_side.billing_value,
    concat_ws(
        '; ',
        case when side_by_side.crm_comparable <> side_by_side.signed_comparable then 'crm' end,
        case when side_by_side.billing_comparable <> coalesce(side_by_side.signed_comparable, side_by_side.crm_comparable) then 'billing' end
    ) as disagreeing_sources
from side_by_side
inner join contract_version
    on side_by_side.contract_id = contract_version.contract_id
