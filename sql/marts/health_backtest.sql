/*---
title = "How well the score foresaw what customers decided"
owner = "cs"
grain = ["measure", "bucket", "horizon_days", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
measure = { type = "text", doc = "auc, lift_top_decile, precision_at_capacity, recall_at_capacity, reliability, band, band_monotonicity, red_ratio, missed, green_share, lead_time, decisions, unscored or thin" }
bucket = { type = "text", doc = "Which part: a kind of loss for auc, a tenth for reliability, a band, a part of lead_time, a kind of decision" }
horizon_days = { type = "integer", doc = "How many days before the decision the score is looked at; 0 where it does not matter" }
as_of_date = { type = "date", doc = "Decisions up to this day are looked at" }
value = { type = "decimal(18,4)", doc = "The figure: 0 to 1 for auc, times for lift and red_ratio, days for lead_time's days, counts for decisions, unscored and thin, 1 or 0 for monotonicity, else percent points" }
low = { type = "decimal(18,4)", doc = "Lower end of its 95 % interval; null where it has none" }
high = { type = "decimal(18,4)", doc = "Upper end of its 95 % interval" }
observations = { type = "integer", doc = "Decisions it rests on" }
losses = { type = "integer", doc = "Losses behind the measure" }
renewals = { type = "integer", doc = "Renewals behind the measure" }
target = { type = "decimal(18,4)", doc = "What is wanted of it; null where nothing is" }
verdict = { type = "text", doc = "good, weak, useless, or too_few where the numbers do not carry a verdict; null where nothing is wanted" }
is_matched = { type = "boolean", doc = "Compared with customers who stayed, for want of a recorded renewal" }
reading = { type = "text", doc = "The same in one sentence" }

[checks]
not_null = ["measure", "bucket", "horizon_days", "as_of_date", "observations", "losses", "renewals", "is_matched", "reading"]
expect.verdict_known = "verdict is null or verdict in ('good', 'weak', 'useless', 'too_few')"
expect.inside_its_interval = "low is null or (low <= value and value <= high)"

[decisions]
labels = "decisions are labelled on the day they fell, features are of the newest evaluation at least the horizon earlier, and accounts that have not decided are left out"
intervals = "Wilson for shares, with z = 1.96; Hanley and McNeil for AUC"
auc = "useful from 0.70, useless below 0.60"
lift = "useless below 1.5, good from 2"
precision = "warnings that come true less often than 3 times in 10 are ignored: useless below 30 %, and where the base rate lies inside the interval; good from 50 %"
red_ratio = "red leaves at three times the base rate; below 1.5 times it is useless"
missed = "at most a third of the losses were green"
green_share = "at most 80 % green: else the score says nothing"
too_few = "fewer losses or renewals than the policy's minimum"
accuracy = "not a measure: saying that everybody stays is accurate and worthless"
---*/
with backtest_rate as (
    select
        measure,
        bucket,
        horizon_days,
        hits,
        observations,
        losses,
        renewals,
        score_low,
        score_high,
    from backtest_rate
),

backtest_figure as (
    select
        measure,
        bucket,
        horizon_days,
        value,
        low,
        high,
        observations,
        losses,
        renewals,
    from backtest_figure
),

backtest_decision as (
    select
        is_matched,
    from backtest_decision
),

comparison as (
    select
        coalesce(bool_or(is_matched), false) as is_matched,
    from backtest_decision
),

share as (
    select
        measure,
        bucket,
        horizon_days,
        cast(hits as double) / cast(observations as double) as share,
        cast(observations as double) as n,
        hits,
        observations,
        losses,
        renewals,
        score_low,
        score_high,
    from backtest_rate
),

wilson as (
    select
        measure,
        bucket,
        horizon_days,
        share,
        (share + 1.9208 / n) / (1 + 3.8416 / n) as middle,
        1.96 * sqrt(greatest(0, share * (1 - share) / n + 0.9604 / (n * n))) / (1 + 3.8416 / n) as margin,
        hits,
        observations,
        losses,
        renewals,
        score_low,
        score_high,
    from share
),

figure as (
    select
        measure,
        bucket,
        horizon_days,
        cast(round(100 * share, 4) as decimal(18,4)) as value,
        cast(least(round(100 * share, 4), greatest(0, round(100 * (middle - margin), 4))) as decimal(18,4)) as low,
        cast(greatest(round(100 * share, 4), least(100, round(100 * (middle + margin), 4))) as decimal(18,4)) as high,
        cast(round(hits, 1) as decimal(18,1)) as hits,
        cast(round(cast(observations as double), 0) as bigint) as observations,
        losses,
        renewals,
        score_low,
        score_high,
    from wilson
    union all
    select
        measure,
        bucket,
        horizon_days,
        value,
        low,
        high,
        cast(null as decimal(18,1)) as hits,
        observations,
        losses,
        renewals,
        cast(null as decimal(9,4)) as score_low,
        cast(null as decimal(9,4)) as score_high,
    from backtest_figure
),

-- What is wanted: from good_at on good, beyond useless_at useless; the sign turns measures of which less is better.
wanted as (
    select
        measure,
        bucket,
        horizon_days,
        value,
        low,
        high,
        hits,
        observations,
        losses,
        renewals,
        score_low,
        score_high,
        case
            when measure = 'auc' then 0.70
            when measure = 'lift_top_decile' then 2
            when measure = 'precision_at_capacity' then 50
            when measure = 'band_monotonicity' then 1
            when measure = 'red_ratio' then 3
            when measure = 'missed' then 33.3333
            when measure = 'green_share' then 80
        end as target,
        case
            when measure = 'auc' then 0.60
            when measure = 'lift_top_decile' then 1.5
            when measure = 'precision_at_capacity' then 30
            when measure = 'band_monotonicity' then 1
            when measure = 'red_ratio' then 1.5
            when measure = 'missed' then 66.6667
            when measure = 'green_share' then 95
        end as useless,
        case when measure in ('missed', 'green_share') then -1 else 1 end as sign,
    from figure
),

judged as (
    select
        measure,
        bucket,
        horizon_days,
        value,
        low,
        high,
        hits,
        observations,
        losses,
        renewals,
        score_low,
        score_high,
        cast(target as decimal(18,4)) as target,
        case
            when target is null then null
            when value is null or least(losses, renewals) < cast($backtest_min_losses as bigint) then 'too_few'
            when measure = 'precision_at_capacity' and low * (losses + renewals) <= 100 * losses then 'useless'
            when sign * value >= sign * cast(target as decimal(18,4)) then 'good'
            when sign * value < sign * cast(useless as decimal(18,4)) then 'useless'
            else 'weak'
        end as verdict,
    from wanted
),

-- Numbers as they are read: whole percent, one digit for times.
shown as (
    select
        measure,
        bucket,
        horizon_days,
        cast(cast(horizon_days as bigint) as varchar) as days,
        cast(cast(round(value, 0) as bigint) as varchar) as whole,
        cast(cast(round(value, 1) as decimal(18,1)) as varchar) as tenth,
        cast(cast(round(value, 2) as decimal(18,2)) as varchar) as hundredth,
        cast(cast(round(low, 2) as decimal(18,2)) as varchar) as low,
        cast(cast(round(high, 2) as decimal(18,2)) as varchar) as high,
        cast(cast(round(low, 0) as bigint) as varchar) as low_whole,
        cast(cast(round(high, 0) as bigint) as varchar) as high_whole,
        cast(cast(round(hits, 0) as bigint) as varchar) as hits,
        cast(observations as varchar) as observations,
        cast(losses as varchar) as losses,
        cast(renewals as varchar) as renewals,
        cast(cast(round(score_low, 0) as bigint) as varchar) as score_low,
        cast(cast(round(score_high, 0) as bigint) as varchar) as score_high,
        value,
    from judged
),

worded as (
    select
        shown.measure,
        shown.bucket,
        shown.horizon_days,
        case
            when shown.value is null then 'cannot be told from so few decisions'
            when shown.measure = 'auc' then concat(
                days, ' days before, the score ranks a random ', case bucket when 'lost' then 'loss' when 'reduced' then 'reduction' else 'involuntary loss' end,
                ' below a random renewal with chance ', hundredth, ' (', low, ' to ', high, '; ', losses, ' against ', renewals, ')'
            )
            when shown.measure = 'lift_top_decile' then concat(
                days, ' days before, the tenth with the lowest scores holds losses ', tenth, ' times as often as all ', observations
            )
            when shown.measure = 'precision_at_capacity' then concat(
                days, ' days before, lost ', hits, ' of the ', observations, ' with the lowest scores: ', whole, ' % (', low_whole, ' to ', high_whole, ' %)'
            )
            when shown.measure = 'recall_at_capacity' then concat(
                days, ' days before, ', hits, ' of ', losses, ' losses were among the lowest scores that people have time for: ', whole, ' %'
            )
            when shown.measure = 'reliability' then concat(
                days, ' days before, lost ', hits, ' of ', observations, ' with a score of ', score_low, ' to ', score_high, ': ',
                whole, ' % (', low_whole, ' to ', high_whole, ' %)'
            )
            when shown.measure = 'band' then concat(
                days, ' days before, lost ', hits, ' of ', observations, ' that were ', replace(bucket, '_', ' '), ': ', whole, ' % (', low_whole, ' to ', high_whole, ' %)'
            )
            when shown.measure = 'band_monotonicity' then concat(
                days, ' days before, losses ', case when value = 1 then 'are the more frequent the worse the band' else 'do not follow the bands' end
            )
            when shown.measure = 'red_ratio' then concat(days, ' days before, red accounts were lost ', tenth, ' times as often as all')
            when shown.measure = 'missed' then concat(days, ' days before, ', hits, ' of ', observations, ' losses were green: ', whole, ' %')
            when shown.measure = 'green_share' then concat(days, ' days before, ', hits, ' of ', observations, ' were green: ', whole, ' %')
            when shown.bucket = 'alerted' then concat(hits, ' of ', observations, ' losses had an alert before the decision: ', whole, ' %')
            when shown.bucket = 'share_90_days' then concat(hits, ' of ', observations, ' losses had an alert 90 days or more before: ', whole, ' % (', low_whole, ' to ', high_whole, ' %)')
            when shown.bucket = 'false_alarm' then concat(hits, ' of ', observations, ' renewals stood under an alert when they were decided: ', whole, ' %')
            when shown.bucket = 'median_days' then concat('half of the alerts came ', whole, ' days or more before the loss')
            when shown.bucket = 'p90_days' then concat('one alert in ten came ', whole, ' days or more before the loss')
            when shown.measure = 'unscored' then concat(days, ' days before, ', whole, ' of ', observations, ' decisions had no score')
            when shown.measure = 'thin' then concat(days, ' days before, ', whole, ' of ', observations, ' scores rest on too little data for a colour, and are ranked for want of better ones')
            when shown.bucket = 'censored' then concat(whole, ' customers have not decided yet and are left out')
            else concat(whole, ' decisions: ', bucket)
        end as reading,
    from shown
)

select
    judged.measure,
    judged.bucket,
    judged.horizon_days,
    cast($as_of as date) as as_of_date,
    judged.value,
    judged.low,
    judged.high,
    judged.observations,
    judged.losses,
    judged.renewals,
    judged.target,
    judged.verdict,
    comparison.is_matched,
    case
        when comparison.is_matched
            then replace(replace(worded.reading, 'renewals', 'customers who stayed'), 'renewal', 'customer who stayed')
        else worded.reading
    end as reading,
from judged
cross join comparison
inner join worded
    on worded.measure = judged.measure
    and worded.bucket = judged.bucket
    and worded.horizon_days = judged.horizon_days
