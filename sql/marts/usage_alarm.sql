/*---
title = "Alarms of use beside those that chance alone would raise"
owner = "cs"
grain = ["metric", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
metric = { type = "text", doc = "The metric of usage_signal" }
as_of_date = { type = "date", doc = "The day the alarms are about" }
rule = { type = "text", doc = "count: tested as a count of use; level: judged by a rule of its own" }
accounts = { type = "integer", doc = "Accounts with a signal for the metric" }
tested = { type = "integer", doc = "Accounts judged: neither ramping up nor unmeasured nor too small" }
ramp = { type = "integer", doc = "Accounts too new to have fallen" }
unmeasured = { type = "integer", doc = "Accounts with too few measured days" }
insufficient_volume = { type = "integer", doc = "Accounts with too little use to say anything" }
fallen = { type = "integer", doc = "Accounts whose use fell by itself, before the peers' change is taken off; null for levels" }
risen = { type = "integer", doc = "Accounts whose use rose by itself; null for levels" }
fleet = { type = "integer", doc = "Alarms held back because the whole fleet moved at once" }
escalate = { type = "integer", doc = "Accounts escalated" }
flag = { type = "integer", doc = "Accounts flagged" }
watch = { type = "integer", doc = "Accounts watched" }
persistent = { type = "integer", doc = "Escalated or flagged accounts that were a week ago too: those that somebody is asked to call" }
discoveries = { type = "integer", doc = "Drops that stand when so many accounts are tested at once (Benjamini-Hochberg)" }
expected_false_alarms = { type = "decimal(18,4)", doc = "Escalated or flagged accounts to expect if nobody had really fallen; null for levels" }
expected_false_persistent = { type = "decimal(18,4)", doc = "How many of these would be there a week later too; null for levels" }
expected_false_watches = { type = "decimal(18,4)", doc = "Watched accounts to expect if nobody had really fallen; null for levels" }
is_data_in_doubt = { type = "boolean", doc = "The whole fleet moved at once: a matter for the data team, not of customers" }
explanation = { type = "text", doc = "The numbers in whole sentences" }
next_action = { type = "text", doc = "What to do; null where nothing follows" }

[checks]
not_null = ["metric", "as_of_date", "rule", "accounts", "tested", "escalate", "flag", "watch", "persistent", "is_data_in_doubt", "explanation"]
expect.adds_up = "accounts = tested + ramp + unmeasured + insufficient_volume"
expect.expected_fits = "expected_false_alarms is null or expected_false_alarms between 0 and tested"

[decisions]
expected = "the sum over the tested accounts of each one's own chance to be flagged without a drop, from its volume, peers and dispersion: a small account raises up to one in twenty, a large one none"
persistent = "the policy's share of a chance drop is still there a week later"
levels = "a level is no test: it has no false alarms by chance"
fleet = "the whole fleet moved where more accounts than the policy's share moved the same way by themselves; that its members are compared with each other and look well is no comfort"
churned = "accounts that have left are counted: their tests ran too"
---*/
with usage_signal as (
    select
        account_id,
        metric,
        rule,
        tier,
        is_persistent,
        is_discovery,
    from usage_signal
),

usage_chance as (
    select
        account_id,
        metric,
        alarm_chance,
        watch_chance,
    from usage_chance
),

usage_test as (
    select
        account_id,
        metric,
        own_move,
        fleet_move,
    from usage_test
    where
        window_days = 28
        and evaluation_date = cast($as_of as date) - cast(cast($usage_lag_days as bigint) as integer)
),

counted as (
    select
        usage_signal.metric,
        max(usage_signal.rule) as rule,
        count(*) as accounts,
        sum(case when usage_signal.tier in ('ramp', 'unmeasured', 'insufficient_volume') then 0 else 1 end) as tested,
        sum(case when usage_signal.tier = 'ramp' then 1 else 0 end) as ramp,
        sum(case when usage_signal.tier = 'unmeasured' then 1 else 0 end) as unmeasured,
        sum(case when usage_signal.tier = 'insufficient_volume' then 1 else 0 end) as insufficient_volume,
        sum(case when usage_test.own_move = 'down' then 1 else 0 end) as fallen,
        sum(case when usage_test.own_move = 'up' then 1 else 0 end) as risen,
        max(usage_test.fleet_move) as fleet_move,
        sum(case when usage_signal.tier = 'fleet' then 1 else 0 end) as fleet,
        sum(case when usage_signal.tier = 'escalate' then 1 else 0 end) as escalate,
        sum(case when usage_signal.tier = 'flag' then 1 else 0 end) as flag,
        sum(case when usage_signal.tier = 'watch' then 1 else 0 end) as watch,
        sum(case when usage_signal.tier in ('escalate', 'flag') and usage_signal.is_persistent then 1 else 0 end) as persistent,
        sum(case when usage_signal.is_discovery then 1 else 0 end) as discoveries,
        sum(usage_chance.alarm_chance) as alarm_chance,
        sum(usage_chance.watch_chance) as watch_chance,
    from usage_signal
    left join usage_chance
        on usage_chance.account_id = usage_signal.account_id
        and usage_chance.metric = usage_signal.metric
        and usage_signal.rule = 'count'
    left join usage_test
        on usage_test.account_id = usage_signal.account_id
        and usage_test.metric = usage_signal.metric
        and usage_signal.rule = 'count'
    group by usage_signal.metric
),

rated as (
    select
        metric,
        rule,
        accounts,
        tested,
        ramp,
        unmeasured,
        insufficient_volume,
        case when rule = 'count' then fallen end as fallen,
        case when rule = 'count' then risen end as risen,
        fleet_move,
        fleet,
        escalate,
        flag,
        watch,
        persistent,
        discoveries,
        case when rule = 'count' then cast(coalesce(alarm_chance, cast(0 as decimal(18,6))) as decimal(18,4)) end as expected_false_alarms,
        case
            when rule = 'count'
                then cast(
                    round(
                        cast(coalesce(alarm_chance, cast(0 as decimal(18,6))) as double)
                        * cast(cast($usage_persistence_share as decimal(9,4)) as double),
                        4
                    )
                    as decimal(18,4)
                )
        end as expected_false_persistent,
        case
            when rule = 'count' then cast(coalesce(watch_chance - alarm_chance, cast(0 as decimal(18,6))) as decimal(18,4))
        end as expected_false_watches,
    from counted
)

select
    metric,
    cast($as_of as date) as as_of_date,
    rule,
    cast(accounts as bigint) as accounts,
    cast(tested as bigint) as tested,
    cast(ramp as bigint) as ramp,
    cast(unmeasured as bigint) as unmeasured,
    cast(insufficient_volume as bigint) as insufficient_volume,
    cast(fallen as bigint) as fallen,
    cast(risen as bigint) as risen,
    cast(fleet as bigint) as fleet,
    cast(escalate as bigint) as escalate,
    cast(flag as bigint) as flag,
    cast(watch as bigint) as watch,
    cast(persistent as bigint) as persistent,
    cast(discoveries as bigint) as discoveries,
    expected_false_alarms,
    expected_false_persistent,
    expected_false_watches,
    fleet_move is not null as is_data_in_doubt,
    concat(
        cast(escalate + flag as varchar), ' of ', cast(tested as varchar), ' accounts judged are flagged or escalated, ',
        cast(persistent as varchar), ' of them as a week ago.',
        case
            when rule = 'count'
                then concat(
                    ' Without any real drop ', cast(cast(expected_false_alarms as decimal(18,1)) as varchar),
                    ' would be, and ', cast(cast(expected_false_persistent as decimal(18,1)) as varchar), ' of them still a week later.'
                )
            else ''
        end,
        case
            when fleet_move is not null
                then concat(
                    ' The whole fleet moved ', fleet_move, ' at once: the use of ',
                    cast(case when fleet_move = 'down' then fallen else risen end as varchar), ' accounts did. The data is in doubt, not the customers',
                    case when fleet > 0 then concat('; alarms held back: ', cast(fleet as varchar), '.') else '.' end
                )
            else ''
        end
    ) as explanation,
    case when fleet_move is not null then 'check how this use is recorded before anybody calls a customer' end as next_action,
from rated
