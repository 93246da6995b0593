/*---
title = "Use in a window against the window before, day by day"
owner = "cs"
grain = ["account_id", "metric", "evaluation_date", "window_days"]

[columns]
account_id = { type = "text", doc = "The account" }
metric = { type = "text", doc = "The metric" }
evaluation_date = { type = "date", doc = "The day d the windows end before" }
window_days = { type = "integer", doc = "Length of each window: 28, or 14 for the shape of a drop" }
segment = { type = "text", doc = "The account's segment; empty where it has none" }
product_id = { type = "text", doc = "The account's main product for the metric; empty where none is named" }
measured_days = { type = "integer", doc = "Measured days in the window with fewer of them" }
pairs = { type = "integer", doc = "Days compared with the same weekday one window earlier" }
masked_pairs = { type = "integer", doc = "Measured pairs dropped for a holiday or an outage on either day" }
current_quantity = { type = "decimal(18,6)", doc = "Use on the compared days of [d - window, d)" }
prior_quantity = { type = "decimal(18,6)", doc = "Use on their partners in [d - 2 windows, d - window)" }
is_ramping = { type = "boolean", doc = "Too new to have fallen: little history, or live for less than the ramp" }
is_measured = { type = "boolean", doc = "Enough measured days in both windows and enough pairs left" }

[checks]
not_null = ["account_id", "metric", "evaluation_date", "window_days", "measured_days", "pairs", "current_quantity", "prior_quantity", "is_ramping", "is_measured"]
expect.pairs_fit = "pairs + masked_pairs <= window_days"

[decisions]
evaluations = "one query for d and for d - 7, so that persistence is the same test a week earlier; and for 14 days at d"
pairs = "a day counts only with its partner one window earlier, both measured, neither masked: weekdays stay aligned"
shorter_window = "the 14-day windows need the same share of measured days and pairs, rounded up"
ramp = "history counts from the metric's first measured day"
---*/
with usage_subject as (
    select
        account_id,
        metric,
        segment,
        product_id,
        first_usage_date,
        live_date,
    from usage_subject
),

usage_measured_day as (
    select
        account_id,
        metric,
        usage_date,
        quantity,
        is_masked,
    from usage_measured_day
),

end_day as (
    select cast($as_of as date) - cast(cast($usage_lag_days as bigint) as integer) as until_date
),

evaluation as (
    select until_date as evaluation_date, 28 as window_days from end_day
    union all
    select until_date - 7 as evaluation_date, 28 as window_days from end_day
    union all
    select until_date as evaluation_date, 14 as window_days from end_day
),

-- How many days before d, and on which side of the middle.
placed as (
    select
        usage_measured_day.account_id,
        usage_measured_day.metric,
        evaluation.evaluation_date,
        evaluation.window_days,
        evaluation.evaluation_date - usage_measured_day.usage_date as days_before,
        usage_measured_day.quantity,
        usage_measured_day.is_masked,
    from usage_measured_day
    inner join evaluation
        on usage_measured_day.usage_date < evaluation.evaluation_date
        and usage_measured_day.usage_date >= evaluation.evaluation_date - 2 * evaluation.window_days
),

-- Both days of a pair share a slot; a slot with one day has an unmeasured partner.
slot as (
    select
        account_id,
        metric,
        evaluation_date,
        window_days,
        case when days_before > window_days then days_before - window_days else days_before end as slot,
        count(*) as days,
        sum(case when days_before <= window_days then 1 else 0 end) as current_days,
        bool_or(is_masked) as is_masked,
        sum(case when days_before <= window_days then quantity else cast(0 as decimal(18,6)) end) as current_quantity,
        sum(case when days_before > window_days then quantity else cast(0 as decimal(18,6)) end) as prior_quantity,
    from placed
    group by
        account_id,
        metric,
        evaluation_date,
        window_days,
        case when days_before > window_days then days_before - window_days else days_before end
),

compared as (
    select
        account_id,
        metric,
        evaluation_date,
        window_days,
        sum(current_days) as current_days,
        sum(days - current_days) as prior_days,
        sum(case when days = 2 and not is_masked then 1 else 0 end) as pairs,
        sum(case when days = 2 and is_masked then 1 else 0 end) as masked_pairs,
        sum(case when days = 2 and not is_masked then current_quantity else cast(0 as decimal(18,6)) end) as current_quantity,
        sum(case when days = 2 and not is_masked then prior_quantity else cast(0 as decimal(18,6)) end) as prior_quantity,
    from slot
    group by
        account_id,
        metric,
        evaluation_date,
        window_days
),

-- A subject without one measured day in the windows still has a row: it is unmeasured, not gone.
every_subject as (
    select
        usage_subject.account_id,
        usage_subject.metric,
        evaluation.evaluation_date,
        evaluation.window_days,
        usage_subject.segment,
        usage_subject.product_id,
        usage_subject.first_usage_date > evaluation.evaluation_date - cast(cast($usage_ramp_history_days as bigint) as integer)
            or coalesce(usage_subject.live_date > evaluation.evaluation_date - cast(cast($usage_ramp_live_days as bigint) as integer), false)
            as is_ramping,
        coalesce(least(compared.current_days, compared.prior_days), 0) as measured_days,
        coalesce(compared.pairs, 0) as pairs,
        coalesce(compared.masked_pairs, 0) as masked_pairs,
        coalesce(compared.current_quantity, cast(0 as decimal(18,6))) as current_quantity,
        coalesce(compared.prior_quantity, cast(0 as decimal(18,6))) as prior_quantity,
    from usage_subject
    cross join evaluation
    left join compared
        on compared.account_id = usage_subject.account_id
        and compared.metric = usage_subject.metric
        and compared.evaluation_date = evaluation.evaluation_date
        and compared.window_days = evaluation.window_days
)

select
    account_id,
    metric,
    evaluation_date,
    cast(window_days as bigint) as window_days,
    segment,
    product_id,
    cast(measured_days as bigint) as measured_days,
    cast(pairs as bigint) as pairs,
    cast(masked_pairs as bigint) as masked_pairs,
    cast(current_quantity as decimal(18,6)) as current_quantity,
    cast(prior_quantity as decimal(18,6)) as prior_quantity,
    is_ramping,
    measured_days * 28 >= cast($usage_min_measured_days as bigint) * window_days
        and pairs * 28 >= cast($usage_min_pairs as bigint) * window_days
        as is_measured,
from every_subject
