/*---
title = "Action list: one row per thing to do, who does it, by when, for how much money, and why"
owner = "cs"
grain = ["action_id", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
action_id = { type = "text", doc = "md5 of kind | subject_id: the same thing to do, the same id, on every run" }
as_of_date = { type = "date", doc = "Business date of the run" }
kind = { type = "text", doc = "settle_finding, supply_terms, decide_exception, renewal, health, usage, rating, onboarding, launch, plan_onboarding, handoff, expansion, tracking or connect_sources" }
subject_id = { type = "text", doc = "The finding, contract, exception, account or metric it is about" }
account_id = { type = "text", doc = "The account; null where it concerns several" }
account_name = { type = "text", doc = "Its name" }
owner_id = { type = "text", doc = "Who does it; unassigned where nobody at all is known" }
owner_role = { type = "text", doc = "In which role" }
due_date = { type = "date", doc = "By when; never before as_of" }
overdue_days = { type = "integer", doc = "Days by which it should have been done already; 0 where it is in time" }
rank_for_owner = { type = "integer", doc = "Place on the owner's own list: what is due first, then the most money" }
amount = { type = "decimal(18,4)", doc = "Money at stake; the same money may stand behind several actions: never sum over kinds" }
currency = { type = "text", doc = "Currency of amount" }
amount_reporting = { type = "decimal(18,4)", doc = "amount in the reporting currency; null where it cannot be told" }
reporting_currency = { type = "text", doc = "The company's currency" }
amount_meaning = { type = "text", doc = "What the amount is" }
what = { type = "text", doc = "What to do, in a sentence" }
why = { type = "text", doc = "Why, in a sentence with its numbers" }
where_to_look = { type = "text", doc = "The table and the key under which the details stand" }
first_listed_date = { type = "date", doc = "Since when it has been on the list without a break, or the finding has been known" }
quarters_listed = { type = "integer", doc = "Ends of quarters it has outlived" }
is_escalated = { type = "boolean", doc = "It has outlived action_escalate_quarters ends of quarters" }
escalated_to_id = { type = "text", doc = "The owner's manager, else who leads the executives; null where it is not escalated, or nobody stands above the owner" }

[checks]
not_null = ["action_id", "as_of_date", "kind", "subject_id", "owner_id", "owner_role", "due_date", "overdue_days", "rank_for_owner", "what", "why", "where_to_look", "first_listed_date", "quarters_listed", "is_escalated"]
expect.not_in_the_past = "due_date >= as_of_date"

[decisions]
owner = "As the table it comes from has it, else who leads the role, else who decides about the account's contracts, else who leads Finance or the executives: nothing is dropped because nobody owns it"
due = "Findings by the day that decides them, exceptions before they lapse, renewals by their next step, red health within action_red_days, yellow within action_yellow_days; what concerns a whole account never after its next contract decision; what has no day within action_default_days"
carried = "The latest earlier partition says since when an action stands; one that was gone for a run begins anew. A finding stands since it was first seen"
escalated = "What outlives action_escalate_quarters ends of quarters goes to the owner's manager as well; it keeps its owner"
---*/
with action_request as (
    select *
    from action_request
),

account_value as (
    select
        account_id,
        annual_value,
        next_decision_date,
    from account_value
),

reporting_rate as (
    select
        currency,
        rate,
        minor_digits,
    from reporting_rate
),

account as (
    select
        account_id,
        name,
    from account
),

contract_owner as (
    select
        account_id,
        owner_id,
        owner_role,
    from contract_owner
),

role_lead as (
    select
        role,
        lead_id,
    from role_lead
),

person as (
    select
        person_id,
        manager_id,
    from person
),

published_action as (
    select
        action_id,
        as_of_date,
        first_listed_date,
    from published.action_list
    where as_of_date < cast($as_of as date)
),

prior as (
    select
        action_id,
        first_listed_date,
    from published_action
    qualify dense_rank() over (order by as_of_date desc) = 1
),

desk as (
    select
        max(case when role = 'finance' then lead_id end) as finance_id,
        max(case when role = 'executive' then lead_id end) as executive_id,
    from role_lead
),

completed as (
    select
        md5(concat(action_request.kind, '|', action_request.subject_id)) as action_id,
        action_request.kind,
        action_request.subject_id,
        action_request.account_id,
        coalesce(action_request.owner_id, role_lead.lead_id, contract_owner.owner_id, desk.finance_id, desk.executive_id, 'unassigned') as owner_id,
        case
            when action_request.owner_id is not null or role_lead.lead_id is not null then coalesce(action_request.owner_role, 'csm')
            when contract_owner.owner_id is not null then contract_owner.owner_role
            when desk.finance_id is not null then 'finance'
            when desk.executive_id is not null then 'executive'
            else coalesce(action_request.owner_role, 'csm')
        end as owner_role,
        case
            when action_request.amount_meaning = 'annual value of the account' then least(action_request.wanted_date, account_value.next_decision_date)
            else coalesce(action_request.wanted_date, cast($as_of as date) + cast(cast($action_default_days as bigint) as int))
        end as wanted_date,
        action_request.since_date,
        case when action_request.amount_meaning = 'annual value of the account' then account_value.annual_value else action_request.amount end as amount,
        case when action_request.amount_meaning = 'annual value of the account' then cast($reporting_currency as varchar) else action_request.currency end as currency,
        action_request.amount_meaning,
        action_request.what,
        action_request.why,
        action_request.where_to_look,
        desk.executive_id,
    from action_request
    cross join desk
    left join role_lead
        on action_request.owner_id is null
        and role_lead.role = action_request.owner_role
    left join contract_owner
        on contract_owner.account_id = action_request.account_id
    left join account_value
        on account_value.account_id = action_request.account_id
),

priced as (
    select
        completed.*,
        cast(cast(completed.amount as decimal(38,4)) * reporting_rate.rate as decimal(38,10)) as converted,
        reporting_rate.minor_digits,
        coalesce(least(completed.since_date, prior.first_listed_date), cast($as_of as date)) as first_listed_date,
    from completed
    left join reporting_rate
        on reporting_rate.currency = completed.currency
    left join prior
        on prior.action_id = completed.action_id
),

rated as (
    select
        priced.*,
        case
            when minor_digits = 0 then cast(round(converted, 0) as decimal(18,4))
            when minor_digits = 3 then cast(round(converted, 3) as decimal(18,4))
            else cast(round(converted, 2) as decimal(18,4))
        end as amount_reporting,
        cast(greatest(wanted_date, cast($as_of as date)) as date) as due_date,
        cast(greatest(cast($as_of as date) - wanted_date, 0) as bigint) as overdue_days,
        cast(date_part('year', cast($as_of as date)) as bigint) * 4 + cast(date_part('quarter', cast($as_of as date)) as bigint)
        - cast(date_part('year', first_listed_date) as bigint) * 4 - cast(date_part('quarter', first_listed_date) as bigint) as quarters_listed,
    from priced
)

select
    rated.action_id,
    cast($as_of as date) as as_of_date,
    rated.kind,
    rated.subject_id,
    rated.account_id,
    account.name as account_name,
    rated.owner_id,
    rated.owner_role,
    rated.due_date,
    rated.overdue_days,
    row_number() over (
        partition by rated.owner_id
        order by rated.due_date, rated.overdue_days desc, rated.amount_reporting desc nulls last, rated.action_id
    ) as rank_for_owner,
    rated.amount,
    rated.currency,
    rated.amount_reporting,
    cast($reporting_currency as varchar) as reporting_currency,
    rated.amount_meaning,
    rated.what,
    rated.why,
    rated.where_to_look,
    rated.first_listed_date,
    rated.quarters_listed,
    rated.quarters_listed >= cast($action_escalate_quarters as bigint) as is_escalated,
    case when rated.quarters_listed >= cast($action_escalate_quarters as bigint) then coalesce(person.manager_id, nullif(rated.executive_id, rated.owner_id)) end as escalated_to_id,
from rated
left join account
    on account.account_id = rated.account_id
left join person
    on person.person_id = rated.owner_id
