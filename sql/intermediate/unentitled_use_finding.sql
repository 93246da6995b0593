/*---
title = "Paid features that are used and neither on contract nor invoiced"
owner = "finance"
grain = ["check_code", "account_id", "contract_id", "contract_line_id", "product_id", "subject_id", "period_start_date"]

[columns]
check_code = { type = "text", doc = "Q7" }
class = { type = "text", doc = "opportunity" }
account_id = { type = "text", doc = "The account" }
contract_id = { type = "text", doc = "Empty" }
contract_line_id = { type = "text", doc = "Empty" }
product_id = { type = "text", doc = "Canonical product" }
subject_id = { type = "text", doc = "Empty" }
period_start_date = { type = "date", doc = "First day of the month" }
period_end_date = { type = "date", doc = "First day after it" }
billable_date = { type = "date", doc = "First day after the month" }
gap_amount = { type = "decimal(18,4)", doc = "List price of the month, one unit; 0 where no list price is known" }
expected_amount = { type = "decimal(18,4)", doc = "The same" }
billed_amount = { type = "decimal(18,4)", doc = "Nothing" }
run_rate_12m = { type = "decimal(18,4)", doc = "Twelve times the latest month, while the use goes on" }
currency = { type = "text", doc = "Currency of the amounts" }
evidence = { type = "text", doc = "The rows it rests on" }
explanation = { type = "text", doc = "One sentence with the numbers in it" }

[checks]
not_null = ["check_code", "class", "account_id", "period_start_date", "gap_amount", "currency", "explanation"]

[decisions]
paid = "Features whose entitlement is paid and whose product is known; trial, beta and bundled ones cost nothing, own accounts pay nothing"
entitled = "A contract line of the product, whatever its kind, of the account or the account above it, in force on any day of the month, or an invoice line for the month"
price = "One unit at the latest list price of the month, of the account's segment or of all, in the account's currency, else that of its contracts"
closed = "Months that are over by as_of"
---*/
with account as (
    select
        account_id,
        parent_account_id,
        segment,
        currency
    from account
    where not coalesce(is_internal, false)
),

canonical_id as (
    select
        external_id,
        canonical_id
    from canonical_id
    where kind = 'product'
),

feature as (
    select
        feature,
        product_id
    from feature
    where entitlement = 'paid'
        and product_id is not null
),

usage_feature_daily as (
    select
        account_id,
        usage_date,
        feature,
        quantity
    from usage_feature_daily
    where quantity > 0
        and usage_date <= cast($as_of as date)
),

line_grid as (
    select
        account_id,
        product_id,
        life_start_date,
        life_end_date,
        currency
    from line_grid
),

billed_product_month as (
    select
        account_id,
        product_id,
        month_date
    from billed_product_month
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
),

currency_minor_unit as (
    select
        currency,
        minor_digits
    from currency_minor_unit
),

paid_feature as (
    select
        feature.feature,
        coalesce(canonical_id.canonical_id, feature.product_id) as product_id
    from feature
    left join canonical_id
        on feature.product_id = canonical_id.external_id
),

used_feature as (
    select
        usage_feature_daily.account_id,
        paid_feature.product_id,
        usage_feature_daily.feature,
        cast(date_trunc('month', usage_feature_daily.usage_date) as date) as month_date,
        count(*) as days,
        min(usage_feature_daily.usage_date) as first_date
    from usage_feature_daily
    inner join paid_feature
        on usage_feature_daily.feature = paid_feature.feature
    group by
        usage_feature_daily.account_id,
        paid_feature.product_id,
        usage_feature_daily.feature,
        cast(date_trunc('month', usage_feature_daily.usage_date) as date)
),

used as (
    select
        account_id,
        product_id,
        month_date,
        cast(date_trunc('month', month_date + 31) as date) as month_end_date,
        string_agg(concat(feature, ' on ', cast(days as varchar), case when days = 1 then ' day' else ' days' end), ', ' order by feature) as features
    from used_feature
    group by
        account_id,
        product_id,
        month_date
),

-- Whoever may stand for the account: itself and the one above it.
holder as (
    select
        account_id,
        account_id as holder_id
    from account
    union
    select
        account_id,
        parent_account_id as holder_id
    from account
    where parent_account_id is not null
),

entitled as (
    select
        used.account_id,
        used.product_id,
        used.month_date
    from used
    inner join holder
        on used.account_id = holder.account_id
    inner join line_grid
        on holder.holder_id = line_grid.account_id
        and used.product_id = line_grid.product_id
        and line_grid.life_start_date < used.month_end_date
        and line_grid.life_end_date > used.month_date
    union
    select
        used.account_id,
        used.product_id,
        used.month_date
    from used
    inner join holder
        on used.account_id = holder.account_id
    inner join billed_product_month
        on holder.holder_id = billed_product_month.account_id
        and used.product_id = billed_product_month.product_id
        and used.month_date = billed_product_month.month_date
),

contract_currency as (
    select
        account_id,
        min(currency) as currency
    from line_grid
    group by account_id
),

unentitled as (
    select
        used.*,
        account.segment,
        coalesce(account.currency, contract_currency.currency, cast($reporting_currency as varchar)) as currency
    from used
    inner join account
        on used.account_id = account.account_id
    left join contract_currency
        on used.account_id = contract_currency.account_id
    left join entitled
        on used.account_id = entitled.account_id
        and used.product_id = entitled.product_id
        and used.month_date = entitled.month_date
    where entitled.account_id is null
        and used.month_end_date <= cast($as_of as date)
),

priced as (
    select
        unentitled.*,
        coalesce(currency_minor_unit.minor_digits, cast(2 as bigint)) as minor_digits,
        book_price.list_price,
        book_price.valid_from_date,
        cast(cast(book_price.list_price as double) / coalesce(book_price.price_period_months, 1) as decimal(38,10)) as month_price
    from unentitled
    left join book_price
        on unentitled.product_id = book_price.product_id
        and unentitled.currency = book_price.currency
        and (book_price.segment is null or book_price.segment = unentitled.segment)
        and book_price.valid_from_date < unentitled.month_end_date
    left join currency_minor_unit
        on unentitled.currency = currency_minor_unit.currency
    qualify row_number() over (
        partition by unentitled.account_id, unentitled.product_id, unentitled.month_date
        order by book_price.valid_from_date desc nulls last,
            case when book_price.segment is null then 1 else 0 end,
            book_price.unit nulls first,
            book_price.list_price
    ) = 1
),

rounded as (
    select
        priced.*,
        coalesce(case minor_digits
            when 0 then cast(round(month_price, 0) as decimal(18,4))
            when 3 then cast(round(month_price, 3) as decimal(18,4))
            else cast(round(month_price, 2) as decimal(18,4))
        end, cast(0 as decimal(18,4))) as gap_amount,
        row_number() over (partition by account_id, product_id order by month_date desc) as place_from_last
    from priced
),

worded as (
    select
        rounded.*,
        case minor_digits
            when 0 then concat(cast(cast(gap_amount as decimal(18,0)) as varchar), ' ', currency)
            when 3 then concat(cast(cast(gap_amount as decimal(18,3)) as varchar), ' ', currency)
            else concat(cast(cast(gap_amount as decimal(18,2)) as varchar), ' ', currency)
        end as gap_text
    from rounded
)

select
    'Q7' as check_code,
    'opportunity' as class,
    account_id,
    '' as contract_id,
    '' as contract_line_id,
    product_id,
    '' as subject_id,
    month_date as period_start_date,
    month_end_date as period_end_date,
    month_end_date as billable_date,
    gap_amount,
    gap_amount as expected_amount,
    cast(0 as decimal(18,4)) as billed_amount,
    case
        when place_from_last = 1 and month_end_date > cast($as_of as date) - 31 then cast(12 * gap_amount as decimal(18,4))
        else cast(0 as decimal(18,4))
    end as run_rate_12m,
    currency,
    concat(
        'usage of ', features, ' in the month from ', cast(month_date as varchar),
        case when valid_from_date is null then '' else concat('; list price of ', product_id, ' valid from ', cast(valid_from_date as varchar)) end
    ) as evidence,
    concat(
        'In the month from ', cast(month_date as varchar), ' paid features of ', product_id, ' were used (', features,
        ') without a contract line or an invoice line of it: ',
        case
            when valid_from_date is null then 'no list price of it is known'
            else concat('one unit a month costs ', gap_text, ' by the list of ', cast(valid_from_date as varchar))
        end,
        '.'
    ) as explanation
from worded
