/*---
title = "Prices that the contract states, per billing period"
owner = "finance"
grain = ["contract_line_id", "version", "from_date", "kind"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line" }
version = { type = "integer", doc = "The contract version" }
from_date = { type = "date", doc = "First day of a ramp step or of a term at list price; 1900-01-01 for the version's own price" }
kind = { type = "text", doc = "version, ramp or list" }
price = { type = "decimal(18,8)", doc = "Price of one unit per billing period; null where it is not known" }
price_decimals = { type = "integer", doc = "Decimals a unit price is rounded to, where agreed" }

[checks]
not_null = ["contract_line_id", "version", "from_date", "kind"]

[decisions]
price = "Per billing period, kept at eight decimals unless the contract names the decimals; usage and one-off prices as they are, but for usage at a flat price"
list = "The price book's latest price on the term's first day, the account's segment before all segments, the line's unit before no unit"
---*/
with canonical_id as (
    select
        external_id,
        canonical_id
    from canonical_id
    where kind = 'product'
),

line_version as (
    select
        contract_line_id,
        contract_id,
        version,
        account_id,
        product_id,
        component,
        pricing_model,
        unit,
        unit_price,
        price_decimals,
        price_period_months,
        currency
    from line_version
),

line_grid as (
    select
        contract_line_id,
        months,
        is_single_period
    from line_grid
),

line_ramp as (
    select
        contract_line_id,
        version,
        start_date,
        unit_price
    from line_ramp
    where unit_price is not null
),

holdover_term as (
    select
        contract_id,
        version,
        term_start_date
    from holdover_term
    where price_rule = 'list'
),

price_book as (
    select
        product_id,
        segment,
        currency,
        list_price,
        unit,
        price_period,
        valid_from_date
    from price_book
),

account as (
    select
        account_id,
        segment
    from account
),

canonical_price as (
    select
        price_book.* exclude (product_id, price_period),
        coalesce(canonical_id.canonical_id, price_book.product_id) as product_id,
        cast(case price_book.price_period when 'month' then 1 when 'quarter' then 3 when 'year' then 12 end as bigint) as price_period_months
    from price_book
    left join canonical_id
        on price_book.product_id = canonical_id.external_id
),

term_line as (
    select
        line_version.contract_line_id,
        line_version.version,
        line_version.product_id,
        line_version.currency,
        line_version.unit,
        line_version.component,
        line_version.pricing_model,
        line_version.price_decimals,
        account.segment,
        holdover_term.term_start_date
    from holdover_term
    inner join line_version
        on holdover_term.contract_id = line_version.contract_id
        and holdover_term.version = line_version.version
    left join account
        on line_version.account_id = account.account_id
),

listed as (
    select
        term_line.contract_line_id,
        term_line.version,
        term_line.term_start_date as from_date,
        term_line.component,
        term_line.pricing_model,
        term_line.price_decimals,
        canonical_price.list_price,
        canonical_price.price_period_months
    from term_line
    left join canonical_price
        on term_line.product_id = canonical_price.product_id
        and term_line.currency = canonical_price.currency
        and canonical_price.valid_from_date <= term_line.term_start_date
        and (canonical_price.segment is null or canonical_price.segment = term_line.segment)
    qualify row_number() over (
        partition by term_line.contract_line_id, term_line.version, term_line.term_start_date
        order by canonical_price.valid_from_date desc,
            canonical_price.segment nulls last,
            case when canonical_price.unit = term_line.unit then 0 when canonical_price.unit is null then 1 else 2 end,
            canonical_price.unit,
            canonical_price.price_period_months nulls last,
            canonical_price.list_price
    ) = 1
),

stated as (
    select
        contract_line_id,
        version,
        date '1900-01-01' as from_date,
        'version' as kind,
        component,
        pricing_model,
        price_decimals,
        unit_price,
        price_period_months
    from line_version
    union all
    select
        line_version.contract_line_id,
        line_version.version,
        line_ramp.start_date as from_date,
        'ramp' as kind,
        line_version.component,
        line_version.pricing_model,
        line_version.price_decimals,
        line_ramp.unit_price,
        line_version.price_period_months
    from line_ramp
    inner join line_version
        on line_ramp.contract_line_id = line_version.contract_line_id
        and line_ramp.version = line_version.version
    union all
    select
        contract_line_id,
        version,
        from_date,
        'list' as kind,
        component,
        pricing_model,
        price_decimals,
        list_price as unit_price,
        price_period_months
    from listed
),

-- The price of a billing period in two parts, whole units and the rest, so that the division stays exact to ten decimals.
priced as (
    select
        stated.*,
        line_grid.is_single_period,
        (stated.component = 'charge' or stated.component = 'usage' and stated.pricing_model = 'flat')
            and not line_grid.is_single_period
            and stated.price_period_months is not null as is_restated,
        cast(stated.unit_price as decimal(38,8)) * cast(coalesce(line_grid.months, 1) as decimal(4,0)) as period_numerator,
        coalesce(stated.price_period_months, 1) as period_divisor
    from stated
    inner join line_grid
        on stated.contract_line_id = line_grid.contract_line_id
),

divided as (
    select
        priced.*,
        case
            when not is_restated then cast(unit_price as decimal(38,10))
            else cast(
                cast(round(cast(period_numerator as double) / period_divisor) as decimal(38,0))
                + cast(
                    cast(
                        period_numerator
                        - cast(round(cast(period_numerator as double) / period_divisor) as decimal(38,0)) * cast(period_divisor as decimal(4,0))
                        as double
                    ) / period_divisor as decimal(38,10)
                )
                as decimal(38,10)
            )
        end as exact_price
    from priced
)

select
    contract_line_id,
    version,
    from_date,
    kind,
    case price_decimals
        when 0 then cast(round(exact_price, 0) as decimal(18,8))
        when 1 then cast(round(exact_price, 1) as decimal(18,8))
        when 2 then cast(round(exact_price, 2) as decimal(18,8))
        when 3 then cast(round(exact_price, 3) as decimal(18,8))
        when 4 then cast(round(exact_price, 4) as decimal(18,8))
        when 5 then cast(round(exact_price, 5) as decimal(18,8))
        when 6 then cast(round(exact_price, 6) as decimal(18,8))
        when 7 then cast(round(exact_price, 7) as decimal(18,8))
        else cast(round(exact_price, 8) as decimal(18,8))
    end as price,
    price_decimals
from divided
