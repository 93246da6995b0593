/*---
title = "Commitment periods that ended, or whose true-up was billed"
owner = "finance"
grain = ["commitment_id", "period_start_date"]

[columns]
commitment_id = { type = "text", doc = "The commitment" }
contract_id = { type = "text", doc = "Canonical contract" }
account_id = { type = "text", doc = "The account" }
term_source = { type = "text", doc = "signed, crm or billing" }
currency = { type = "text", doc = "Contract currency" }
period_start_date = { type = "date", doc = "First day of the period" }
period_end_date = { type = "date", doc = "First day after it" }
committed_amount = { type = "decimal(18,4)", doc = "Committed spend of the period" }
billed_amount = { type = "decimal(18,4)", doc = "True-up lines billed for it" }

[checks]
not_null = ["commitment_id", "contract_id", "account_id", "period_start_date", "period_end_date", "billed_amount"]
---*/
with commitment_grid as (
    select
        commitment_id,
        contract_id,
        account_id,
        term_source,
        currency,
        amount,
        months,
        anchor_month_no,
        anchor_day,
        start_date,
        end_date
    from commitment_grid
),

calendar_month as (
    select
        month_no,
        first_date,
        day_count
    from calendar_month
),

true_up_line as (
    select
        commitment_id,
        amount,
        settled_date
    from true_up_line
    where commitment_id is not null
),

numbered as (
    select
        commitment_grid.*,
        unnest(generate_series(
            cast(0 as bigint),
            case
                when months is null then cast(0 as bigint)
                else cast(floor(cast(
                    cast(date_part('year', least(end_date - 1, cast($as_of as date))) as bigint) * 12
                    + cast(date_part('month', least(end_date - 1, cast($as_of as date))) as bigint) - 1 - anchor_month_no
                    as double) / months) as bigint)
            end
        )) as period_no
    from commitment_grid
    where start_date <= cast($as_of as date)
),

bounded as (
    select
        numbered.*,
        coalesce(cast(period_start.first_date + cast(least(numbered.anchor_day, period_start.day_count) - 1 as int) as date), numbered.start_date) as period_start_date,
        least(coalesce(cast(period_end.first_date + cast(least(numbered.anchor_day, period_end.day_count) - 1 as int) as date), numbered.end_date), numbered.end_date) as period_end_date
    from numbered
    left join calendar_month as period_start
        on numbered.anchor_month_no + numbered.period_no * numbered.months = period_start.month_no
    left join calendar_month as period_end
        on numbered.anchor_month_no + (numbered.period_no + 1) * numbered.months = period_end.month_no
),

billed as (
    select
        bounded.commitment_id,
        bounded.period_start_date,
        sum(true_up_line.amount) as amount
    from bounded
    inner join true_up_line
        on bounded.commitment_id = true_up_line.commitment_id
        and true_up_line.settled_date >= bounded.period_start_date
        and true_up_line.settled_date < bounded.period_end_date
    group by
        bounded.commitment_id,
        bounded.period_start_date
)

select
    bounded.commitment_id,
    bounded.contract_id,
    bounded.account_id,
    bounded.term_source,
    bounded.currency,
    bounded.period_start_date,
    bounded.period_end_date,
    bounded.amount as committed_amount,
    cast(coalesce(billed.amount, 0) as decimal(18,4)) as billed_amount
from bounded
left join billed
    on bounded.commitment_id = billed.commitment_id
    and bounded.period_start_date = billed.period_start_date
where bounded.period_start_date < bounded.period_end_date
    and (bounded.period_end_date <= cast($as_of as date) or billed.amount is not null)
