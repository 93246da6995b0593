/*---
title = "Contract lines"
owner = "finance"
grain = ["term_source", "contract_line_id", "version"]

[columns]
contract_line_id = { type = "text", doc = "The contract line" }
version = { type = "integer", doc = "The contract version that states it" }
contract_id = { type = "text", doc = "The contract" }
term_source = { type = "text", doc = "signed, crm or billing: who says so" }
product_id = { type = "text", doc = "The product" }
product_name = { type = "text", doc = "The product's name" }
charge_type = { type = "text", doc = "recurring, usage or one_off" }
pricing_model = { type = "text", doc = "flat, per_unit, graduated, volume, package, overage or percentage" }
quantity = { type = "decimal(18,6)", doc = "Contracted quantity" }
unit_price = { type = "decimal(18,8)", doc = "Price of one unit per price_period" }
price_period = { type = "text", doc = "month, quarter, year, billing_period or once; also the period of included quantities, flat fees and amount discounts" }
price_decimals = { type = "integer", doc = "Decimals a unit price is rounded to, where agreed" }
unit = { type = "text", doc = "What is counted" }
unit_size = { type = "decimal(18,6)", doc = "How many of the unit one price buys" }
metric = { type = "text", doc = "Usage metric that a usage line charges" }
pool_id = { type = "text", doc = "Lines that share one included quantity" }
included_quantity = { type = "decimal(18,6)", doc = "Units included in the price" }
is_included_prorated = { type = "boolean", doc = "Included units shrink with a partial period" }
rollover_rule = { type = "text", doc = "What happens to unused included units" }
package_size = { type = "decimal(18,6)", doc = "Units per package" }
seat_rule = { type = "text", doc = "none, high_water, average or end_of_month" }
seat_settlement = { type = "text", doc = "true_up or true_forward" }
seat_grace_pct = { type = "decimal(9,4)", doc = "Seats over the contract that stay free, percent points" }
start_date = { type = "date", doc = "First day of the line" }
end_date = { type = "date", doc = "First day after the line; the contract's where null" }
billing_frequency = { type = "text", doc = "The line's own frequency; the contract's where null" }
accepted_date = { type = "date", doc = "Day a one-off delivery was accepted" }
due_basis = { type = "text", doc = "What makes a one-off due" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["contract_line_id", "version", "contract_id", "term_source", "product_id", "charge_type", "pricing_model", "start_date"]

[decisions]
newest_wins = "Where a key was landed more than once, the row landed last holds"
---*/
select
    contract_line_id,
    version,
    contract_id,
    term_source,
    product_id,
    product_name,
    charge_type,
    pricing_model,
    quantity,
    unit_price,
    price_period,
    price_decimals,
    unit,
    unit_size,
    metric,
    pool_id,
    included_quantity,
    is_included_prorated,
    rollover_rule,
    package_size,
    seat_rule,
    seat_settlement,
    seat_grace_pct,
    start_date,
    end_date,
    billing_frequency,
    accepted_date,
    due_basis,
    source,
    source_id
from provided.contract_line
qualify row_number() over (partition by term_source, contract_line_id, version order by _landed desc) = 1
