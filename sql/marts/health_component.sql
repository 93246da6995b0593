/*---
title = "What an account's health is made of"
owner = "cs"
grain = ["account_id", "component", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
account_id = { type = "text", doc = "The account" }
component = { type = "text", doc = "usage, breadth, depth, onboarding, seats, contract, tickets, escalations, resolution, payment, reply, contacts, threading, tone, surveys; unmeasured for weight that nothing known fills" }
as_of_date = { type = "date", doc = "The day the component is about" }
account_name = { type = "text", doc = "The account's name" }
owner_id = { type = "text", doc = "Who acts; null where nobody is named" }
owner_role = { type = "text", doc = "In which role" }
family = { type = "text", doc = "usage, commercial, support, billing, relationship or sentiment; unmeasured for unmeasured" }
value = { type = "decimal(18,4)", doc = "In percent points: usage (adjusted change, or half of a worse decline over 90 days), breadth (used of entitled features), depth (change), onboarding (milestones done), seats (active of contracted), threading (people of those needed). contract, tickets, escalations, resolution, contacts: friction. payment: days late. reply: times the usual. tone: hundredths, surveys: points of ten, both as change. Null where unknown" }
baseline = { type = "decimal(18,4)", doc = "The peers' change for usage; else the account's own earlier level, as the component's model says" }
points = { type = "decimal(9,4)", doc = "0 to 100 on the lines of the policy; 50 for unmeasured; null where unknown" }
base_weight = { type = "decimal(9,4)", doc = "The family's weight in the account's profile and stage, under the cap, times the component's share; 0 for unmeasured" }
weight = { type = "decimal(9,4)", doc = "Weight in this score; adds up to 100 over the account's components; 0 where unknown" }
contribution = { type = "decimal(9,4)", doc = "weight x points / 100; adds up to the score" }
is_measured = { type = "boolean", doc = "The value is known" }
reason = { type = "text", doc = "The numbers, in one sentence" }

[checks]
not_null = ["account_id", "component", "as_of_date", "family", "base_weight", "weight", "contribution", "is_measured", "reason"]
expect.points_in_range = "points is null or points between 0 and 100"
expect.unknown_weighs_nothing = "is_measured or component = 'unmeasured' or (weight = 0 and contribution = 0)"
expect.contribution_fits = "contribution between 0 and 100"

[decisions]
source = "points, weights and their rounding are those of component_score"
---*/
with customer_account as (
    select
        account_id,
        account_name,
        owner_id,
        owner_role,
    from customer_account
),

component_score as (
    select
        account_id,
        component,
        family,
        value,
        baseline,
        points,
        base_weight,
        weight,
        contribution,
        is_measured,
        reason,
    from component_score
)

select
    component_score.account_id,
    component_score.component,
    cast($as_of as date) as as_of_date,
    customer_account.account_name,
    customer_account.owner_id,
    customer_account.owner_role,
    component_score.family,
    component_score.value,
    component_score.baseline,
    component_score.points,
    component_score.base_weight,
    component_score.weight,
    component_score.contribution,
    component_score.is_measured,
    component_score.reason,
from component_score
inner join customer_account
    on customer_account.account_id = component_score.account_id
