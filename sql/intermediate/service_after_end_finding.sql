/*---
title = "Use of a service after its end"
owner = "finance"
grain = ["check_code", "account_id", "contract_id", "contract_line_id", "product_id", "subject_id", "period_start_date"]

[columns]
check_code = { type = "text", doc = "C5" }
class = { type = "text", doc = "exposure" }
account_id = { type = "text", doc = "The account" }
contract_id = { type = "text", doc = "Canonical contract" }
contract_line_id = { type = "text", doc = "Canonical contract line" }
product_id = { type = "text", doc = "Canonical product" }
subject_id = { type = "text", doc = "Empty" }
period_start_date = { type = "date", doc = "First day of use concerned in the month" }
period_end_date = { type = "date", doc = "First day after it" }
billable_date = { type = "date", doc = "First day after the month, or after as_of" }
gap_amount = { type = "decimal(18,4)", doc = "What the use would have cost at the last price" }
expected_amount = { type = "decimal(18,4)", doc = "The same" }
billed_amount = { type = "decimal(18,4)", doc = "Nothing: it was not billed" }
run_rate_12m = { type = "decimal(18,4)", doc = "Twelve times the latest month while the use goes on" }
currency = { type = "text", doc = "Currency of the amounts" }
evidence = { type = "text", doc = "The rows it rests on" }
explanation = { type = "text", doc = "One sentence with the numbers in it" }

[checks]
not_null = ["check_code", "class", "account_id", "period_start_date", "gap_amount", "currency", "explanation"]

[decisions]
later_line = "A line is looked at when no other line of the account with its product ends later; of several that end together, the one whose id sorts first"
usage = "Measured use at the line's last terms, by calendar month as if it were a whole period; a fixed fee billed as usage is not measured"
seats = "The most seats active in a snapshot of the month, at the last price by the day, up to the last day on which any was active"
billed = "A month in which the account was billed for the product is no use without pay"
grace = "Use within after_end_grace_days of the end is tolerated: getting the data out"
---*/
with line_grid as (
    select
        contract_line_id,
        contract_id,
        account_id,
        product_id,
        component,
        months,
        life_start_date,
        life_end_date,
        currency,
        minor_digits
    from line_grid
    where component in ('charge', 'usage')
        and life_end_date > life_start_date
),

line_term as (
    select
        contract_line_id,
        term_start_date,
        version,
        price,
        metric,
        unit_size
    from line_term
    where not is_free
),

line_version as (
    select
        contract_line_id,
        version,
        pricing_model
    from line_version
),

rated_term as (
    select
        contract_line_id,
        version,
        family,
        included_quantity,
        package_size
    from rated_term
    where is_rated
        and missing_term is null
),

tier_step as (
    select
        contract_line_id,
        version,
        lower_quantity,
        upper_quantity,
        base_quantity,
        base_amount,
        price
    from tier_step
),

seat_line as (
    select
        contract_line_id,
        version
    from seat_line
),

usage_daily as (
    select
        account_id,
        metric,
        product_id,
        usage_date,
        quantity
    from usage_daily
    where usage_date <= cast($as_of as date)
        and quantity > 0
),

seat_snapshot as (
    select
        account_id,
        product_id,
        snapshot_date,
        active
    from seat_snapshot
    where snapshot_date <= cast($as_of as date)
        and active > 0
),

billed_product_month as (
    select
        account_id,
        product_id,
        month_date
    from billed_product_month
),

last_end as (
    select
        account_id,
        product_id,
        max(life_end_date) as life_end_date
    from line_grid
    group by
        account_id,
        product_id
    having max(life_end_date) <= cast($as_of as date)
),

last_line_id as (
    select
        line_grid.account_id,
        line_grid.product_id,
        min(line_grid.contract_line_id) as contract_line_id
    from line_grid
    inner join last_end
        on line_grid.account_id = last_end.account_id
        and line_grid.product_id = last_end.product_id
        and line_grid.life_end_date = last_end.life_end_date
    group by
        line_grid.account_id,
        line_grid.product_id
),

last_line as (
    select line_grid.*
    from line_grid
    inner join last_line_id
        on line_grid.contract_line_id = last_line_id.contract_line_id
),

last_start as (
    select
        line_term.contract_line_id,
        max(line_term.term_start_date) as term_start_date
    from line_term
    inner join last_line_id
        on line_term.contract_line_id = last_line_id.contract_line_id
    group by line_term.contract_line_id
),

last_term as (
    select line_term.*
    from line_term
    inner join last_start
        on line_term.contract_line_id = last_start.contract_line_id
        and line_term.term_start_date = last_start.term_start_date
),

ended as (
    select
        last_line.*,
        cast(last_line.life_end_date + cast(cast($after_end_grace_days as bigint) as int) as date) as from_date,
        last_term.version,
        last_term.price,
        last_term.metric,
        coalesce(last_term.unit_size, 1) as unit_size,
        line_version.pricing_model,
        line_version.pricing_model not in ('flat', 'per_unit') or rated_term.family is not null as is_rated,
        rated_term.family,
        rated_term.included_quantity,
        rated_term.package_size,
        seat_line.contract_line_id is not null as is_seat
    from last_line
    inner join last_term
        on last_line.contract_line_id = last_term.contract_line_id
    inner join line_version
        on last_term.contract_line_id = line_version.contract_line_id
        and last_term.version = line_version.version
    left join seat_line
        on last_term.contract_line_id = seat_line.contract_line_id
        and last_term.version = seat_line.version
    left join rated_term
        on last_term.contract_line_id = rated_term.contract_line_id
        and last_term.version = rated_term.version
),

used as (
    select
        ended.contract_line_id,
        cast(date_trunc('month', usage_daily.usage_date) as date) as month_date,
        cast(sum(usage_daily.quantity) as decimal(38,6)) as quantity
    from ended
    inner join usage_daily
        on ended.account_id = usage_daily.account_id
        and ended.metric = usage_daily.metric
        and (usage_daily.product_id is null or usage_daily.product_id = ended.product_id)
        and usage_daily.usage_date >= ended.from_date
    where ended.component = 'usage'
        and ended.pricing_model <> 'flat'
    group by
        ended.contract_line_id,
        cast(date_trunc('month', usage_daily.usage_date) as date)
),

counted_seats as (
    select
        ended.contract_line_id,
        cast(date_trunc('month', seat_snapshot.snapshot_date) as date) as month_date,
        max(seat_snapshot.active) as quantity,
        max(seat_snapshot.snapshot_date) as last_date
    from ended
    inner join seat_snapshot
        on ended.account_id = seat_snapshot.account_id
        and (seat_snapshot.product_id is null or seat_snapshot.product_id = ended.product_id)
        and seat_snapshot.snapshot_date >= ended.from_date
    where ended.is_seat
        and ended.months is not null
    group by
        ended.contract_line_id,
        cast(date_trunc('month', seat_snapshot.snapshot_date) as date)
),

-- Seats are in use up to the last day seen, whatever month it lies in.
seat_month as (
    select
        contract_line_id,
        month_date,
        quantity,
        max(last_date) over (partition by contract_line_id) as last_date
    from counted_seats
),

every_month as (
    select
        contract_line_id,
        month_date,
        quantity,
        cast(null as date) as last_date
    from used
    union all
    select
        contract_line_id,
        month_date,
        cast(quantity as decimal(38,6)) as quantity,
        last_date
    from seat_month
),

bounded as (
    select
        ended.*,
        every_month.month_date,
        every_month.last_date,
        greatest(every_month.month_date, ended.from_date) as period_start_date,
        cast(least(cast(date_trunc('month', every_month.month_date + 31) as date), cast($as_of as date) + 1) as date) as period_end_date,
        cast(date_trunc('month', every_month.month_date + 31) as date) - every_month.month_date as month_days,
        cast(date_trunc('month', every_month.month_date + 31) as date) as month_end_date,
        cast(round(cast(cast(every_month.quantity as double) / cast(case when ended.is_seat then 1 else ended.unit_size end as double) as decimal(38,10)), 6) as decimal(18,6)) as units
    from ended
    inner join every_month
        on ended.contract_line_id = every_month.contract_line_id
    left join billed_product_month
        on ended.account_id = billed_product_month.account_id
        and ended.product_id = billed_product_month.product_id
        and every_month.month_date = billed_product_month.month_date
    where billed_product_month.account_id is null
),

-- What a whole month's units cost: quantity times price, or by the tiers and packages of the last terms.
costed as (
    select
        bounded.*,
        case
            when not bounded.is_rated then cast(bounded.units as double) * cast(bounded.price as double)
            when bounded.family = 'package' then ceil(round(
                greatest(cast(bounded.units as double) - cast(bounded.included_quantity as double), 0) / cast(bounded.package_size as double), 9
            )) * cast(bounded.price as double)
            when bounded.family = 'percentage'
                then greatest(cast(bounded.units as double) - cast(bounded.included_quantity as double), 0) * cast(bounded.price as double) / 100
            else cast(tier_step.base_amount as double)
                + (greatest(cast(bounded.units as double) - cast(bounded.included_quantity as double), 0) - cast(tier_step.base_quantity as double))
                * cast(coalesce(tier_step.price, bounded.price) as double)
        end as month_cost
    from bounded
    left join tier_step
        on bounded.contract_line_id = tier_step.contract_line_id
        and bounded.version = tier_step.version
        and bounded.is_rated
        and tier_step.lower_quantity < bounded.units - bounded.included_quantity
        and bounded.units - bounded.included_quantity <= tier_step.upper_quantity
),

valued as (
    select
        costed.*,
        least(last_date + 1, month_end_date) - period_start_date as seat_days,
        cast(case
            when last_date is null then month_cost
            else month_cost * cast(least(last_date + 1, month_end_date) - period_start_date as double) / cast(months * month_days as double)
        end as decimal(38,10)) as value
    from costed
    where month_cost is not null
),

rounded as (
    select
        valued.*,
        case minor_digits
            when 0 then cast(round(value, 0) as decimal(18,4))
            when 3 then cast(round(value, 3) as decimal(18,4))
            else cast(round(value, 2) as decimal(18,4))
        end as amount,
        row_number() over (partition by contract_line_id order by month_date desc) as place_from_last
    from valued
),

worded as (
    select
        rounded.*,
        case minor_digits
            when 0 then concat(cast(cast(amount as decimal(18,0)) as varchar), ' ', currency)
            when 3 then concat(cast(cast(amount as decimal(18,3)) as varchar), ' ', currency)
            else concat(cast(cast(amount as decimal(18,2)) as varchar), ' ', currency)
        end as amount_text,
        rtrim(rtrim(cast(units as varchar), '0'), '.') as units_text,
        case when price = cast(price as decimal(18,2)) then cast(cast(price as decimal(18,2)) as varchar) else rtrim(rtrim(cast(cast(price as decimal(38,8)) as varchar), '0'), '.') end as price_text
    from rounded
    where amount > 0
)

select
    'C5' as check_code,
    'exposure' as class,
    account_id,
    contract_id,
    contract_line_id,
    product_id,
    '' as subject_id,
    period_start_date,
    period_end_date,
    period_end_date as billable_date,
    amount as gap_amount,
    amount as expected_amount,
    cast(0 as decimal(18,4)) as billed_amount,
    case
        when place_from_last = 1 and month_end_date > cast($as_of as date) - 31 then cast(12 * amount as decimal(18,4))
        else cast(0 as decimal(18,4))
    end as run_rate_12m,
    currency,
    concat(
        'contract line ', contract_line_id, ' version ', cast(version as varchar), '; ',
        case when last_date is null then concat('usage of ', metric) else 'seat snapshots' end,
        ' from ', cast(period_start_date as varchar), ' to ', cast(period_end_date as varchar)
    ) as evidence,
    concat(
        'The service ended on ', cast(life_end_date as varchar), ', but from ', cast(period_start_date as varchar), ' to ', cast(period_end_date as varchar), ' ',
        case
            when last_date is null then concat(
                units_text, ' units of ', metric, ' were used: at the last ', case when is_rated then 'tiers and packages ' else concat('price of ', price_text, ' ', currency, ' ') end, amount_text, ', not billed.'
            )
            else concat(
                'up to ', units_text, ' seats were active, on ', cast(seat_days as varchar), ' of ', cast(month_days as varchar), ' days: at the last price of ',
                price_text, ' ', currency, ' for ', cast(months as varchar), case when months = 1 then ' month ' else ' months ' end, amount_text, ', not billed.'
            )
        end
    ) as explanation
from worded
