/*---
title = "Contract version in force, as each source has it"
owner = "finance"
grain = ["contract_id", "term_source"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
contract_id = { type = "text", doc = "Canonical contract" }
term_source = { type = "text", doc = "signed, crm or billing" }
source_contract_id = { type = "text", doc = "The contract's id in that source" }
version = { type = "integer", doc = "The version in force there on as_of, or the first one where none is yet" }
start_date = { type = "date", doc = "First day of the term" }
end_date = { type = "date", doc = "First day after the term" }
term_type = { type = "text", doc = "termed or evergreen" }
currency = { type = "text", doc = "Contract currency" }
auto_renew = { type = "boolean", doc = "Renews by itself" }
billing_frequency = { type = "text", doc = "monthly, quarterly, semiannual, annual or one_off" }
notice_days = { type = "integer", doc = "Days before renewal by which notice must be given" }

[checks]
not_null = ["contract_id", "term_source", "source_contract_id", "version"]

[decisions]
in_force = "As contract_version chooses it, but for each source by itself: no drafts, nothing signed after as_of"
---*/
with canonical_id as (
    select
        external_id,
        canonical_id
    from canonical_id
    where kind = 'contract'
),

contract as (
    select
        contract_id,
        version,
        effective_date,
        term_source,
        status,
        signed_date,
        start_date,
        end_date,
        term_type,
        currency,
        auto_renew,
        billing_frequency,
        notice_days
    from contract
),

known as (
    select
        contract.* exclude (contract_id),
        contract.contract_id as source_contract_id,
        coalesce(canonical_id.canonical_id, contract.contract_id) as contract_id
    from contract
    left join canonical_id
        on contract.contract_id = canonical_id.external_id
    where (contract.signed_date is null or contract.signed_date <= cast($as_of as date))
        and coalesce(lower(contract.status), '') <> 'draft'
)

select
    contract_id,
    term_source,
    source_contract_id,
    version,
    start_date,
    end_date,
    term_type,
    currency,
    auto_renew,
    billing_frequency,
    notice_days
from known
qualify row_number() over (
    partition by contract_id, term_source
    order by case when effective_date <= cast($as_of as date) then 0 else 1 end,
        case when effective_date <= cast($as_of as date) then effective_date end desc nulls last,
        case when effective_date <= cast($as_of as date) then version end desc nulls last,
        effective_date,
        version,
        source_contract_id
) = 1
