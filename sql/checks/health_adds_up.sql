/*---
title = "Contributions add up to the score, weights to 100"
owner = "cs"
severity = "block"

[columns]
account_id = { type = "text", doc = "The account" }
score = { type = "decimal(9,4)", doc = "Score in account_health" }
contribution = { type = "decimal(18,4)", doc = "Sum of the contributions" }
weight = { type = "decimal(18,4)", doc = "Sum of the weights" }
---*/
with account_health as (
    select
        account_id,
        score,
    from account_health
),

health_component as (
    select
        account_id,
        contribution,
        weight,
    from health_component
),

summed as (
    select
        account_id,
        sum(contribution) as contribution,
        sum(weight) as weight,
    from health_component
    group by account_id
)

select
    account_health.account_id,
    account_health.score,
    cast(summed.contribution as decimal(18,4)) as contribution,
    cast(summed.weight as decimal(18,4)) as weight,
from account_health
left join summed
    on summed.account_id = account_health.account_id
where
    summed.account_id is null
    or summed.contribution <> account_health.score
    or summed.weight <> 100
