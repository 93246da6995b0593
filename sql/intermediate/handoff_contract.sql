/*---
title = "The contract a deal led to"
owner = "cs"
grain = ["opportunity_id"]

[columns]
opportunity_id = { type = "text", doc = "The deal" }
contract_id = { type = "text", doc = "Canonical contract" }
term_source = { type = "text", doc = "signed or crm: who says so" }
version = { type = "integer", doc = "The contract's first version" }
start_date = { type = "date", doc = "First day of that version's term" }

[checks]
not_null = ["opportunity_id", "contract_id", "term_source", "version", "start_date"]

[decisions]
which = "the account's contract signed (else started) from 30 days before to 60 days after the deal was won, nearest to that day; deals and contracts name each other in no source"
source = "what was signed, else what the CRM says; what the biller was set to says nothing of what was agreed"
---*/
with handoff_deal as (
    select
        opportunity_id,
        account_id,
        close_date,
    from handoff_deal
),

canonical_id as (
    select
        external_id,
        canonical_id,
    from canonical_id
    where kind = 'contract'
),

contract as (
    select
        contract_id,
        account_id,
        term_source,
        version,
        start_date,
        coalesce(signed_date, start_date) as agreed_date,
    from contract
    where term_source in ('signed', 'crm')
),

first_version as (
    select
        coalesce(canonical_id.canonical_id, contract.contract_id) as contract_id,
        contract.account_id,
        contract.term_source,
        contract.version,
        contract.start_date,
        contract.agreed_date,
    from contract
    left join canonical_id
        on canonical_id.external_id = contract.contract_id
    qualify row_number() over (
        partition by coalesce(canonical_id.canonical_id, contract.contract_id)
        order by case contract.term_source when 'signed' then 1 else 2 end, contract.version, contract.contract_id
    ) = 1
)

select
    handoff_deal.opportunity_id,
    first_version.contract_id,
    first_version.term_source,
    first_version.version,
    first_version.start_date,
from handoff_deal
inner join first_version
    on first_version.account_id = handoff_deal.account_id
where first_version.agreed_date between handoff_deal.close_date - 30 and handoff_deal.close_date + 60
qualify row_number() over (
    partition by handoff_deal.opportunity_id
    order by abs(first_version.agreed_date - handoff_deal.close_date), first_version.contract_id
) = 1
