/*---
title = "Contracts whose onboarding counts, and whether the customer took off"
owner = "cs"
grain = ["contract_id"]

[columns]
contract_id = { type = "text", doc = "Canonical contract" }
account_id = { type = "text", doc = "The account" }
start_date = { type = "date", doc = "Day the runway is counted from" }
has_plan = { type = "boolean", doc = "At least one milestone of it is recorded" }
is_sourced = { type = "boolean", doc = "Milestones are recorded for some contract in the job" }
first_use_date = { type = "date", doc = "First day with a core action since the start; null without one" }
days_to_first_use = { type = "integer", doc = "Days from start to it" }
launch = { type = "text", doc = "live, waiting, at_risk, severe or failed; unknown where the account's use is not measured" }

[checks]
not_null = ["contract_id", "account_id", "start_date", "has_plan", "is_sourced", "launch"]
expect.launch = "launch in ('live', 'waiting', 'at_risk', 'severe', 'failed', 'unknown')"

[decisions]
whose = "An account's first contract, and every other one with a milestone; a contract that renews another needs no onboarding. Internal accounts are left out"
start = "onboarding_anchor: the contract's start, or its signature; a contract that only milestones know starts with its account, else the day before its first milestone is due"
history = "Contracts that started within onboarding_history_days: conformance compares the weeks of a year"
launch = "Days without a core action since the start against onboarding_value_days: beyond one and a half times at_risk, beyond twice severe, from onboarding_failed_days failed"
measured = "Use is measured where the account has a figure of its own since the start, or the job counts events, of which an account that does nothing has none"
---*/
with contract_version as (
    select
        contract_id,
        account_id,
        first_start_date,
        renews_contract_id,
    from contract_version
    where is_current
),

canonical_id as (
    select
        external_id,
        canonical_id,
    from canonical_id
    where kind = 'contract'
),

contract as (
    select
        contract_id,
        signed_date,
    from contract
    where signed_date <= cast($as_of as date)
),

milestone as (
    select
        contract_id,
        account_id,
        due_date,
    from milestone
),

account as (
    select
        account_id,
        started_date,
        is_internal,
    from account
),

usage_daily as (
    select
        account_id,
        usage_date,
        source,
        coalesce(cast(core_actions as decimal(18,6)), quantity) > 0 as is_core,
    from usage_daily
    where
        usage_date <= cast($as_of as date)
        and usage_date >= cast($as_of as date) - cast(cast($onboarding_history_days as bigint) as int)
),

signed as (
    select
        coalesce(canonical_id.canonical_id, contract.contract_id) as contract_id,
        min(contract.signed_date) as signed_date,
    from contract
    left join canonical_id
        on canonical_id.external_id = contract.contract_id
    group by coalesce(canonical_id.canonical_id, contract.contract_id)
),

planned as (
    select
        coalesce(canonical_id.canonical_id, milestone.contract_id) as contract_id,
        min(milestone.account_id) as account_id,
        min(milestone.due_date) as first_due_date,
    from milestone
    left join canonical_id
        on canonical_id.external_id = milestone.contract_id
    group by coalesce(canonical_id.canonical_id, milestone.contract_id)
),

counted as (
    select count(*) as contracts,
    from planned
),

numbered as (
    select
        contract_version.*,
        row_number() over (partition by account_id order by first_start_date, contract_id) as place,
    from contract_version
),

known as (
    select
        numbered.contract_id,
        numbered.account_id,
        case
            when cast($onboarding_anchor as varchar) = 'signature' then coalesce(signed.signed_date, numbered.first_start_date)
            else numbered.first_start_date
        end as start_date,
        planned.contract_id is not null as has_plan,
    from numbered
    left join signed
        on signed.contract_id = numbered.contract_id
    left join planned
        on planned.contract_id = numbered.contract_id
    where
        planned.contract_id is not null
        or (numbered.place = 1 and numbered.renews_contract_id is null)
    union all
    select
        planned.contract_id,
        planned.account_id,
        cast(coalesce(account.started_date, planned.first_due_date - 1) as date) as start_date,
        true as has_plan,
    from planned
    left join numbered
        on numbered.contract_id = planned.contract_id
    left join account
        on account.account_id = planned.account_id
    where numbered.contract_id is null
),

recent as (
    select
        known.contract_id,
        known.account_id,
        known.start_date,
        known.has_plan,
    from known
    left join account
        on account.account_id = known.account_id
    where
        known.start_date <= cast($as_of as date)
        and known.start_date > cast($as_of as date) - cast(cast($onboarding_history_days as bigint) as int)
        and not coalesce(account.is_internal, false)
),

last_tracked as (
    select max(usage_date) as usage_date,
    from usage_daily
    where source = 'rolled'
),

used as (
    select
        recent.contract_id,
        min(case when usage_daily.is_core then usage_daily.usage_date end) as first_use_date,
    from recent
    inner join usage_daily
        on usage_daily.account_id = recent.account_id
        and usage_daily.usage_date >= recent.start_date
    group by recent.contract_id
),

aged as (
    select
        recent.*,
        used.first_use_date,
        used.contract_id is not null or coalesce(last_tracked.usage_date >= recent.start_date, false) as is_measured,
        cast(cast($as_of as date) - recent.start_date as bigint) as age_days,
    from recent
    left join used
        on used.contract_id = recent.contract_id
    left join last_tracked
        on 1 = 1
)

select
    aged.contract_id,
    aged.account_id,
    aged.start_date,
    aged.has_plan,
    counted.contracts > 0 as is_sourced,
    aged.first_use_date,
    cast(aged.first_use_date - aged.start_date as bigint) as days_to_first_use,
    case
        when aged.first_use_date is not null then 'live'
        when not aged.is_measured then 'unknown'
        when aged.age_days >= cast($onboarding_failed_days as bigint) then 'failed'
        when aged.age_days > 2 * cast($onboarding_value_days as bigint) then 'severe'
        when 2 * aged.age_days > 3 * cast($onboarding_value_days as bigint) then 'at_risk'
        else 'waiting'
    end as launch,
from aged
cross join counted
