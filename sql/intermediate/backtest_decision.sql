/*---
title = "What customers decided, and who they are compared with"
owner = "cs"
grain = ["account_id", "decided_date"]

[columns]
account_id = { type = "text", doc = "The account" }
decided_date = { type = "date", doc = "Day of the decision; of the loss it is compared with, for a matched account" }
label = { type = "text", doc = "lost, reduced, involuntary or kept" }
is_matched = { type = "boolean", doc = "Nothing was decided: a customer who stayed, looked at on the day of a loss" }

[checks]
not_null = ["account_id", "decided_date", "label", "is_matched"]
expect.label_known = "label in ('lost', 'reduced', 'involuntary', 'kept')"

[decisions]
date = "the label stands on the day of the decision, not on the end of the contract or the last day of service"
kinds = "churned is lost; contracted, and a renewal for less than before, is reduced: a discount that saved a customer is no clean renewal; renewed and expanded are kept"
involuntary = "a customer who was lost to unpaid bills, insolvency or the end of the business is kept apart: nobody could have talked to them"
one_day = "several decisions of an account on one day count once, as the gravest"
censored = "an account without a decision is left out: nobody knows yet how it will decide"
matched = "only where a company records losses but never a renewal, each customer without a loss is looked at on the day of one of the losses, in turn by md5 of the account, so that both are judged on the same days"
---*/
with outcome as (
    select
        account_id,
        kind,
        decided_date,
        arr_before,
        arr_after,
        reason,
    from outcome
    where
        decided_date <= cast($as_of as date)
        and decided_date > cast($as_of as date) - cast(cast($backtest_history_days as bigint) as int)
),

customer_account as (
    select
        account_id,
    from customer_account
),

-- Graver labels have smaller numbers.
labelled as (
    select
        outcome.account_id,
        outcome.decided_date,
        case
            when outcome.kind = 'churned' and (
                lower(outcome.reason) like '%involuntary%'
                or lower(outcome.reason) like '%out of business%'
                or lower(outcome.reason) like '%bankrupt%'
                or lower(outcome.reason) like '%insolven%'
                or lower(outcome.reason) like '%non-payment%'
                or lower(outcome.reason) like '%nonpayment%'
            ) then 2
            when outcome.kind = 'churned' then 1
            when outcome.kind = 'contracted' then 3
            when outcome.kind = 'renewed' and outcome.arr_after < outcome.arr_before then 3
            else 4
        end as gravity,
    from outcome
    inner join customer_account
        on customer_account.account_id = outcome.account_id
),

decided as (
    select
        account_id,
        decided_date,
        min(gravity) as gravity,
    from labelled
    group by
        account_id,
        decided_date
),

recorded as (
    select
        count(*) filter (where gravity <= 2) as losses,
        count(*) filter (where gravity >= 3) as renewals,
    from decided
),

loss as (
    select
        decided_date,
        row_number() over (order by decided_date, account_id) - 1 as turn,
    from decided
    where gravity = 1
),

lost_account as (
    select
        account_id,
        count(*) as losses,
    from decided
    group by account_id
),

stayed as (
    select
        customer_account.account_id,
        row_number() over (order by md5(customer_account.account_id), customer_account.account_id) - 1 as turn,
    from customer_account
    left join lost_account
        on lost_account.account_id = customer_account.account_id
    where lost_account.account_id is null
),

loss_count as (
    select
        count(*) as losses,
    from loss
),

matched as (
    select
        stayed.account_id,
        loss.decided_date,
    from stayed
    inner join loss_count
        on loss_count.losses > 0
    inner join recorded
        on recorded.renewals = 0
    inner join loss
        on loss.turn = stayed.turn % loss_count.losses
)

select
    account_id,
    decided_date,
    case gravity
        when 1 then 'lost'
        when 2 then 'involuntary'
        when 3 then 'reduced'
        else 'kept'
    end as label,
    false as is_matched,
from decided
union all
select
    account_id,
    decided_date,
    'kept' as label,
    true as is_matched,
from matched
