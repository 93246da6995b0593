-- A subscription is a contract of one line. The invoices begin in January 2024, so nothing before is asked for.
-- Its end_date is the last day of service; ours is the first day without.
select
    sub_id as contract_id,
    cast(1 as bigint) as version,
    greatest(start_date, date '2024-01-01') as effective_date,
    customer_id as account_id,
    'billing' as term_source,
    status,
    greatest(start_date, date '2024-01-01') as start_date,
    end_date + 1 as end_date,
    'termed' as term_type,
    'monthly' as billing_frequency,
    'advance' as bill_timing,
    'calendar' as billing_anchor,
    'none' as proration_method,
    cast(14 as bigint) as payment_terms_days,
    'USD' as currency
from landed.subscriptions
