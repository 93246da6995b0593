/*---
title = "Onboarding runway: the same steps for every new customer, and who is off it"
owner = "cs"
grain = ["account_id", "contract_id", "step", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
account_id = { type = "text", doc = "The account" }
contract_id = { type = "text", doc = "The contract being onboarded" }
step = { type = "text", doc = "welcome, kickoff_scheduled, kickoff_held, configured, first_milestone or checkin_30" }
as_of_date = { type = "date", doc = "Business date of the run" }
account_name = { type = "text", doc = "The account's name" }
segment = { type = "text", doc = "Its segment" }
owner_id = { type = "text", doc = "Who acts today; null where nobody is known" }
owner_role = { type = "text", doc = "In which role" }
named_owner_id = { type = "text", doc = "Who was to do the step, today or not; null where nobody is named" }
start_date = { type = "date", doc = "Day the runway is counted from" }
cohort = { type = "date", doc = "Monday of the week of the start" }
runway_day = { type = "integer", doc = "Day on which the step is due: 1, 3, 7 or 30 unless the policy says otherwise" }
due_date = { type = "date", doc = "When it was due" }
done_date = { type = "date", doc = "When it was done, by as_of; null where it was not" }
days_late = { type = "integer", doc = "Days after due_date on which it was done, or that it is overdue by now; 0 in time; null where it is not due, not applicable or unknown" }
state = { type = "text", doc = "not_due, done_on_time, done_late, overdue, not_applicable or unknown" }
blocked_by = { type = "text", doc = "us or customer, where it is blocked" }
is_unplanned = { type = "boolean", doc = "No step of this contract is recorded, though those of others are" }
first_use_date = { type = "date", doc = "The account's first core action since the start; null without one" }
days_to_first_use = { type = "integer", doc = "Days from start to it" }
launch = { type = "text", doc = "live, waiting, at_risk, severe, failed or unknown: whether the customer took off" }
explanation = { type = "text", doc = "The state of the step in a sentence" }

[checks]
not_null = ["account_id", "contract_id", "step", "as_of_date", "start_date", "cohort", "runway_day", "due_date", "state", "is_unplanned", "launch", "explanation"]
expect.state = "state in ('not_due', 'done_on_time', 'done_late', 'overdue', 'not_applicable', 'unknown')"
expect.late_means_days = "state not in ('done_late', 'overdue') or days_late > 0"

[decisions]
due = "As the milestone says, else so many days after the start; with onboarding_business_days so many working days, Saturdays and Sundays left out"
kickoff = "With the anchor kickoff the first milestone and the check-in count from the day the kick-off was held"
missing = "A step without a milestone is not done where other steps of the contract are recorded; where none is, its state is unknown: nobody knows is not nobody did"
blocked = "What the customer holds up is late like anything else, and says so: conformance counts it apart"
owner = "Whoever the milestone names, while there; else who acts for the account, else who decides about its contracts"
---*/
with onboarding_contract as (
    select *
    from onboarding_contract
),

canonical_id as (
    select
        external_id,
        canonical_id,
    from canonical_id
    where kind = 'contract'
),

milestone as (
    select
        contract_id,
        step,
        due_date,
        case when done_at < cast($as_of_end as timestamp) then cast(done_at as date) end as done_date,
        owner_id,
        blocked_by,
        is_applicable,
    from milestone
),

account as (
    select
        account_id,
        name,
        segment,
    from account
),

account_owner as (
    select
        account_id,
        owner_id,
        owner_role,
    from account_owner
),

contract_owner as (
    select
        account_id,
        owner_id,
        owner_role,
    from contract_owner
),

person as (
    select
        person_id,
        role,
        backup_id,
        is_active,
    from person
),

runway_step as (
    select 'welcome' as step, 'The welcome' as label, cast($onboarding_first_days as bigint) as runway_day
    union all
    select 'kickoff_scheduled' as step, 'Scheduling the kick-off' as label, cast($onboarding_first_days as bigint) as runway_day
    union all
    select 'kickoff_held' as step, 'The kick-off' as label, cast($onboarding_kickoff_days as bigint) as runway_day
    union all
    select 'configured' as step, 'Configuring the account' as label, cast($onboarding_kickoff_days as bigint) as runway_day
    union all
    select 'first_milestone' as step, 'The first milestone' as label, cast($onboarding_milestone_days as bigint) as runway_day
    union all
    select 'checkin_30' as step, 'The structured check-in' as label, cast($onboarding_checkin_days as bigint) as runway_day
),

-- Two source ids that became one contract: the step done first counts.
recorded as (
    select
        coalesce(canonical_id.canonical_id, milestone.contract_id) as contract_id,
        milestone.step,
        milestone.due_date,
        milestone.done_date,
        milestone.owner_id,
        milestone.blocked_by,
        milestone.is_applicable,
    from milestone
    left join canonical_id
        on canonical_id.external_id = milestone.contract_id
    qualify row_number() over (
        partition by coalesce(canonical_id.canonical_id, milestone.contract_id), milestone.step
        order by milestone.done_date nulls last, milestone.contract_id
    ) = 1
),

kickoff as (
    select
        contract_id,
        done_date,
    from recorded
    where
        step = 'kickoff_held'
        and cast($onboarding_anchor as varchar) = 'kickoff'
),

-- Only somebody who has left is replaced.
acting as (
    select
        person.person_id,
        case
            when coalesce(person.is_active, true) then person.person_id
            when coalesce(backup.is_active, true) then person.backup_id
        end as acting_id,
        person.role,
    from person
    left join person as backup
        on backup.person_id = person.backup_id
),

stepped as (
    select
        onboarding_contract.*,
        runway_step.step,
        runway_step.label,
        runway_step.runway_day,
        recorded.due_date as stated_due_date,
        recorded.done_date,
        recorded.owner_id as milestone_owner_id,
        recorded.blocked_by,
        coalesce(recorded.is_applicable, true) as is_applicable,
        case
            when runway_step.step in ('first_milestone', 'checkin_30') then coalesce(kickoff.done_date, onboarding_contract.start_date)
            else onboarding_contract.start_date
        end as counted_from_date,
    from onboarding_contract
    cross join runway_step
    left join recorded
        on recorded.contract_id = onboarding_contract.contract_id
        and recorded.step = runway_step.step
    left join kickoff
        on kickoff.contract_id = onboarding_contract.contract_id
),

-- A weekend's start counts as the Friday before: day of the week from Monday 1 to Friday 5.
weekly as (
    select
        stepped.*,
        cast(date_part('dow', counted_from_date) as bigint) as dow,
    from stepped
),

friday as (
    select
        weekly.*,
        case dow when 0 then 2 when 6 then 1 else 0 end as weekend_days,
        case dow when 0 then 5 when 6 then 5 else dow end as weekday,
    from weekly
),

due as (
    select
        friday.*,
        cast(
            coalesce(
                stated_due_date,
                case
                    when cast($onboarding_business_days as boolean)
                        then counted_from_date - cast(weekend_days as int)
                            + cast(runway_day + 2 * cast(floor(cast(runway_day + weekday - 1 as double) / 5) as bigint) as int)
                    else counted_from_date + cast(runway_day as int)
                end
            ) as date
        ) as due_date,
    from friday
),

judged as (
    select
        due.*,
        case
            when not is_applicable then 'not_applicable'
            when not has_plan then 'unknown'
            when done_date <= due_date then 'done_on_time'
            when done_date is not null then 'done_late'
            when due_date < cast($as_of as date) then 'overdue'
            else 'not_due'
        end as state,
    from due
),

counted as (
    select
        judged.*,
        case
            when state = 'done_on_time' then 0
            when state = 'done_late' then cast(done_date - due_date as bigint)
            when state = 'overdue' then cast(cast($as_of as date) - due_date as bigint)
        end as days_late,
    from judged
)

select
    counted.account_id,
    counted.contract_id,
    counted.step,
    cast($as_of as date) as as_of_date,
    account.name as account_name,
    account.segment,
    case
        when acting.person_id is null then coalesce(counted.milestone_owner_id, account_owner.owner_id, contract_owner.owner_id)
        else coalesce(acting.acting_id, account_owner.owner_id, contract_owner.owner_id)
    end as owner_id,
    case
        when counted.milestone_owner_id is not null and acting.person_id is null then 'csm'
        when acting.acting_id is not null then coalesce(acting.role, 'csm')
        when account_owner.owner_id is not null then account_owner.owner_role
        else contract_owner.owner_role
    end as owner_role,
    coalesce(counted.milestone_owner_id, account_owner.owner_id) as named_owner_id,
    counted.start_date,
    cast(
        counted.start_date - cast((cast(date_part('dow', counted.start_date) as bigint) + 6) % 7 as int)
        as date
    ) as cohort,
    counted.runway_day,
    counted.due_date,
    counted.done_date,
    counted.days_late,
    counted.state,
    counted.blocked_by,
    counted.is_sourced and not counted.has_plan as is_unplanned,
    counted.first_use_date,
    counted.days_to_first_use,
    counted.launch,
    concat(
        case
            when counted.state = 'not_applicable' then concat(counted.label, ' does not apply to this contract')
            when counted.state = 'unknown' and counted.is_sourced then 'No milestone is recorded for this contract'
            when counted.state = 'unknown' then 'No source tells about milestones'
            when counted.state = 'done_on_time' then concat(counted.label, ' was done on ', cast(counted.done_date as varchar), ', due on ', cast(counted.due_date as varchar))
            when counted.state = 'done_late' then concat(
                counted.label, ' was done on ', cast(counted.done_date as varchar), ', ', cast(counted.days_late as varchar),
                case when counted.days_late = 1 then ' day' else ' days' end, ' after it was due'
            )
            when counted.state = 'overdue' then concat(
                counted.label, ' was due on ', cast(counted.due_date as varchar), ' and is ', cast(counted.days_late as varchar),
                case when counted.days_late = 1 then ' day' else ' days' end, ' overdue'
            )
            else concat(counted.label, ' is due on ', cast(counted.due_date as varchar))
        end,
        case
            when counted.state in ('overdue', 'done_late') and counted.blocked_by = 'customer' then '; the customer holds it up'
            when counted.state in ('overdue', 'done_late') and counted.blocked_by = 'us' then '; we hold it up'
            else ''
        end,
        '.'
    ) as explanation,
from counted
left join account
    on account.account_id = counted.account_id
left join account_owner
    on account_owner.account_id = counted.account_id
left join contract_owner
    on contract_owner.account_id = counted.account_id
left join acting
    on acting.person_id = counted.milestone_owner_id
