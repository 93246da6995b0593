/*---
title = "The pieces of R(x): what x units of a rated line cost for one whole billing period"
owner = "finance"
grain = ["contract_line_id", "version", "lower_quantity"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line" }
version = { type = "integer", doc = "The contract version" }
lower_quantity = { type = "decimal(18,6)", doc = "The piece holds above this many units" }
upper_quantity = { type = "decimal(18,6)", doc = "Up to and with this many" }
base_quantity = { type = "decimal(18,6)", doc = "Units that base_amount already pays for" }
base_amount = { type = "decimal(38,10)", doc = "Cost of them, and the flat fees reached" }
price = { type = "decimal(18,8)", doc = "Price of each further unit per billing period; null: the line's own unit price" }

[checks]
not_null = ["contract_line_id", "version", "lower_quantity", "upper_quantity", "base_quantity", "base_amount"]

[decisions]
rating = "R(x) = base_amount + (x - base_quantity) * price of the one piece with lower < x <= upper; R(0) = 0"
bounds = "up_to is inclusive; the next tier begins above it; beyond a bounded last tier the line's unit price holds"
volume = "All units at the price of the tier that holds the total: nothing is paid for before"
fees = "A tier's flat fee is owed once the tier is reached, restated to the billing period"
period = "Tier prices of recurring lines are restated to the billing period and rounded as unit prices are; those of usage hold as they are"
---*/
with rated_term as (
    select
        contract_line_id,
        version,
        family,
        has_tiers
    from rated_term
),

line_version as (
    select
        contract_line_id,
        version,
        term_source,
        component,
        price_decimals,
        price_period_months
    from line_version
),

line_grid as (
    select
        contract_line_id,
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
        term_source,
        tier,
        up_to,
        unit_price,
        flat_fee
    from price_tier
),

own_tier as (
    select
        rated_term.contract_line_id,
        rated_term.version,
        rated_term.family,
        line_version.component,
        line_version.price_decimals,
        case when line_grid.months is not null then line_version.price_period_months end as price_period_months,
        line_grid.months,
        price_tier.tier,
        price_tier.up_to,
        price_tier.unit_price,
        coalesce(price_tier.flat_fee, 0) as flat_fee
    from price_tier
    left join canonical_id
        on price_tier.contract_line_id = canonical_id.external_id
    inner join line_version
        on coalesce(canonical_id.canonical_id, price_tier.contract_line_id) = line_version.contract_line_id
        and price_tier.version = line_version.version
        and price_tier.term_source = line_version.term_source
    inner join rated_term
        on line_version.contract_line_id = rated_term.contract_line_id
        and line_version.version = rated_term.version
    inner join line_grid
        on line_version.contract_line_id = line_grid.contract_line_id
    where rated_term.has_tiers
    qualify row_number() over (
        partition by rated_term.contract_line_id, rated_term.version, price_tier.tier
        order by price_tier.contract_line_id
    ) = 1
),

restated as (
    select
        own_tier.*,
        case
            when price_period_months is null or component <> 'charge' then cast(unit_price as decimal(38,10))
            else cast(cast(unit_price as double) * months / price_period_months as decimal(38,10))
        end as exact_price,
        case
            when price_period_months is null or component = 'one_off' then cast(flat_fee as decimal(38,10))
            else cast(round(cast(cast(flat_fee as double) * months / price_period_months as decimal(38,10)), 8) as decimal(38,10))
        end as period_fee
    from own_tier
),

priced as (
    select
        restated.*,
        case
            when component <> 'charge' then cast(unit_price as decimal(18,8))
            when price_decimals = 0 then cast(round(exact_price, 0) as decimal(18,8))
            when price_decimals = 1 then cast(round(exact_price, 1) as decimal(18,8))
            when price_decimals = 2 then cast(round(exact_price, 2) as decimal(18,8))
            when price_decimals = 3 then cast(round(exact_price, 3) as decimal(18,8))
            when price_decimals = 4 then cast(round(exact_price, 4) as decimal(18,8))
            when price_decimals = 5 then cast(round(exact_price, 5) as decimal(18,8))
            when price_decimals = 6 then cast(round(exact_price, 6) as decimal(18,8))
            when price_decimals = 7 then cast(round(exact_price, 7) as decimal(18,8))
            else cast(round(exact_price, 8) as decimal(18,8))
        end as price
    from restated
),

bounded as (
    select
        priced.*,
        cast(coalesce(max(up_to) over (
            partition by contract_line_id, version
            order by tier
            rows between unbounded preceding and 1 preceding
        ), 0) as decimal(18,6)) as lower_quantity,
        coalesce(up_to, cast(999999999999 as decimal(18,6))) as upper_quantity,
        count(*) over (
            partition by contract_line_id, version
            order by tier
            rows between unbounded preceding and 1 preceding
        ) - count(up_to) over (
            partition by contract_line_id, version
            order by tier
            rows between unbounded preceding and 1 preceding
        ) as open_tiers_before
    from priced
),

-- A tier that ends before it begins, or stands behind one without bound, holds no unit.
filled as (
    select
        bounded.*,
        case
            when up_to is null then cast(0 as decimal(38,10))
            else cast(cast(upper_quantity - lower_quantity as decimal(38,6)) * price as decimal(38,10))
        end as full_amount
    from bounded
    where open_tiers_before = 0
        and upper_quantity > lower_quantity
),

summed as (
    select
        filled.*,
        sum(full_amount) over (
            partition by contract_line_id, version
            order by tier
            rows between unbounded preceding and current row
        ) as amount_to_here,
        sum(period_fee) over (
            partition by contract_line_id, version
            order by tier
            rows between unbounded preceding and current row
        ) as fee_to_here
    from filled
),

-- Beyond the last bound, and for lines without tiers from the first unit on.
beyond as (
    select
        rated_term.contract_line_id,
        rated_term.version,
        rated_term.family,
        coalesce(max(summed.upper_quantity), 0) as lower_quantity,
        coalesce(sum(summed.full_amount + summed.period_fee), 0) as paid_amount
    from rated_term
    left join summed
        on rated_term.contract_line_id = summed.contract_line_id
        and rated_term.version = summed.version
    group by
        rated_term.contract_line_id,
        rated_term.version,
        rated_term.family
    having coalesce(max(summed.upper_quantity), 0) < 999999999999
)

select
    contract_line_id,
    version,
    lower_quantity,
    upper_quantity,
    case when family = 'volume' then cast(0 as decimal(18,6)) else lower_quantity end as base_quantity,
    case
        when family = 'volume' then period_fee
        else cast(amount_to_here - full_amount + fee_to_here as decimal(38,10))
    end as base_amount,
    price
from summed
union all
select
    contract_line_id,
    version,
    cast(lower_quantity as decimal(18,6)) as lower_quantity,
    cast(999999999999 as decimal(18,6)) as upper_quantity,
    case when family = 'volume' then cast(0 as decimal(18,6)) else cast(lower_quantity as decimal(18,6)) end as base_quantity,
    case when family = 'volume' then cast(0 as decimal(38,10)) else cast(paid_amount as decimal(38,10)) end as base_amount,
    cast(null as decimal(18,8)) as price
from beyond
