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
with line_version as (
    select
        contract_line_id,
        version,
        account_id,
        product_id,
        component,
        quantity,
        unit,
        seat_rule,
        seg_start_date,
        seg_end_date,
    from line_version
)

select
    contract_line_id,
    version,
    account_id,
    product_id,
    quantity as seats,
    seg_start_date,
    seg_end_date,
from line_version
where
    component = 'charge'
    and quantity is not null
    and (
        lower(unit) in ('seat', 'seats', 'user', 'users', 'licence', 'licences', 'license', 'licenses')
        or coalesce(seat_rule, 'none') <> 'none'
    )
