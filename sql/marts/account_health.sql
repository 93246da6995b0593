/*---
title = "Account health"
owner = "cs"
grain = ["account_id", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
account_id = { type = "text", doc = "The account" }
as_of_date = { type = "date", doc = "The day the score is about" }
account_name = { type = "text", doc = "The account's name" }
is_churned = { type = "boolean", doc = "The account has left, as its status says today" }
owner_id = { type = "text", doc = "Who acts; null where nobody is named" }
owner_role = { type = "text", doc = "In which role" }
profile = { type = "text", doc = "Whose weights apply: default, enterprise, plg or consumption, by segment" }
stage = { type = "text", doc = "onboarding, adoption, renewal or mature" }
score = { type = "decimal(9,4)", doc = "0 to 100: the sum of the contributions in health_component" }
band_raw = { type = "text", doc = "Band of the score alone: red, yellow, green or insufficient_data" }
band = { type = "text", doc = "Band to act on: with hysteresis, and never better than the facts allow" }
delta_28d = { type = "decimal(9,4)", doc = "Score less the score 28 days ago; null without an evaluation then" }
slope_13w = { type = "decimal(9,4)", doc = "Median change of the weekly scores, points per week" }
is_worsening = { type = "boolean", doc = "Heading the wrong way: a falling 75 is worse than a stable 60; null where no earlier score is known" }
coverage_pct = { type = "decimal(9,4)", doc = "Known share of the weight that applies, percent points" }
reasons = { type = "text", doc = "What weighs on the account and what is unknown, joined by semicolons" }
next_action = { type = "text", doc = "What to do first; null where nothing follows" }
days_since_core_use = { type = "integer", doc = "Days since the last core action; null where none is known" }
breadth_pct = { type = "decimal(9,4)", doc = "Core features used in 28 days over those the account has a contract for, percent points; null where features are not known" }
depth_change_pct = { type = "decimal(18,4)", doc = "Change of core actions per active person over the 28 days before, percent points; null where people are not known" }
days_to_renewal = { type = "integer", doc = "Days to the next renewal of a contract in force; null where none lies ahead" }

[checks]
not_null = ["account_id", "as_of_date", "is_churned", "profile", "stage", "score", "band_raw", "band", "coverage_pct", "reasons"]
expect.score_in_range = "score between 0 and 100"
expect.band_known = "band in ('red', 'yellow', 'green', 'insufficient_data')"
expect.little_data_is_never_green = "band <> 'green' or band_raw <> 'insufficient_data'"

[decisions]
population = "every account that is neither internal nor prospect has a row"
hysteresis = "the band published a week ago is held; it changes when today's score and the score published a week ago both leave it on the same side, by the milder of the two moves: red below 50 and until 55, yellow below 75 and until 80"
no_evaluation = "without a band published a week ago the raw band shows, but no better than the one published two weeks ago"
floors = "notice served, unpaid, automatic renewal off, an urgent ticket left open or a lost champion cap the band at once, whatever the score"
insufficient = "under the policy's coverage the band is insufficient_data, never a colour; the score is shown with its neutral part"
churned = "an account that has left keeps its row and asks for no action"
breadth = "breadth and depth are components where features or people are recorded; the numbers are shown here too, with the days since core use"
renewal = "nearness of renewal is shown, not scored: it changes what comes first, not how the account is"
---*/
with customer_account as (
    select
        account_id,
        account_name,
        is_churned,
        owner_id,
        owner_role,
    from customer_account
),

health_score as (
    select
        account_id,
        score,
        coverage_pct,
        is_sufficient,
        weakest_component,
        weakest_points,
        unknown_components,
        floor_band,
        first_floor,
        reasons,
    from health_score
),

health_profile as (
    select
        account_id,
        profile,
        stage,
    from health_profile
    where family = 'usage'
),

health_history as (
    select
        account_id,
        weeks_before,
        score,
        band,
    from health_history
),

health_trend as (
    select
        account_id,
        delta_28d,
        slope_13w,
        is_worsening,
    from health_trend
),

health_usage as (
    select
        account_id,
        metric,
    from health_usage
),

usage_signal as (
    select
        account_id,
        metric,
        action,
    from usage_signal
),

core_use as (
    select
        account_id,
        last_core_use_date,
    from core_use
),

core_depth as (
    select
        account_id,
        breadth_pct,
        depth_change_pct,
    from core_depth
    where evaluation_date = cast($as_of as date) - cast(cast($usage_lag_days as bigint) as integer)
),

contract_ending as (
    select
        account_id,
        renewal_date,
        is_running,
        is_renewed,
    from contract_ending
),

next_renewal as (
    select
        account_id,
        min(renewal_date) as renewal_date,
    from contract_ending
    where
        renewal_date >= cast($as_of as date)
        and is_running
        and not is_renewed
    group by account_id
),

-- Bands as ranks: 1 red, 2 yellow, 3 green, so that better and worse can be compared.
last_week as (
    select
        account_id,
        score,
        case band when 'red' then 1 when 'yellow' then 2 when 'green' then 3 end as rank,
    from health_history
    where weeks_before = 1
),

fortnight_ago as (
    select
        account_id,
        case band when 'red' then 1 when 'yellow' then 2 when 'green' then 3 end as rank,
    from health_history
    where weeks_before = 2
),

placed as (
    select
        health_score.account_id,
        health_score.score,
        last_week.score as last_score,
        last_week.rank as held_rank,
        fortnight_ago.rank as earlier_rank,
        case health_score.floor_band when 'red' then 1 when 'yellow' then 2 else 3 end as floor_rank,
        health_score.is_sufficient,
        case
            when health_score.score < cast($health_red_enter as decimal(9,4)) then 1
            when health_score.score < cast($health_yellow_enter as decimal(9,4)) then 2
            else 3
        end as raw_rank,
    from health_score
    left join last_week
        on last_week.account_id = health_score.account_id
    left join fortnight_ago
        on fortnight_ago.account_id = health_score.account_id
),

-- Where a score leads from the held band: down on entering a worse one, up only on leaving with room to spare.
moved as (
    select
        account_id,
        held_rank,
        earlier_rank,
        floor_rank,
        raw_rank,
        is_sufficient,
        case
            when score < cast($health_red_enter as decimal(9,4)) then 1
            when held_rank = 1 and score < cast($health_red_leave as decimal(9,4)) then 1
            when score < cast($health_yellow_enter as decimal(9,4)) then 2
            when held_rank < 3 and score < cast($health_yellow_leave as decimal(9,4)) then 2
            else 3
        end as rank_now,
        case
            when last_score < cast($health_red_enter as decimal(9,4)) then 1
            when held_rank = 1 and last_score < cast($health_red_leave as decimal(9,4)) then 1
            when last_score < cast($health_yellow_enter as decimal(9,4)) then 2
            when held_rank < 3 and last_score < cast($health_yellow_leave as decimal(9,4)) then 2
            else 3
        end as rank_last_week,
    from placed
),

banded as (
    select
        account_id,
        is_sufficient,
        raw_rank,
        least(
            floor_rank,
            case
                when held_rank is null then least(raw_rank, coalesce(earlier_rank, 3))
                when rank_now > held_rank and rank_last_week > held_rank then least(rank_now, rank_last_week)
                when rank_now < held_rank and rank_last_week < held_rank then greatest(rank_now, rank_last_week)
                else held_rank
            end
        ) as rank,
    from moved
)

select
    customer_account.account_id,
    cast($as_of as date) as as_of_date,
    customer_account.account_name,
    customer_account.is_churned,
    customer_account.owner_id,
    customer_account.owner_role,
    health_profile.profile,
    health_profile.stage,
    health_score.score,
    case
        when not banded.is_sufficient then 'insufficient_data'
        when banded.raw_rank = 1 then 'red'
        when banded.raw_rank = 2 then 'yellow'
        else 'green'
    end as band_raw,
    case
        when not banded.is_sufficient then 'insufficient_data'
        when banded.rank = 1 then 'red'
        when banded.rank = 2 then 'yellow'
        else 'green'
    end as band,
    health_trend.delta_28d,
    health_trend.slope_13w,
    health_trend.is_worsening,
    health_score.coverage_pct,
    health_score.reasons,
    case
        when customer_account.is_churned then null
        when health_score.first_floor = 'notice_served' then 'speak with the decision maker: notice was served'
        when health_score.first_floor = 'unpaid' then 'agree with the customer on payment'
        when usage_signal.action is not null then usage_signal.action
        when health_score.first_floor = 'auto_renew_off' then 'ask why automatic renewal was switched off'
        when health_score.first_floor = 'ticket_open' then 'get the urgent ticket solved'
        when health_score.first_floor = 'champion_left' then 'win a new champion'
        when not health_score.is_sufficient then concat('connect what is unknown: ', health_score.unknown_components)
        when health_score.weakest_points >= cast($health_red_enter as decimal(9,4)) then null
        when health_score.weakest_component = 'usage' then 'ask the customer why use falls'
        when health_score.weakest_component = 'breadth' then 'show the customer the core features it does not use'
        when health_score.weakest_component = 'depth' then 'ask the people who use it why they do less'
        when health_score.weakest_component = 'onboarding' then 'get the overdue onboarding milestones done'
        when health_score.weakest_component = 'seats' then 'plan with the customer how unused seats come into use'
        when health_score.weakest_component = 'contract' then 'ask what lies behind the change of the contract'
        when health_score.weakest_component = 'tickets' then 'go through the tickets with support'
        when health_score.weakest_component = 'escalations' then 'go through the escalations with support'
        when health_score.weakest_component = 'resolution' then 'go through slow and reopened tickets with support'
        when health_score.weakest_component = 'payment' then 'ask Finance about the late payments'
        when health_score.weakest_component = 'reply' then 'call instead of writing'
        when health_score.weakest_component = 'contacts' then 'win a new champion'
        when health_score.weakest_component = 'threading' then 'meet more people at the customer'
        when health_score.weakest_component = 'tone' then 'ask the customer what is wrong'
        when health_score.weakest_component = 'surveys' then 'call those whose answers got worse'
    end as next_action,
    cast(cast($as_of as date) - core_use.last_core_use_date as bigint) as days_since_core_use,
    core_depth.breadth_pct,
    core_depth.depth_change_pct,
    cast(next_renewal.renewal_date - cast($as_of as date) as bigint) as days_to_renewal,
from customer_account
inner join health_score
    on health_score.account_id = customer_account.account_id
inner join health_profile
    on health_profile.account_id = customer_account.account_id
inner join banded
    on banded.account_id = customer_account.account_id
left join health_trend
    on health_trend.account_id = customer_account.account_id
left join health_usage
    on health_usage.account_id = customer_account.account_id
left join usage_signal
    on usage_signal.account_id = health_usage.account_id
    and usage_signal.metric = health_usage.metric
left join core_use
    on core_use.account_id = customer_account.account_id
left join core_depth
    on core_depth.account_id = customer_account.account_id
left join next_renewal
    on next_renewal.account_id = customer_account.account_id
