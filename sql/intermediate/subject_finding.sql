/*---
title = "Findings that are no step of the waterfall, in one shape"
owner = "finance"
grain = ["check_code", "account_id", "contract_id", "contract_line_id", "product_id", "subject_id", "period_start_date"]

[columns]
check_code = { type = "text", doc = "The check" }
class = { type = "text", doc = "leak, liability, opportunity, timing, exposure or unverifiable" }
account_id = { type = "text", doc = "The account" }
contract_id = { type = "text", doc = "Canonical contract; empty where none" }
contract_line_id = { type = "text", doc = "Canonical contract line; empty where none" }
product_id = { type = "text", doc = "Canonical product; empty where none" }
subject_id = { type = "text", doc = "Invoice, credit note or invoice line it is about; else empty" }
period_start_date = { type = "date", doc = "First day concerned, or the subject's date" }
period_end_date = { type = "date", doc = "First day after it" }
billable_date = { type = "date", doc = "Day from which it counts" }
gap_amount = { type = "decimal(18,4)", doc = "Money we should have or could have; negative where we owe it" }
expected_amount = { type = "decimal(18,4)", doc = "What should stand there" }
billed_amount = { type = "decimal(18,4)", doc = "What stands there" }
run_rate_12m = { type = "decimal(18,4)", doc = "What it costs in twelve months; a recurring case puts it on its latest row" }
currency = { type = "text", doc = "Currency of the amounts" }
evidence = { type = "text", doc = "The rows it rests on" }
explanation = { type = "text", doc = "One sentence with the numbers in it" }

[checks]
not_null = ["check_code", "class", "account_id", "contract_id", "contract_line_id", "product_id", "subject_id", "period_start_date", "gap_amount", "run_rate_12m", "currency", "explanation"]

[decisions]
run_rate = "The run rate of a case is the sum over its rows: a one-off carries itself, a recurring one its yearly amount on the latest row and nothing on the others"
---*/
with receivable_finding as (
    select
        invoice_id,
        account_id,
        contract_id,
        check_code,
        class,
        currency,
        issued_date,
        due_date,
        days_past_due,
        total_amount,
        paid_amount,
        open_amount,
        open_net_amount
    from receivable_finding
),

currency_minor_unit as (
    select
        currency,
        minor_digits
    from currency_minor_unit
),

credit_note_finding as (
    select
        check_code,
        class,
        account_id,
        contract_id,
        contract_line_id,
        product_id,
        subject_id,
        period_start_date,
        period_end_date,
        billable_date,
        gap_amount,
        expected_amount,
        billed_amount,
        run_rate_12m,
        currency,
        evidence,
        explanation
    from credit_note_finding
),

write_off_finding as (
    select
        check_code,
        class,
        account_id,
        contract_id,
        contract_line_id,
        product_id,
        subject_id,
        period_start_date,
        period_end_date,
        billable_date,
        gap_amount,
        expected_amount,
        billed_amount,
        run_rate_12m,
        currency,
        evidence,
        explanation
    from write_off_finding
),

late_fee_finding as (
    select
        check_code,
        class,
        account_id,
        contract_id,
        contract_line_id,
        product_id,
        subject_id,
        period_start_date,
        period_end_date,
        billable_date,
        gap_amount,
        expected_amount,
        billed_amount,
        run_rate_12m,
        currency,
        evidence,
        explanation
    from late_fee_finding
),

payment_terms_finding as (
    select
        check_code,
        class,
        account_id,
        contract_id,
        contract_line_id,
        product_id,
        subject_id,
        period_start_date,
        period_end_date,
        billable_date,
        gap_amount,
        expected_amount,
        billed_amount,
        run_rate_12m,
        currency,
        evidence,
        explanation
    from payment_terms_finding
),

tax_finding as (
    select
        check_code,
        class,
        account_id,
        contract_id,
        contract_line_id,
        product_id,
        subject_id,
        period_start_date,
        period_end_date,
        billable_date,
        gap_amount,
        expected_amount,
        billed_amount,
        run_rate_12m,
        currency,
        evidence,
        explanation
    from tax_finding
),

sla_finding as (
    select
        check_code,
        class,
        account_id,
        contract_id,
        contract_line_id,
        product_id,
        subject_id,
        period_start_date,
        period_end_date,
        billable_date,
        gap_amount,
        expected_amount,
        billed_amount,
        run_rate_12m,
        currency,
        evidence,
        explanation
    from sla_finding
),

service_after_end_finding as (
    select
        check_code,
        class,
        account_id,
        contract_id,
        contract_line_id,
        product_id,
        subject_id,
        period_start_date,
        period_end_date,
        billable_date,
        gap_amount,
        expected_amount,
        billed_amount,
        run_rate_12m,
        currency,
        evidence,
        explanation
    from service_after_end_finding
),

price_opportunity_finding as (
    select
        check_code,
        class,
        account_id,
        contract_id,
        contract_line_id,
        product_id,
        subject_id,
        period_start_date,
        period_end_date,
        billable_date,
        gap_amount,
        expected_amount,
        billed_amount,
        run_rate_12m,
        currency,
        evidence,
        explanation
    from price_opportunity_finding
),

unentitled_use_finding as (
    select
        check_code,
        class,
        account_id,
        contract_id,
        contract_line_id,
        product_id,
        subject_id,
        period_start_date,
        period_end_date,
        billable_date,
        gap_amount,
        expected_amount,
        billed_amount,
        run_rate_12m,
        currency,
        evidence,
        explanation
    from unentitled_use_finding
),

cadence_finding as (
    select
        check_code,
        class,
        account_id,
        contract_id,
        contract_line_id,
        product_id,
        subject_id,
        period_start_date,
        period_end_date,
        billable_date,
        gap_amount,
        expected_amount,
        billed_amount,
        run_rate_12m,
        currency,
        evidence,
        explanation
    from cadence_finding
),

unmatched_finding as (
    select
        check_code,
        class,
        account_id,
        contract_id,
        contract_line_id,
        product_id,
        subject_id,
        period_start_date,
        period_end_date,
        billable_date,
        gap_amount,
        expected_amount,
        billed_amount,
        run_rate_12m,
        currency,
        evidence,
        explanation
    from unmatched_finding
),

overlap_finding as (
    select
        check_code,
        class,
        account_id,
        contract_id,
        contract_line_id,
        product_id,
        subject_id,
        period_start_date,
        period_end_date,
        billable_date,
        gap_amount,
        expected_amount,
        billed_amount,
        run_rate_12m,
        currency,
        evidence,
        explanation
    from overlap_finding
),

mismatch_finding as (
    select
        check_code,
        class,
        account_id,
        contract_id,
        contract_line_id,
        product_id,
        subject_id,
        period_start_date,
        period_end_date,
        billable_date,
        gap_amount,
        expected_amount,
        billed_amount,
        run_rate_12m,
        currency,
        evidence,
        explanation
    from mismatch_finding
),

-- Amounts as text in the currency's decimals.
receivable_figure as (
    select
        receivable_finding.*,
        case coalesce(currency_minor_unit.minor_digits, 2)
            when 0 then concat(cast(cast(total_amount as decimal(18,0)) as varchar), ' ', receivable_finding.currency)
            when 3 then concat(cast(cast(total_amount as decimal(18,3)) as varchar), ' ', receivable_finding.currency)
            else concat(cast(cast(total_amount as decimal(18,2)) as varchar), ' ', receivable_finding.currency)
        end as total,
        case coalesce(currency_minor_unit.minor_digits, 2)
            when 0 then concat(cast(cast(paid_amount as decimal(18,0)) as varchar), ' ', receivable_finding.currency)
            when 3 then concat(cast(cast(paid_amount as decimal(18,3)) as varchar), ' ', receivable_finding.currency)
            else concat(cast(cast(paid_amount as decimal(18,2)) as varchar), ' ', receivable_finding.currency)
        end as paid,
        case coalesce(currency_minor_unit.minor_digits, 2)
            when 0 then concat(cast(cast(open_amount as decimal(18,0)) as varchar), ' ', receivable_finding.currency)
            when 3 then concat(cast(cast(open_amount as decimal(18,3)) as varchar), ' ', receivable_finding.currency)
            else concat(cast(cast(open_amount as decimal(18,2)) as varchar), ' ', receivable_finding.currency)
        end as still_open,
        case coalesce(currency_minor_unit.minor_digits, 2)
            when 0 then concat(cast(cast(open_net_amount as decimal(18,0)) as varchar), ' ', receivable_finding.currency)
            when 3 then concat(cast(cast(open_net_amount as decimal(18,3)) as varchar), ' ', receivable_finding.currency)
            else concat(cast(cast(open_net_amount as decimal(18,2)) as varchar), ' ', receivable_finding.currency)
        end as open_net
    from receivable_finding
    left join currency_minor_unit
        on receivable_finding.currency = currency_minor_unit.currency
),

receivable as (
    select
        check_code,
        class,
        account_id,
        contract_id,
        '' as contract_line_id,
        '' as product_id,
        invoice_id as subject_id,
        issued_date as period_start_date,
        cast(issued_date + 1 as date) as period_end_date,
        issued_date as billable_date,
        open_net_amount as gap_amount,
        total_amount as expected_amount,
        paid_amount as billed_amount,
        open_net_amount as run_rate_12m,
        currency,
        concat('invoice ', invoice_id) as evidence,
        concat(
            case check_code
                when 'R1' then concat('Invoice ', invoice_id, ' over ', total)
                when 'R2' then concat('Invoice ', invoice_id, ' over ', total, ' was paid with ', paid, ' only and')
                when 'R3' then concat('The last payment attempt for invoice ', invoice_id, ' over ', total, ' failed; it')
                else concat('A dispute over invoice ', invoice_id, ' over ', total, ' was lost; it')
            end,
            case when check_code = 'R1' then ' was due on ' else ' is open since ' end,
            cast(due_date as varchar), ', ', cast(days_past_due as varchar), ' days ago: ',
            still_open, ' open, ', open_net, ' of it before tax.'
        ) as explanation
    from receivable_figure
)

select
    check_code,
    class,
    account_id,
    contract_id,
    contract_line_id,
    product_id,
    subject_id,
    period_start_date,
    period_end_date,
    billable_date,
    gap_amount,
    expected_amount,
    billed_amount,
    run_rate_12m,
    currency,
    evidence,
    explanation
from receivable
union all
select *
from credit_note_finding
union all
select *
from write_off_finding
union all
select *
from late_fee_finding
union all
select *
from payment_terms_finding
union all
select *
from tax_finding
union all
select *
from sla_finding
union all
select *
from service_after_end_finding
union all
select *
from price_opportunity_finding
union all
select *
from unentitled_use_finding
union all
select *
from cadence_finding
union all
select *
from unmatched_finding
union all
select *
from overlap_finding
union all
select *
from mismatch_finding
