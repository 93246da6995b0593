/*---
title = "Accounts, from Salesforce"
owner = "cs"

[decisions]
status = "a job's own field decides; else the type: a former or lost customer is churned, a customer active, a prospect a prospect; partners, competitors and others are unknown"
domain = "the host of the website, without www"
country = "only two-letter codes; a country that is written out and not in the list of source.toml is unknown"
owner = "the owner of the account is who sold, where the job names no other field"
currency = "the account's own where the job asks for it, else the organisation's"
---*/
with account as (
    select
        id,
        name,
        type,
        parent_id,
        lower(trim(website)) as website,
        industry,
        employees,
        country,
        owner_id,
        created_date,
        currency,
        segment,
        timezone,
        lifecycle_stage,
        status,
        csm_id,
        account_manager_id,
        sales_owner_id,
        primary_contact_id,
        started_date,
        is_internal,
        expected_tax_pct
    from landed.account
),

organization as (
    select min(currency) as currency
    from landed.organization
),

-- People write https://www.acme.example/en, www.acme.example or acme.example: the host is the same.
web as (
    select
        id,
        nullif(regexp_replace(regexp_replace(website, '^[a-z]+://', ''), '[/:?#].*$', ''), '') as host
    from account
)

select
    account.id as account_id,
    coalesce(account.name, account.id) as name,
    case when starts_with(web.host, 'www.') then substr(web.host, 5) else web.host end as domain,
    account.parent_id as parent_account_id,
    account.segment,
    account.industry,
    case when length(account.country) = 2 then upper(account.country) end as country,
    account.employees as employee_count,
    coalesce(account.currency, organization.currency) as currency,
    account.timezone,
    account.lifecycle_stage,
    case
        when account.status is not null then lower(account.status)
        when lower(account.type) like '%former%' or lower(account.type) like '%churn%' or lower(account.type) like '%lost%' then 'churned'
        when lower(account.type) like '%customer%' then 'active'
        when lower(account.type) like '%prospect%' then 'prospect'
    end as status,
    account.csm_id,
    account.account_manager_id,
    coalesce(account.sales_owner_id, account.owner_id) as sales_owner_id,
    account.primary_contact_id,
    account.started_date,
    account.is_internal,
    cast(account.expected_tax_pct as decimal(9,4)) as expected_tax_pct,
    account.created_date as created_at,
    account.id as source_id
from account
inner join web
    on web.id = account.id
cross join organization
