/*---
title = "Price ladders: each contract line's price from its first day, step by step"
owner = "finance"
grain = ["contract_line_id", "version", "rung_no"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line" }
version = { type = "integer", doc = "The contract version" }
rung_no = { type = "integer", doc = "0 for the price the version states, then one for each change" }
from_date = { type = "date", doc = "First day of this price; 1900-01-01 for the version's own" }
to_date = { type = "date", doc = "First day of the next one; 9999-12-31 where there is none" }
price = { type = "decimal(18,8)", doc = "Price of one unit per billing period" }
base_no = { type = "integer", doc = "Prices stated so far after the version's: ramp prices and terms past the end" }
step_no = { type = "integer", doc = "Escalator steps since the latest stated price" }
step_kind = { type = "text", doc = "fixed or index, where an escalator step made this price" }
ramp_no = { type = "integer", doc = "Ramp prices so far" }
term_no = { type = "integer", doc = "Terms past the contract's end so far" }
missing_term = { type = "text", doc = "What stands in the way of this price; null where nothing does" }

[checks]
not_null = ["contract_line_id", "version", "rung_no", "from_date", "to_date", "base_no", "step_no", "ramp_no", "term_no"]

[decisions]
rounding = "Every rung is rounded, to eight decimals or those the contract names, and the next one builds on it"
simple = "A simple step adds its rate to those since the stated price, and the sum is taken of that price"
unknown = "A change that is not known leaves the price unknown until a price is stated again"
term = "An uplift past the end builds on the price of the day before; escalator steps then build on the uplifted price"
---*/
with recursive base as (
    select
        contract_line_id,
        version,
        price,
        price_decimals
    from price_base
    where kind = 'version'
),

change as (
    select
        contract_line_id,
        version,
        event_no,
        event_date,
        event,
        step_kind,
        price,
        uplift,
        is_compounding,
        missing_term
    from price_event
),

-- One rung after the other: rounding at each makes this a walk, not a product.
ladder as (
    select
        contract_line_id,
        version,
        cast(0 as bigint) as rung_no,
        date '1900-01-01' as from_date,
        price,
        price as base_price,
        cast(0 as decimal(18,12)) as uplift_sum,
        price_decimals,
        cast(0 as bigint) as base_no,
        cast(0 as bigint) as step_no,
        cast(null as varchar) as step_kind,
        cast(0 as bigint) as ramp_no,
        cast(0 as bigint) as term_no,
        cast(null as varchar) as missing_term
    from base
    union all
    select
        contract_line_id,
        version,
        rung_no,
        from_date,
        price,
        case when event = 'escalator' then base_price else price end as base_price,
        uplift_sum,
        price_decimals,
        base_no,
        step_no,
        step_kind,
        ramp_no,
        term_no,
        missing_term
    from (
        select
            contract_line_id,
            version,
            rung_no,
            from_date,
            event,
            base_price,
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
            uplift_sum,
            price_decimals,
            base_no,
            step_no,
            step_kind,
            ramp_no,
            term_no,
            missing_term
        from (
            select
                ladder.contract_line_id,
                ladder.version,
                change.event_no as rung_no,
                change.event_date as from_date,
                change.event,
                ladder.base_price,
                cast(case
                    when change.event <> 'escalator' then coalesce(change.price, ladder.price)
                    when change.is_compounding then ladder.price
                    else ladder.base_price
                end as decimal(38,8)) * cast(case
                    when change.event = 'escalator' and not change.is_compounding then 1 + ladder.uplift_sum + coalesce(change.uplift, 0)
                    else 1 + coalesce(change.uplift, 0)
                end as decimal(18,12)) as exact_price,
                cast(case when change.event = 'escalator' then ladder.uplift_sum + coalesce(change.uplift, 0) else 0 end as decimal(18,12)) as uplift_sum,
                ladder.price_decimals,
                ladder.base_no + case when change.event = 'escalator' then 0 else 1 end as base_no,
                case when change.event = 'escalator' then ladder.step_no + 1 else 0 end as step_no,
                change.step_kind,
                ladder.ramp_no + case when change.event = 'ramp' then 1 else 0 end as ramp_no,
                ladder.term_no + case when change.event = 'term' then 1 else 0 end as term_no,
                case
                    when change.price is not null then change.missing_term
                    else coalesce(ladder.missing_term, change.missing_term)
                end as missing_term
            from ladder
            inner join change
                on ladder.contract_line_id = change.contract_line_id
                and ladder.version = change.version
                and ladder.rung_no + 1 = change.event_no
        ) as changed
    ) as rounded
)

select
    contract_line_id,
    version,
    rung_no,
    from_date,
    coalesce(lead(from_date) over (partition by contract_line_id, version order by rung_no), date '9999-12-31') as to_date,
    price,
    base_no,
    step_no,
    step_kind,
    ramp_no,
    term_no,
    missing_term
from ladder
