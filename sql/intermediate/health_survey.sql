/*---
title = "Health of surveys: whether answers got better or worse"
owner = "cs"
grain = ["account_id"]

[columns]
account_id = { type = "text", doc = "The account" }
is_applicable = { type = "boolean", doc = "False where nobody ever answered a survey, or this account too little to judge" }
value = { type = "decimal(18,4)", doc = "Average score of 180 days less that of the 360 before, points of a scale from 0 to 10; null where unknown" }
baseline = { type = "decimal(18,4)", doc = "Average score of the 360 days before" }
reason = { type = "text", doc = "The numbers, in one sentence" }

[checks]
not_null = ["account_id", "is_applicable", "reason"]

[decisions]
transition = "the change counts, not the level; answers older than 540 days have expired"
scale = "NPS as it is (0 to 10), CSAT (1 to 5) times two; CES asks something else and is left out"
enough = "the policy's number of answers in 180 days, or a fifth of the active contacts; and one answer before"
turned = "a person who went from promoter (9 or more) to detractor (6 or less) counts as a loss of at least three points"
---*/
with customer_account as (
    select account_id
    from customer_account
),

survey_response as (
    select
        response_id,
        account_id,
        contact_id,
        responded_at,
        case when kind = 'csat' then score * 2 else score end as score,
    from survey_response
    where
        coalesce(kind, 'nps') in ('nps', 'csat')
        and responded_at < cast($as_of_end as timestamp)
        and cast(responded_at as date) > cast($as_of as date) - 540
),

contact as (
    select account_id
    from contact
    where
        coalesce(is_active, true)
        and (departed_date is null or departed_date > cast($as_of as date))
),

active_contact as (
    select
        account_id,
        count(*) as contacts,
    from contact
    group by account_id
),

sequenced as (
    select
        account_id,
        score,
        cast(responded_at as date) > cast($as_of as date) - 180 as is_recent,
        case
            when contact_id is not null
                then lag(score) over (partition by account_id, contact_id order by responded_at, response_id)
        end as earlier_score,
    from survey_response
),

summed as (
    select
        account_id,
        sum(case when is_recent then score else cast(0 as decimal(9,4)) end) as score,
        sum(case when is_recent then 1 else 0 end) as answers,
        sum(case when is_recent then cast(0 as decimal(9,4)) else score end) as earlier_score,
        sum(case when is_recent then 0 else 1 end) as earlier_answers,
        sum(case when is_recent and earlier_score >= 9 and score <= 6 then 1 else 0 end) as turned,
    from sequenced
    group by account_id
),

compared as (
    select
        customer_account.account_id,
        coalesce(summed.answers, 0) as answers,
        coalesce(summed.earlier_answers, 0) as earlier_answers,
        coalesce(summed.turned, 0) as turned,
        case
            when
                summed.answers >= cast($health_survey_answers as bigint)
                or summed.answers * 5 >= active_contact.contacts
                then cast(round(cast(summed.score as double) / cast(nullif(summed.answers, 0) as double), 4) as decimal(18,4))
        end as score,
        case
            when summed.earlier_answers > 0
                then cast(round(cast(summed.earlier_score as double) / cast(summed.earlier_answers as double), 4) as decimal(18,4))
        end as earlier_score,
    from customer_account
    left join summed
        on summed.account_id = customer_account.account_id
    left join active_contact
        on active_contact.account_id = customer_account.account_id
),

rated as (
    select
        account_id,
        answers,
        turned,
        score,
        earlier_score,
        case
            when turned > 0 then least(score - earlier_score, cast(-3 as decimal(18,4)))
            else score - earlier_score
        end as value,
    from compared
)

select
    account_id,
    value is not null as is_applicable,
    cast(value as decimal(18,4)) as value,
    earlier_score as baseline,
    case
        when value is null then 'too few answers to surveys'
        else concat_ws(
            ', ',
            case
                when score - earlier_score is not null
                    then concat(
                        'surveys ', cast(cast(score as decimal(18,1)) as varchar), ' of 10 after ',
                        cast(cast(earlier_score as decimal(18,1)) as varchar), ', answers: ', cast(answers as varchar)
                    )
            end,
            case when turned > 0 then concat('promoters who became detractors: ', cast(turned as varchar)) end
        )
    end as reason,
from rated
