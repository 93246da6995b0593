-- A subscription may begin before its account signed up: the account starts with the earlier of both.
with first_subscription as (
    select
        account_id,
        min(start_date) as start_date
    from landed.subscriptions
    group by account_id
)

select
    account.account_id,
    account.account_name as name,
    account.industry,
    case account.country when 'UK' then 'GB' else account.country end as country,
    'USD' as currency,
    'active' as status,
    least(account.signup_date, first_subscription.start_date) as started_date,
    cast(account.signup_date as timestamp) as created_at
from landed.accounts as account
left join first_subscription
    on account.account_id = first_subscription.account_id
