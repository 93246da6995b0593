/*---
title = "Contract lines by version, with the days each version charges"
owner = "finance"
grain = ["contract_line_id", "version"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line" }
contract_id = { type = "text", doc = "Canonical contract" }
version = { type = "integer", doc = "The contract version that states these terms" }
account_id = { type = "text", doc = "The account" }
product_id = { type = "text", doc = "Canonical product" }
term_source = { type = "text", doc = "signed, crm or billing" }
is_current = { type = "boolean", doc = "The contract version in force on as_of" }
valid_from_date = { type = "date", doc = "First day the contract version holds" }
seg_start_date = { type = "date", doc = "First day this version charges the line" }
seg_end_date = { type = "date", doc = "First day it no longer does; 9999-12-31 where open" }
component = { type = "text", doc = "charge, usage or one_off" }
pricing_model = { type = "text", doc = "flat, per_unit or another" }
quantity = { type = "decimal(18,6)", doc = "Contracted quantity" }
unit_price = { type = "decimal(18,8)", doc = "Price of one unit per price_period" }
price_decimals = { type = "integer", doc = "Decimals a unit price is rounded to, where agreed" }
price_period_months = { type = "integer", doc = "Months of the price period; null for billing_period and once" }
unit = { type = "text", doc = "What is counted" }
unit_size = { type = "decimal(18,6)", doc = "How many of the unit one price buys" }
included_quantity = { type = "decimal(18,6)", doc = "Units included in the price, per price_period" }
is_included_prorated = { type = "boolean", doc = "Included units shrink with a partial period" }
rollover_rule = { type = "text", doc = "What happens to unused included units" }
pool_id = { type = "text", doc = "Lines that share one included quantity" }
package_size = { type = "decimal(18,6)", doc = "Units per package" }
seat_rule = { type = "text", doc = "none, high_water, average or end_of_month" }
seat_settlement = { type = "text", doc = "true_up or true_forward" }
seat_grace_pct = { type = "decimal(9,4)", doc = "Seats over the contract that stay free, percent points" }
metric = { type = "text", doc = "Usage metric that a usage line charges" }
is_rated = { type = "boolean", doc = "The amount is no quantity times price: tiers, packages, overage, percentage or included units" }
start_date = { type = "date", doc = "First day of the line as written" }
accepted_date = { type = "date", doc = "Day a one-off delivery was accepted" }
due_basis = { type = "text", doc = "What makes a one-off due" }
months = { type = "integer", doc = "Months of a billing period; null for one_off and unknown" }
is_frequency_missing = { type = "boolean", doc = "No billing frequency is known" }
first_start_date = { type = "date", doc = "Start of the contract's earliest version" }
billing_anchor_date = { type = "date", doc = "Day whose day-of-month starts the billing periods" }
billing_anchor = { type = "text", doc = "anniversary or calendar" }
commencement = { type = "text", doc = "immediate or first_full_period" }
bill_timing = { type = "text", doc = "advance or arrears" }
issue_grace_days = { type = "integer", doc = "Days an invoice may be issued late" }
proration_method = { type = "text", doc = "act_act, act_365, 30_360 or none" }
is_overlapping = { type = "boolean", doc = "Another version of the contract takes effect on the same day" }
is_go_live_missing = { type = "boolean", doc = "Service starts at go-live and the day is not known" }
renews_contract_id = { type = "text", doc = "The contract that the line's contract renews" }
currency = { type = "text", doc = "Contract currency" }
minor_digits = { type = "integer", doc = "Decimals of the currency" }
assumed_terms = { type = "text", doc = "Terms that were null and took their default" }

[checks]
not_null = ["contract_line_id", "contract_id", "version", "account_id", "product_id", "component"]

[decisions]
restated = "A version restates all lines: a line it does not name is not charged while it holds"
---*/
with canonical_id as (
    select
        kind,
        external_id,
        canonical_id
    from canonical_id
),

contract_version as (
    select
        contract_id,
        version,
        term_source,
        account_id,
        is_current,
        valid_from_date,
        valid_to_date,
        service_start_date,
        charged_to_date,
        first_start_date,
        renews_contract_id,
        is_overlapping,
        billing_frequency,
        bill_timing,
        billing_anchor_date,
        billing_anchor,
        commencement,
        is_go_live_missing,
        issue_grace_days,
        proration_method,
        currency,
        minor_digits,
        assumed_terms
    from contract_version
),

contract_line as (
    select
        contract_line_id,
        version,
        contract_id,
        term_source,
        product_id,
        charge_type,
        pricing_model,
        quantity,
        unit_price,
        price_period,
        price_decimals,
        unit,
        unit_size,
        metric,
        included_quantity,
        is_included_prorated,
        rollover_rule,
        pool_id,
        package_size,
        seat_rule,
        seat_settlement,
        seat_grace_pct,
        start_date,
        end_date,
        billing_frequency,
        accepted_date,
        due_basis
    from contract_line
),

canonical_line as (
    select
        contract_line.* exclude (contract_line_id, contract_id, product_id),
        coalesce(line_xref.canonical_id, contract_line.contract_line_id) as contract_line_id,
        coalesce(contract_alias.canonical_id, contract_line.contract_id) as contract_id,
        coalesce(product_xref.canonical_id, contract_line.product_id) as product_id
    from contract_line
    left join canonical_id as line_xref
        on contract_line.contract_line_id = line_xref.external_id
        and line_xref.kind = 'line'
    left join canonical_id as contract_alias
        on contract_line.contract_id = contract_alias.external_id
        and contract_alias.kind = 'contract'
    left join canonical_id as product_xref
        on contract_line.product_id = product_xref.external_id
        and product_xref.kind = 'product'
    qualify row_number() over (
        partition by term_source, coalesce(line_xref.canonical_id, contract_line.contract_line_id), version
        order by contract_line.contract_line_id
    ) = 1
),

joined as (
    select
        canonical_line.contract_line_id,
        canonical_line.product_id,
        canonical_line.charge_type,
        canonical_line.pricing_model,
        canonical_line.quantity,
        canonical_line.unit_price,
        canonical_line.price_period,
        canonical_line.price_decimals,
        canonical_line.unit,
        canonical_line.unit_size,
        canonical_line.metric,
        canonical_line.included_quantity,
        canonical_line.is_included_prorated,
        canonical_line.rollover_rule,
        canonical_line.pool_id,
        canonical_line.package_size,
        canonical_line.seat_rule,
        canonical_line.seat_settlement,
        canonical_line.seat_grace_pct,
        canonical_line.start_date,
        canonical_line.end_date as line_end_date,
        canonical_line.accepted_date,
        canonical_line.due_basis,
        coalesce(canonical_line.billing_frequency, contract_version.billing_frequency) as frequency,
        contract_version.*  exclude (billing_frequency)
    from canonical_line
    inner join contract_version
        on canonical_line.contract_id = contract_version.contract_id
        and canonical_line.term_source = contract_version.term_source
        and canonical_line.version = contract_version.version
)

select
    contract_line_id,
    contract_id,
    version,
    account_id,
    product_id,
    term_source,
    is_current,
    valid_from_date,
    greatest(valid_from_date, service_start_date, start_date) as seg_start_date,
    least(valid_to_date, charged_to_date, coalesce(line_end_date, date '9999-12-31')) as seg_end_date,
    case charge_type when 'recurring' then 'charge' else charge_type end as component,
    pricing_model,
    quantity,
    unit_price,
    price_decimals,
    cast(case price_period when 'month' then 1 when 'quarter' then 3 when 'year' then 12 end as bigint) as price_period_months,
    unit,
    unit_size,
    included_quantity,
    is_included_prorated,
    rollover_rule,
    pool_id,
    package_size,
    seat_rule,
    seat_settlement,
    seat_grace_pct,
    metric,
    pricing_model not in ('flat', 'per_unit') or (pricing_model = 'per_unit' and included_quantity is not null) as is_rated,
    start_date,
    accepted_date,
    due_basis,
    cast(case
        when charge_type = 'one_off' then null
        when frequency = 'monthly' then 1
        when frequency = 'quarterly' then 3
        when frequency = 'semiannual' then 6
        when frequency = 'annual' then 12
    end as bigint) as months,
    charge_type <> 'one_off' and coalesce(frequency, '') not in ('monthly', 'quarterly', 'semiannual', 'annual', 'one_off') as is_frequency_missing,
    first_start_date,
    billing_anchor_date,
    billing_anchor,
    commencement,
    bill_timing,
    issue_grace_days,
    proration_method,
    is_overlapping,
    is_go_live_missing,
    renews_contract_id,
    currency,
    minor_digits,
    assumed_terms
from joined
