/*---
title = "What one more unit of a product is worth in a year to each account"
owner = "finance"
grain = ["account_id", "product_id"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
account_id = { type = "text", doc = "The account" }
product_id = { type = "text", doc = "Canonical product" }
currency = { type = "text", doc = "Currency of the price" }
unit_arr = { type = "decimal(18,8)", doc = "Price of one unit for a year" }
price_source = { type = "text", doc = "contract: what the account pays now, discounts included; price_book: the list price" }
unit = { type = "text", doc = "What is counted; null where nobody says" }
quantity = { type = "decimal(18,6)", doc = "Units under contract; null where the account has none" }

[checks]
not_null = ["account_id", "product_id", "currency", "unit_arr", "price_source"]

[decisions]
contract_first = "Recurring revenue over quantity on the first of the month; only a product the account does not pay by the unit is priced from the price book, in the account's currency and segment"
several_currencies = "Of a product under contract in two currencies the one with more units"
---*/
with line_arr as (
    select
        contract_line_id,
        account_id,
        product_id,
        currency,
        quantity,
        arr_contracted
    from line_arr
    where component = 'charge'
        and month_date = cast(date_trunc('month', cast($as_of as date)) as date)
        and quantity > 0
        and arr_contracted > 0
),

line_version as (
    select
        contract_line_id,
        unit
    from line_version
    where pricing_model <> 'flat'
        and component = 'charge'
),

account as (
    select
        account_id,
        segment,
        currency
    from account
),

book_price as (
    select
        product_id,
        segment,
        currency,
        unit,
        list_price,
        price_period_months,
        valid_from_date
    from book_price
    where valid_from_date <= cast($as_of as date)
        and price_period_months is not null
),

counted_line as (
    select
        contract_line_id,
        max(unit) as unit
    from line_version
    group by contract_line_id
),

contracted as (
    select
        line_arr.account_id,
        line_arr.product_id,
        line_arr.currency,
        max(counted_line.unit) as unit,
        sum(line_arr.quantity) as quantity,
        sum(line_arr.arr_contracted) as arr
    from line_arr
    inner join counted_line
        on line_arr.contract_line_id = counted_line.contract_line_id
    group by
        line_arr.account_id,
        line_arr.product_id,
        line_arr.currency
    qualify row_number() over (
        partition by line_arr.account_id, line_arr.product_id
        order by sum(line_arr.quantity) desc, line_arr.currency
    ) = 1
),

listed as (
    select
        account.account_id,
        book_price.product_id,
        book_price.currency,
        book_price.unit,
        cast(cast(book_price.list_price as double) * 12 / cast(book_price.price_period_months as double) as decimal(38,10)) as unit_arr
    from account
    inner join book_price
        on account.currency = book_price.currency
    where book_price.segment is null or book_price.segment = account.segment
    qualify row_number() over (
        partition by account.account_id, book_price.product_id
        order by book_price.valid_from_date desc, case when book_price.segment is null then 1 else 0 end, book_price.unit nulls last, book_price.list_price
    ) = 1
)

select
    account_id,
    product_id,
    currency,
    cast(cast(cast(arr as double) / cast(quantity as double) as decimal(38,10)) as decimal(18,8)) as unit_arr,
    'contract' as price_source,
    unit,
    cast(quantity as decimal(18,6)) as quantity
from contracted
union all
select
    listed.account_id,
    listed.product_id,
    listed.currency,
    cast(listed.unit_arr as decimal(18,8)) as unit_arr,
    'price_book' as price_source,
    listed.unit,
    cast(null as decimal(18,6)) as quantity
from listed
left join contracted
    on listed.account_id = contracted.account_id
    and listed.product_id = contracted.product_id
where contracted.account_id is null
