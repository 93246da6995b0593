/*---
title = "Findings about true-ups in words"
owner = "finance"
grain = ["finding_id"]

[columns]
finding_id = { type = "text", doc = "The case" }
evidence = { type = "text", doc = "Invoice lines and the commitment it rests on" }
explanation = { type = "text", doc = "One sentence with the numbers in it" }
expected_amount = { type = "decimal(18,4)", doc = "True-ups due in the periods it touches" }
billed_amount = { type = "decimal(18,4)", doc = "True-ups billed in the periods it touches" }
first_billable_date = { type = "date", doc = "Earliest billable date it touches" }
last_billable_date = { type = "date", doc = "Latest billable date it touches" }

[checks]
not_null = ["finding_id", "explanation"]

[decisions]
last_period = "The sum in the sentence is that of the last period affected; a case of several periods names their money first"
---*/
with settled_finding as (
    select
        finding_id,
        check_code,
        subject_id,
        owed_id,
        cell_no,
        period_start_date,
        period_end_date,
        billable_date,
        gap_amount,
        waived_amount,
        absorbed_amount,
        corrected_amount,
        waiver_reason,
        currency,
        minor_digits
    from settled_finding
    where component = 'true_up'
),

commitment_period as (
    select
        commitment_id,
        period_no,
        committed_amount,
        committed_quantity,
        overage_unit_price,
        spend_amount,
        spend_quantity,
        expected_amount,
        billed_amount,
        first_issued_date,
        check_date,
        evidence
    from commitment_period
),

joined as (
    select
        settled_finding.*,
        commitment_period.committed_quantity,
        commitment_period.expected_amount,
        commitment_period.billed_amount,
        commitment_period.evidence,
        case settled_finding.minor_digits
            when 0 then cast(cast(commitment_period.committed_amount as decimal(18,0)) as varchar)
            when 3 then cast(cast(commitment_period.committed_amount as decimal(18,3)) as varchar)
            else cast(cast(commitment_period.committed_amount as decimal(18,2)) as varchar)
        end as committed,
        case settled_finding.minor_digits
            when 0 then cast(cast(commitment_period.spend_amount as decimal(18,0)) as varchar)
            when 3 then cast(cast(commitment_period.spend_amount as decimal(18,3)) as varchar)
            else cast(cast(commitment_period.spend_amount as decimal(18,2)) as varchar)
        end as spend,
        case settled_finding.minor_digits
            when 0 then cast(cast(commitment_period.expected_amount as decimal(18,0)) as varchar)
            when 3 then cast(cast(commitment_period.expected_amount as decimal(18,3)) as varchar)
            else cast(cast(commitment_period.expected_amount as decimal(18,2)) as varchar)
        end as expected,
        case settled_finding.minor_digits
            when 0 then cast(cast(commitment_period.billed_amount as decimal(18,0)) as varchar)
            when 3 then cast(cast(commitment_period.billed_amount as decimal(18,3)) as varchar)
            else cast(cast(commitment_period.billed_amount as decimal(18,2)) as varchar)
        end as billed,
        cast(cast(commitment_period.committed_quantity as decimal(18,2)) as varchar) as committed_units,
        cast(cast(commitment_period.spend_quantity as decimal(18,2)) as varchar) as spent_units,
        cast(cast(commitment_period.overage_unit_price as decimal(18,4)) as varchar) as unit_price,
        cast(commitment_period.first_issued_date as varchar) as issued_on,
        cast(commitment_period.check_date as varchar) as owed_by,
        row_number() over (
            partition by settled_finding.finding_id
            order by settled_finding.period_start_date desc
        ) as place_from_last
    from settled_finding
    inner join commitment_period
        on settled_finding.owed_id = commitment_period.commitment_id
        and settled_finding.cell_no = commitment_period.period_no
),

whole as (
    select
        finding_id,
        count(*) as periods,
        min(period_start_date) as period_start_date,
        max(period_end_date) as period_end_date,
        min(billable_date) as first_billable_date,
        max(billable_date) as last_billable_date,
        abs(sum(gap_amount)) as gap_amount,
        sum(waived_amount) as waived_amount,
        sum(absorbed_amount) as absorbed_amount,
        sum(corrected_amount) as corrected_amount,
        sum(expected_amount) as expected_amount,
        sum(billed_amount) as billed_amount,
        max(waiver_reason) as waiver_reason,
        string_agg(evidence, ', ' order by period_start_date) as lines
    from joined
    group by finding_id
),

worded as (
    select
        whole.*,
        joined.check_code,
        joined.subject_id,
        joined.owed_id,
        joined.currency,
        joined.expected,
        joined.billed,
        joined.issued_on,
        joined.owed_by,
        cast(joined.period_start_date as varchar) as last_period,
        case joined.minor_digits
            when 0 then cast(cast(whole.gap_amount as decimal(18,0)) as varchar)
            when 3 then cast(cast(whole.gap_amount as decimal(18,3)) as varchar)
            else cast(cast(whole.gap_amount as decimal(18,2)) as varchar)
        end as gap,
        case
            when joined.committed_quantity is null then concat(
                'commitment ', joined.owed_id, ' of ', joined.committed, ' ', joined.currency, ' less ', joined.spend, ' ', joined.currency, ' that its lines owed'
            )
            else concat(
                'commitment ', joined.owed_id, ' of ', joined.committed_units, ' units less ', joined.spent_units, ' used, each missing one at ', joined.unit_price, ','
            )
        end as basis
    from whole
    inner join joined
        on whole.finding_id = joined.finding_id
        and joined.place_from_last = 1
)

select
    finding_id,
    nullif(concat_ws(
        '; ',
        case when check_code in ('O1', 'C12') then concat('invoice ', subject_id) end,
        case when lines is not null then concat('invoice lines ', lines) end,
        concat('commitment ', owed_id),
        case when waiver_reason is not null then concat('waived by ', waiver_reason) end
    ), '') as evidence,
    concat_ws(
        '',
        case
            when periods = 1 then concat('In the period from ', cast(period_start_date as varchar), ' to ', cast(period_end_date as varchar), ' ')
            else concat(
                'In ', cast(periods as varchar), ' periods from ', cast(period_start_date as varchar), ' to ', cast(period_end_date as varchar),
                ', in all ', gap, ' ', currency, ', the last one from ', last_period, ': '
            )
        end,
        basis, ' left a true-up of ', expected, ' ', currency,
        case
            when check_code = 'C11' then concat('; it was issued on ', issued_on, ', later than ', owed_by, ', no money is missing')
            when check_code = 'C12' then concat('; invoice ', subject_id, ' with it stands as draft or void')
            when check_code = 'O1' then concat('; ', billed, ' ', currency, ' was billed, invoice ', subject_id, ' repeats it')
            else concat('; ', billed, ' ', currency, ' was billed')
        end,
        case
            when check_code = 'C11' or periods > 1 then ''
            when check_code in ('O1', 'O2') then concat(', ', gap, ' ', currency, ' too much')
            else concat(', ', gap, ' ', currency, ' is missing')
        end,
        case when absorbed_amount <> 0 then ', made up for by its lines in whole or part' end,
        case when waived_amount <> 0 then ', waived in whole or part' end,
        case when corrected_amount <> 0 then ', credited in whole or part' end,
        '.'
    ) as explanation,
    cast(expected_amount as decimal(18,4)) as expected_amount,
    cast(billed_amount as decimal(18,4)) as billed_amount,
    first_billable_date,
    last_billable_date
from worded
