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
unmatched_amount = { type = "decimal(18,4)", doc = "Posted lines of the account without a contract line that may be its billing; null where none" }
first_billable_date = { type = "date", doc = "Earliest billable date it touches" }
last_billable_date = { type = "date", doc = "Latest billable date it touches" }

[checks]
not_null = ["finding_id", "explanation"]

[decisions]
last_period = "The sentence reckons the latest period affected and ends with the money of the whole case"
step = "Where other causes are at work in the period too, it names the values before and after this one is put right"
---*/
with finding_span as (
    select
        finding_id,
        check_code,
        subject_id,
        component,
        periods,
        period_start_date,
        first_billable_date,
        last_billable_date,
        waived_amount,
        absorbed_amount,
        corrected_amount,
        waiver_reason,
        last_step,
        last_start_date,
        last_end_date,
        last_gap_amount,
        currency
    from finding_span
    where component <> 'true_up'
),

finding_figure as (
    select
        finding_id,
        expected_amount,
        billed_amount,
        unmatched_amount,
        is_whole_difference,
        has_line,
        has_due,
        last_version,
        issued_on,
        owed_by,
        expired_days,
        uncovered_days,
        expected,
        billed,
        gross,
        value_before,
        value_after,
        last_gap,
        gap,
        billed_units,
        contract_units,
        billed_price,
        contract_price,
        billed_pct,
        contract_pct,
        part,
        discounts,
        price_step,
        ramp_step,
        tiers,
        contract_clause,
        uncharged,
        lines,
        terms
    from finding_figure
),

joined as (
    select
        finding_span.*,
        finding_figure.* exclude (finding_id),
        case when finding_figure.contract_units = '1' then '' else concat(' on ', finding_figure.contract_units, ' units') end as on_units,
        case when finding_figure.part = '' then '' else concat(', for ', finding_figure.part, ' of a period') end as for_part,
        case
            when finding_figure.billed_pct in ('0', '-0', '') or finding_figure.billed_pct is null then ''
            else concat(', less ', finding_figure.billed_pct, ' %')
        end as less_discount,
        case when finding_figure.uncovered_days is null then '' else concat(', ', cast(finding_figure.uncovered_days as varchar), case when finding_figure.uncovered_days = 1 then ' day' else ' days' end) end as days_text
    from finding_span
    inner join finding_figure
        on finding_span.finding_id = finding_figure.finding_id
),

told as (
    select
        joined.*,
        case
            when check_code = 'P1' then concat(
                coalesce(discounts, 'a discount that had ended'), ', was still taken off ', gross,
                case when expired_days is null then '' else concat(' on the ', cast(expired_days as varchar), ' days after its end') end
            )
            when check_code = 'P2' then concat(
                'a discount of ', billed_pct, ' % was given where ', contract_pct, ' % was agreed on ', gross,
                case when discounts is null then '' else concat(' (', discounts, ')') end
            )
            when check_code in ('P3', 'P4') then concat(
                'the price billed was ', billed_price, ' where the ', coalesce(price_step, 'escalator'), ' makes ', contract_price, ' due', on_units, less_discount, for_part
            )
            when check_code = 'P5' and last_step = 'S2' then concat(
                billed_units, ' units were billed where ', contract_units, ' are due (', coalesce(ramp_step, 'ramp'), ') at ', billed_price, less_discount, for_part
            )
            when check_code = 'P5' then concat(
                'the price billed was ', billed_price, ' where ', contract_price, ' is due (', coalesce(ramp_step, 'ramp'), ')', on_units, less_discount, for_part
            )
            when check_code = 'P8' then concat('other tiers than the contract''s were used for ', contract_units, ' units (', coalesce(tiers, 'price tiers'), ')')
            when check_code = 'P9' then concat(
                'the price from before the renewal, ', billed_price, ', was billed where ', contract_price, ' is due', on_units, less_discount, for_part,
                case when contract_clause is null then '' else concat(' (', contract_clause, ')') end
            )
            when check_code = 'P10' then concat('the invoice''s currency comes to ', value_before, ' by the ', coalesce(contract_clause, 'exchange clause'), ' where ', value_after, ' is due')
            when check_code = 'P11' then concat('the price was edited by hand to ', billed_price, ' where the contract says ', contract_price, on_units, less_discount, for_part)
            when check_code = 'P6' then concat('the price billed was ', billed_price, ' where the contract says ', contract_price, on_units, less_discount, for_part)
            when check_code = 'Q1' then concat(billed_units, ' seats were billed where ', contract_units, ' are due by the seats counted, at ', billed_price, less_discount, for_part)
            when check_code = 'Q2' then concat(billed_units, ' units were billed where the contract says ', contract_units, ', at ', billed_price, less_discount, for_part)
            when check_code = 'Q3' and has_line then concat('usage was billed as ', billed_units, ' units where ', contract_units, ' were measured', case when tiers is null then '' else concat(' (', tiers, ')') end)
            when check_code = 'Q3' then concat('usage of ', contract_units, ' units was measured and none billed', case when tiers is null then '' else concat(' (', tiers, ')') end)
            when check_code = 'Q5' then concat('what was used beyond the prepaid balance of commitment ', subject_id, ' was not billed')
            when check_code = 'Q6' and last_step = 'S2' then concat(
                billed_units, ' units were billed as before the amendment (version ', coalesce(cast(last_version as varchar), '-'), '), which says ', contract_units, ', at ', billed_price, less_discount, for_part
            )
            when check_code = 'Q6' then concat(
                'the price before the amendment, ', billed_price, ', was billed where version ', coalesce(cast(last_version as varchar), '-'), ' says ', contract_price, on_units, less_discount, for_part
            )
            when check_code = 'C1' then concat('nothing was billed, and no invoice line was ever posted for this contract line', days_text)
            when check_code = 'C2' then concat('days between billed ones were left out', days_text)
            when check_code = 'C3' then concat('billing had stopped although the contract runs on', days_text)
            when check_code = 'C4' then concat('billing had not begun although the contract had', days_text)
            when check_code = 'C7' then 'a one-off charge was never invoiced'
            when check_code = 'C8' then concat('billing had not begun again after the ', coalesce(uncharged, 'free period'), days_text)
            when check_code = 'C9' then concat('billing had not begun again after the ', coalesce(uncharged, 'pause'), days_text)
            when check_code = 'C10' then concat('the days billed were charged with a smaller part of a period than the contract''s proration gives', case when part = '' then '' else concat(', ', part) end)
            when check_code = 'C11' then concat('the invoice came on ', issued_on, ', later than ', owed_by)
            when check_code = 'C12' then concat('invoice ', subject_id, ' stands as draft or void', days_text)
            when check_code = 'E1' then concat('the lines'' amounts come to ', value_before, ' where their quantity, price and discount make ', value_after)
            when check_code = 'O1' then concat('invoice ', subject_id, ' repeats what was already billed')
            when check_code = 'O2' and last_step = 'E0' then concat('the lines'' amounts come to ', value_before, ' where their quantity, price and discount make ', value_after)
            when check_code = 'O2' and last_step = 'S1' and not has_due then 'something was billed although the contract charges none of these days'
            when check_code = 'O2' and last_step = 'S1' then concat('more was billed than the days that the contract charges', for_part)
            when check_code = 'O2' and last_step = 'S2' then concat(billed_units, ' units were billed where ', contract_units, ' are due, at ', billed_price, less_discount, for_part)
            when check_code = 'O2' and last_step in ('S3a', 'S3c') then concat('the price billed was ', billed_price, ' where ', contract_price, ' is due', on_units, less_discount, for_part)
            when check_code = 'O2' then concat('a discount of ', billed_pct, ' % was given where ', contract_pct, ' % is agreed on ', gross)
            else 'billed and due differ'
        end as what
    from joined
)

select
    finding_id,
    concat_ws(
        '; ',
        case when lines is not null then concat('invoice lines ', lines) end,
        terms,
        case when waiver_reason is not null then concat('waived by ', waiver_reason) end
    ) as evidence,
    concat(
        'In the period from ', cast(last_start_date as varchar), ' to ', cast(last_end_date as varchar), ' ', what, ': ',
        billed, ' billed, ', expected, ' due, ',
        case
            when check_code = 'C11' then 'no money is missing'
            when check_code = 'O1' then concat(last_gap, ' of it a second time')
            when is_whole_difference and last_gap_amount > 0 then concat(last_gap, ' too little')
            when is_whole_difference then concat(last_gap, ' too much')
            else concat('and of several causes this one moves ', value_before, ' to ', value_after, ', ', last_gap, case when last_gap_amount > 0 then ' too little' else ' too much' end)
        end,
        case when periods > 1 and check_code <> 'C11' then concat('; in all ', cast(periods as varchar), ' periods since ', cast(period_start_date as varchar), ' ', gap) else '' end,
        case when periods > 1 and check_code = 'C11' then concat('; ', cast(periods as varchar), ' periods since ', cast(period_start_date as varchar)) else '' end,
        case when unmatched_amount is not null then concat('; ', cast(cast(unmatched_amount as decimal(18,2)) as varchar), ' of unmatched lines of this account may be its billing') else '' end,
        case when waived_amount <> 0 then '; waived in whole or part' else '' end,
        case when absorbed_amount <> 0 then '; made up for by a true-up in whole or part' else '' end,
        case when corrected_amount <> 0 then '; credited in whole or part' else '' end,
        '.'
    ) as explanation,
    expected_amount,
    billed_amount,
    unmatched_amount,
    first_billable_date,
    last_billable_date
from told
