/*---
title = "Health of tone: how the customer speaks, against its own habit"
owner = "cs"
grain = ["account_id"]

[columns]
account_id = { type = "text", doc = "The account" }
is_applicable = { type = "boolean", doc = "False where no tone of anybody's is known, or too little of this account's to judge" }
risk_terms = { type = "integer", doc = "Sentences of the customer in 60 days that speak of leaving" }
value = { type = "decimal(18,4)", doc = "Average tone of 90 days less that of the 270 before, in hundredths of the scale from -1 to 1; null where unknown" }
baseline = { type = "decimal(18,4)", doc = "Average tone of the 270 days before, in hundredths" }
reason = { type = "text", doc = "The numbers, in one sentence" }

[checks]
not_null = ["account_id", "is_applicable", "risk_terms", "reason"]

[decisions]
words = "tickets, calls, meetings and the customer's own e-mails with a tone or sentiment; our e-mails say how we feel"
risk_terms = "cancel, refund, disappoint, escalat, competitor, terminate, in a sentence of the customer's; from the policy's number on the tone counts as fallen by at least 30"
few = "fewer than the policy's number in either window say nothing: the component does not apply, unless risk terms speak"
---*/
with customer_account as (
    select account_id
    from customer_account
),

engagement as (
    select
        engagement_id,
        account_id,
        kind,
        direction,
        occurred_at,
        sentiment,
    from engagement
    where
        occurred_at < cast($as_of_end as timestamp)
        and not coalesce(is_automated, false)
),

utterance as (
    select
        engagement_id,
        text,
    from utterance
    where side = 'customer'
),

ticket as (
    select
        account_id,
        created_at,
        tone,
    from ticket
    where
        created_at < cast($as_of_end as timestamp)
        and tone is not null
),

heard as (
    select
        account_id,
        cast(occurred_at as date) as heard_date,
        sentiment as tone,
    from engagement
    where
        sentiment is not null
        and (kind in ('call', 'meeting') or direction = 'inbound')
    union all
    select
        account_id,
        cast(created_at as date) as heard_date,
        tone,
    from ticket
),

averaged as (
    select
        account_id,
        sum(case when heard_date > cast($as_of as date) - 90 then tone else cast(0 as decimal(9,4)) end) as tone,
        sum(case when heard_date > cast($as_of as date) - 90 then 1 else 0 end) as heard,
        sum(case when heard_date > cast($as_of as date) - 90 then cast(0 as decimal(9,4)) else tone end) as earlier_tone,
        sum(case when heard_date > cast($as_of as date) - 90 then 0 else 1 end) as earlier_heard,
    from heard
    where heard_date > cast($as_of as date) - 360
    group by account_id
),

risky as (
    select
        engagement.account_id,
        count(*) as risk_terms,
    from utterance
    inner join engagement
        on engagement.engagement_id = utterance.engagement_id
    where
        cast(engagement.occurred_at as date) > cast($as_of as date) - 60
        and (
            utterance.text ilike '%cancel%'
            or utterance.text ilike '%refund%'
            or utterance.text ilike '%disappoint%'
            or utterance.text ilike '%escalat%'
            or utterance.text ilike '%competitor%'
            or utterance.text ilike '%terminate%'
        )
    group by engagement.account_id
),

compared as (
    select
        customer_account.account_id,
        coalesce(averaged.heard, 0) as heard,
        coalesce(averaged.earlier_heard, 0) as earlier_heard,
        coalesce(risky.risk_terms, 0) as risk_terms,
        case
            when averaged.heard >= cast($health_tone_min as bigint)
                then cast(round(cast(averaged.tone as double) / cast(averaged.heard as double) * 100, 4) as decimal(18,4))
        end as tone,
        case
            when averaged.earlier_heard >= cast($health_tone_min as bigint)
                then cast(round(cast(averaged.earlier_tone as double) / cast(averaged.earlier_heard as double) * 100, 4) as decimal(18,4))
        end as earlier_tone,
    from customer_account
    left join averaged
        on averaged.account_id = customer_account.account_id
    left join risky
        on risky.account_id = customer_account.account_id
),

rated as (
    select
        account_id,
        risk_terms,
        tone,
        earlier_tone,
        case
            when risk_terms >= cast($health_risk_terms as bigint)
                then least(tone - earlier_tone, cast(-30 as decimal(18,4)))
            else tone - earlier_tone
        end as value,
    from compared
)

select
    account_id,
    value is not null as is_applicable,
    cast(risk_terms as bigint) as risk_terms,
    cast(value as decimal(18,4)) as value,
    earlier_tone as baseline,
    case
        when value is null then 'too few words to tell how the customer speaks'
        else concat_ws(
            ', ',
            case
                when tone - earlier_tone is not null
                    then concat(
                        'tone ', cast(cast(tone as decimal(18,1)) as varchar), ' of 100 after ',
                        cast(cast(earlier_tone as decimal(18,1)) as varchar), ' in the 270 days before'
                    )
            end,
            case when risk_terms > 0 then concat('sentences that speak of leaving in 60 days: ', cast(risk_terms as varchar)) end
        )
    end as reason,
from rated
