/*---
title = "Health of use: the core metric against the account's own month before"
owner = "cs"
grain = ["account_id"]

[columns]
account_id = { type = "text", doc = "The account" }
metric = { type = "text", doc = "The core metric looked at; null where the account has none" }
is_applicable = { type = "boolean", doc = "A ramping account is judged by its onboarding, not by its use" }
value = { type = "decimal(18,4)", doc = "Adjusted change of the core metric, percent points; null where unknown" }
baseline = { type = "decimal(18,4)", doc = "What the peers did in the same time, percent points" }
reason = { type = "text", doc = "The numbers, in one sentence" }

[checks]
not_null = ["account_id", "is_applicable", "reason"]

[decisions]
core_metric = "the policy's metric where the account has it, else its metric with most measured days, sessions last; ties by name"
silence = "28 measured days without any use are a change of -100 %, however little there was before: small volume hides noise, not absence"
small = "otherwise too little use says nothing and counts as unmeasured; so does a move of the whole fleet"
---*/
with customer_account as (
    select account_id
    from customer_account
),

usage_test as (
    select
        account_id,
        metric,
        evaluation_date,
        adjusted_change_pct,
        tier,
    from usage_test
    where window_days = 28
),

usage_window as (
    select
        account_id,
        metric,
        evaluation_date,
        measured_days,
        current_quantity,
        prior_quantity,
    from usage_window
    where window_days = 28
),

usage_peer as (
    select
        account_id,
        metric,
        evaluation_date,
        peer_ratio,
    from usage_peer
    where window_days = 28
),

core_signal as (
    select
        usage_test.account_id,
        usage_test.metric,
        usage_window.current_quantity,
        usage_window.prior_quantity,
        usage_window.measured_days,
        usage_test.adjusted_change_pct,
        cast((usage_peer.peer_ratio - 1) * 100 as decimal(18,4)) as peer_change_pct,
        usage_test.tier,
    from usage_test
    inner join usage_window
        on usage_window.account_id = usage_test.account_id
        and usage_window.metric = usage_test.metric
        and usage_window.evaluation_date = usage_test.evaluation_date
    inner join usage_peer
        on usage_peer.account_id = usage_test.account_id
        and usage_peer.metric = usage_test.metric
        and usage_peer.evaluation_date = usage_test.evaluation_date
    where usage_test.evaluation_date = cast($as_of as date) - cast(cast($usage_lag_days as bigint) as integer)
    qualify row_number() over (
        partition by usage_test.account_id
        order by
            case when usage_test.metric = cast($health_core_metric as varchar) then 0 else 1 end,
            case when usage_test.metric = 'sessions' then 1 else 0 end,
            usage_window.measured_days desc,
            usage_test.metric
    ) = 1
),

judged as (
    select
        customer_account.account_id,
        core_signal.metric,
        core_signal.tier,
        core_signal.measured_days,
        core_signal.current_quantity,
        core_signal.prior_quantity,
        core_signal.peer_change_pct,
        core_signal.tier = 'insufficient_volume' and core_signal.current_quantity = 0 as is_silent,
        case
            when core_signal.tier in ('ok', 'watch', 'flag', 'escalate') then core_signal.adjusted_change_pct
            when core_signal.tier = 'insufficient_volume' and core_signal.current_quantity = 0 then cast(-100 as decimal(18,4))
        end as value,
    from customer_account
    left join core_signal
        on core_signal.account_id = customer_account.account_id
)

select
    account_id,
    metric,
    coalesce(tier <> 'ramp', true) as is_applicable,
    value,
    case when value is not null and not is_silent then peer_change_pct end as baseline,
    case
        when tier is null then 'no use is known'
        when tier = 'ramp' then concat(metric, ': still ramping up')
        when tier = 'unmeasured' then concat(metric, ': only ', cast(measured_days as varchar), ' of 28 days measured')
        when tier = 'fleet' then concat(metric, ': the whole fleet moved at once, the data is in doubt')
        when is_silent then concat(metric, ': not used on any of the last 28 days')
        when value is null
            then concat(
                metric, ': too little use to judge, ', cast(cast(current_quantity as decimal(18,0)) as varchar),
                ' after ', cast(cast(prior_quantity as decimal(18,0)) as varchar)
            )
        when value is not null
            then concat(
                metric, ': ', cast(cast(current_quantity as decimal(18,0)) as varchar),
                ' after ', cast(cast(prior_quantity as decimal(18,0)) as varchar),
                ' in the 28 days before, ', cast(cast(value as decimal(18,1)) as varchar), ' % against peers'
            )
    end as reason,
from judged
