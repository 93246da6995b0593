/*---
title = "Contract drift"
owner = "finance"
grain = ["finding_id", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
finding_id = { type = "text", doc = "Same case, same id, on every run" }
check_code = { type = "text", doc = "The check that fired" }
class = { type = "text", doc = "leak, liability, opportunity, timing, exposure or unverifiable" }
severity = { type = "text", doc = "high, medium, low by the money open, of what cannot be verified by the money billed; info where none is material" }
is_material = { type = "boolean", doc = "More than the tolerance in reporting currency and in share of the expected amount" }
status = { type = "text", doc = "open, confirmed, disputed, waived, absorbed, corrected or time_barred, as the recovery ledger has it" }
account_id = { type = "text", doc = "The account" }
account_name = { type = "text", doc = "Its name" }
owner_id = { type = "text", doc = "Who is to act" }
owner_role = { type = "text", doc = "In which role" }
contract_id = { type = "text", doc = "The contract; empty where there is none" }
contract_line_id = { type = "text", doc = "The contract line; empty where there is none" }
product_id = { type = "text", doc = "The product; empty where there is none" }
subject_id = { type = "text", doc = "What it is about where that is no contract line: invoice, credit note, invoice line or commitment; else empty" }
currency = { type = "text", doc = "Currency of the amounts" }
expected_amount = { type = "decimal(18,4)", doc = "Expected of the obligations it touches: context, not additive over findings" }
billed_amount = { type = "decimal(18,4)", doc = "Billed of the obligations it touches: context, not additive over findings" }
gap_amount = { type = "decimal(18,4)", doc = "What the cause adds to expected minus billed, to date" }
waived_amount = { type = "decimal(18,4)", doc = "Of it, waived" }
absorbed_amount = { type = "decimal(18,4)", doc = "Of it, made up for by a commitment's true-up; signed like the gap" }
corrected_amount = { type = "decimal(18,4)", doc = "Of it, given back by credits; signed like the gap" }
leak_amount = { type = "decimal(18,4)", doc = "Money due and not billed, to date; negative where too much was billed" }
leak_run_rate_12m = { type = "decimal(18,4)", doc = "What it costs in twelve months if nothing changes" }
leak_remaining_term = { type = "decimal(18,4)", doc = "What it costs up to the end of the term; null where the term is open" }
leak_amount_reporting = { type = "decimal(18,4)", doc = "leak_amount in the reporting currency; null where no rate is known" }
evidence = { type = "text", doc = "The invoice lines and term rows it rests on" }
explanation = { type = "text", doc = "One sentence a person can check by hand" }
source_of_error = { type = "text", doc = "contract_not_captured, crm_sync, billing_config, metering, manual_edit, collections or unknown" }
confidence = { type = "text", doc = "high; medium where terms were assumed or systems disagree on them, or use and list prices speak; low where unmatched lines may be the billing; biller_only where the terms come from the biller itself" }
period_start_date = { type = "date", doc = "First day of the first period affected" }
period_end_date = { type = "date", doc = "First day after the last period affected" }
first_seen_date = { type = "date", doc = "as_of_date of the first run that saw the case, or the one it continues under another code" }
supersedes_finding_id = { type = "text", doc = "The case it continues under another code; null for most" }
days_open = { type = "integer", doc = "Days since then" }
decide_by_date = { type = "date", doc = "Notice deadline or end of the back-billing limit, whichever is earlier" }
as_of_date = { type = "date", doc = "Business date of the run" }

[checks]
not_null = ["finding_id", "check_code", "class", "severity", "is_material", "status", "account_id", "currency", "leak_amount", "leak_run_rate_12m", "explanation", "confidence", "first_seen_date", "days_open", "as_of_date"]
expect.leak_sign = "class <> 'leak' or leak_amount >= 0"
expect.liability_sign = "class <> 'liability' or leak_amount <= 0"

[decisions]
history = "Status and first_seen_date come from case_history, which the recovery ledger publishes: cases that are gone stand there"
case = "One case per check, contract line and subject, without the period: five months are one case"
fx = "The rate of as_of, else the latest one not older than fx_max_age_days; without one the reporting amount is unknown, never the amount itself"
source_of_error = "Where signed paper, CRM and biller disagree on the very term a finding is about, the CRM if it differs, else the biller's set-up; otherwise where such an error most often arises"
decide_by = "The notice deadline, or the end of the time in which the first of it may still be billed: what comes first"
confidence = "Deterministic and only ever lowered: by terms from the biller itself, unmatched lines of the account in the months concerned, disagreeing or overlapping terms, assumed terms where the code counts days"
material = "Above material_amount in reporting currency and above material_pct of the expected amount; immaterial gaps stay in all totals"
---*/
with contract_drift_period as (
    select
        finding_id,
        check_code,
        class,
        account_id,
        account_name,
        owner_id,
        owner_role,
        contract_id,
        contract_line_id,
        product_id,
        subject_id,
        period_start_date,
        period_end_date,
        gap_amount,
        waived_amount,
        absorbed_amount,
        corrected_amount,
        leak_amount,
        currency
    from contract_drift_period
),

finding_run_rate as (
    select
        finding_id,
        run_rate_12m,
        remaining_amount
    from finding_run_rate
),

finding_story as (
    select
        finding_id,
        evidence,
        explanation,
        expected_amount,
        billed_amount,
        unmatched_amount,
        first_billable_date
    from finding_story
),

check_catalogue as (
    select
        check_code,
        source_of_error,
        is_backbilled
    from check_catalogue
),

subject_finding as (
    select contract_id
    from subject_finding
    where check_code in ('D1', 'D3')
        and contract_id <> ''
),

term_mismatch as (
    select
        contract_id,
        contract_line_id,
        split_part(field, ' ', 1) as field,
        signed_value,
        crm_value,
        billing_value,
        disagreeing_sources
    from term_mismatch
),

disputed_terms as (
    select distinct contract_id
    from subject_finding
),

case_history as (
    select
        finding_id,
        status,
        first_seen_date,
        supersedes_finding_id
    from case_history
),

line_grid as (
    select
        contract_line_id,
        term_source,
        assumed_terms
    from line_grid
),

contract_version as (
    select
        contract_id,
        term_source,
        assumed_terms,
        renewal_date,
        notice_days,
        backbill_limit_days
    from contract_version
    where is_current
),

fx_rate as (
    select
        from_currency,
        rate_date,
        rate
    from fx_rate
    where to_currency = cast($reporting_currency as varchar)
        and rate_date <= cast($as_of as date)
        and rate_date > cast($as_of as date) - cast(cast($fx_max_age_days as bigint) as int)
),

currency_minor_unit as (
    select minor_digits
    from currency_minor_unit
    where currency = cast($reporting_currency as varchar)
),

current_rate as (
    select
        from_currency,
        rate
    from fx_rate
    qualify row_number() over (partition by from_currency order by rate_date desc) = 1
),

summed as (
    select
        finding_id,
        max(check_code) as check_code,
        max(class) as class,
        max(account_id) as account_id,
        max(account_name) as account_name,
        max(owner_id) as owner_id,
        max(owner_role) as owner_role,
        max(contract_id) as contract_id,
        max(contract_line_id) as contract_line_id,
        max(product_id) as product_id,
        max(subject_id) as subject_id,
        max(currency) as currency,
        min(period_start_date) as period_start_date,
        max(period_end_date) as period_end_date,
        sum(gap_amount) as gap_amount,
        sum(waived_amount) as waived_amount,
        sum(absorbed_amount) as absorbed_amount,
        sum(corrected_amount) as corrected_amount,
        sum(leak_amount) as leak_amount
    from contract_drift_period
    group by finding_id
),

-- Where systems disagree on the very term that a finding is about, that is where it came from.
root_cause as (
    select
        summed.finding_id,
        bool_or(term_mismatch.disagreeing_sources like '%crm%') as is_crm,
        string_agg(
            concat(
                'term mismatch: ', term_mismatch.field, ' signed ', coalesce(term_mismatch.signed_value, 'unknown'),
                ', CRM ', coalesce(term_mismatch.crm_value, 'unknown'), ', biller ', coalesce(term_mismatch.billing_value, 'unknown')
            ),
            '; ' order by term_mismatch.field, term_mismatch.contract_line_id, term_mismatch.signed_value, term_mismatch.crm_value, term_mismatch.billing_value
        ) as mismatches
    from summed
    inner join term_mismatch
        on summed.contract_id = term_mismatch.contract_id
        and (term_mismatch.contract_line_id = '' or term_mismatch.contract_line_id = summed.contract_line_id)
    where term_mismatch.field = 'quantity' and summed.check_code in ('P5', 'Q1', 'Q2', 'Q6')
        or term_mismatch.field = 'unit_price' and summed.check_code in ('P3', 'P4', 'P5', 'P6', 'P9', 'Q6')
        or term_mismatch.field = 'discount' and summed.check_code in ('P1', 'P2')
        or term_mismatch.field = 'start_date' and summed.check_code = 'C4'
        or term_mismatch.field = 'end_date' and summed.check_code = 'C3'
        or term_mismatch.field = 'billing_frequency' and summed.check_code in ('C2', 'C6')
        or term_mismatch.field = 'currency' and summed.check_code = 'P10'
    group by summed.finding_id
),

-- To the minor unit of the reporting currency: yen have no decimals.
converted as (
    select
        summed.*,
        cast(cast(summed.leak_amount as decimal(38,4)) * current_rate.rate as decimal(38,10)) as converted_amount,
        coalesce(currency_minor_unit.minor_digits, 2) as reporting_digits
    from summed
    left join current_rate
        on summed.currency = current_rate.from_currency
    left join currency_minor_unit
        on 1 = 1
),

joined as (
    select
        converted.*,
        finding_run_rate.run_rate_12m,
        finding_run_rate.remaining_amount,
        concat_ws('; ', finding_story.evidence, root_cause.mismatches) as evidence,
        finding_story.explanation,
        finding_story.expected_amount,
        finding_story.billed_amount,
        case
            when converted.currency = cast($reporting_currency as varchar) then cast(converted.leak_amount as decimal(18,4))
            when converted.reporting_digits = 0 then cast(round(converted.converted_amount, 0) as decimal(18,4))
            when converted.reporting_digits = 3 then cast(round(converted.converted_amount, 3) as decimal(18,4))
            else cast(round(converted.converted_amount, 2) as decimal(18,4))
        end as reporting_amount,
        case
            when coalesce(line_grid.term_source, contract_version.term_source) = 'billing' then 'biller_only'
            when finding_story.unmatched_amount is not null then 'low'
            when converted.check_code in ('C5', 'P7', 'Q7') then 'medium'
            when disputed_terms.contract_id is not null and converted.check_code not in ('D1', 'D3') then 'medium'
            when coalesce(line_grid.assumed_terms, '') <> '' and (converted.check_code in ('P1', 'O2') or converted.check_code like 'C%') then 'medium'
            else 'high'
        end as confidence,
        case
            when root_cause.is_crm then 'crm_sync'
            when root_cause.finding_id is not null then 'billing_config'
            else check_catalogue.source_of_error
        end as source_of_error,
        case_history.status,
        case_history.first_seen_date,
        case_history.supersedes_finding_id,
        least(
            contract_version.renewal_date - cast(contract_version.notice_days as int),
            case when check_catalogue.is_backbilled then finding_story.first_billable_date + cast(contract_version.backbill_limit_days as int) end
        ) as decide_by_date
    from converted
    left join finding_run_rate
        on converted.finding_id = finding_run_rate.finding_id
    left join finding_story
        on converted.finding_id = finding_story.finding_id
    left join line_grid
        on converted.contract_line_id = line_grid.contract_line_id
    left join contract_version
        on converted.contract_id = contract_version.contract_id
    left join check_catalogue
        on converted.check_code = check_catalogue.check_code
    left join root_cause
        on converted.finding_id = root_cause.finding_id
    left join disputed_terms
        on converted.contract_id = disputed_terms.contract_id
    left join case_history
        on converted.finding_id = case_history.finding_id
),

weighed as (
    select
        joined.*,
        case
            when class = 'unverifiable' then abs(coalesce(billed_amount, 0))
            else abs(coalesce(reporting_amount, leak_amount))
        end as size,
        abs(coalesce(reporting_amount, leak_amount)) > cast($material_amount as decimal(18,4))
            and abs(leak_amount) > cast(
                cast(coalesce(expected_amount, 0) as decimal(38,4)) * cast($material_pct as decimal(9,4)) * cast(0.01 as decimal(4,2))
                as decimal(38,10)
            ) as is_material
    from joined
)

select
    finding_id,
    check_code,
    class,
    case
        when not is_material and class <> 'unverifiable' then 'info'
        when size >= cast($severity_high_amount as decimal(18,4)) then 'high'
        when size >= cast($severity_medium_amount as decimal(18,4)) then 'medium'
        else 'low'
    end as severity,
    is_material,
    status,
    account_id,
    account_name,
    owner_id,
    owner_role,
    contract_id,
    contract_line_id,
    product_id,
    subject_id,
    currency,
    expected_amount,
    billed_amount,
    cast(gap_amount as decimal(18,4)) as gap_amount,
    cast(waived_amount as decimal(18,4)) as waived_amount,
    cast(absorbed_amount as decimal(18,4)) as absorbed_amount,
    cast(corrected_amount as decimal(18,4)) as corrected_amount,
    cast(leak_amount as decimal(18,4)) as leak_amount,
    run_rate_12m as leak_run_rate_12m,
    remaining_amount as leak_remaining_term,
    cast(reporting_amount as decimal(18,4)) as leak_amount_reporting,
    evidence,
    explanation,
    coalesce(source_of_error, 'unknown') as source_of_error,
    confidence,
    period_start_date,
    period_end_date,
    first_seen_date,
    supersedes_finding_id,
    cast(cast($as_of as date) - first_seen_date as bigint) as days_open,
    cast(decide_by_date as date) as decide_by_date,
    cast($as_of as date) as as_of_date
from weighed
