/*---
title = "Contract lines with their billing grid"
owner = "finance"
grain = ["contract_line_id"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line" }
contract_id = { type = "text", doc = "Canonical contract" }
account_id = { type = "text", doc = "The account" }
product_id = { type = "text", doc = "Canonical product" }
term_source = { type = "text", doc = "signed, crm or billing" }
component = { type = "text", doc = "charge, usage or one_off" }
pricing_model = { type = "text", doc = "Pricing model of the current version" }
is_rated = { type = "boolean", doc = "Any version rates it by tiers, packages, overage, percentage or included units" }
months = { type = "integer", doc = "Months of a billing period; null where the line has one period only or no known frequency" }
is_single_period = { type = "boolean", doc = "The whole life is one period: one-off lines, frequency one_off, unknown frequency" }
is_frequency_missing = { type = "boolean", doc = "No billing frequency is known" }
anchor_month_no = { type = "integer", doc = "12 * year + month - 1 of the anchor" }
anchor_day = { type = "integer", doc = "Day of month of the anchor, kept through short months" }
life_start_date = { type = "date", doc = "First day the line is charged" }
life_end_date = { type = "date", doc = "First day after the last charged day; 9999-12-31 where open" }
bill_timing = { type = "text", doc = "advance or arrears" }
issue_grace_days = { type = "integer", doc = "Days an invoice may be issued late" }
proration_method = { type = "text", doc = "act_act, act_365, 30_360 or none" }
accepted_date = { type = "date", doc = "Day a one-off delivery was accepted" }
due_basis = { type = "text", doc = "What makes a one-off due" }
is_go_live_missing = { type = "boolean", doc = "Service starts at go-live and the day is not known" }
renews_contract_id = { type = "text", doc = "The contract that the line's contract renews" }
price_period_months = { type = "integer", doc = "Months of the line's price period; null for billing_period and once" }
unit_size = { type = "decimal(18,6)", doc = "How many of the unit one price buys" }
currency = { type = "text", doc = "Contract currency" }
minor_digits = { type = "integer", doc = "Decimals of the currency" }
assumed_terms = { type = "text", doc = "Terms that were null and took their default" }

[checks]
not_null = ["contract_line_id", "contract_id", "account_id", "component", "anchor_month_no", "anchor_day", "life_start_date", "life_end_date", "currency", "minor_digits"]

[decisions]
grid = "Boundary k is the anchor plus k times the period's months, on the anchor's day or the last day of a shorter month: the 31st gives 28 February and 31 March"
parameters = "Frequency, anchor, timing and proration come from the version in force on as_of, so that one line has one grid"
first_full_period = "A life that starts inside a period begins at the next boundary; nothing is due before"
---*/
with line_version as (
    select
        contract_line_id,
        contract_id,
        version,
        account_id,
        product_id,
        term_source,
        component,
        pricing_model,
        is_rated,
        months,
        is_frequency_missing,
        seg_start_date,
        seg_end_date,
        is_current,
        start_date,
        billing_anchor_date,
        billing_anchor,
        first_start_date,
        commencement,
        bill_timing,
        issue_grace_days,
        proration_method,
        accepted_date,
        due_basis,
        is_go_live_missing,
        renews_contract_id,
        price_period_months,
        unit_size,
        currency,
        minor_digits,
        assumed_terms
    from line_version
),

calendar_month as (
    select
        month_no,
        first_date,
        day_count
    from calendar_month
),

life as (
    select
        contract_line_id,
        min(seg_start_date) as first_day,
        max(seg_end_date) as life_end_date,
        bool_or(is_rated) as is_ever_rated
    from line_version
    where seg_start_date < seg_end_date
    group by contract_line_id
),

-- One version gives the grid: the one in force on as_of, else the last that had the line.
current_version as (
    select *
    from line_version
    qualify row_number() over (
        partition by contract_line_id
        order by case when is_current then 0 else 1 end, version desc, contract_id
    ) = 1
),

anchored as (
    select
        current_version.*,
        case
            when current_version.component = 'one_off' then current_version.start_date
            else life.first_day
        end as first_day,
        case
            when current_version.component = 'one_off' then current_version.start_date + 1
            else life.life_end_date
        end as life_end_date,
        life.is_ever_rated,
        current_version.component = 'one_off' or current_version.months is null as is_single_period,
        case
            when current_version.billing_anchor = 'calendar' then date '2000-01-01'
            else coalesce(current_version.billing_anchor_date, current_version.first_start_date)
        end as anchor_date
    from current_version
    inner join life
        on current_version.contract_line_id = life.contract_line_id
),

numbered as (
    select
        anchored.*,
        cast(date_part('year', anchor_date) as bigint) * 12 + cast(date_part('month', anchor_date) as bigint) - 1 as anchor_month_no,
        cast(date_part('day', anchor_date) as bigint) as anchor_day,
        cast(date_part('year', first_day) as bigint) * 12 + cast(date_part('month', first_day) as bigint) - 1 as first_month_no
    from anchored
),

-- The boundary in the first day's month or the period's first month before it, and the one after.
placed as (
    select
        numbered.*,
        anchor_month_no
            + coalesce(months, 1) * cast(floor(cast(first_month_no - anchor_month_no as double) / coalesce(months, 1)) as bigint) as near_month_no
    from numbered
),

dated as (
    select
        placed.*,
        cast(near_boundary.first_date + cast(least(placed.anchor_day, near_boundary.day_count) - 1 as int) as date) as near_date,
        cast(next_boundary.first_date + cast(least(placed.anchor_day, next_boundary.day_count) - 1 as int) as date) as next_date
    from placed
    left join calendar_month as near_boundary
        on placed.near_month_no = near_boundary.month_no
    left join calendar_month as next_boundary
        on placed.near_month_no + coalesce(placed.months, 1) = next_boundary.month_no
)

select
    contract_line_id,
    contract_id,
    account_id,
    product_id,
    term_source,
    component,
    pricing_model,
    is_ever_rated as is_rated,
    case when is_single_period then null else months end as months,
    is_single_period,
    is_frequency_missing,
    anchor_month_no,
    anchor_day,
    case
        when is_single_period or commencement <> 'first_full_period' or first_day = near_date then first_day
        when first_day < near_date then near_date
        else next_date
    end as life_start_date,
    life_end_date,
    bill_timing,
    issue_grace_days,
    proration_method,
    accepted_date,
    due_basis,
    is_go_live_missing,
    renews_contract_id,
    price_period_months,
    unit_size,
    currency,
    minor_digits,
    assumed_terms
from dated
