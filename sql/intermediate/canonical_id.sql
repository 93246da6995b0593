/*---
title = "Canonical ids of contracts, lines and products"
owner = "finance"
grain = ["kind", "external_id"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
kind = { type = "text", doc = "contract, line or product" }
external_id = { type = "text", doc = "The id in another system" }
canonical_id = { type = "text", doc = "The id every model uses" }

[checks]
not_null = ["kind", "external_id", "canonical_id"]

[decisions]
ambiguous = "An external id that two systems use for different things maps to nothing and stays as it is"
---*/
with contract_xref as (
    select
        kind,
        external_id,
        canonical_id
    from contract_xref
)

select
    kind,
    external_id,
    min(canonical_id) as canonical_id
from contract_xref
where kind is not null
group by
    kind,
    external_id
having min(canonical_id) = max(canonical_id)
