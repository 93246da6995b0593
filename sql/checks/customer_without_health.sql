/*---
title = "Every customer has a health row"
owner = "cs"
severity = "block"

[columns]
account_id = { type = "text", doc = "The account without a row" }
account_name = { type = "text", doc = "Its name" }
---*/
with customer_account as (
    select
        account_id,
        account_name,
    from customer_account
),

account_health as (
    select account_id
    from account_health
)

select
    customer_account.account_id,
    customer_account.account_name,
from customer_account
left join account_health
    on account_health.account_id = customer_account.account_id
where account_health.account_id is null
