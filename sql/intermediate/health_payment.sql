/*---
title = "Health of payment: how late the account pays"
owner = "cs"
grain = ["account_id"]

[columns]
account_id = { type = "text", doc = "The account" }
is_applicable = { type = "boolean", doc = "False where nobody's payments are known, or none of the account's invoices was ever due" }
value = { type = "decimal(18,4)", doc = "Days late, the worst of: open past due, a failed attempt, the average of invoices paid lately; null where payments are not known" }
baseline = { type = "decimal(18,4)", doc = "Average days late of the invoices paid in the year before" }
days_past_due = { type = "integer", doc = "Days the oldest open invoice is past due, from the grace on; null where none is" }
reason = { type = "text", doc = "The numbers, in one sentence" }

[checks]
not_null = ["account_id", "is_applicable", "reason"]
expect.days_positive = "value is null or value >= 0"

[decisions]
unknown = "without one payment of anybody's, an open invoice proves only that payments are not connected: not late, and nothing to judge by"
grace = "an open invoice counts from the receivable grace on, then with all its days past due"
failed = "a failed last attempt on an open invoice counts the policy's days even before it is due"
lately = "invoices settled in the last 90 days; early payment counts as 0 days late; the year before is the account's own habit"
---*/
with customer_account as (
    select account_id
    from customer_account
),

invoice_standing as (
    select
        account_id,
        due_date,
        is_open,
        settled_date,
        is_last_attempt_failed,
    from invoice_standing
),

payment as (
    select payment_id
    from payment
    where attempted_at < cast($as_of_end as timestamp)
),

payment_event as (
    select event_id
    from payment_event
    where occurred_at < cast($as_of_end as timestamp)
),

known_payment as (
    select count(*) as payments
    from payment
),

known_event as (
    select count(*) as events
    from payment_event
),

known_invoice as (
    select count(*) as invoices
    from invoice_standing
),

known as (
    select
        known_invoice.invoices,
        known_payment.payments + known_event.events as payments,
    from known_invoice
    cross join known_payment
    cross join known_event
),

late as (
    select
        account_id,
        is_open,
        is_last_attempt_failed,
        settled_date,
        cast($as_of as date) - due_date as days_past_due,
        greatest(settled_date - due_date, 0) as days_late,
        due_date <= cast($as_of as date) as is_due,
    from invoice_standing
),

per_account as (
    select
        account_id,
        sum(case when is_due or settled_date is not null or is_last_attempt_failed then 1 else 0 end) as relevant,
        max(
            case when is_open and days_past_due >= cast($receivable_grace_days as bigint) then days_past_due end
        ) as days_past_due,
        sum(case when is_open and days_past_due >= cast($receivable_grace_days as bigint) then 1 else 0 end) as past_due,
        sum(case when is_last_attempt_failed then 1 else 0 end) as failed,
        sum(case when settled_date > cast($as_of as date) - 90 then days_late end) as recent_days,
        sum(case when settled_date > cast($as_of as date) - 90 then 1 else 0 end) as recent,
        sum(
            case
                when settled_date <= cast($as_of as date) - 90 and settled_date > cast($as_of as date) - 455
                    then days_late
            end
        ) as earlier_days,
        sum(
            case
                when settled_date <= cast($as_of as date) - 90 and settled_date > cast($as_of as date) - 455
                    then 1
                else 0
            end
        ) as earlier,
    from late
    group by account_id
),

rated as (
    select
        customer_account.account_id,
        known.payments,
        known.invoices,
        coalesce(per_account.relevant, 0) as relevant,
        per_account.days_past_due,
        coalesce(per_account.past_due, 0) as past_due,
        coalesce(per_account.failed, 0) as failed,
        case
            when per_account.recent > 0
                then cast(round(cast(per_account.recent_days as double) / cast(per_account.recent as double), 4) as decimal(18,4))
        end as recent_average,
        case
            when per_account.earlier > 0
                then cast(round(cast(per_account.earlier_days as double) / cast(per_account.earlier as double), 4) as decimal(18,4))
        end as earlier_average,
    from customer_account
    cross join known
    left join per_account
        on per_account.account_id = customer_account.account_id
)

select
    account_id,
    payments > 0 and relevant > 0 as is_applicable,
    case
        when payments > 0 and relevant > 0
            then greatest(
                cast(coalesce(days_past_due, 0) as decimal(18,4)),
                case when failed > 0 then cast(cast($health_failed_payment_days as bigint) as decimal(18,4)) else cast(0 as decimal(18,4)) end,
                coalesce(recent_average, cast(0 as decimal(18,4)))
            )
    end as value,
    case when payments > 0 then earlier_average end as baseline,
    cast(case when payments > 0 then days_past_due end as bigint) as days_past_due,
    case
        when payments = 0 or invoices = 0 then 'payments are not known'
        when relevant = 0 then 'nothing was due yet'
        else concat_ws(
            ', ',
            case
                when past_due > 0
                    then concat('invoices past due: ', cast(past_due as varchar), ', the oldest by ', cast(days_past_due as varchar), ' days')
                else 'nothing past due'
            end,
            case when failed > 0 then concat('open invoices whose last attempt failed: ', cast(failed as varchar)) end,
            case
                when recent_average is not null
                    then concat('paid ', cast(cast(recent_average as decimal(18,1)) as varchar), ' days late on average in 90 days')
            end,
            case
                when earlier_average is not null
                    then concat('usual ', cast(cast(earlier_average as decimal(18,1)) as varchar))
            end
        )
    end as reason,
from rated
