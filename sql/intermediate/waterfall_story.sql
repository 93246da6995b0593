/*---
title = "Findings of the waterfall in words"
owner = "finance"
grain = ["finding_id"]

[columns]
finding_id = { type = "text", doc = "The case" }
evidence = { type = "text", doc = "Invoice lines and term rows it rests on" }
explanation = { type = "text", doc = "One sentence with the numbers in it" }
expected_amount = { type = "decimal(18,4)", doc = "Expected of the obligations it touches" }
billed_amount = { type = "decimal(18,4)", doc = "Billed of the obligations it touches" }
first_billable_date = { type = "date", doc = "Earliest billable date it touches" }
last_billable_date = { type = "date", doc = "Latest billable date it touches" }

[checks]
not_null = ["finding_id", "explanation"]

[decisions]
last_period = "Quantities, prices and discounts in the sentence are those of the last period affected; its money is that of the whole case"
---*/
with settled_finding as (
    select
        finding_id,
        check_code,
        contract_line_id,
        component,
        cell_no,
        step,
        subject_id,
        period_start_date,
        period_end_date,
        billable_date,
        gap_amount,
        waived_amount,
        corrected_amount,
        waiver_reason,
        currency,
        minor_digits
    from settled_finding
    where component not in ('', 'true_up')
),

waterfall as (
    select
        contract_line_id,
        cell_no,
        expected_amount,
        gross_amount,
        billed_amount,
        value_billed,
        expired_on_date,
        billed_quantity,
        quantity_fraction,
        billed_net_amount,
        billed_gross_amount,
        first_issued_date,
        check_date,
        last_version,
        last_quantity,
        last_price,
        evidence
    from waterfall
),

touched as (
    select distinct
        finding_id,
        contract_line_id,
        cell_no
    from settled_finding
),

context as (
    select
        touched.finding_id,
        sum(waterfall.expected_amount) as expected_amount,
        sum(waterfall.billed_amount) as billed_amount,
        min(waterfall.expired_on_date) as expired_on_date,
        string_agg(waterfall.evidence, ', ' order by waterfall.cell_no) as lines
    from touched
    inner join waterfall
        on touched.contract_line_id = waterfall.contract_line_id
        and touched.cell_no = waterfall.cell_no
    group by touched.finding_id
),

whole as (
    select
        finding_id,
        max(check_code) as check_code,
        max(contract_line_id) as contract_line_id,
        max(subject_id) as subject_id,
        max(component) as component,
        max(currency) as currency,
        max(minor_digits) as minor_digits,
        min(period_start_date) as period_start_date,
        max(period_end_date) as period_end_date,
        min(billable_date) as first_billable_date,
        max(billable_date) as last_billable_date,
        sum(gap_amount) as gap_amount,
        sum(waived_amount) as waived_amount,
        sum(corrected_amount) as corrected_amount,
        max(waiver_reason) as waiver_reason
    from settled_finding
    group by finding_id
),

period_count as (
    select
        finding_id,
        count(*) as periods
    from touched
    group by finding_id
),

last_row as (
    select
        finding_id,
        contract_line_id,
        cell_no,
        step,
        period_start_date
    from settled_finding
    qualify row_number() over (partition by finding_id order by period_start_date desc, step desc) = 1
),

-- Every number as text, once, in the currency's decimals.
worded as (
    select
        whole.finding_id,
        whole.check_code,
        whole.contract_line_id,
        whole.subject_id,
        whole.component,
        whole.currency,
        whole.first_billable_date,
        whole.last_billable_date,
        whole.waived_amount,
        whole.corrected_amount,
        whole.waiver_reason,
        last_row.step as last_step,
        context.expected_amount,
        context.billed_amount,
        context.lines,
        waterfall.last_version,
        concat(
            case when period_count.periods = 1 then 'In the period from ' else concat('In ', cast(period_count.periods as varchar), ' periods from ') end,
            cast(whole.period_start_date as varchar), ' to ', cast(whole.period_end_date as varchar)
        ) as in_periods,
        cast(last_row.period_start_date as varchar) as last_period,
        case whole.minor_digits
            when 0 then cast(cast(abs(whole.gap_amount) as decimal(18,0)) as varchar)
            when 3 then cast(cast(abs(whole.gap_amount) as decimal(18,3)) as varchar)
            else cast(cast(abs(whole.gap_amount) as decimal(18,2)) as varchar)
        end as gap,
        case whole.minor_digits
            when 0 then cast(cast(context.expected_amount as decimal(18,0)) as varchar)
            when 3 then cast(cast(context.expected_amount as decimal(18,3)) as varchar)
            else cast(cast(context.expected_amount as decimal(18,2)) as varchar)
        end as expected,
        case whole.minor_digits
            when 0 then cast(cast(context.billed_amount as decimal(18,0)) as varchar)
            when 3 then cast(cast(context.billed_amount as decimal(18,3)) as varchar)
            else cast(cast(context.billed_amount as decimal(18,2)) as varchar)
        end as billed,
        cast(cast(waterfall.billed_quantity as decimal(18,2)) as varchar) as billed_units,
        cast(cast(waterfall.last_quantity as decimal(18,2)) as varchar) as contract_units,
        cast(cast(cast(waterfall.billed_gross_amount as double) / nullif(cast(waterfall.quantity_fraction as double), 0) as decimal(18,4)) as varchar) as billed_price,
        cast(cast(waterfall.last_price as decimal(18,4)) as varchar) as contract_price,
        cast(cast(100 - 100 * cast(waterfall.billed_net_amount as double) / nullif(cast(waterfall.billed_gross_amount as double), 0) as decimal(18,2)) as varchar) as billed_pct,
        cast(cast(100 - 100 * cast(waterfall.expected_amount as double) / nullif(cast(waterfall.gross_amount as double), 0) as decimal(18,2)) as varchar) as contract_pct,
        cast(context.expired_on_date as varchar) as expired_on,
        cast(waterfall.first_issued_date as varchar) as issued_on,
        cast(waterfall.check_date as varchar) as owed_by
    from whole
    left join period_count
        on whole.finding_id = period_count.finding_id
    left join context
        on whole.finding_id = context.finding_id
    left join last_row
        on whole.finding_id = last_row.finding_id
    left join waterfall
        on last_row.contract_line_id = waterfall.contract_line_id
        and last_row.cell_no = waterfall.cell_no
),

told as (
    select
        worded.*,
        case check_code
            when 'P1' then concat('a discount that had ended by ', expired_on, ' was still taken off')
            when 'P2' then concat('a discount of ', billed_pct, ' % was given where ', contract_pct, ' % was agreed (period from ', last_period, ')')
            when 'P6' then concat('the price billed was ', billed_price, ' where the contract says ', contract_price, ' a period (period from ', last_period, ')')
            when 'P9' then concat('the renewed contract''s old price ', billed_price, ' was billed where the new one says ', contract_price)
            when 'P11' then concat('the price was edited by hand to ', billed_price, ' where the contract says ', contract_price)
            when 'Q2' then concat(billed_units, ' units were billed where the contract says ', contract_units, ' (period from ', last_period, ')')
            when 'Q3' then concat('usage was billed as ', coalesce(billed_units, '0'), ' units where ', expected, ' was due for what was measured')
            when 'Q6' then case
                when last_step = 'S2' then concat(billed_units, ' units were billed as before the amendment (version ', cast(last_version as varchar), '), which says ', contract_units)
                else concat('the price before the amendment, ', billed_price, ', was billed where version ', cast(last_version as varchar), ' says ', contract_price)
            end
            when 'C1' then 'no invoice line was ever posted for this contract line'
            when 'C2' then 'days between billed ones were left out'
            when 'C3' then 'billing stopped although the contract runs on'
            when 'C4' then 'billing began later than the contract'
            when 'C7' then 'a one-off charge was never invoiced'
            when 'C8' then 'billing did not begin when the free period ended'
            when 'C10' then 'the part of the period was charged at less than the contract''s proration'
            when 'C11' then concat('the invoice came on ', issued_on, ', later than ', owed_by)
            when 'C12' then concat('invoice ', subject_id, ' stands as draft or void')
            when 'E1' then 'quantity, price, discount and amount of the line do not agree'
            when 'O1' then concat('invoice ', subject_id, ' repeats what was already billed')
            when 'O2' then 'more was billed than the contract allows'
        end as what
    from worded
)

select
    finding_id,
    nullif(concat_ws(
        '; ',
        case when check_code in ('O1', 'C12') then concat('invoice ', subject_id) end,
        case when lines is not null then concat('invoice lines ', lines) end,
        concat('contract line ', contract_line_id, ' version ', coalesce(cast(last_version as varchar), '-')),
        case when waiver_reason is not null then concat('waived by ', waiver_reason) end
    ), '') as evidence,
    concat_ws(
        '',
        concat(in_periods, ' ', what, ': ', billed, ' ', currency, ' billed, ', expected, ' ', currency, ' expected'),
        case
            when check_code = 'C11' then '; no money is missing'
            else concat(', of which this explains ', gap, ' ', currency)
        end,
        case when waived_amount <> 0 then ', waived in whole or part' end,
        case when corrected_amount <> 0 then ', credited in whole or part' end,
        '.'
    ) as explanation,
    cast(expected_amount as decimal(18,4)) as expected_amount,
    cast(billed_amount as decimal(18,4)) as billed_amount,
    first_billable_date,
    last_billable_date
from told
