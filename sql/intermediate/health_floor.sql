/*---
title = "Facts that no score may outweigh"
owner = "cs"
grain = ["account_id", "floor"]

[columns]
account_id = { type = "text", doc = "The account" }
floor = { type = "text", doc = "auto_renew_off, champion_left, notice_served, ticket_open or unpaid" }
band = { type = "text", doc = "The best band the account may show: red or yellow" }
reason = { type = "text", doc = "The fact, in one sentence" }

[checks]
not_null = ["account_id", "floor", "band", "reason"]
expect.band_known = "band in ('red', 'yellow')"

[decisions]
notice_served = "an early end recorded by as_of that lies after it: red"
unpaid = "an invoice open longer past due than the policy allows: red"
auto_renew_off = "automatic renewal of a running contract switched off by as_of and not since renewed by another: at best yellow"
ticket_open = "an urgent ticket open for more days than the policy allows: at best yellow"
champion_left = "a champion left by as_of and nobody else is champion: at best yellow. A contact marked inactive without a date counts as left"
---*/
with customer_account as (
    select account_id
    from customer_account
),

contract_ending as (
    select
        account_id,
        terminated_date,
        auto_renew_off_date,
        is_running,
        is_renewed,
    from contract_ending
),

health_payment as (
    select
        account_id,
        days_past_due,
    from health_payment
),

ticket as (
    select
        account_id,
        created_at,
        resolved_at,
        priority,
    from ticket
    where created_at < cast($as_of_end as timestamp)
),

contact as (
    select
        account_id,
        role,
        is_active,
        departed_date,
    from contact
),

notice_served as (
    select
        account_id,
        min(terminated_date) as terminated_date,
    from contract_ending
    where
        terminated_date > cast($as_of as date)
        and not is_renewed
    group by account_id
),

auto_renew_off as (
    select
        account_id,
        max(auto_renew_off_date) as changed_date,
    from contract_ending
    where
        auto_renew_off_date is not null
        and is_running
        and not is_renewed
    group by account_id
),

ticket_open as (
    select
        account_id,
        min(cast(created_at as date)) as created_date,
    from ticket
    where
        lower(priority) in ('urgent', 'p1', 'critical')
        and (resolved_at is null or resolved_at >= cast($as_of_end as timestamp))
    group by account_id
),

champion as (
    select
        account_id,
        max(departed_date) as departed_date,
        sum(case when departed_date <= cast($as_of as date) or (departed_date is null and not is_active) then 1 else 0 end) as gone,
        count(*) as champions,
    from contact
    where role = 'champion'
    group by account_id
),

floor as (
    select
        account_id,
        'notice_served' as floor,
        'red' as band,
        concat('notice was served for ', cast(terminated_date as varchar)) as reason,
    from notice_served
    union all
    select
        account_id,
        'unpaid' as floor,
        'red' as band,
        concat('an invoice is unpaid ', cast(days_past_due as varchar), ' days past due') as reason,
    from health_payment
    where days_past_due > cast($health_floor_unpaid_days as bigint)
    union all
    select
        account_id,
        'auto_renew_off' as floor,
        'yellow' as band,
        concat('automatic renewal was switched off on ', cast(changed_date as varchar)) as reason,
    from auto_renew_off
    union all
    select
        account_id,
        'ticket_open' as floor,
        'yellow' as band,
        concat('an urgent ticket is open since ', cast(created_date as varchar)) as reason,
    from ticket_open
    where cast($as_of as date) - created_date > cast($health_floor_ticket_days as bigint)
    union all
    select
        account_id,
        'champion_left' as floor,
        'yellow' as band,
        'the champion has left and nobody follows' as reason,
    from champion
    where gone = champions
),

-- Grouped although each account has a floor once: DataFusion 55 would push the result's sort below the union, where it takes
-- the floor of each branch, a constant, for sorted, and then refuses its own plan.
distinct_floor as (
    select
        account_id,
        floor,
        min(band) as band,
        min(reason) as reason,
    from floor
    group by
        account_id,
        floor
)

select
    distinct_floor.account_id,
    distinct_floor.floor,
    distinct_floor.band,
    distinct_floor.reason,
from distinct_floor
inner join customer_account
    on customer_account.account_id = distinct_floor.account_id
