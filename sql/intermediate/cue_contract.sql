/*---
title = "Agreed changes of price or quantity that lie ahead"
owner = "finance"
grain = ["contract_line_id", "kind", "change_date"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line" }
kind = { type = "text", doc = "discount_end or ramp_step" }
change_date = { type = "date", doc = "First day of the new terms" }
event_date = { type = "date", doc = "Day from which the customer is to be told" }
account_id = { type = "text", doc = "The account" }
product_id = { type = "text", doc = "Canonical product" }
currency = { type = "text", doc = "Contract currency" }
amount = { type = "decimal(18,4)", doc = "What the change adds in a year at today's terms; null where it cannot be told" }
statement = { type = "text", doc = "What changes and when, in one sentence" }

[checks]
not_null = ["contract_line_id", "kind", "change_date", "event_date", "account_id", "currency", "statement"]

[decisions]
ahead = "Within cue_brief_days, and the line goes on past it"
discount = "A percentage of the line's gross year; an amount off of a period for the periods of a year"
ramp = "A higher quantity at today's revenue for one of the line's quantity"
---*/
with line_grid as (
    select
        contract_line_id,
        account_id,
        product_id,
        months,
        life_end_date,
        currency,
        minor_digits
    from line_grid
    where component = 'charge'
),

line_arr as (
    select
        contract_line_id,
        quantity,
        gross_arr,
        arr_contracted
    from line_arr
    where component = 'charge'
        and month_date = cast(date_trunc('month', cast($as_of as date)) as date)
),

line_version as (
    select
        contract_line_id,
        version
    from line_version
    where is_current
),

line_discount as (
    select
        contract_line_id,
        version,
        kind,
        value,
        end_date
    from line_discount
    where not is_once
        and not is_ramp
        and start_date <= cast($as_of as date)
        and end_date > cast($as_of as date)
        and end_date <= cast($as_of as date) + cast(cast($cue_brief_days as bigint) as int)
),

line_ramp as (
    select
        contract_line_id,
        version,
        start_date,
        quantity
    from line_ramp
    where quantity is not null
        and start_date > cast($as_of as date)
        and start_date <= cast($as_of as date) + cast(cast($cue_brief_days as bigint) as int)
),

ending as (
    select
        line_discount.contract_line_id,
        'discount_end' as kind,
        line_discount.end_date as change_date,
        sum(case when line_discount.kind = 'percent' then line_discount.value else 0 end) as pct,
        sum(case when line_discount.kind = 'amount' then line_discount.value else 0 end) as amount,
        cast(null as decimal(18,6)) as quantity
    from line_discount
    inner join line_version
        on line_discount.contract_line_id = line_version.contract_line_id
        and (line_discount.version is null or line_discount.version = line_version.version)
    group by
        line_discount.contract_line_id,
        line_discount.end_date
),

stepping as (
    select
        line_ramp.contract_line_id,
        'ramp_step' as kind,
        line_ramp.start_date as change_date,
        line_ramp.quantity
    from line_ramp
    inner join line_version
        on line_ramp.contract_line_id = line_version.contract_line_id
        and line_ramp.version = line_version.version
),

every_change as (
    select
        contract_line_id,
        kind,
        change_date,
        pct,
        amount,
        quantity
    from ending
    union all
    select
        contract_line_id,
        kind,
        change_date,
        cast(null as decimal(38,8)) as pct,
        cast(null as decimal(38,8)) as amount,
        quantity
    from stepping
),

valued as (
    select
        every_change.contract_line_id,
        every_change.kind,
        every_change.change_date,
        every_change.pct,
        every_change.amount,
        every_change.quantity,
        line_arr.quantity as quantity_now,
        line_grid.account_id,
        line_grid.product_id,
        line_grid.currency,
        line_grid.minor_digits,
        cast(case
            when every_change.kind = 'ramp_step'
                then (cast(every_change.quantity as double) - cast(line_arr.quantity as double))
                    * cast(line_arr.arr_contracted as double) / cast(nullif(line_arr.quantity, 0) as double)
            else cast(line_arr.gross_arr as double) * cast(every_change.pct as double) / 100
                + cast(every_change.amount as double) * 12 / cast(line_grid.months as double)
        end as decimal(38,10)) as value
    from every_change
    inner join line_grid
        on every_change.contract_line_id = line_grid.contract_line_id
        and line_grid.life_end_date > every_change.change_date
    left join line_arr
        on every_change.contract_line_id = line_arr.contract_line_id
    where every_change.kind = 'discount_end'
        or every_change.quantity > line_arr.quantity
)

select
    contract_line_id,
    kind,
    change_date,
    cast(change_date - cast(cast($cue_brief_days as bigint) as int) as date) as event_date,
    account_id,
    product_id,
    currency,
    case
        when minor_digits = 0 then cast(round(value, 0) as decimal(18,4))
        when minor_digits = 3 then cast(round(value, 3) as decimal(18,4))
        else cast(round(value, 2) as decimal(18,4))
    end as amount,
    case
        when kind = 'ramp_step'
            then concat(
                'The contract steps up from ', cast(cast(quantity_now as decimal(18,0)) as varchar), ' to ', cast(cast(quantity as decimal(18,0)) as varchar),
                ' of ', product_id, ' on ', cast(change_date as varchar)
            )
        when pct > 0
            then concat('The discount of ', cast(cast(pct as decimal(18,1)) as varchar), ' % on ', product_id, ' ends on ', cast(change_date as varchar))
        else concat('A discount on ', product_id, ' ends on ', cast(change_date as varchar))
    end as statement
from valued
