/*---
title = "Contracts, from Salesforce"
owner = "finance"

[decisions]
agreed = "only contracts that were activated: a draft or one that waits for approval binds nobody"
end = "Salesforce's end date is the last day of the term; ours is the day after"
version = "a contract is one version: Salesforce keeps no earlier ones"
terms = "what Salesforce has no field for (notice, automatic renewal, payment terms) comes through fields that the job names; unknown else"
---*/
with contract as (
    select
        id,
        account_id,
        contract_number,
        status,
        start_date,
        end_date,
        customer_signed_date,
        currency,
        term_type,
        terminated_date,
        terminated_recorded_at,
        renewal_date,
        renews_contract_id,
        notice_days,
        auto_renew,
        auto_renew_changed_at,
        renewal_price_rule,
        cast(renewal_uplift_pct as decimal(9,4)) as renewal_uplift_pct,
        billing_frequency,
        bill_timing,
        billing_anchor_date,
        payment_terms_days,
        go_live_date,
        cast(late_fee_pct as decimal(9,4)) as late_fee_pct,
        late_fee_after_days
    from landed.contract
    where
        status_code = 'Activated'
        and account_id is not null
        and start_date is not null
),

organization as (
    select min(currency) as currency
    from landed.organization
)

select
    contract.id as contract_id,
    cast(1 as bigint) as version,
    contract.start_date as effective_date,
    contract.account_id,
    'crm' as term_source,
    contract.status,
    contract.customer_signed_date as signed_date,
    contract.start_date,
    contract.end_date + 1 as end_date,
    contract.terminated_date,
    contract.terminated_recorded_at,
    case
        when lower(contract.term_type) like '%evergreen%' then 'evergreen'
        when contract.term_type is not null or contract.end_date is not null then 'termed'
    end as term_type,
    contract.renewal_date,
    contract.renews_contract_id,
    contract.notice_days,
    contract.auto_renew,
    contract.auto_renew_changed_at,
    lower(contract.renewal_price_rule) as renewal_price_rule,
    contract.renewal_uplift_pct,
    case
        when lower(contract.billing_frequency) like '%month%' then 'monthly'
        when lower(contract.billing_frequency) like '%quarter%' then 'quarterly'
        when lower(contract.billing_frequency) like '%semi%' or lower(contract.billing_frequency) like '%half%' then 'semiannual'
        when lower(contract.billing_frequency) like '%annual%' or lower(contract.billing_frequency) like '%year%' then 'annual'
        when lower(contract.billing_frequency) like '%one%' then 'one_off'
    end as billing_frequency,
    case
        when lower(contract.bill_timing) like '%advance%' then 'advance'
        when lower(contract.bill_timing) like '%arrear%' then 'arrears'
    end as bill_timing,
    contract.billing_anchor_date,
    contract.go_live_date,
    contract.payment_terms_days,
    coalesce(contract.currency, organization.currency) as currency,
    contract.late_fee_pct,
    contract.late_fee_after_days,
    contract.contract_number as source_ref,
    contract.id as source_id
from contract
cross join organization
