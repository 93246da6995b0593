/*---
title = "Contract lines that count seats"
owner = "cs"
grain = ["contract_line_id", "version"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line" }
version = { type = "integer", doc = "The contract version that states the seats" }
account_id = { type = "text", doc = "The account" }
product_id = { type = "text", doc = "Canonical product" }
seats = { type = "decimal(18,6)", doc = "Seats paid for" }
seg_start_date = { type = "date", doc = "First day they are paid for" }
seg_end_date = { type = "date", doc = "First day they no longer are; 9999-12-31 where open" }

[checks]
not_null = ["contract_line_id", "version", "account_id", "seats", "seg_start_date", "seg_end_date"]

[decisions]
seats = "recurring lines whose unit is a seat, user or licence, or that carry a seat rule"
---*/
with canonical_id as (
    select
        kind,
        external_id,
        canonical_id,
    from canonical_id
),

contract_line as (
    select
        contract_line_id,
        version,
        term_source,
        unit,
        seat_rule,
    from contract_line
),

line_version as (
    select
        contract_line_id,
        version,
        term_source,
        account_id,
        product_id,
        component,
        quantity,
        seg_start_date,
        seg_end_date,
    from line_version
),

counted as (
    select
        coalesce(canonical_id.canonical_id, contract_line.contract_line_id) as contract_line_id,
        contract_line.version,
        contract_line.term_source,
        bool_or(
            coalesce(lower(contract_line.unit), '') in ('seat', 'seats', 'user', 'users', 'licence', 'licences', 'license', 'licenses')
            or coalesce(contract_line.seat_rule, 'none') <> 'none'
        ) as is_seat,
    from contract_line
    left join canonical_id
        on canonical_id.external_id = contract_line.contract_line_id
        and canonical_id.kind = 'line'
    group by
        coalesce(canonical_id.canonical_id, contract_line.contract_line_id),
        contract_line.version,
        contract_line.term_source
)

select
    line_version.contract_line_id,
    line_version.version,
    line_version.account_id,
    line_version.product_id,
    line_version.quantity as seats,
    line_version.seg_start_date,
    line_version.seg_end_date,
from line_version
inner join counted
    on counted.contract_line_id = line_version.contract_line_id
    and counted.version = line_version.version
    and counted.term_source = line_version.term_source
where
    counted.is_seat
    and line_version.component = 'charge'
    and line_version.quantity is not null
