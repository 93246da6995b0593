/*---
title = "What the manager says against what the customer does"
owner = "cs"
grain = ["account_id", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
account_id = { type = "text", doc = "The account" }
as_of_date = { type = "date", doc = "The day the comparison is about" }
account_name = { type = "text", doc = "The account's name" }
is_churned = { type = "boolean", doc = "The account has left, as its status says today" }
owner_id = { type = "text", doc = "Who acts; null where nobody is named" }
owner_role = { type = "text", doc = "In which role" }
rating = { type = "text", doc = "Newest rating by as_of: green, yellow or red; null where nobody ever rated the account" }
rated_by = { type = "text", doc = "The person who gave it" }
rated_date = { type = "date", doc = "The day it was given" }
rating_age_days = { type = "integer", doc = "Days since" }
rating_reason = { type = "text", doc = "The reason given with it" }
is_expired = { type = "boolean", doc = "The rating is too old to say anything; false where there is none" }
sentiment_score = { type = "decimal(9,4)", doc = "What the rating stands for, 0 to 100; null where there is none or it has expired" }
behaviour_score = { type = "decimal(9,4)", doc = "Health without words: the points of all components but tone and surveys at their weights; null under the policy's coverage" }
divergence = { type = "decimal(9,4)", doc = "sentiment_score less behaviour_score: above 0 the manager thinks better of the account than it behaves" }
usage_change_pct = { type = "decimal(18,4)", doc = "Adjusted change of the core metric in 28 days, percent points; null where not judged" }
usage_tier = { type = "text", doc = "Tier of the core metric's usage signal; null where no use is known" }
is_sustained_drop = { type = "boolean", doc = "The core metric fell over 28 days, more than noise and peers explain" }
is_declining_90d = { type = "boolean", doc = "The core metric declines steadily over 13 weeks" }
is_green_but_declining = { type = "boolean", doc = "A green rating over use that drops or declines, or over a poor behaviour score" }
is_stale_green = { type = "boolean", doc = "A green rating that nobody has looked at for longer than the policy allows" }
is_red_but_growing = { type = "boolean", doc = "A red rating over use that grows" }
last_touch_date = { type = "date", doc = "Last conversation in which both sides took part; null where none is known" }
touches_since_rating = { type = "integer", doc = "Such conversations since the rating; null where no conversation of anybody's or no rating is known" }
annual_value = { type = "decimal(18,4)", doc = "What the account's running contracts are worth in a year; null where unknown or in several currencies" }
currency = { type = "text", doc = "Currency of annual_value" }
renewal_date = { type = "date", doc = "Next renewal of a running contract; null where none lies ahead" }
explanation = { type = "text", doc = "The finding in whole sentences" }
next_action = { type = "text", doc = "What to do; null where nothing follows" }

[checks]
not_null = ["account_id", "as_of_date", "is_churned", "is_expired", "is_sustained_drop", "is_declining_90d", "is_green_but_declining", "is_stale_green", "is_red_but_growing", "explanation"]
expect.flags_need_a_rating = "rating is not null or not (is_green_but_declining or is_stale_green or is_red_but_growing)"
expect.scores_in_range = "behaviour_score is null or behaviour_score between 0 and 100"

[decisions]
newest = "the newest rating counts, whoever gave it; of two at the same moment the one with the larger id"
expired = "a rating over the policy's last age is no rating: it has no score and cannot be green but declining; a green one stays stale"
drop = "sustained: the 28-day tier is watch, flag or escalate. A dip of 14 days is none"
behaviour = "tone and surveys are words: the behaviour score spreads their weight over the rest"
words_never_lift = "a rating is no component of health, so it cannot raise the score above what the customer does"
---*/
with customer_account as (
    select
        account_id,
        account_name,
        is_churned,
        owner_id,
        owner_role,
    from customer_account
),

csm_assessment as (
    select
        assessment_id,
        account_id,
        person_id,
        lower(rating) as rating,
        assessed_at,
        reason,
    from csm_assessment
    where assessed_at < cast($as_of_end as timestamp)
),

component_score as (
    select
        account_id,
        component,
        weight,
        contribution,
    from component_score
),

health_score as (
    select
        account_id,
        is_sufficient,
    from health_score
),

health_usage as (
    select
        account_id,
        metric,
    from health_usage
),

usage_signal as (
    select
        account_id,
        metric,
        adjusted_change_pct,
        tier,
        decline_90d,
    from usage_signal
),

bilateral_touch as (
    select
        account_id,
        touched_on,
    from bilateral_touch
),

contract_ending as (
    select
        contract_id,
        account_id,
        renewal_date,
        is_running,
        is_renewed,
    from contract_ending
),

contract_version as (
    select
        contract_id,
        currency,
    from contract_version
    where is_current
),

contract_value as (
    select
        contract_id,
        annual_value,
    from contract_value
),

rated as (
    select
        account_id,
        person_id,
        rating,
        cast(assessed_at as date) as rated_date,
        reason,
    from csm_assessment
    qualify row_number() over (partition by account_id order by assessed_at desc, assessment_id desc) = 1
),

summed as (
    select
        account_id,
        sum(weight) as weight,
        sum(contribution) as contribution,
    from component_score
    where component not in ('tone', 'surveys')
    group by account_id
),

behaviour as (
    select
        summed.account_id,
        cast(round(cast(summed.contribution as double) / cast(summed.weight as double) * 100, 4) as decimal(9,4)) as score,
    from summed
    inner join health_score
        on health_score.account_id = summed.account_id
    where
        health_score.is_sufficient
        and summed.weight > 0
),

core_signal as (
    select
        health_usage.account_id,
        usage_signal.metric,
        usage_signal.adjusted_change_pct,
        usage_signal.tier,
        usage_signal.decline_90d,
    from health_usage
    inner join usage_signal
        on usage_signal.account_id = health_usage.account_id
        and usage_signal.metric = health_usage.metric
),

known_touch as (
    select count(*) as touches
    from bilateral_touch
),

touched as (
    select
        bilateral_touch.account_id,
        max(bilateral_touch.touched_on) as last_touch_date,
        sum(case when bilateral_touch.touched_on > rated.rated_date then 1 else 0 end) as touches_since_rating,
    from bilateral_touch
    left join rated
        on rated.account_id = bilateral_touch.account_id
    group by bilateral_touch.account_id
),

running as (
    select
        contract_ending.account_id,
        case
            when contract_ending.renewal_date >= cast($as_of as date) and not contract_ending.is_renewed
                then contract_ending.renewal_date
        end as renewal_date,
        contract_version.currency,
        contract_value.annual_value,
    from contract_ending
    inner join contract_version
        on contract_version.contract_id = contract_ending.contract_id
    left join contract_value
        on contract_value.contract_id = contract_ending.contract_id
    where contract_ending.is_running
),

at_stake as (
    select
        account_id,
        min(renewal_date) as renewal_date,
        case when min(currency) = max(currency) then min(currency) end as currency,
        case when min(currency) = max(currency) then sum(annual_value) end as annual_value,
    from running
    group by account_id
),

compared as (
    select
        customer_account.account_id,
        customer_account.account_name,
        customer_account.is_churned,
        customer_account.owner_id,
        customer_account.owner_role,
        rated.rating,
        rated.person_id as rated_by,
        rated.rated_date,
        cast($as_of as date) - rated.rated_date as rating_age_days,
        rated.reason as rating_reason,
        coalesce(cast($as_of as date) - rated.rated_date > cast($sentiment_expired_days as bigint), false) as is_expired,
        coalesce(cast($as_of as date) - rated.rated_date > cast($sentiment_stale_days as bigint), false) as is_stale,
        behaviour.score as behaviour_score,
        core_signal.metric,
        core_signal.adjusted_change_pct,
        core_signal.tier,
        coalesce(core_signal.tier in ('watch', 'flag', 'escalate'), false) as is_sustained_drop,
        coalesce(core_signal.decline_90d, false) as is_declining_90d,
    from customer_account
    left join rated
        on rated.account_id = customer_account.account_id
    left join behaviour
        on behaviour.account_id = customer_account.account_id
    left join core_signal
        on core_signal.account_id = customer_account.account_id
),

judged as (
    select
        account_id,
        account_name,
        is_churned,
        owner_id,
        owner_role,
        rating,
        rated_by,
        rated_date,
        rating_age_days,
        rating_reason,
        is_expired,
        case
            when is_expired then null
            when rating = 'green' then cast($sentiment_green_score as decimal(9,4))
            when rating = 'yellow' then cast($sentiment_yellow_score as decimal(9,4))
            when rating = 'red' then cast($sentiment_red_score as decimal(9,4))
        end as sentiment_score,
        behaviour_score,
        metric,
        adjusted_change_pct,
        tier,
        is_sustained_drop,
        is_declining_90d,
        coalesce(
            rating = 'green'
            and not is_expired
            and (is_sustained_drop or is_declining_90d or coalesce(behaviour_score < cast($health_red_enter as decimal(9,4)), false)),
            false
        ) as is_green_but_declining,
        coalesce(rating = 'green' and is_stale, false) as is_stale_green,
        coalesce(
            rating = 'red'
            and not is_expired
            and tier = 'ok'
            and adjusted_change_pct >= cast($sentiment_growth_pct as decimal(9,4))
            and not is_declining_90d,
            false
        ) as is_red_but_growing,
    from compared
)

select
    judged.account_id,
    cast($as_of as date) as as_of_date,
    judged.account_name,
    judged.is_churned,
    judged.owner_id,
    judged.owner_role,
    judged.rating,
    judged.rated_by,
    judged.rated_date,
    cast(judged.rating_age_days as bigint) as rating_age_days,
    judged.rating_reason,
    judged.is_expired,
    judged.sentiment_score,
    judged.behaviour_score,
    cast(judged.sentiment_score - judged.behaviour_score as decimal(9,4)) as divergence,
    judged.adjusted_change_pct as usage_change_pct,
    judged.tier as usage_tier,
    judged.is_sustained_drop,
    judged.is_declining_90d,
    judged.is_green_but_declining,
    judged.is_stale_green,
    judged.is_red_but_growing,
    touched.last_touch_date,
    case
        when judged.rating is not null and known_touch.touches > 0
            then cast(coalesce(touched.touches_since_rating, 0) as bigint)
    end as touches_since_rating,
    cast(at_stake.annual_value as decimal(18,4)) as annual_value,
    at_stake.currency,
    at_stake.renewal_date,
    case
        when judged.rating is null then 'Nobody has rated the account.'
        else concat_ws(
            ' ',
            concat(
                'Rated ', judged.rating, ' on ', cast(judged.rated_date as varchar), ', ',
                cast(judged.rating_age_days as varchar), ' days ago.'
            ),
            case when judged.is_expired then 'So old a rating says nothing any more.' end,
            case
                when judged.is_sustained_drop
                    then concat(
                        'Use (', judged.metric, ') changed by ',
                        cast(cast(judged.adjusted_change_pct as decimal(18,1)) as varchar), ' % against peers in 28 days.'
                    )
            end,
            case when judged.is_declining_90d then concat('Use (', judged.metric, ') declines steadily over 13 weeks.') end,
            case
                when judged.is_red_but_growing
                    then concat(
                        'Use (', judged.metric, ') grew by ',
                        cast(cast(judged.adjusted_change_pct as decimal(18,1)) as varchar), ' % against peers in 28 days.'
                    )
            end,
            case
                when judged.behaviour_score is not null
                    then concat('Behaviour scores ', cast(cast(judged.behaviour_score as decimal(9,1)) as varchar), ' of 100.')
            end
        )
    end as explanation,
    case
        when judged.is_churned then null
        when judged.is_green_but_declining then 'look at the use with the customer and rate the account again'
        when judged.is_stale_green then 'speak with the customer and rate the account again'
        when judged.is_red_but_growing then 'ask what the rating rests on and rate the account again'
    end as next_action,
from judged
cross join known_touch
left join touched
    on touched.account_id = judged.account_id
left join at_stake
    on at_stake.account_id = judged.account_id
