/*---
title = "Findings of the waterfall in figures: the numbers and terms their sentences quote"
owner = "finance"
grain = ["finding_id"]

[columns]
finding_id = { type = "text", doc = "The case" }
expected_amount = { type = "decimal(18,4)", doc = "Expected of the obligations it touches" }
billed_amount = { type = "decimal(18,4)", doc = "Billed of the obligations it touches" }
unmatched_amount = { type = "decimal(18,4)", doc = "Posted lines of the account without a contract line, issued in the months of a C1 to C4 finding; null where none" }
is_whole_difference = { type = "boolean", doc = "The latest step is all that lies between billed and due in its period" }
has_line = { type = "boolean", doc = "Something is billed in the latest period" }
has_due = { type = "boolean", doc = "Something is due in the latest period" }
last_version = { type = "integer", doc = "Contract version of its last charged day" }
issued_on = { type = "text", doc = "Earliest issue of its invoice lines" }
owed_by = { type = "text", doc = "Last day for it" }
expired_days = { type = "integer", doc = "Days of it after the end of a discount" }
uncovered_days = { type = "integer", doc = "Days of it that the code of a coverage finding concerns" }
expected = { type = "text", doc = "Due in the latest period" }
billed = { type = "text", doc = "Billed in it" }
gross = { type = "text", doc = "Due before discounts in it" }
value_before = { type = "text", doc = "Value before the latest step" }
value_after = { type = "text", doc = "Value after it" }
last_gap = { type = "text", doc = "What the latest step adds, without sign" }
gap = { type = "text", doc = "Gap of the whole case, without sign" }
billed_units = { type = "text", doc = "Quantity billed in the latest period" }
contract_units = { type = "text", doc = "Quantity due in it, weighed by days" }
billed_price = { type = "text", doc = "Price billed per billing period" }
contract_price = { type = "text", doc = "Price due per billing period, weighed by days and quantity" }
billed_pct = { type = "text", doc = "Discount billed, percent points" }
contract_pct = { type = "text", doc = "Discount due, percent points" }
part = { type = "text", doc = "Part of a whole period that is due, as days by the proration method; empty for a whole one" }
discounts = { type = "text", doc = "Discount rows" }
price_step = { type = "text", doc = "Latest price step" }
ramp_step = { type = "text", doc = "Latest ramp step" }
tiers = { type = "text", doc = "Price tiers" }
contract_clause = { type = "text", doc = "Renewal or exchange clause" }
uncharged = { type = "text", doc = "Free period or pause before it" }
lines = { type = "text", doc = "Invoice lines of all periods" }
terms = { type = "text", doc = "Term rows" }

[checks]
not_null = ["finding_id", "gap", "last_gap"]

[decisions]
latest = "Quantities, prices and discounts are those of the latest period affected, weighed by days where terms change inside it"
doubt = "Where an account has posted lines that match no contract line, what looks unbilled may be billed by them"
---*/
with finding_span as (
    select
        finding_id,
        check_code,
        account_id,
        owed_id,
        subject_id,
        component,
        period_start_date,
        period_end_date,
        gap_amount,
        last_cell_no,
        last_start_date,
        last_end_date,
        last_from_amount,
        last_to_amount,
        last_gap_amount,
        currency,
        minor_digits
    from finding_span
    where component <> 'true_up'
),

settled_finding as (
    select
        finding_id,
        owed_id,
        cell_no
    from settled_finding
    where component in ('charge', 'usage', 'one_off')
),

waterfall as (
    select
        contract_line_id,
        cell_no,
        expected_amount,
        gross_amount,
        billed_amount,
        expired_on_date,
        billed_quantity,
        quantity_fraction,
        billed_net_amount,
        billed_gross_amount,
        line_count,
        days_numerator,
        days_denominator,
        first_issued_date,
        check_date,
        last_version,
        evidence
    from waterfall
),

expected_charge as (
    select
        contract_line_id,
        cell_no,
        days_numerator,
        quantity_days,
        value_days
    from expected_charge
),

uncovered_stretch as (
    select
        contract_line_id,
        cell_no,
        check_code,
        subject_id,
        days
    from uncovered_stretch
    where not is_covered
),

finding_term as (
    select
        finding_id,
        place,
        term
    from finding_term
),

unmatched_invoice_line as (
    select
        account_id,
        issued_date,
        amount
    from unmatched_invoice_line
    where not is_credit
        and amount > 0
),

touched as (
    select distinct
        finding_id,
        owed_id,
        cell_no
    from settled_finding
),

context as (
    select
        touched.finding_id,
        sum(waterfall.expected_amount) as expected_amount,
        sum(waterfall.billed_amount) as billed_amount,
        string_agg(waterfall.evidence, ', ' order by waterfall.cell_no) as lines
    from touched
    inner join waterfall
        on touched.owed_id = waterfall.contract_line_id
        and touched.cell_no = waterfall.cell_no
    group by touched.finding_id
),

term_text as (
    select
        finding_id,
        string_agg(term, '; ' order by place, term) as terms,
        string_agg(case when place = 3 then term end, ' and ' order by place, term) as discounts,
        max(case when place = 4 then term end) as price_step,
        max(case when place = 5 then term end) as ramp_step,
        max(case when place = 6 then term end) as tiers,
        max(case when place = 8 then term end) as uncharged,
        max(case when place = 9 then term end) as contract_clause
    from finding_term
    group by finding_id
),

left_out as (
    select
        finding_span.finding_id,
        sum(uncovered_stretch.days) as days
    from finding_span
    inner join uncovered_stretch
        on finding_span.owed_id = uncovered_stretch.contract_line_id
        and finding_span.last_cell_no = uncovered_stretch.cell_no
        and finding_span.check_code = uncovered_stretch.check_code
        and finding_span.subject_id = uncovered_stretch.subject_id
    group by finding_span.finding_id
),

unmatched_month as (
    select
        account_id,
        cast(date_trunc('month', issued_date) as date) as month_date,
        sum(amount) as amount
    from unmatched_invoice_line
    group by
        account_id,
        cast(date_trunc('month', issued_date) as date)
),

doubt as (
    select
        finding_span.finding_id,
        sum(unmatched_month.amount) as amount
    from finding_span
    inner join unmatched_month
        on finding_span.account_id = unmatched_month.account_id
        and unmatched_month.month_date >= cast(date_trunc('month', finding_span.period_start_date) as date)
        and unmatched_month.month_date < finding_span.period_end_date
    where finding_span.check_code in ('C1', 'C2', 'C3', 'C4')
    group by finding_span.finding_id
),

-- Averages of the latest period; sentences only, so floats are good enough.
averaged as (
    select
        finding_span.*,
        waterfall.expected_amount,
        waterfall.billed_amount,
        waterfall.gross_amount,
        waterfall.expired_on_date,
        waterfall.line_count,
        waterfall.first_issued_date,
        waterfall.check_date,
        waterfall.last_version,
        waterfall.days_numerator,
        waterfall.days_denominator,
        cast(waterfall.billed_quantity as double) as billed_quantity,
        cast(expected_charge.quantity_days as double) / nullif(cast(expected_charge.days_numerator as double), 0) as quantity,
        cast(waterfall.billed_gross_amount as double) / nullif(cast(waterfall.quantity_fraction as double), 0) as billed_unit_price,
        cast(expected_charge.value_days as double) / nullif(cast(expected_charge.quantity_days as double), 0) as unit_price,
        100 - 100 * cast(waterfall.billed_net_amount as double) / nullif(cast(waterfall.billed_gross_amount as double), 0) as billed_discount,
        100 - 100 * cast(waterfall.expected_amount as double) / nullif(cast(waterfall.gross_amount as double), 0) as discount
    from finding_span
    left join waterfall
        on finding_span.owed_id = waterfall.contract_line_id
        and finding_span.last_cell_no = waterfall.cell_no
    left join expected_charge
        on finding_span.owed_id = expected_charge.contract_line_id
        and finding_span.last_cell_no = expected_charge.cell_no
)

select
    averaged.finding_id,
    cast(context.expected_amount as decimal(18,4)) as expected_amount,
    cast(context.billed_amount as decimal(18,4)) as billed_amount,
    cast(doubt.amount as decimal(18,4)) as unmatched_amount,
    coalesce(averaged.expected_amount - averaged.billed_amount = averaged.last_gap_amount, false) as is_whole_difference,
    coalesce(averaged.line_count, 0) > 0 as has_line,
    coalesce(averaged.expected_amount, 0) <> 0 as has_due,
    averaged.last_version,
    cast(averaged.first_issued_date as varchar) as issued_on,
    cast(averaged.check_date as varchar) as owed_by,
    cast(case
        when averaged.expired_on_date > averaged.last_start_date then averaged.last_end_date - averaged.expired_on_date
    end as bigint) as expired_days,
    cast(left_out.days as bigint) as uncovered_days,
    case averaged.minor_digits
        when 0 then concat(cast(cast(averaged.expected_amount as decimal(18,0)) as varchar), ' ', averaged.currency)
        when 3 then concat(cast(cast(averaged.expected_amount as decimal(18,3)) as varchar), ' ', averaged.currency)
        else concat(cast(cast(averaged.expected_amount as decimal(18,2)) as varchar), ' ', averaged.currency)
    end as expected,
    case averaged.minor_digits
        when 0 then concat(cast(cast(averaged.billed_amount as decimal(18,0)) as varchar), ' ', averaged.currency)
        when 3 then concat(cast(cast(averaged.billed_amount as decimal(18,3)) as varchar), ' ', averaged.currency)
        else concat(cast(cast(averaged.billed_amount as decimal(18,2)) as varchar), ' ', averaged.currency)
    end as billed,
    case averaged.minor_digits
        when 0 then concat(cast(cast(averaged.gross_amount as decimal(18,0)) as varchar), ' ', averaged.currency)
        when 3 then concat(cast(cast(averaged.gross_amount as decimal(18,3)) as varchar), ' ', averaged.currency)
        else concat(cast(cast(averaged.gross_amount as decimal(18,2)) as varchar), ' ', averaged.currency)
    end as gross,
    case averaged.minor_digits
        when 0 then concat(cast(cast(averaged.last_from_amount as decimal(18,0)) as varchar), ' ', averaged.currency)
        when 3 then concat(cast(cast(averaged.last_from_amount as decimal(18,3)) as varchar), ' ', averaged.currency)
        else concat(cast(cast(averaged.last_from_amount as decimal(18,2)) as varchar), ' ', averaged.currency)
    end as value_before,
    case averaged.minor_digits
        when 0 then concat(cast(cast(averaged.last_to_amount as decimal(18,0)) as varchar), ' ', averaged.currency)
        when 3 then concat(cast(cast(averaged.last_to_amount as decimal(18,3)) as varchar), ' ', averaged.currency)
        else concat(cast(cast(averaged.last_to_amount as decimal(18,2)) as varchar), ' ', averaged.currency)
    end as value_after,
    case averaged.minor_digits
        when 0 then concat(cast(cast(abs(averaged.last_gap_amount) as decimal(18,0)) as varchar), ' ', averaged.currency)
        when 3 then concat(cast(cast(abs(averaged.last_gap_amount) as decimal(18,3)) as varchar), ' ', averaged.currency)
        else concat(cast(cast(abs(averaged.last_gap_amount) as decimal(18,2)) as varchar), ' ', averaged.currency)
    end as last_gap,
    case averaged.minor_digits
        when 0 then concat(cast(cast(abs(averaged.gap_amount) as decimal(18,0)) as varchar), ' ', averaged.currency)
        when 3 then concat(cast(cast(abs(averaged.gap_amount) as decimal(18,3)) as varchar), ' ', averaged.currency)
        else concat(cast(cast(abs(averaged.gap_amount) as decimal(18,2)) as varchar), ' ', averaged.currency)
    end as gap,
    rtrim(rtrim(cast(cast(averaged.billed_quantity as decimal(18,4)) as varchar), '0'), '.') as billed_units,
    rtrim(rtrim(cast(cast(averaged.quantity as decimal(18,4)) as varchar), '0'), '.') as contract_units,
    case
        when cast(averaged.billed_unit_price as decimal(18,4)) = cast(averaged.billed_unit_price as decimal(18,2)) then concat(cast(cast(averaged.billed_unit_price as decimal(18,2)) as varchar), ' ', averaged.currency)
        else concat(rtrim(rtrim(cast(cast(averaged.billed_unit_price as decimal(18,4)) as varchar), '0'), '.'), ' ', averaged.currency)
    end as billed_price,
    case
        when cast(averaged.unit_price as decimal(18,4)) = cast(averaged.unit_price as decimal(18,2)) then concat(cast(cast(averaged.unit_price as decimal(18,2)) as varchar), ' ', averaged.currency)
        else concat(rtrim(rtrim(cast(cast(averaged.unit_price as decimal(18,4)) as varchar), '0'), '.'), ' ', averaged.currency)
    end as contract_price,
    rtrim(rtrim(cast(cast(averaged.billed_discount as decimal(18,2)) as varchar), '0'), '.') as billed_pct,
    rtrim(rtrim(cast(cast(averaged.discount as decimal(18,2)) as varchar), '0'), '.') as contract_pct,
    case
        when averaged.component = 'charge' and averaged.days_numerator > 0 and averaged.days_numerator <> averaged.days_denominator
            then concat(cast(averaged.days_numerator as varchar), '/', cast(averaged.days_denominator as varchar))
        else ''
    end as part,
    term_text.discounts,
    term_text.price_step,
    term_text.ramp_step,
    term_text.tiers,
    term_text.contract_clause,
    term_text.uncharged,
    context.lines,
    term_text.terms
from averaged
left join context
    on averaged.finding_id = context.finding_id
left join term_text
    on averaged.finding_id = term_text.finding_id
left join left_out
    on averaged.finding_id = left_out.finding_id
left join doubt
    on averaged.finding_id = doubt.finding_id
