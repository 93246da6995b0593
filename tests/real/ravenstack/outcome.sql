select
    churn_event_id as outcome_id,
    account_id,
    'churned' as kind,
    churn_date as decided_date,
    churn_date as effective_date,
    reason_code as reason
from landed.churn_events
where not is_reactivation
