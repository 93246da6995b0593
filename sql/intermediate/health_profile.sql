/*---
title = "What each family of components weighs for an account"
owner = "cs"
grain = ["account_id", "family"]

[columns]
account_id = { type = "text", doc = "The account" }
family = { type = "text", doc = "usage, commercial, support, billing, relationship or sentiment" }
profile = { type = "text", doc = "default, enterprise, plg or consumption, by the account's segment" }
stage = { type = "text", doc = "onboarding, adoption, renewal or mature" }
weight = { type = "decimal(9,4)", doc = "The profile's weight times the stage's factor; 0 where the profile does not name the family" }

[checks]
not_null = ["account_id", "family", "profile", "stage", "weight"]
expect.weight_positive = "weight >= 0"

[decisions]
segment = "capitals do not count; no segment, or one the policy does not name, has the profile default"
stage = "onboarding until the ramp of use ends, from the first go-live, else start, of any contract, else the account's start; renewal within the policy's days before one; adoption through the first year; then mature, also where the first day is not known"
---*/
with customer_account as (
    select
        account_id,
        segment,
        started_date,
    from customer_account
),

contract as (
    select
        account_id,
        start_date,
        go_live_date,
    from contract
    where effective_date <= cast($as_of as date)
),

contract_ending as (
    select
        account_id,
        renewal_date,
    from contract_ending
    where
        is_running
        and not is_renewed
        and renewal_date >= cast($as_of as date)
),

live as (
    select
        account_id,
        min(coalesce(go_live_date, start_date)) as live_date,
    from contract
    group by account_id
),

renewal as (
    select
        account_id,
        min(renewal_date) as renewal_date,
    from contract_ending
    group by account_id
),

aged as (
    select
        customer_account.account_id,
        split_part(
            split_part(
                concat(';', lower(cast($health_segment_profiles as varchar))),
                concat(';', lower(customer_account.segment), '='),
                2
            ),
            ';',
            1
        ) as named_profile,
        cast($as_of as date) - coalesce(live.live_date, customer_account.started_date) as live_days,
        renewal.renewal_date - cast($as_of as date) as days_to_renewal,
    from customer_account
    left join live
        on live.account_id = customer_account.account_id
    left join renewal
        on renewal.account_id = customer_account.account_id
),

placed as (
    select
        account_id,
        case when named_profile in ('enterprise', 'plg', 'consumption') then named_profile else 'default' end as profile,
        case
            when live_days < cast($usage_ramp_live_days as bigint) then 'onboarding'
            when days_to_renewal <= cast($health_stage_renewal_days as bigint) then 'renewal'
            when live_days < 365 then 'adoption'
            else 'mature'
        end as stage,
    from aged
),

family as (
    select 'usage' as family
    union all
    select 'commercial' as family
    union all
    select 'support' as family
    union all
    select 'billing' as family
    union all
    select 'relationship' as family
    union all
    select 'sentiment' as family
),

listed as (
    select
        placed.account_id,
        family.family,
        placed.profile,
        placed.stage,
        concat(';', family.family, '=') as mark,
        case placed.profile
            when 'enterprise' then concat(';', cast($health_weights_enterprise as varchar))
            when 'plg' then concat(';', cast($health_weights_plg as varchar))
            when 'consumption' then concat(';', cast($health_weights_consumption as varchar))
            else concat(';', cast($health_weights_default as varchar))
        end as weights,
        case placed.stage
            when 'onboarding' then concat(';', cast($health_stage_onboarding as varchar))
            when 'renewal' then concat(';', cast($health_stage_renewal as varchar))
            when 'adoption' then concat(';', cast($health_stage_adoption as varchar))
            else concat(';', cast($health_stage_mature as varchar))
        end as factors,
    from placed
    cross join family
),

-- What is no number stops the run; what is not named is 0 for a weight and 1 for a factor.
read as (
    select
        account_id,
        family,
        profile,
        stage,
        cast(nullif(split_part(split_part(weights, mark, 2), ';', 1), '') as decimal(9,4)) as weight,
        cast(nullif(split_part(split_part(factors, mark, 2), ';', 1), '') as decimal(9,4)) as factor,
    from listed
)

select
    account_id,
    family,
    profile,
    stage,
    cast(
        round(cast(coalesce(weight, cast(0 as decimal(9,4))) as double) * cast(coalesce(factor, cast(1 as decimal(9,4))) as double), 4)
        as decimal(9,4)
    ) as weight,
from read
