/*---
title = "Terms begun past a contract's end, where the contract says what they cost"
owner = "finance"
grain = ["contract_id", "version", "term_no"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
contract_id = { type = "text", doc = "Canonical contract" }
version = { type = "integer", doc = "The contract version" }
term_no = { type = "integer", doc = "1 for the term that begins on the end date" }
term_start_date = { type = "date", doc = "First day of the term" }
price_rule = { type = "text", doc = "fixed_pct, list, index or another" }
uplift = { type = "decimal(18,12)", doc = "Uplift as a fraction; null where the rule has none or it is not known" }
missing_term = { type = "text", doc = "What stands in the way of a price; null where nothing does" }

[checks]
not_null = ["contract_id", "version", "term_no", "term_start_date", "price_rule"]

[decisions]
length = "A term is as long as the written one, in whole months, at least one"
horizon = "Terms that begin within a year after as_of: no period begun by then reaches further"
---*/
with contract_version as (
    select
        contract_id,
        version,
        start_date,
        end_date,
        charged_to_date,
        renewal_price_rule,
        renewal_uplift_pct
    from contract_version
    where coalesce(renewal_price_rule, 'none') <> 'none'
        and end_date < charged_to_date
        and end_date <= cast($as_of as date) + 366
),

calendar_month as (
    select
        month_no,
        first_date,
        day_count
    from calendar_month
),

numbered as (
    select
        contract_version.*,
        cast(date_part('year', start_date) as bigint) * 12 + cast(date_part('month', start_date) as bigint) - 1 as start_month_no,
        cast(date_part('year', end_date) as bigint) * 12 + cast(date_part('month', end_date) as bigint) - 1 as end_month_no,
        cast(date_part('day', start_date) as bigint) as start_day,
        cast(date_part('day', end_date) as bigint) as end_day,
        least(charged_to_date - 1, cast($as_of as date) + 366) as last_date
    from contract_version
),

-- Whole months from start to end: the end's month counts once its day is reached, the last day of a short month included.
lengthened as (
    select
        numbered.*,
        greatest(
            end_month_no - start_month_no - case when end_day < least(start_day, calendar_month.day_count) then 1 else 0 end,
            1
        ) as term_months
    from numbered
    inner join calendar_month
        on numbered.end_month_no = calendar_month.month_no
),

every_term as (
    select
        lengthened.*,
        unnest(generate_series(
            cast(0 as bigint),
            cast(floor(cast(
                cast(date_part('year', last_date) as bigint) * 12 + cast(date_part('month', last_date) as bigint) - 1 - end_month_no
                as double) / term_months) as bigint)
        )) as term_no
    from lengthened
),

dated as (
    select
        every_term.*,
        cast(calendar_month.first_date + cast(least(every_term.end_day, calendar_month.day_count) - 1 as int) as date) as term_start_date
    from every_term
    inner join calendar_month
        on every_term.end_month_no + every_term.term_no * every_term.term_months = calendar_month.month_no
)

select
    contract_id,
    version,
    cast(term_no + 1 as bigint) as term_no,
    term_start_date,
    renewal_price_rule as price_rule,
    case
        when renewal_price_rule = 'fixed_pct' then cast(cast(renewal_uplift_pct as decimal(38,4)) * cast(0.01 as decimal(4,2)) as decimal(18,12))
    end as uplift,
    case
        when renewal_price_rule = 'fixed_pct' and renewal_uplift_pct is null then 'renewal_uplift_pct'
        when renewal_price_rule = 'index' then 'renewal index'
        when renewal_price_rule not in ('fixed_pct', 'list') then 'renewal_price_rule'
    end as missing_term
from dated
where term_start_date <= last_date
