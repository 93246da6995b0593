/*---
title = "Price tiers"
owner = "finance"
grain = ["term_source", "contract_line_id", "version", "tier"]

[columns]
contract_line_id = { type = "text", doc = "The contract line" }
version = { type = "integer", doc = "The contract version that states it" }
term_source = { type = "text", doc = "signed, crm or billing: who says so" }
tier = { type = "integer", doc = "Order of the tier, from 1" }
up_to = { type = "decimal(18,6)", doc = "Last unit of the tier, inclusive; no bound where null" }
unit_price = { type = "decimal(18,8)", doc = "Price of one unit in the tier" }
flat_fee = { type = "decimal(18,4)", doc = "Fee charged once the tier is reached" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["contract_line_id", "version", "term_source", "tier", "unit_price"]

[decisions]
newest_wins = "Where a key was landed more than once, the row landed last holds"
---*/
select
    contract_line_id,
    version,
    term_source,
    tier,
    up_to,
    unit_price,
    flat_fee,
    source,
    source_id
from provided.price_tier
qualify row_number() over (partition by term_source, contract_line_id, version, tier order by _landed desc) = 1
