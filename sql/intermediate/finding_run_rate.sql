/*---
title = "What a finding costs over the next twelve months if nothing changes"
owner = "finance"
grain = ["finding_id"]

[columns]
finding_id = { type = "text", doc = "The case" }
run_rate_12m = { type = "decimal(18,4)", doc = "Gap of a full period under the terms and billing of the latest checked period, times periods a year" }
remaining_amount = { type = "decimal(18,4)", doc = "The same up to the end of the term; null where the term is open" }

[checks]
not_null = ["finding_id", "run_rate_12m"]

[decisions]
full_period = "The latest checked period is restated to a full one under the terms of its last day: a discount that ended in its middle counts for all of it"
shared_step = "Several codes in one step share the full period's step as they share the latest period's"
rated = "Tiers, packages, included units and prepaid balances have no price of one more unit: the latest gap by its part of the period; use by the latest period as it is"
true_up = "The latest ended period's, times periods a year; a commitment for the whole term is itself; nothing once it is over or the latest period is clean"
remaining = "By days after as_of up to the end of the line, the contract or its term as written; unknown where it runs on past it"
right_by_now = "Nothing where the latest checked period does not show the code, where billing has resumed, or where the contract is over"
one_off = "One-offs and duplicates are themselves"
no_step = "A finding that is no step brings its own; nothing once it is waived whole"
---*/
with settled_finding as (
    select
        finding_id,
        check_code,
        account_id,
        contract_id,
        contract_line_id,
        product_id,
        subject_id,
        owed_id,
        component,
        cell_no,
        step,
        period_start_date,
        gap_amount,
        leak_amount,
        minor_digits
    from settled_finding
),

subject_finding as (
    select
        check_code,
        account_id,
        contract_id,
        contract_line_id,
        product_id,
        subject_id,
        period_start_date,
        run_rate_12m
    from subject_finding
),

waterfall as (
    select
        contract_line_id,
        cell_no,
        verdict,
        period_end_date,
        charged_days,
        days_numerator,
        days_denominator,
        is_rated or prepaid_commitment_id is not null as is_rated,
        billed_quantity,
        quantity_fraction,
        billed_net_amount,
        billed_gross_amount,
        line_count,
        last_quantity,
        last_price,
        last_discount_factor,
        last_discount_amount,
        last_expired_pct,
        last_expired_amount
    from waterfall
    where verdict = 'verified'
),

line_grid as (
    select
        contract_line_id,
        contract_id,
        months,
        issue_grace_days,
        life_end_date
    from line_grid
),

contract_version as (
    select
        contract_id,
        end_date,
        charged_to_date
    from contract_version
    where is_current
),

commitment_period as (
    select
        commitment_id,
        period_no
    from commitment_period
    where verdict = 'verified'
),

commitment_grid as (
    select
        commitment_id,
        months,
        end_date,
        term_end_date
    from commitment_grid
),

step_row as (
    select *
    from settled_finding
    where component not in ('', 'true_up')
),

true_up_row as (
    select *
    from settled_finding
    where component = 'true_up'
),

subject_row as (
    select *
    from settled_finding
    where component = ''
),

-- Seats over the contract show once their period has ended; everything else as soon as it is billable.
checked as (
    select
        waterfall.contract_line_id,
        max(waterfall.cell_no) as cell_no,
        max(case
            when waterfall.period_end_date + cast(line_grid.issue_grace_days as int) <= cast($as_of as date) then waterfall.cell_no
        end) as ended_cell_no
    from waterfall
    inner join line_grid
        on waterfall.contract_line_id = line_grid.contract_line_id
    group by waterfall.contract_line_id
),

latest as (
    select
        waterfall.*,
        checked.cell_no = waterfall.cell_no as is_latest,
        checked.ended_cell_no = waterfall.cell_no as is_latest_ended
    from waterfall
    inner join checked
        on waterfall.contract_line_id = checked.contract_line_id
    where waterfall.cell_no = checked.cell_no
        or waterfall.cell_no = checked.ended_cell_no
),

-- A full period by the factors of the latest one. Estimates: floats are good enough, one row's own values.
full_period as (
    select
        latest.contract_line_id,
        latest.cell_no,
        latest.charged_days,
        latest.line_count,
        line_grid.months,
        latest.charged_days > 0 and line_grid.life_end_date <= cast($as_of as date) as is_over,
        least(
            line_grid.life_end_date,
            contract_version.charged_to_date,
            case
                when contract_version.end_date > cast($as_of as date) then contract_version.end_date
                else date '9999-12-31'
            end
        ) as end_date,
        latest.is_rated,
        case
            when latest.days_numerator > 0 then cast(latest.days_denominator as double) / cast(latest.days_numerator as double)
            else 1
        end as fullness,
        cast(latest.billed_quantity as double) * cast(latest.billed_net_amount as double)
            / nullif(cast(latest.quantity_fraction as double), 0) as coverage_value,
        cast(latest.last_quantity as double) * cast(latest.billed_net_amount as double)
            / nullif(cast(latest.quantity_fraction as double), 0) as quantity_value,
        cast(latest.last_quantity as double) * cast(latest.last_price as double)
            * coalesce(cast(latest.billed_net_amount as double) / nullif(cast(latest.billed_gross_amount as double), 0), 1) as price_value,
        cast(latest.last_quantity as double) * cast(latest.last_price as double) * cast(latest.last_discount_factor as double)
            - cast(latest.last_discount_amount as double) as due_value,
        cast(latest.last_quantity as double) * cast(latest.last_price as double) * cast(latest.last_expired_pct as double) / 100
            + cast(latest.last_expired_amount as double) as expired_value
    from latest
    inner join line_grid
        on latest.contract_line_id = line_grid.contract_line_id
    left join contract_version
        on line_grid.contract_id = contract_version.contract_id
),

-- What each code has of its step: the price steps S3a and S3c are one.
shared as (
    select
        step_row.*,
        cast(step_row.gap_amount as double) / nullif(cast(sum(step_row.gap_amount) over (
            partition by step_row.contract_line_id, step_row.cell_no, substr(step_row.step, 1, 2)
        ) as double), 0) as share
    from step_row
    inner join latest
        on step_row.contract_line_id = latest.contract_line_id
        and step_row.cell_no = latest.cell_no
        and (latest.is_latest and step_row.check_code <> 'Q1' or latest.is_latest_ended and step_row.check_code = 'Q1')
),

restated as (
    select
        shared.finding_id,
        shared.minor_digits,
        full_period.months,
        full_period.end_date,
        case
            when full_period.is_over or shared.leak_amount = 0 then 0
            when shared.check_code in ('C2', 'C4', 'C10', 'C11', 'O1') then 0
            when shared.component <> 'charge' or shared.check_code = 'E1' or full_period.charged_days = 0
                then cast(shared.gap_amount as double)
            when shared.step = 'S1' and shared.check_code = 'O2' then 0
            when full_period.is_rated then cast(shared.gap_amount as double) * full_period.fullness
            when shared.step = 'S1' and full_period.line_count = 0 then full_period.due_value
            when shared.step = 'S1' then full_period.coverage_value
            when shared.step = 'S2' then coalesce(shared.share, 1) * (full_period.quantity_value - full_period.coverage_value)
            when shared.step in ('S3a', 'S3c')
                then coalesce(shared.share, 1) * (full_period.price_value - coalesce(full_period.quantity_value, full_period.price_value))
            when shared.check_code = 'P1' then least(full_period.due_value - full_period.price_value, full_period.expired_value)
            when shared.check_code = 'P2'
                then greatest(full_period.due_value - full_period.price_value - full_period.expired_value, 0)
            when shared.step = 'S4' then full_period.due_value - full_period.price_value
            else 0
        end as gap_value
    from shared
    inner join full_period
        on shared.contract_line_id = full_period.contract_line_id
        and shared.cell_no = full_period.cell_no
    where full_period.months is not null
),

latest_true_up as (
    select
        commitment_id,
        max(period_no) as period_no
    from commitment_period
    group by commitment_id
),

true_up_rate as (
    select
        true_up_row.finding_id,
        true_up_row.minor_digits,
        commitment_grid.months,
        commitment_grid.end_date,
        cast(true_up_row.leak_amount as double) as gap_value
    from true_up_row
    inner join latest_true_up
        on true_up_row.owed_id = latest_true_up.commitment_id
        and true_up_row.cell_no = latest_true_up.period_no
    inner join commitment_grid
        on true_up_row.owed_id = commitment_grid.commitment_id
    where commitment_grid.months is not null
        and commitment_grid.end_date > cast($as_of as date)
        and true_up_row.check_code not in ('C11', 'O1')
),

every_rate as (
    select
        finding_id,
        minor_digits,
        months,
        end_date,
        gap_value
    from restated
    union all
    select
        finding_id,
        minor_digits,
        months,
        end_date,
        gap_value
    from true_up_rate
),

yearly as (
    select
        finding_id,
        minor_digits,
        end_date,
        cast(coalesce(gap_value, 0) * 12 / months as decimal(38,10)) as run_rate
    from every_rate
),

recurring as (
    select
        finding_id,
        max(minor_digits) as minor_digits,
        max(end_date) as end_date,
        sum(run_rate) as run_rate
    from yearly
    group by finding_id
),

-- What has no period to come: one-offs, duplicates, lines and commitments of one period.
itself as (
    select
        settled_finding.finding_id,
        max(settled_finding.minor_digits) as minor_digits,
        sum(case
            when settled_finding.component = 'true_up' and commitment_grid.months is not null and settled_finding.check_code <> 'O1' then 0
            when settled_finding.component = 'true_up' then settled_finding.leak_amount
            when settled_finding.component = 'one_off' or settled_finding.check_code = 'O1' or line_grid.months is null
                then settled_finding.leak_amount
            else 0
        end) as leak_amount
    from settled_finding
    left join line_grid
        on settled_finding.contract_line_id = line_grid.contract_line_id
    left join commitment_grid
        on settled_finding.owed_id = commitment_grid.commitment_id
        and settled_finding.component = 'true_up'
    where settled_finding.component <> ''
    group by settled_finding.finding_id
),

added as (
    select
        itself.finding_id,
        itself.minor_digits,
        itself.leak_amount,
        coalesce(recurring.run_rate, 0) as run_rate,
        case
            when recurring.finding_id is null then cast(0 as decimal(38,10))
            when recurring.end_date >= date '9999-01-01' then null
            else cast(
                cast(recurring.run_rate as double)
                * cast(greatest(recurring.end_date - cast($as_of as date) - 1, 0) as double) / 365
                as decimal(38,10)
            )
        end as remaining
    from itself
    left join recurring
        on itself.finding_id = recurring.finding_id
),

subject_rate as (
    select
        subject_row.finding_id,
        sum(case
            when subject_finding.run_rate_12m = subject_row.gap_amount then subject_row.leak_amount
            when subject_row.gap_amount <> 0 and subject_row.leak_amount = 0 then 0
            else subject_finding.run_rate_12m
        end) as run_rate
    from subject_row
    inner join subject_finding
        on subject_row.check_code = subject_finding.check_code
        and subject_row.account_id = subject_finding.account_id
        and subject_row.contract_id = subject_finding.contract_id
        and subject_row.contract_line_id = subject_finding.contract_line_id
        and subject_row.product_id = subject_finding.product_id
        and subject_row.subject_id = subject_finding.subject_id
        and subject_row.period_start_date = subject_finding.period_start_date
    group by subject_row.finding_id
)

select
    finding_id,
    cast(leak_amount + case minor_digits
        when 0 then cast(round(run_rate, 0) as decimal(18,4))
        when 3 then cast(round(run_rate, 3) as decimal(18,4))
        else cast(round(run_rate, 2) as decimal(18,4))
    end as decimal(18,4)) as run_rate_12m,
    case minor_digits
        when 0 then cast(round(remaining, 0) as decimal(18,4))
        when 3 then cast(round(remaining, 3) as decimal(18,4))
        else cast(round(remaining, 2) as decimal(18,4))
    end as remaining_amount
from added
union all
select
    finding_id,
    cast(run_rate as decimal(18,4)) as run_rate_12m,
    cast(0 as decimal(18,4)) as remaining_amount
from subject_rate
