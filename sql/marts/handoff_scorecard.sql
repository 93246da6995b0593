/*---
title = "How well handoffs are made, by who makes them and by whose team makes them"
owner = "cs"
grain = ["person_id", "quarter", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
person_id = { type = "text", doc = "Who hands over, or whose team does" }
quarter = { type = "text", doc = "Calendar quarter in which the deals were won, such as 2026-Q3" }
as_of_date = { type = "date", doc = "The day it is about" }
person_name = { type = "text", doc = "The person's name; null where not known" }
owner_id = { type = "text", doc = "Who reviews it: the person's manager, else the person" }
owner_role = { type = "text", doc = "The reviewer's role; null where not known" }
deals = { type = "integer", doc = "Deals of the person's own" }
handoffs_due = { type = "integer", doc = "Those whose handoff is submitted or overdue" }
handoffs_submitted = { type = "integer", doc = "Those with a handoff" }
handoffs_late = { type = "integer", doc = "Submitted late, or overdue" }
handoffs_accepted = { type = "integer", doc = "Accepted by customer success" }
handoffs_rejected = { type = "integer", doc = "Sent back by customer success" }
items_required = { type = "integer", doc = "Mandatory items of the handoffs due" }
items_filled = { type = "integer", doc = "Those filled in" }
completeness_pct = { type = "decimal(9,4)", doc = "Their share, percent points; null where nothing is due" }
handoffs_contradicted = { type = "integer", doc = "Handoffs with a claim that the evidence contradicts" }
contradicted_pct = { type = "decimal(9,4)", doc = "Their share of the handoffs submitted, percent points; null without any" }
handoffs_omitting = { type = "integer", doc = "Handoffs that leave out something granted" }
claims_unsupported = { type = "integer", doc = "Claims that no evidence says" }
coverage_pct = { type = "decimal(9,4)", doc = "Share of the conversations before closing that could be read, percent points; null without any" }
team_deals = { type = "integer", doc = "Deals of the people the person manages" }
team_handoffs_due = { type = "integer", doc = "Those whose handoff is submitted or overdue" }
team_handoffs_submitted = { type = "integer", doc = "Those with a handoff" }
team_handoffs_late = { type = "integer", doc = "Submitted late, or overdue" }
team_completeness_pct = { type = "decimal(9,4)", doc = "Filled in of the mandatory items due, percent points; null where nothing is due" }
team_handoffs_contradicted = { type = "integer", doc = "Handoffs with a claim that the evidence contradicts" }
team_contradicted_pct = { type = "decimal(9,4)", doc = "Their share of the handoffs submitted, percent points; null without any" }
team_coverage_pct = { type = "decimal(9,4)", doc = "Share of the conversations that could be read, percent points; null without any" }
last_five_deals = { type = "integer", doc = "Deals among the team's last five, whatever their quarter; on the team's latest quarter alone, else null" }
last_five_completeness_pct = { type = "decimal(9,4)", doc = "Filled in of their mandatory items due, percent points" }
last_five_contradicted = { type = "integer", doc = "Those with a claim that the evidence contradicts" }

[checks]
not_null = ["person_id", "quarter", "as_of_date", "deals", "handoffs_due", "team_deals"]
expect.completeness_in_range = "completeness_pct is null or completeness_pct between 0 and 100"

[decisions]
two_sides = "one row has a person's own deals and the team's: a manager who sells has both, and the team's do not contain the manager's own"
alone = "who has no manager is a team of one, so that nobody's last five are missing"
missing = "an overdue handoff has four empty items: not to hand over is not a way to a good score"
contradicted = "counted in handoffs, not in claims: one handoff that is wrong twice is one handoff to speak about"
---*/
with handoff_tally as (
    select
        quarter,
        rep_id,
        team_id,
        team_rank,
        is_due,
        is_submitted,
        is_late,
        is_accepted,
        is_rejected,
        items_required,
        items_filled,
        claims_contradicted,
        claims_omitted,
        claims_unsupported,
        conversations,
        conversations_read,
    from handoff_tally
),

person as (
    select
        person_id,
        name,
        role,
        manager_id,
    from person
),

own as (
    select
        rep_id as person_id,
        quarter,
        count(*) as deals,
        sum(case when is_due then 1 else 0 end) as handoffs_due,
        sum(case when is_submitted then 1 else 0 end) as handoffs_submitted,
        sum(case when is_late then 1 else 0 end) as handoffs_late,
        sum(case when is_accepted then 1 else 0 end) as handoffs_accepted,
        sum(case when is_rejected then 1 else 0 end) as handoffs_rejected,
        sum(items_required) as items_required,
        sum(items_filled) as items_filled,
        sum(case when claims_contradicted > 0 then 1 else 0 end) as handoffs_contradicted,
        sum(case when claims_omitted > 0 then 1 else 0 end) as handoffs_omitting,
        sum(claims_unsupported) as claims_unsupported,
        sum(conversations) as conversations,
        sum(conversations_read) as conversations_read,
    from handoff_tally
    where rep_id is not null
    group by
        rep_id,
        quarter
),

team as (
    select
        team_id as person_id,
        quarter,
        count(*) as deals,
        sum(case when is_due then 1 else 0 end) as handoffs_due,
        sum(case when is_submitted then 1 else 0 end) as handoffs_submitted,
        sum(case when is_late then 1 else 0 end) as handoffs_late,
        sum(items_required) as items_required,
        sum(items_filled) as items_filled,
        sum(case when claims_contradicted > 0 then 1 else 0 end) as handoffs_contradicted,
        sum(conversations) as conversations,
        sum(conversations_read) as conversations_read,
    from handoff_tally
    where team_id is not null
    group by
        team_id,
        quarter
),

last_five as (
    select
        team_id as person_id,
        max(quarter) as quarter,
        count(*) as deals,
        sum(items_required) as items_required,
        sum(items_filled) as items_filled,
        sum(case when claims_contradicted > 0 then 1 else 0 end) as handoffs_contradicted,
    from handoff_tally
    where
        team_id is not null
        and team_rank <= 5
    group by team_id
),

listed as (
    select person_id, quarter
    from own
    union
    select person_id, quarter
    from team
)

select
    listed.person_id,
    listed.quarter,
    cast($as_of as date) as as_of_date,
    person.name as person_name,
    coalesce(person.manager_id, listed.person_id) as owner_id,
    coalesce(manager.role, case when person.manager_id is null then person.role end) as owner_role,
    cast(coalesce(own.deals, 0) as bigint) as deals,
    cast(coalesce(own.handoffs_due, 0) as bigint) as handoffs_due,
    cast(coalesce(own.handoffs_submitted, 0) as bigint) as handoffs_submitted,
    cast(coalesce(own.handoffs_late, 0) as bigint) as handoffs_late,
    cast(coalesce(own.handoffs_accepted, 0) as bigint) as handoffs_accepted,
    cast(coalesce(own.handoffs_rejected, 0) as bigint) as handoffs_rejected,
    cast(coalesce(own.items_required, 0) as bigint) as items_required,
    cast(coalesce(own.items_filled, 0) as bigint) as items_filled,
    cast(round(cast(own.items_filled as double) * 100 / cast(nullif(own.items_required, 0) as double), 4) as decimal(9,4)) as completeness_pct,
    cast(coalesce(own.handoffs_contradicted, 0) as bigint) as handoffs_contradicted,
    cast(round(cast(own.handoffs_contradicted as double) * 100 / cast(nullif(own.handoffs_submitted, 0) as double), 4) as decimal(9,4)) as contradicted_pct,
    cast(coalesce(own.handoffs_omitting, 0) as bigint) as handoffs_omitting,
    cast(coalesce(own.claims_unsupported, 0) as bigint) as claims_unsupported,
    cast(round(cast(own.conversations_read as double) * 100 / cast(nullif(own.conversations, 0) as double), 4) as decimal(9,4)) as coverage_pct,
    cast(coalesce(team.deals, 0) as bigint) as team_deals,
    cast(coalesce(team.handoffs_due, 0) as bigint) as team_handoffs_due,
    cast(coalesce(team.handoffs_submitted, 0) as bigint) as team_handoffs_submitted,
    cast(coalesce(team.handoffs_late, 0) as bigint) as team_handoffs_late,
    cast(round(cast(team.items_filled as double) * 100 / cast(nullif(team.items_required, 0) as double), 4) as decimal(9,4)) as team_completeness_pct,
    cast(coalesce(team.handoffs_contradicted, 0) as bigint) as team_handoffs_contradicted,
    cast(round(cast(team.handoffs_contradicted as double) * 100 / cast(nullif(team.handoffs_submitted, 0) as double), 4) as decimal(9,4)) as team_contradicted_pct,
    cast(round(cast(team.conversations_read as double) * 100 / cast(nullif(team.conversations, 0) as double), 4) as decimal(9,4)) as team_coverage_pct,
    cast(last_five.deals as bigint) as last_five_deals,
    cast(round(cast(last_five.items_filled as double) * 100 / cast(nullif(last_five.items_required, 0) as double), 4) as decimal(9,4)) as last_five_completeness_pct,
    cast(last_five.handoffs_contradicted as bigint) as last_five_contradicted,
from listed
left join own
    on own.person_id = listed.person_id
    and own.quarter = listed.quarter
left join team
    on team.person_id = listed.person_id
    and team.quarter = listed.quarter
left join last_five
    on last_five.person_id = listed.person_id
    and last_five.quarter = listed.quarter
left join person
    on person.person_id = listed.person_id
left join person as manager
    on manager.person_id = person.manager_id
