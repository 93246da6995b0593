/*---
title = "How lines are rated that are no quantity times price, by contract version"
owner = "finance"
grain = ["contract_line_id", "version"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line, one that some version rates" }
version = { type = "integer", doc = "The contract version" }
family = { type = "text", doc = "graduated, volume, package, percentage or flat: how R(x) is formed" }
is_rated = { type = "boolean", doc = "This version is no quantity times price" }
has_tiers = { type = "boolean", doc = "Price tiers are known" }
included_quantity = { type = "decimal(38,12)", doc = "Units that the price of a whole billing period includes, 0 where none" }
is_included_prorated = { type = "boolean", doc = "Included units shrink with a partial period" }
package_size = { type = "decimal(18,6)", doc = "Units per package" }
missing_term = { type = "text", doc = "What stands in the way of rating, whatever the quantity; null where nothing does" }

[checks]
not_null = ["contract_line_id", "version", "family", "is_rated", "has_tiers", "included_quantity", "is_included_prorated"]

[decisions]
one_family = "Per unit with included units and overage are graduated without tiers: everything beyond is at the line's unit price"
included = "Included usage is that of a billing period, restated from the price period; included units of a recurring line are a stock like its quantity and hold as written; null is none, but not on an overage line without tiers"
not_rated = "Unused units that roll over, and units shared by several lines, are not rated"
---*/
with line_version as (
    select
        contract_line_id,
        version,
        term_source,
        pricing_model,
        price_period_months,
        included_quantity,
        is_included_prorated,
        rollover_rule,
        pool_id,
        package_size,
        is_rated
    from line_version
),

line_grid as (
    select
        contract_line_id,
        component,
        months
    from line_grid
    where is_rated
),

canonical_id as (
    select
        external_id,
        canonical_id
    from canonical_id
    where kind = 'line'
),

price_tier as (
    select
        contract_line_id,
        version,
        term_source
    from price_tier
),

tiered as (
    select distinct
        coalesce(canonical_id.canonical_id, price_tier.contract_line_id) as contract_line_id,
        price_tier.version,
        price_tier.term_source
    from price_tier
    left join canonical_id
        on price_tier.contract_line_id = canonical_id.external_id
),

joined as (
    select
        line_version.*,
        line_grid.component,
        line_grid.months,
        tiered.contract_line_id is not null as has_tiers
    from line_version
    inner join line_grid
        on line_version.contract_line_id = line_grid.contract_line_id
    left join tiered
        on line_version.contract_line_id = tiered.contract_line_id
        and line_version.version = tiered.version
        and line_version.term_source = tiered.term_source
)

select
    contract_line_id,
    version,
    case
        when pricing_model in ('flat', 'volume', 'package', 'percentage') then pricing_model
        else 'graduated'
    end as family,
    is_rated,
    has_tiers and pricing_model in ('graduated', 'volume', 'overage') as has_tiers,
    cast(case
        when pricing_model = 'flat' or included_quantity is null then cast(0 as decimal(38,12))
        when component <> 'usage' or months is null or price_period_months is null then cast(included_quantity as decimal(38,12))
        else cast(cast(included_quantity as double) * months / price_period_months as decimal(38,12))
    end as decimal(38,12)) as included_quantity,
    component = 'usage' and coalesce(is_included_prorated, false) as is_included_prorated,
    package_size,
    case
        when pricing_model not in ('flat', 'per_unit', 'graduated', 'volume', 'package', 'overage', 'percentage')
            then concat('not_rated: ', pricing_model)
        when included_quantity is not null and coalesce(rollover_rule, 'none') <> 'none' then 'not_rated: rollover'
        when included_quantity is not null and pool_id is not null then 'not_rated: pool'
        when pricing_model in ('graduated', 'volume') and not has_tiers then 'price_tier'
        when pricing_model = 'overage' and not has_tiers and included_quantity is null then 'included_quantity'
        when pricing_model = 'package' and coalesce(package_size, 0) <= 0 then 'package_size'
    end as missing_term
from joined
