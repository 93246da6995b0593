-- Trials and subscriptions without a price owe nothing and are left out. A churned subscription ends with its last day of service.
select
    subscription_id as contract_id,
    cast(1 as bigint) as version,
    start_date as effective_date,
    account_id,
    'billing' as term_source,
    start_date,
    end_date + 1 as terminated_date,
    'evergreen' as term_type,
    auto_renew_flag as auto_renew,
    billing_frequency,
    'USD' as currency
from landed.subscriptions
where mrr_amount > 0
