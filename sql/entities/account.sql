/*---
title = "Accounts"
owner = "cs"
grain = ["account_id"]

[columns]
account_id = { type = "text", doc = "The account, canonical over all systems" }
name = { type = "text", doc = "The account's name" }
domain = { type = "text", doc = "Its web domain, without www" }
parent_account_id = { type = "text", doc = "The account above it in the customer's own hierarchy" }
segment = { type = "text", doc = "The company's own segment of customers, e.g. enterprise" }
industry = { type = "text", doc = "The account's industry" }
country = { type = "text", doc = "ISO 3166 two-letter country; decides which holidays apply" }
employee_count = { type = "integer", doc = "Employees of the customer" }
currency = { type = "text", doc = "ISO 4217 currency the account is usually billed in" }
timezone = { type = "text", doc = "IANA zone of the account" }
lifecycle_stage = { type = "text", doc = "Onboarding, adoption, renewal and so on, as the CRM names it" }
status = { type = "text", doc = "prospect, active or churned" }
csm_id = { type = "text", doc = "The person who looks after the customer's success" }
account_manager_id = { type = "text", doc = "The person who owns the commercial relationship" }
sales_owner_id = { type = "text", doc = "The person who sold" }
primary_contact_id = { type = "text", doc = "The contact we talk to first" }
started_date = { type = "date", doc = "First day as a customer" }
is_internal = { type = "boolean", doc = "Our own or a test account: left out of every mart" }
expected_tax_pct = { type = "decimal(9,4)", doc = "Tax the account should be charged, percent points" }
created_at = { type = "timestamp", doc = "When the record was created" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["account_id", "name"]

[decisions]
newest_wins = "Where a key was landed more than once, the row landed last holds"
---*/
select
    account_id,
    name,
    domain,
    parent_account_id,
    segment,
    industry,
    country,
    employee_count,
    currency,
    timezone,
    lifecycle_stage,
    status,
    csm_id,
    account_manager_id,
    sales_owner_id,
    primary_contact_id,
    started_date,
    is_internal,
    expected_tax_pct,
    created_at,
    source,
    source_id
from provided.account
qualify row_number() over (partition by account_id order by _landed desc) = 1
