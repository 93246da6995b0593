/*---
title = "Findings in words: what they rest on, in one sentence a person can check"
owner = "finance"
grain = ["finding_id"]

[columns]
finding_id = { type = "text", doc = "The case" }
evidence = { type = "text", doc = "Invoice lines and term rows it rests on" }
explanation = { type = "text", doc = "One sentence with the numbers in it" }
expected_amount = { type = "decimal(18,4)", doc = "Expected of the obligations it touches" }
billed_amount = { type = "decimal(18,4)", doc = "Billed of the obligations it touches" }
unmatched_amount = { type = "decimal(18,4)", doc = "Posted lines of the account without a contract line that may be the billing of what looks unbilled; null where none" }
first_billable_date = { type = "date", doc = "Earliest billable date it touches" }
last_billable_date = { type = "date", doc = "Latest billable date it touches" }

[checks]
not_null = ["finding_id", "explanation"]

[decisions]
several = "A case of several rows that are no steps tells its whole money and the latest row"
thousands = "Money in a sentence is followed by its currency and gets commas between the thousands here, in one place"
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
        period_start_date,
        period_end_date,
        billable_date,
        gap_amount,
        waived_amount,
        waiver_reason,
        currency,
        minor_digits
    from settled_finding
    where component = ''
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
        expected_amount,
        billed_amount,
        evidence,
        explanation
    from subject_finding
),

waterfall_story as (
    select
        finding_id,
        evidence,
        explanation,
        expected_amount,
        billed_amount,
        unmatched_amount,
        first_billable_date,
        last_billable_date
    from waterfall_story
),

true_up_story as (
    select
        finding_id,
        evidence,
        explanation,
        expected_amount,
        billed_amount,
        first_billable_date,
        last_billable_date
    from true_up_story
),

-- Sums first and words after, so that no sort carries sentences.
summed as (
    select
        finding_id,
        count(*) as row_count,
        min(period_start_date) as period_start_date,
        max(period_start_date) as last_start_date,
        max(coalesce(period_end_date, period_start_date)) as period_end_date,
        min(billable_date) as first_billable_date,
        max(billable_date) as last_billable_date,
        sum(abs(gap_amount)) as gap_amount,
        sum(waived_amount) as waived_amount,
        max(waiver_reason) as waiver_reason,
        max(currency) as currency,
        max(minor_digits) as minor_digits
    from settled_finding
    group by finding_id
),

told as (
    select
        settled_finding.finding_id,
        settled_finding.period_start_date,
        summed.row_count,
        settled_finding.period_start_date = summed.last_start_date as is_last,
        subject_finding.expected_amount,
        subject_finding.billed_amount,
        subject_finding.evidence,
        subject_finding.explanation
    from settled_finding
    inner join summed
        on settled_finding.finding_id = summed.finding_id
    inner join subject_finding
        on settled_finding.check_code = subject_finding.check_code
        and settled_finding.account_id = subject_finding.account_id
        and settled_finding.contract_id = subject_finding.contract_id
        and settled_finding.contract_line_id = subject_finding.contract_line_id
        and settled_finding.product_id = subject_finding.product_id
        and settled_finding.subject_id = subject_finding.subject_id
        and settled_finding.period_start_date = subject_finding.period_start_date
),

added as (
    select
        finding_id,
        sum(expected_amount) as expected_amount,
        sum(billed_amount) as billed_amount
    from told
    group by finding_id
),

gathered as (
    select
        finding_id,
        string_agg(evidence, '; ' order by period_start_date) as evidence
    from told
    where row_count > 1
    group by finding_id
),

subject_story as (
    select
        summed.finding_id,
        concat_ws('; ', coalesce(gathered.evidence, told.evidence), case when summed.waiver_reason is not null then concat('waived by ', summed.waiver_reason) end) as evidence,
        concat(
            case
                when summed.row_count = 1 then ''
                else concat(
                    cast(summed.row_count as varchar), ' times from ', cast(summed.period_start_date as varchar), ' to ', cast(summed.period_end_date as varchar), ', in all ',
                    case summed.minor_digits
                        when 0 then cast(cast(summed.gap_amount as decimal(18,0)) as varchar)
                        when 3 then cast(cast(summed.gap_amount as decimal(18,3)) as varchar)
                        else cast(cast(summed.gap_amount as decimal(18,2)) as varchar)
                    end,
                    ' ', summed.currency, ', the last one: '
                )
            end,
            told.explanation,
            case when summed.waived_amount <> 0 then ' It is waived in whole or part.' else '' end
        ) as explanation,
        cast(added.expected_amount as decimal(18,4)) as expected_amount,
        cast(added.billed_amount as decimal(18,4)) as billed_amount,
        summed.first_billable_date,
        summed.last_billable_date
    from summed
    inner join added
        on summed.finding_id = added.finding_id
    inner join told
        on summed.finding_id = told.finding_id
        and told.is_last
    left join gathered
        on summed.finding_id = gathered.finding_id
),

every_story as (
    select
        finding_id,
        evidence,
        explanation,
        expected_amount,
        billed_amount,
        unmatched_amount,
        first_billable_date,
        last_billable_date
    from waterfall_story
    union all
    select
        finding_id,
        evidence,
        explanation,
        expected_amount,
        billed_amount,
        cast(null as decimal(18,4)) as unmatched_amount,
        first_billable_date,
        last_billable_date
    from true_up_story
    union all
    select
        finding_id,
        evidence,
        explanation,
        expected_amount,
        billed_amount,
        cast(null as decimal(18,4)) as unmatched_amount,
        first_billable_date,
        last_billable_date
    from subject_story
),

-- Digits before a currency code, first from the thousands, then from the millions and the billions on.
grouped as (
    select
        every_story.* exclude (explanation),
        regexp_replace(
            regexp_replace(
                regexp_replace(explanation, '(^|[^0-9.,])([0-9]+)([0-9]{3}(?:\.[0-9]+)? [A-Z]{3})', '\1\2,\3', 'g'),
                '(^|[^0-9.,])([0-9]+)([0-9]{3},[0-9]{3}(?:\.[0-9]+)? [A-Z]{3})', '\1\2,\3', 'g'
            ),
            '(^|[^0-9.,])([0-9]+)([0-9]{3},[0-9]{3},[0-9]{3}(?:\.[0-9]+)? [A-Z]{3})', '\1\2,\3', 'g'
        ) as explanation
    from every_story
)

select
    finding_id,
    evidence,
    explanation,
    expected_amount,
    billed_amount,
    unmatched_amount,
    first_billable_date,
    last_billable_date
from grouped
