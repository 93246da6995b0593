/*---
title = "Contract lines whose spend counts towards a commitment"
owner = "finance"
grain = ["commitment_id", "contract_line_id"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
commitment_id = { type = "text", doc = "The commitment" }
contract_line_id = { type = "text", doc = "Canonical contract line" }

[checks]
not_null = ["commitment_id", "contract_line_id"]

[decisions]
none_listed = "A commitment that lists no line has all lines of its contract; a prepaid one its usage lines, because the prepayment is a line of the contract itself"
---*/
with canonical_id as (
    select
        external_id,
        canonical_id
    from canonical_id
    where kind = 'line'
),

commitment_grid as (
    select
        commitment_id,
        contract_id,
        term_source,
        is_prepaid
    from commitment_grid
),

commitment_line as (
    select
        commitment_id,
        contract_line_id,
        term_source
    from commitment_line
),

line_grid as (
    select
        contract_line_id,
        contract_id,
        term_source,
        component
    from line_grid
),

listed as (
    select
        commitment_grid.commitment_id,
        commitment_grid.term_source,
        coalesce(canonical_id.canonical_id, commitment_line.contract_line_id) as contract_line_id
    from commitment_line
    inner join commitment_grid
        on commitment_line.commitment_id = commitment_grid.commitment_id
        and commitment_line.term_source = commitment_grid.term_source
    left join canonical_id
        on commitment_line.contract_line_id = canonical_id.external_id
),

listing as (
    select distinct commitment_id
    from listed
)

select distinct
    listed.commitment_id,
    line_grid.contract_line_id
from listed
inner join line_grid
    on listed.contract_line_id = line_grid.contract_line_id
    and listed.term_source = line_grid.term_source
union all
select
    commitment_grid.commitment_id,
    line_grid.contract_line_id
from commitment_grid
inner join line_grid
    on commitment_grid.contract_id = line_grid.contract_id
    and commitment_grid.term_source = line_grid.term_source
    and (not commitment_grid.is_prepaid or line_grid.component = 'usage')
left join listing
    on commitment_grid.commitment_id = listing.commitment_id
where listing.commitment_id is null
