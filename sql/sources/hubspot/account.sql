/*---
title = "Accounts, from HubSpot companies"
owner = "cs"

[decisions]
status = "a job's own property decides; else the lifecycle: a customer or evangelist is active, an earlier stage a prospect, others are unknown"
country = "only two-letter codes; a country that is written out and not in the list of source.toml is unknown"
owner = "the owner of the company is who sold"
salesforce = "where the job says which property holds a Salesforce id, a company that has one is an account of Salesforce, and provided there"
currency = "the company's own where the job names a property, else the account's of HubSpot"
---*/
with company as (
    select
        id,
        name,
        lower(trim(domain)) as domain,
        parent_id,
        industry,
        employees,
        country,
        owner_id,
        lifecycle_stage,
        created_at,
        currency,
        segment,
        status,
        csm_id,
        account_manager_id,
        primary_contact_id,
        started_date,
        is_internal,
        expected_tax_pct
    from landed.company
    where salesforce_id is null
),

portal as (
    select min(currency) as currency
    from landed.portal
)

-- A company without a name is known by its domain, as HubSpot itself shows it; without either by its id, so that its deals are somebody's.
select
    company.id as account_id,
    coalesce(company.name, company.domain, company.id) as name,
    case when starts_with(company.domain, 'www.') then substr(company.domain, 5) else company.domain end as domain,
    company.parent_id as parent_account_id,
    company.segment,
    company.industry,
    case when length(company.country) = 2 then upper(company.country) end as country,
    company.employees as employee_count,
    coalesce(company.currency, portal.currency) as currency,
    company.lifecycle_stage,
    case
        when company.status is not null then lower(company.status)
        when company.lifecycle_stage in ('customer', 'evangelist') then 'active'
        when
            company.lifecycle_stage in ('subscriber', 'lead', 'marketingqualifiedlead', 'salesqualifiedlead', 'opportunity')
            then 'prospect'
    end as status,
    company.csm_id,
    company.account_manager_id,
    company.owner_id as sales_owner_id,
    company.primary_contact_id,
    company.started_date,
    company.is_internal,
    cast(company.expected_tax_pct as decimal(9,4)) as expected_tax_pct,
    company.created_at,
    company.id as source_id
from company
cross join portal
