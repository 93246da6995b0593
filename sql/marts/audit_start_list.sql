/*---
title = "Where an audit of behaviour starts: longest out of use, seen from the renewal"
owner = "cs"
grain = ["account_id", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
account_id = { type = "text", doc = "The account" }
as_of_date = { type = "date", doc = "The day the list is about" }
account_name = { type = "text", doc = "The account's name" }
owner_id = { type = "text", doc = "Whose list it is on; null where nobody is named" }
owner_role = { type = "text", doc = "In which role" }
rank = { type = "integer", doc = "Place on the owner's list, from 1" }
last_core_use_date = { type = "date", doc = "Last day with a core action; null where none was ever seen" }
days_since_core_use = { type = "integer", doc = "Days since; null where none was ever seen" }
renewal_date = { type = "date", doc = "Next renewal of a running contract" }
days_to_renewal = { type = "integer", doc = "Days until then" }
gap_days = { type = "integer", doc = "Days from the last core use to the renewal: how long the account would have been silent by then. From the first day as a customer where no use was ever seen; null where that is unknown too" }
rating = { type = "text", doc = "The manager's newest rating; null where nobody rated" }
is_green_but_declining = { type = "boolean", doc = "As in sentiment_divergence" }
score = { type = "decimal(9,4)", doc = "Score of account_health" }
band = { type = "text", doc = "Band of account_health" }
annual_value = { type = "decimal(18,4)", doc = "What the account's running contracts are worth in a year; null where unknown or in several currencies" }
currency = { type = "text", doc = "Currency of annual_value" }
why = { type = "text", doc = "The numbers, in one sentence" }

[checks]
not_null = ["account_id", "as_of_date", "rank", "renewal_date", "days_to_renewal", "band", "is_green_but_declining", "why"]
expect.renewal_ahead = "days_to_renewal >= 0"
expect.rank_from_one = "rank >= 1"

[decisions]
who = "customers that have not left, with a renewal ahead; without any use of anybody's there is nothing to start from and the list is empty"
order = "the longest gap first, a gap that cannot be known before all; then the nearer renewal, then the account"
never_used = "an account whose use was never seen, while that of others is, counts from its first day as a customer"
length = "the policy's number of accounts for each owner; accounts of nobody make a list of their own"
---*/
with customer_account as (
    select
        account_id,
        account_name,
        is_churned,
        started_date,
        owner_id,
        owner_role,
    from customer_account
),

core_use as (
    select
        account_id,
        last_core_use_date,
    from core_use
),

sentiment_divergence as (
    select
        account_id,
        rating,
        is_green_but_declining,
        annual_value,
        currency,
        renewal_date,
    from sentiment_divergence
),

account_health as (
    select
        account_id,
        score,
        band,
    from account_health
),

known_use as (
    select count(*) as accounts
    from core_use
),

gapped as (
    select
        customer_account.account_id,
        customer_account.owner_id,
        core_use.last_core_use_date,
        sentiment_divergence.renewal_date,
        sentiment_divergence.renewal_date - coalesce(core_use.last_core_use_date, customer_account.started_date) as gap_days,
    from customer_account
    inner join sentiment_divergence
        on sentiment_divergence.account_id = customer_account.account_id
    cross join known_use
    left join core_use
        on core_use.account_id = customer_account.account_id
    where
        known_use.accounts > 0
        and not customer_account.is_churned
        and sentiment_divergence.renewal_date is not null
),

ranked as (
    select
        account_id,
        last_core_use_date,
        renewal_date,
        gap_days,
        row_number() over (
            partition by coalesce(owner_id, '')
            order by case when gap_days is null then 0 else 1 end, gap_days desc, renewal_date, account_id
        ) as rank,
    from gapped
)

select
    ranked.account_id,
    cast($as_of as date) as as_of_date,
    customer_account.account_name,
    customer_account.owner_id,
    customer_account.owner_role,
    cast(ranked.rank as bigint) as rank,
    ranked.last_core_use_date,
    cast(cast($as_of as date) - ranked.last_core_use_date as bigint) as days_since_core_use,
    ranked.renewal_date,
    cast(ranked.renewal_date - cast($as_of as date) as bigint) as days_to_renewal,
    cast(ranked.gap_days as bigint) as gap_days,
    sentiment_divergence.rating,
    sentiment_divergence.is_green_but_declining,
    account_health.score,
    account_health.band,
    sentiment_divergence.annual_value,
    sentiment_divergence.currency,
    concat(
        case
            when ranked.last_core_use_date is not null
                then concat(
                    'Last core use on ', cast(ranked.last_core_use_date as varchar), ', ',
                    cast(cast($as_of as date) - ranked.last_core_use_date as varchar), ' days ago'
                )
            else 'No core use was ever seen'
        end,
        '; renewal on ', cast(ranked.renewal_date as varchar), ', in ',
        cast(ranked.renewal_date - cast($as_of as date) as varchar), ' days',
        case
            when sentiment_divergence.rating is not null then concat('; rated ', sentiment_divergence.rating, '.')
            else '; rated by nobody.'
        end
    ) as why,
from ranked
inner join customer_account
    on customer_account.account_id = ranked.account_id
inner join sentiment_divergence
    on sentiment_divergence.account_id = ranked.account_id
inner join account_health
    on account_health.account_id = ranked.account_id
where ranked.rank <= cast($audit_start_accounts as bigint)
