/*---
title = "Health of reply: how fast and how often the customer answers our e-mails"
owner = "cs"
grain = ["account_id"]

[columns]
account_id = { type = "text", doc = "The account" }
is_applicable = { type = "boolean", doc = "False where nobody's answers are known, or where we wrote too little to judge" }
value = { type = "decimal(18,4)", doc = "Median answering time of 60 days over that of the 180 days before; null where unknown" }
baseline = { type = "decimal(18,4)", doc = "Median answering time of the 180 days before, working hours" }
reason = { type = "text", doc = "The numbers, in one sentence" }

[checks]
not_null = ["account_id", "is_applicable", "reason"]
expect.value_positive = "value is null or value >= 0"

[decisions]
mails = "e-mails of ours that no machine sent, by the day they were sent: [as_of - 67, as_of - 7) against [as_of - 247, as_of - 67). The last week is left out: an answer may still come"
answer = "the first e-mail of the customer that names ours as answered and that no machine sent; an answer after as_of is none"
hours = "hours from ours to the answer, less 24 for each Saturday and Sunday on which the wait began a day, never below 0; no holidays"
rate = "an account that answered more than 60 % and now answers less than 30 % counts at least as three times slower; over 72 hours where less than 24 were usual as two times, and so does no answer at all"
few = "needs the policy's number of e-mails in both windows and an answer in the earlier one"
---*/
with customer_account as (
    select account_id
    from customer_account
),

engagement as (
    select
        engagement_id,
        account_id,
        direction,
        occurred_at,
        replied_to_id,
    from engagement
    where
        kind = 'email'
        and not coalesce(is_automated, false)
        and occurred_at < cast($as_of_end as timestamp)
),

answer as (
    select
        replied_to_id,
        min(occurred_at) as answered_at,
    from engagement
    where
        direction = 'inbound'
        and replied_to_id is not null
    group by replied_to_id
),

known_answer as (
    select count(*) as answers
    from answer
),

mail as (
    select
        engagement.engagement_id,
        engagement.account_id,
        cast(engagement.occurred_at as date) >= cast($as_of as date) - 67 as is_recent,
        cast(engagement.occurred_at as date) - date '2000-01-03' as day_sent,
        cast(answer.answered_at as date) - date '2000-01-03' as day_answered,
        cast(extract(epoch from answer.answered_at) as bigint) - cast(extract(epoch from engagement.occurred_at) as bigint) as seconds,
    from engagement
    left join answer
        on answer.replied_to_id = engagement.engagement_id
        and answer.answered_at >= engagement.occurred_at
    where
        engagement.direction = 'outbound'
        and cast(engagement.occurred_at as date) >= cast($as_of as date) - 247
        and cast(engagement.occurred_at as date) < cast($as_of as date) - 7
),

-- Days since a Monday: whole weeks have two days of weekend, the rest what lies beyond its fifth day.
waited as (
    select
        engagement_id,
        account_id,
        is_recent,
        case
            when seconds is not null
                then greatest(
                    seconds - 86400 * (
                        ((day_answered - day_answered % 7) - (day_sent - day_sent % 7)) * 2 / 7
                        + greatest(day_answered % 7 - 5, 0) - greatest(day_sent % 7 - 5, 0)
                    ),
                    0
                )
        end as seconds,
    from mail
),

ranked as (
    select
        engagement_id,
        account_id,
        is_recent,
        cast(seconds as double) as seconds,
        row_number() over (partition by account_id, is_recent order by case when seconds is null then 1 else 0 end, seconds, engagement_id) as rank,
        count(seconds) over (partition by account_id, is_recent) as answers,
        count(*) over (partition by account_id, is_recent) as mails,
    from waited
),

middle as (
    select
        account_id,
        is_recent,
        max(mails) as mails,
        max(answers) as answers,
        max(case when 2 * rank = answers + answers % 2 then cast(seconds as bigint) end) as seconds_low,
        max(case when 2 * rank = answers + 2 - answers % 2 then cast(seconds as bigint) end) as seconds_high,
    from ranked
    group by
        account_id,
        is_recent
),

timed as (
    select
        account_id,
        is_recent,
        mails,
        answers,
        cast(round(cast(seconds_low + seconds_high as double) / 7200, 4) as decimal(18,4)) as hours,
    from middle
),

compared as (
    select
        customer_account.account_id,
        coalesce(recent.mails, 0) as mails,
        coalesce(recent.answers, 0) as answers,
        recent.hours,
        coalesce(earlier.mails, 0) as earlier_mails,
        coalesce(earlier.answers, 0) as earlier_answers,
        earlier.hours as earlier_hours,
        coalesce(recent.mails >= cast($health_reply_min_mails as bigint), false)
            and coalesce(earlier.mails >= cast($health_reply_min_mails as bigint), false)
            and coalesce(earlier.answers > 0, false)
            as is_enough,
    from customer_account
    left join timed as recent
        on recent.account_id = customer_account.account_id
        and recent.is_recent
    left join timed as earlier
        on earlier.account_id = customer_account.account_id
        and not earlier.is_recent
),

rated as (
    select
        account_id,
        mails,
        answers,
        hours,
        earlier_mails,
        earlier_answers,
        earlier_hours,
        is_enough,
        case
            when hours is not null
                then cast(round(cast(hours as double) / greatest(cast(earlier_hours as double), cast(1 as double)), 4) as decimal(18,4))
        end as ratio,
        answers * 10 < mails * 3 and earlier_answers * 10 > earlier_mails * 6 as is_fallen,
        coalesce(hours > 72 and earlier_hours < 24, false) as is_slow,
    from compared
)

select
    rated.account_id,
    known_answer.answers > 0 and rated.is_enough as is_applicable,
    case
        when not rated.is_enough then null
        when rated.is_fallen then greatest(coalesce(rated.ratio, cast(0 as decimal(18,4))), cast(3 as decimal(18,4)))
        when rated.is_slow then greatest(rated.ratio, cast(2 as decimal(18,4)))
        else coalesce(rated.ratio, cast(2 as decimal(18,4)))
    end as value,
    rated.earlier_hours as baseline,
    case
        when not rated.is_enough then 'too few e-mails to tell how the customer answers'
        else concat(
            cast(rated.answers as varchar), ' of ', cast(rated.mails as varchar), ' e-mails answered',
            case
                when rated.hours is not null then concat(', after ', cast(cast(rated.hours as decimal(18,1)) as varchar), ' hours')
                else ''
            end,
            ', before ', cast(rated.earlier_answers as varchar), ' of ', cast(rated.earlier_mails as varchar),
            ' after ', cast(cast(rated.earlier_hours as decimal(18,1)) as varchar)
        )
    end as reason,
from rated
cross join known_answer
