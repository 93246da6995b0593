/*---
title = "What may call for more, with its worth, before anybody asks whether to offer it"
owner = "cs"
grain = ["account_id", "kind", "event_date", "evidence"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
account_id = { type = "text", doc = "The account" }
kind = { type = "text", doc = "Kind of the cue, as in expansion_cue" }
event_date = { type = "date", doc = "Day it happened, or the threshold was crossed" }
expires_date = { type = "date", doc = "Last day it is a cue" }
evidence = { type = "text", doc = "The events, lines or metrics it rests on" }
statement = { type = "text", doc = "What happened, in one sentence" }
amount = { type = "decimal(38,10)", doc = "What it may bring in a year; null where nothing tells how many or at what price" }
currency = { type = "text", doc = "Currency of the amount" }
price_source = { type = "text", doc = "contract or price_book" }

[checks]
not_null = ["account_id", "kind", "event_date", "expires_date", "evidence", "statement"]

[decisions]
hiring = "People hired by the share of employees who have a seat, at the price of the product with the most seats"
location = "One location, or as many as are named, where the account pays by location"
allotment = "What goes beyond the included quantity at the present pace, at the line's price; nothing where tiers decide"
trial = "A trial of a product counted in seats is worth the account's seats at its price"
---*/
with account as (
    select
        account_id,
        employee_count
    from account
),

cue_seat as (
    select
        account_id,
        product_id,
        event_date,
        last_date,
        active,
        contracted,
        used_pct,
        is_over,
        seats_wanted
    from cue_seat
),

cue_allotment as (
    select
        contract_line_id,
        account_id,
        product_id,
        currency,
        event_date,
        period_end_date,
        used,
        included,
        used_pct,
        units_beyond,
        unit_price,
        periods
    from cue_allotment
),

cue_usage as (
    select
        account_id,
        kind,
        product_id,
        event_date,
        expires_date,
        statement
    from cue_usage
),

cue_contract as (
    select
        contract_line_id,
        kind,
        change_date,
        event_date,
        account_id,
        currency,
        amount,
        statement
    from cue_contract
),

cue_event as (
    select
        account_id,
        kind,
        event_date,
        expires_date,
        quantity,
        evidence,
        statement
    from cue_event
),

product_value as (
    select
        account_id,
        product_id,
        currency,
        unit_arr,
        price_source,
        lower(unit) as unit,
        quantity
    from product_value
),

seat_product as (
    select *
    from product_value
    where unit in ('seat', 'seats', 'user', 'users', 'licence', 'licences', 'license', 'licenses')
        and quantity is not null
    qualify row_number() over (partition by account_id order by quantity desc, product_id) = 1
),

location_product as (
    select *
    from product_value
    where unit in ('location', 'site')
        and quantity is not null
    qualify row_number() over (partition by account_id order by quantity desc, product_id) = 1
),

-- A snapshot that names no product is priced at the product with the most seats.
seat_cue as (
    select
        cue_seat.account_id,
        'seat_utilisation' as kind,
        cue_seat.event_date,
        cast(cue_seat.last_date + cast(cast($cue_seats_days as bigint) as int) as date) as expires_date,
        concat('seats of ', coalesce(nullif(cue_seat.product_id, ''), 'all products')) as evidence,
        concat(
            cast(cast(cue_seat.active as decimal(18,0)) as varchar), ' of ', cast(cast(cue_seat.contracted as decimal(18,0)) as varchar),
            ' seats are in use, ', cast(cast(cue_seat.used_pct as decimal(18,1)) as varchar), ' %',
            case when cue_seat.is_over then ', and more than are paid for since 90 days' else '' end,
            '; ', cast(cast(cue_seat.seats_wanted as decimal(18,0)) as varchar), ' more would leave room'
        ) as statement,
        cast(cue_seat.seats_wanted as double) * cast(coalesce(product_value.unit_arr, seat_product.unit_arr) as double) as value,
        coalesce(product_value.currency, seat_product.currency) as currency,
        coalesce(product_value.price_source, seat_product.price_source) as price_source
    from cue_seat
    left join product_value
        on cue_seat.account_id = product_value.account_id
        and cue_seat.product_id = product_value.product_id
    left join seat_product
        on cue_seat.account_id = seat_product.account_id
),

allotment_cue as (
    select
        account_id,
        'usage_allotment' as kind,
        event_date,
        cast(period_end_date - 1 as date) as expires_date,
        concat('line ', contract_line_id) as evidence,
        concat(
            cast(cast(used as decimal(18,0)) as varchar), ' of ', cast(cast(included as decimal(18,0)) as varchar), ' included ', product_id,
            ' are used, ', cast(cast(used_pct as decimal(18,1)) as varchar), ' %, and the period ends on ', cast(period_end_date as varchar)
        ) as statement,
        case when units_beyond > 0 then cast(units_beyond as double) * cast(unit_price as double) * cast(periods as double) end as value,
        currency,
        'contract' as price_source
    from cue_allotment
),

trial_cue as (
    select
        cue_usage.account_id,
        cue_usage.kind,
        cue_usage.event_date,
        cue_usage.expires_date,
        concat('usage of ', coalesce(nullif(cue_usage.product_id, ''), cue_usage.kind)) as evidence,
        cue_usage.statement,
        case
            when cue_usage.kind <> 'trial_use' then null
            when product_value.unit in ('seat', 'seats', 'user', 'users', 'licence', 'licences', 'license', 'licenses')
                then cast(product_value.unit_arr as double) * cast(coalesce(product_value.quantity, seat_product.quantity) as double)
            else cast(product_value.unit_arr as double)
        end as value,
        product_value.currency,
        product_value.price_source
    from cue_usage
    left join product_value
        on cue_usage.account_id = product_value.account_id
        and cue_usage.product_id = product_value.product_id
    left join seat_product
        on cue_usage.account_id = seat_product.account_id
),

contract_cue as (
    select
        account_id,
        kind,
        event_date,
        change_date as expires_date,
        concat('line ', contract_line_id) as evidence,
        statement,
        cast(amount as double) as value,
        currency,
        'contract' as price_source
    from cue_contract
),

outside_cue as (
    select
        cue_event.account_id,
        cue_event.kind,
        cue_event.event_date,
        cue_event.expires_date,
        cue_event.evidence,
        cue_event.statement,
        case
            when cue_event.kind = 'hiring' and account.employee_count > 0
                then cast(cue_event.quantity as double)
                    * least(cast(seat_product.quantity as double) / cast(account.employee_count as double), cast(1 as double))
                    * cast(seat_product.unit_arr as double)
            when cue_event.kind = 'new_location'
                then cast(coalesce(cue_event.quantity, 1) as double) * cast(location_product.unit_arr as double)
        end as value,
        case when cue_event.kind = 'new_location' then location_product.currency else seat_product.currency end as currency,
        case when cue_event.kind = 'new_location' then location_product.price_source else seat_product.price_source end as price_source
    from cue_event
    inner join account
        on cue_event.account_id = account.account_id
    left join seat_product
        on cue_event.account_id = seat_product.account_id
    left join location_product
        on cue_event.account_id = location_product.account_id
),

every_cue as (
    select * from seat_cue
    union all
    select * from allotment_cue
    union all
    select * from trial_cue
    union all
    select * from contract_cue
    union all
    select * from outside_cue
)

select
    account_id,
    kind,
    event_date,
    expires_date,
    evidence,
    statement,
    cast(value as decimal(38,10)) as amount,
    currency,
    price_source
from every_cue
