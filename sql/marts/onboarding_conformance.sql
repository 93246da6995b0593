/*---
title = "Onboarding conformance: does every customer get the same start, whoever owns it and whichever week it is"
owner = "cs"
grain = ["cohort", "owner_id", "step", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
cohort = { type = "date", doc = "Monday of the week in which the contracts started; null in rows over all weeks" }
owner_id = { type = "text", doc = "Who was to do the step; empty in rows over all owners" }
step = { type = "text", doc = "The step; all: the whole runway of a contract" }
as_of_date = { type = "date", doc = "Business date of the run" }
level = { type = "text", doc = "owner_week, week, owner or total: what the row sums up" }
contracts = { type = "integer", doc = "Contracts" }
on_time = { type = "integer", doc = "Done in time; step all: every step that applies done in time" }
late = { type = "integer", doc = "Done, but late" }
overdue = { type = "integer", doc = "Due and not done" }
not_due = { type = "integer", doc = "Not due yet, nothing late so far" }
not_applicable = { type = "integer", doc = "Does not apply" }
unknown = { type = "integer", doc = "Nothing recorded" }
blocked_by_customer = { type = "integer", doc = "Of late and overdue: held up by the customer" }
blocked_by_us = { type = "integer", doc = "Of late and overdue: held up by us" }
days_late = { type = "integer", doc = "Days late over all of late and overdue; step all: of the worst step of each contract" }
on_time_pct = { type = "decimal(9,4)", doc = "on_time over on_time, late and overdue, percent points; null where nothing was due and known" }
owners_compared = { type = "integer", doc = "Totals only: owners with enough contracts to be compared" }
owner_spread_pct = { type = "decimal(9,4)", doc = "Totals only: on_time_pct of the owner at the 90th percentile less the one at the 10th; null with fewer than two" }
weeks_compared = { type = "integer", doc = "Totals only: weeks with enough contracts to be compared" }
week_spread_pct = { type = "decimal(9,4)", doc = "Totals only: the same over weeks" }

[checks]
not_null = ["owner_id", "step", "as_of_date", "level", "contracts", "on_time", "late", "overdue", "not_due", "not_applicable", "unknown"]
expect.every_contract_counts_once = "contracts = on_time + late + overdue + not_due + not_applicable + unknown"
expect.level = "level in ('owner_week', 'week', 'owner', 'total')"

[decisions]
all = "A contract's runway is overdue with one step overdue, late with one done late, unknown or not due with one of these, in this order, else in time; a contract that differs only by steps which do not apply conforms"
whose = "Owners as the milestones name them, today's or not: who left is judged too. Nobody named stands as unassigned; a contract belongs to the owner of most of its steps"
spread = "Only owners and weeks with onboarding_min_contracts judged contracts are compared: one late kick-off of one contract is no pattern"
---*/
with onboarding_runway as (
    select
        contract_id,
        account_id,
        step,
        cohort,
        coalesce(named_owner_id, 'unassigned') as owner_id,
        state,
        days_late,
        blocked_by,
    from onboarding_runway
),

owner_share as (
    select
        account_id,
        contract_id,
        owner_id,
        count(*) as steps,
    from onboarding_runway
    group by
        account_id,
        contract_id,
        owner_id
),

main_owner as (
    select
        account_id,
        contract_id,
        owner_id,
    from owner_share
    qualify row_number() over (partition by account_id, contract_id order by steps desc, owner_id) = 1
),

whole as (
    select
        account_id,
        contract_id,
        min(cohort) as cohort,
        bool_or(state = 'overdue') as has_overdue,
        bool_or(state = 'done_late') as has_late,
        bool_or(state = 'unknown') as has_unknown,
        bool_or(state = 'not_due') as has_not_due,
        bool_or(state = 'done_on_time') as has_on_time,
        max(days_late) as days_late,
        bool_or(state in ('overdue', 'done_late') and coalesce(blocked_by = 'customer', false)) as is_held_by_customer,
        bool_or(state in ('overdue', 'done_late') and coalesce(blocked_by = 'us', false)) as is_held_by_us,
    from onboarding_runway
    group by
        account_id,
        contract_id
),

judged as (
    select
        step,
        cohort,
        owner_id,
        state,
        days_late,
        coalesce(blocked_by = 'customer', false) as is_held_by_customer,
        coalesce(blocked_by = 'us', false) as is_held_by_us,
    from onboarding_runway
    union all
    select
        'all' as step,
        whole.cohort,
        main_owner.owner_id,
        case
            when whole.has_overdue then 'overdue'
            when whole.has_late then 'done_late'
            when whole.has_unknown then 'unknown'
            when whole.has_not_due then 'not_due'
            when whole.has_on_time then 'done_on_time'
            else 'not_applicable'
        end as state,
        whole.days_late,
        whole.is_held_by_customer,
        whole.is_held_by_us,
    from whole
    inner join main_owner
        on main_owner.account_id = whole.account_id
        and main_owner.contract_id = whole.contract_id
),

owner_week as (
    select
        cohort,
        owner_id,
        step,
        count(*) as contracts,
        count(*) filter (where state = 'done_on_time') as on_time,
        count(*) filter (where state = 'done_late') as late,
        count(*) filter (where state = 'overdue') as overdue,
        count(*) filter (where state = 'not_due') as not_due,
        count(*) filter (where state = 'not_applicable') as not_applicable,
        count(*) filter (where state = 'unknown') as unknown,
        count(*) filter (where state in ('done_late', 'overdue') and is_held_by_customer) as blocked_by_customer,
        count(*) filter (where state in ('done_late', 'overdue') and is_held_by_us) as blocked_by_us,
        sum(case when state in ('done_late', 'overdue') then days_late else 0 end) as days_late,
    from judged
    group by
        cohort,
        owner_id,
        step
),

levelled as (
    select
        'owner_week' as level,
        cohort,
        owner_id,
        owner_week.* exclude (cohort, owner_id),
    from owner_week
    union all
    select
        'week' as level,
        cohort,
        '' as owner_id,
        owner_week.* exclude (cohort, owner_id),
    from owner_week
    union all
    select
        'owner' as level,
        cast(null as date) as cohort,
        owner_id,
        owner_week.* exclude (cohort, owner_id),
    from owner_week
    union all
    select
        'total' as level,
        cast(null as date) as cohort,
        '' as owner_id,
        owner_week.* exclude (cohort, owner_id),
    from owner_week
),

summed as (
    select
        level,
        cohort,
        owner_id,
        step,
        cast(sum(contracts) as bigint) as contracts,
        cast(sum(on_time) as bigint) as on_time,
        cast(sum(late) as bigint) as late,
        cast(sum(overdue) as bigint) as overdue,
        cast(sum(not_due) as bigint) as not_due,
        cast(sum(not_applicable) as bigint) as not_applicable,
        cast(sum(unknown) as bigint) as unknown,
        cast(sum(blocked_by_customer) as bigint) as blocked_by_customer,
        cast(sum(blocked_by_us) as bigint) as blocked_by_us,
        cast(sum(days_late) as bigint) as days_late,
    from levelled
    group by
        level,
        cohort,
        owner_id,
        step
),

rated as (
    select
        summed.*,
        cast(100 * on_time as double) / cast(nullif(on_time + late + overdue, 0) as double) as on_time_share,
    from summed
),

spread as (
    select
        step,
        count(*) filter (where level = 'owner') as owners,
        percentile_cont(0.9) within group (order by case when level = 'owner' then on_time_share end) as owner_high,
        percentile_cont(0.1) within group (order by case when level = 'owner' then on_time_share end) as owner_low,
        count(*) filter (where level = 'week') as weeks,
        percentile_cont(0.9) within group (order by case when level = 'week' then on_time_share end) as week_high,
        percentile_cont(0.1) within group (order by case when level = 'week' then on_time_share end) as week_low,
    from rated
    where
        level in ('owner', 'week')
        and on_time + late + overdue >= cast($onboarding_min_contracts as bigint)
    group by step
)

select
    rated.cohort,
    rated.owner_id,
    rated.step,
    cast($as_of as date) as as_of_date,
    rated.level,
    rated.contracts,
    rated.on_time,
    rated.late,
    rated.overdue,
    rated.not_due,
    rated.not_applicable,
    rated.unknown,
    rated.blocked_by_customer,
    rated.blocked_by_us,
    rated.days_late,
    cast(round(cast(rated.on_time_share as decimal(38,10)), 4) as decimal(9,4)) as on_time_pct,
    case when rated.level = 'total' then cast(coalesce(spread.owners, 0) as bigint) end as owners_compared,
    case
        when rated.level = 'total' and spread.owners >= 2
            then cast(round(cast(spread.owner_high - spread.owner_low as decimal(38,10)), 4) as decimal(9,4))
    end as owner_spread_pct,
    case when rated.level = 'total' then cast(coalesce(spread.weeks, 0) as bigint) end as weeks_compared,
    case
        when rated.level = 'total' and spread.weeks >= 2
            then cast(round(cast(spread.week_high - spread.week_low as decimal(38,10)), 4) as decimal(9,4))
    end as week_spread_pct,
from rated
left join spread
    on spread.step = rated.step
