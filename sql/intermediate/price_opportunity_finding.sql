/*---
title = "Prices under list at renewal, and escalators that were not used"
owner = "finance"
grain = ["check_code", "account_id", "contract_id", "contract_line_id", "product_id", "subject_id", "period_start_date"]

[columns]
check_code = { type = "text", doc = "P7" }
class = { type = "text", doc = "opportunity" }
account_id = { type = "text", doc = "The account" }
contract_id = { type = "text", doc = "Canonical contract" }
contract_line_id = { type = "text", doc = "Canonical contract line" }
product_id = { type = "text", doc = "Canonical product" }
subject_id = { type = "text", doc = "Empty" }
period_start_date = { type = "date", doc = "Renewal date, or day of the escalator step" }
period_end_date = { type = "date", doc = "First day after it" }
billable_date = { type = "date", doc = "The same day" }
gap_amount = { type = "decimal(18,4)", doc = "A year at the higher price less a year at the contract's" }
expected_amount = { type = "decimal(18,4)", doc = "A year at the higher price" }
billed_amount = { type = "decimal(18,4)", doc = "A year at the contract's" }
run_rate_12m = { type = "decimal(18,4)", doc = "Itself on the latest row" }
currency = { type = "text", doc = "Currency of the amounts" }
evidence = { type = "text", doc = "The rows it rests on" }
explanation = { type = "text", doc = "One sentence with the numbers in it" }

[checks]
not_null = ["check_code", "class", "account_id", "period_start_date", "gap_amount", "currency", "explanation"]

[decisions]
at_renewal = "From audit_window_days before the renewal date, while no contract is known that renews this one; not where the renewal goes to list by itself"
list = "Latest list price on as_of in the contract's currency, of the account's segment or of all, the line's unit or no unit"
permissive = "An escalator that may be claimed with notice, and no notice given by as_of: each step that has come"
linear = "Recurring lines of quantity times price; tiers and use have no one price to compare"
same_day = "Where both fall on one day the larger counts: the price can be raised once"
---*/
with contract_version as (
    select
        contract_id,
        is_current,
        renewal_date,
        renewal_price_rule,
        renews_contract_id,
        charged_to_date
    from contract_version
),

line_grid as (
    select
        contract_line_id,
        contract_id,
        account_id,
        product_id,
        months,
        life_start_date,
        life_end_date,
        currency,
        minor_digits
    from line_grid
    where component = 'charge'
        and months is not null
        and not is_rated
),

line_term as (
    select
        contract_line_id,
        term_start_date,
        term_end_date,
        version,
        quantity,
        price
    from line_term
    where quantity is not null
        and price is not null
),

line_version as (
    select
        contract_line_id,
        version,
        unit
    from line_version
),

account as (
    select
        account_id,
        segment
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
),

escalator_step as (
    select
        contract_line_id,
        escalator_version,
        first_date,
        step_date,
        kind,
        is_counted,
        uplift
    from escalator_step
    where not is_mandatory
),

renewed as (
    select distinct renews_contract_id as contract_id
    from contract_version
    where renews_contract_id is not null
),

-- Contracts whose renewal is being talked about now.
renewing as (
    select
        contract_version.contract_id,
        contract_version.renewal_date
    from contract_version
    left join renewed
        on contract_version.contract_id = renewed.contract_id
    where contract_version.is_current
        and renewed.contract_id is null
        and contract_version.renewal_date > cast($as_of as date)
        and contract_version.renewal_date - cast(cast($audit_window_days as bigint) as int) <= cast($as_of as date)
        and contract_version.charged_to_date >= contract_version.renewal_date
        and coalesce(contract_version.renewal_price_rule, 'none') <> 'list'
),

listed as (
    select
        line_grid.*,
        line_term.version,
        line_term.quantity,
        line_term.price,
        renewing.renewal_date,
        book_price.valid_from_date,
        case
            when book_price.price_period_months is null then cast(book_price.list_price as decimal(38,8))
            else cast(round(cast(
                cast(book_price.list_price as double) * line_grid.months / book_price.price_period_months as decimal(38,10)
            ), 8) as decimal(38,8))
        end as list_price
    from renewing
    inner join line_grid
        on renewing.contract_id = line_grid.contract_id
    inner join line_term
        on line_grid.contract_line_id = line_term.contract_line_id
        and line_term.term_start_date <= cast($as_of as date)
        and line_term.term_end_date > cast($as_of as date)
    inner join line_version
        on line_term.contract_line_id = line_version.contract_line_id
        and line_term.version = line_version.version
    left join account
        on line_grid.account_id = account.account_id
    inner join book_price
        on line_grid.product_id = book_price.product_id
        and line_grid.currency = book_price.currency
        and (book_price.segment is null or book_price.segment = account.segment)
        and (book_price.unit is null or line_version.unit is null or book_price.unit = line_version.unit)
    qualify row_number() over (
        partition by line_grid.contract_line_id
        order by book_price.valid_from_date desc,
            case when book_price.segment is null then 1 else 0 end,
            case when book_price.unit is null then 1 else 0 end,
            book_price.list_price
    ) = 1
),

-- No step of such an escalator was ever notified.
unclaimed as (
    select
        escalator_step.*,
        bool_or(is_counted) over (partition by contract_line_id, escalator_version, first_date) as is_claimed
    from escalator_step
),

stepped as (
    select
        line_grid.*,
        line_term.version,
        line_term.quantity,
        line_term.price,
        unclaimed.step_date,
        unclaimed.first_date,
        unclaimed.kind,
        unclaimed.uplift
    from unclaimed
    inner join line_grid
        on unclaimed.contract_line_id = line_grid.contract_line_id
    inner join line_term
        on unclaimed.contract_line_id = line_term.contract_line_id
        and line_term.term_start_date <= unclaimed.step_date
        and line_term.term_end_date > unclaimed.step_date
        and (unclaimed.escalator_version is null or unclaimed.escalator_version = line_term.version)
    where not unclaimed.is_claimed
        and unclaimed.uplift > 0
        and unclaimed.step_date <= cast($as_of as date)
),

candidate as (
    select
        account_id,
        contract_id,
        contract_line_id,
        product_id,
        months,
        currency,
        minor_digits,
        version,
        quantity,
        price,
        renewal_date as from_date,
        cast(list_price as decimal(38,12)) as better_price,
        cast(null as decimal(18,12)) as uplift,
        valid_from_date as stated_date,
        cast(cast(list_price - price as double) * cast(quantity as double) * 12 / months as decimal(38,10)) as year_gap,
        cast(cast(price as double) * cast(quantity as double) * 12 / months as decimal(38,10)) as year_value
    from listed
    where list_price > price
    union all
    select
        account_id,
        contract_id,
        contract_line_id,
        product_id,
        months,
        currency,
        minor_digits,
        version,
        quantity,
        price,
        step_date as from_date,
        cast(null as decimal(38,12)) as better_price,
        uplift,
        first_date as stated_date,
        cast(cast(uplift as double) * cast(price as double) * cast(quantity as double) * 12 / months as decimal(38,10)) as year_gap,
        cast(cast(price as double) * cast(quantity as double) * 12 / months as decimal(38,10)) as year_value
    from stepped
),

largest as (
    select *
    from candidate
    qualify row_number() over (
        partition by contract_line_id, from_date
        order by year_gap desc, stated_date, uplift nulls last
    ) = 1
),

rounded as (
    select
        largest.*,
        case minor_digits
            when 0 then cast(round(year_gap, 0) as decimal(18,4))
            when 3 then cast(round(year_gap, 3) as decimal(18,4))
            else cast(round(year_gap, 2) as decimal(18,4))
        end as gap_amount,
        case minor_digits
            when 0 then cast(round(year_value, 0) as decimal(18,4))
            when 3 then cast(round(year_value, 3) as decimal(18,4))
            else cast(round(year_value, 2) as decimal(18,4))
        end as year_amount,
        row_number() over (partition by contract_line_id order by from_date desc) as place_from_last
    from largest
),

worded as (
    select
        rounded.*,
        case minor_digits
            when 0 then concat(cast(cast(gap_amount as decimal(18,0)) as varchar), ' ', currency)
            when 3 then concat(cast(cast(gap_amount as decimal(18,3)) as varchar), ' ', currency)
            else concat(cast(cast(gap_amount as decimal(18,2)) as varchar), ' ', currency)
        end as gap_text,
        case minor_digits
            when 0 then concat(cast(cast(year_amount as decimal(18,0)) as varchar), ' ', currency)
            when 3 then concat(cast(cast(year_amount as decimal(18,3)) as varchar), ' ', currency)
            else concat(cast(cast(year_amount as decimal(18,2)) as varchar), ' ', currency)
        end as year_text,
        concat('for ', cast(months as varchar), case when months = 1 then ' month' else ' months' end) as period_text,
        rtrim(rtrim(cast(quantity as varchar), '0'), '.') as quantity_text,
        case when price = cast(price as decimal(18,2)) then cast(cast(price as decimal(18,2)) as varchar) else rtrim(rtrim(cast(cast(price as decimal(38,8)) as varchar), '0'), '.') end as price_text,
        case when better_price = cast(better_price as decimal(18,2)) then cast(cast(better_price as decimal(18,2)) as varchar) else rtrim(rtrim(cast(cast(better_price as decimal(38,8)) as varchar), '0'), '.') end as list_text,
        rtrim(rtrim(cast(cast(uplift * 100 as decimal(18,6)) as varchar), '0'), '.') as uplift_text
    from rounded
    where gap_amount > 0
)

select
    'P7' as check_code,
    'opportunity' as class,
    account_id,
    contract_id,
    contract_line_id,
    product_id,
    '' as subject_id,
    from_date as period_start_date,
    cast(from_date + interval '12 months' as date) as period_end_date,
    from_date as billable_date,
    gap_amount,
    cast(year_amount + gap_amount as decimal(18,4)) as expected_amount,
    year_amount as billed_amount,
    case when place_from_last = 1 then gap_amount else cast(0 as decimal(18,4)) end as run_rate_12m,
    currency,
    concat(
        'contract line ', contract_line_id, ' version ', cast(version as varchar), '; ',
        case
            when uplift is null then concat('list price of ', product_id, ' valid from ', cast(stated_date as varchar))
            else concat('escalator from ', cast(stated_date as varchar), ', step of ', cast(from_date as varchar))
        end
    ) as evidence,
    case
        when uplift is null then concat(
            'The contract renews on ', cast(from_date as varchar), ' at ', price_text, ' ', currency, ' ', period_text, ' where the list price is ',
            list_text, ' ', currency, ': at list ', quantity_text, case when quantity = 1 then ' unit' else ' units' end, ' would bring ', gap_text, ' more a year than ', year_text, '.'
        )
        else concat(
            'The contract allows ', uplift_text, ' % more from ', cast(from_date as varchar), ' if notice is given, and none was: on ',
            quantity_text, case when quantity = 1 then ' unit' else ' units' end, ' at ', price_text, ' ', currency, ' ', period_text, ', ', year_text, ' a year, that is ', gap_text, ' a year.'
        )
    end as explanation
from worded
