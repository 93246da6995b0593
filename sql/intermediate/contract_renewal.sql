/*---
title = "Contracts in force, with their next renewal and notice deadline"
owner = "finance"
grain = ["contract_id"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
contract_id = { type = "text", doc = "Canonical contract" }
account_id = { type = "text", doc = "The account" }
version = { type = "integer", doc = "Version in force on as_of" }
term_source = { type = "text", doc = "signed, crm or billing: whose terms these are" }
currency = { type = "text", doc = "Contract currency" }
minor_digits = { type = "integer", doc = "Decimals of the currency" }
start_date = { type = "date", doc = "First day of the term as written" }
end_date = { type = "date", doc = "First day after the term as written; null where open" }
term_months = { type = "integer", doc = "Whole months of a term; null where the contract is open-ended" }
term_start_date = { type = "date", doc = "First day of the term that as_of lies in: the contract's own start, or the last renewal by itself" }
term_before_start_date = { type = "date", doc = "First day of the term before; null in the first term" }
renewal_date = { type = "date", doc = "First day of the next term after as_of; null where none is due" }
notice_days = { type = "integer", doc = "Days before renewal by which notice must be given; null where not known" }
notice_deadline_date = { type = "date", doc = "Last day for notice; null where renewal or notice days are not known" }
auto_renew = { type = "boolean", doc = "Renews by itself" }
is_evergreen = { type = "boolean", doc = "Runs on without a next term: open-ended, or past its end under evergreen terms" }
is_renewed = { type = "boolean", doc = "Another contract that is known renews it" }
is_ending = { type = "boolean", doc = "Ends early, before it would renew" }

[checks]
not_null = ["contract_id", "account_id", "currency", "is_evergreen", "is_renewed", "is_ending"]

[decisions]
active = "In force: service has begun and as_of is charged"
next_term = "A contract that renews itself past its end renews every whole number of months its term had, on the end's own day"
evergreen = "Terms that run on past the end without automatic renewal have no next renewal"
deadline = "Renewal date less notice days; without notice days the deadline alone cannot be told"
---*/
with contract_version as (
    select
        contract_id,
        account_id,
        version,
        term_source,
        currency,
        minor_digits,
        start_date,
        service_start_date,
        end_date,
        charged_to_date,
        renewal_date,
        renews_contract_id,
        notice_days,
        auto_renew,
        is_current
    from contract_version
),

calendar_month as (
    select
        month_no,
        first_date,
        day_count
    from calendar_month
),

renewed as (
    select distinct renews_contract_id as contract_id
    from contract_version
    where renews_contract_id is not null
),

active as (
    select
        contract_version.*,
        renewed.contract_id is not null as is_renewed
    from contract_version
    left join renewed
        on contract_version.contract_id = renewed.contract_id
    where contract_version.is_current
        and contract_version.service_start_date <= cast($as_of as date)
        and contract_version.charged_to_date > cast($as_of as date)
),

numbered as (
    select
        active.*,
        cast(date_part('year', start_date) as bigint) * 12 + cast(date_part('month', start_date) as bigint) - 1 as start_month_no,
        cast(date_part('year', end_date) as bigint) * 12 + cast(date_part('month', end_date) as bigint) - 1 as end_month_no,
        cast(date_part('year', cast($as_of as date)) as bigint) * 12 + cast(date_part('month', cast($as_of as date)) as bigint) - 1 as now_month_no,
        cast(date_part('day', start_date) as bigint) as start_day,
        cast(date_part('day', end_date) as bigint) as end_day
    from active
),

lengthened as (
    select
        numbered.*,
        greatest(
            end_month_no - start_month_no - case when end_day < least(start_day, calendar_month.day_count) then 1 else 0 end,
            1
        ) as term_months
    from numbered
    left join calendar_month
        on numbered.end_month_no = calendar_month.month_no
),

-- The boundary of a whole number of terms in or before as_of's month, and the one after it.
stepped as (
    select
        lengthened.*,
        end_month_no + term_months * cast(floor(cast(now_month_no - end_month_no as double) / cast(term_months as double)) as bigint) as near_month_no
    from lengthened
),

dated as (
    select
        stepped.*,
        cast(near_month.first_date + cast(least(stepped.end_day, near_month.day_count) - 1 as int) as date) as near_date,
        cast(far_month.first_date + cast(least(stepped.end_day, far_month.day_count) - 1 as int) as date) as far_date,
        cast(before_month.first_date + cast(least(stepped.end_day, before_month.day_count) - 1 as int) as date) as before_date,
        cast(first_month.first_date + cast(least(stepped.end_day, first_month.day_count) - 1 as int) as date) as first_date
    from stepped
    left join calendar_month as near_month
        on stepped.near_month_no = near_month.month_no
    left join calendar_month as far_month
        on stepped.near_month_no + stepped.term_months = far_month.month_no
    left join calendar_month as before_month
        on stepped.near_month_no - stepped.term_months = before_month.month_no
    left join calendar_month as first_month
        on stepped.near_month_no - 2 * stepped.term_months = first_month.month_no
),

due as (
    select
        dated.*,
        cast(case
            when renewal_date > cast($as_of as date) then renewal_date
            when end_date is null or not coalesce(auto_renew, false) then null
            when near_date > cast($as_of as date) then near_date
            else far_date
        end as date) as next_date,
        coalesce(end_date <= cast($as_of as date) and auto_renew, false) as is_rolled
    from dated
)

select
    contract_id,
    account_id,
    version,
    term_source,
    currency,
    minor_digits,
    start_date,
    end_date,
    cast(term_months as bigint) as term_months,
    cast(case
        when not is_rolled then start_date
        when near_date > cast($as_of as date) then before_date
        else near_date
    end as date) as term_start_date,
    cast(case
        when is_rolled then greatest(start_date, case when near_date > cast($as_of as date) then first_date else before_date end)
    end as date) as term_before_start_date,
    next_date as renewal_date,
    notice_days,
    cast(next_date - cast(notice_days as int) as date) as notice_deadline_date,
    auto_renew,
    next_date is null as is_evergreen,
    is_renewed,
    next_date is not null and charged_to_date < next_date as is_ending
from due
