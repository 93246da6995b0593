/*---
title = "Invoice lines, credits and payments that bear on a case"
owner = "finance"
grain = ["finding_id", "component", "period_start_date", "kind", "line_id"]

[columns]
finding_id = { type = "text", doc = "The case" }
component = { type = "text", doc = "Component of the obligation; empty where no obligation is concerned" }
period_start_date = { type = "date", doc = "First day of the service period, or the subject's date" }
kind = { type = "text", doc = "invoice line, credit line, credit note, payment, write-off or void" }
line_id = { type = "text", doc = "Its id" }
invoice_id = { type = "text", doc = "The invoice; null where it names none" }
line_date = { type = "date", doc = "Day of issue, payment, write-off or voiding" }
amount = { type = "decimal(18,4)", doc = "Its share in the period, before tax, positive" }
is_new = { type = "boolean", doc = "First seen after the case" }

[checks]
not_null = ["finding_id", "component", "period_start_date", "kind", "line_id", "is_new"]

[decisions]
new_line = "An invoice line is new where the last earlier run knew the case and did not know the line on its obligations, whatever day of issue the line bears; of payments, credits and write-offs the date decides"
---*/
with case_row as (
    select
        finding_id,
        component,
        period_start_date,
        check_code,
        account_id,
        contract_line_id,
        subject_id,
        gap_before,
        gap_amount,
        is_found
    from case_row
),

case_before as (
    select
        finding_id,
        opened_date,
        invoice_lines
    from case_before
),

waterfall as (
    select
        contract_line_id,
        cell_no,
        component,
        period_start_date
    from waterfall
),

line_allocation as (
    select
        invoice_line_id,
        invoice_id,
        contract_line_id,
        cell_no,
        role,
        issued_date,
        amount
    from line_allocation
    where role in ('billed', 'duplicate', 'credit')
        and amount <> 0
),

true_up_line as (
    select
        invoice_line_id,
        commitment_id,
        settled_date,
        amount
    from true_up_line
    where state = 'posted'
        and not is_credit
        and commitment_id is not null
),

commitment_period as (
    select
        commitment_id,
        period_start_date,
        period_end_date
    from commitment_period
),

credit_allocation as (
    select
        credit_note_id,
        contract_line_id,
        cell_no,
        amount
    from credit_allocation
),

credit_note as (
    select
        credit_note_id,
        account_id,
        invoice_id,
        issued_date,
        reason_code,
        amount,
        voided_at
    from credit_note
    where issued_date <= cast($as_of as date)
),

billed_line as (
    select
        invoice_line_id,
        invoice_id,
        issued_date,
        state
    from billed_line
),

placed_line as (
    select
        invoice_line_id,
        invoice_id,
        contract_line_id,
        amount
    from placed_line
    where state = 'void'
),

invoice as (
    select
        invoice_id,
        cast(voided_at as date) as voided_date
    from invoice
),

collected_event as (
    select
        event_id,
        kind,
        invoice_id,
        event_date,
        amount
    from collected_event
),

-- One row per case and period: the steps of a period share its lines.
period_of_case as (
    select
        case_row.finding_id,
        case_row.component,
        case_row.period_start_date,
        max(case_row.check_code) as check_code,
        max(case_row.account_id) as account_id,
        max(case_row.contract_line_id) as contract_line_id,
        max(case_row.subject_id) as subject_id,
        max(case when case_row.gap_amount < 0 or case_row.gap_before < 0 then 1 else 0 end) = 1 as is_negative,
        bool_or(case_row.is_found) as is_found,
        max(case_before.opened_date) as opened_date,
        max(concat(', ', case_before.invoice_lines, ', ')) as lines_before,
        max(case when case_before.finding_id is null then 0 else 1 end) = 1 as is_known
    from case_row
    left join case_before
        on case_row.finding_id = case_before.finding_id
    group by
        case_row.finding_id,
        case_row.component,
        case_row.period_start_date
),

with_cell as (
    select
        period_of_case.*,
        waterfall.cell_no
    from period_of_case
    inner join waterfall
        on period_of_case.contract_line_id = waterfall.contract_line_id
        and period_of_case.component = waterfall.component
        and period_of_case.period_start_date = waterfall.period_start_date
),

on_obligation as (
    select
        with_cell.finding_id,
        with_cell.component,
        with_cell.period_start_date,
        with_cell.is_known,
        with_cell.lines_before,
        with_cell.is_negative,
        case when line_allocation.role = 'credit' then 'credit line' else 'invoice line' end as kind,
        line_allocation.invoice_line_id as line_id,
        line_allocation.invoice_id,
        line_allocation.issued_date as line_date,
        abs(line_allocation.amount) as amount
    from with_cell
    inner join line_allocation
        on with_cell.contract_line_id = line_allocation.contract_line_id
        and with_cell.cell_no = line_allocation.cell_no
    union all
    select
        period_of_case.finding_id,
        period_of_case.component,
        period_of_case.period_start_date,
        period_of_case.is_known,
        period_of_case.lines_before,
        period_of_case.is_negative,
        'invoice line' as kind,
        true_up_line.invoice_line_id as line_id,
        billed_line.invoice_id,
        billed_line.issued_date as line_date,
        true_up_line.amount
    from period_of_case
    inner join commitment_period
        on period_of_case.contract_line_id = commitment_period.commitment_id
        and period_of_case.period_start_date = commitment_period.period_start_date
    inner join true_up_line
        on commitment_period.commitment_id = true_up_line.commitment_id
        and true_up_line.settled_date >= commitment_period.period_start_date
        and true_up_line.settled_date < commitment_period.period_end_date
    inner join billed_line
        on true_up_line.invoice_line_id = billed_line.invoice_line_id
    where period_of_case.component = 'true_up'
),

-- Credits bear on what was billed too much; receivables fall by payment, credit or write-off of their invoice.
every_line as (
    select
        finding_id,
        component,
        period_start_date,
        kind,
        line_id,
        invoice_id,
        line_date,
        amount,
        is_known and strpos(lines_before, concat(', ', line_id, ', ')) = 0 as is_new
    from on_obligation
    where kind = 'invoice line'
        or is_negative
    union all
    select
        with_cell.finding_id,
        with_cell.component,
        with_cell.period_start_date,
        'credit note' as kind,
        credit_note.credit_note_id as line_id,
        credit_note.invoice_id,
        credit_note.issued_date as line_date,
        credit_allocation.amount,
        with_cell.is_known and credit_note.issued_date > with_cell.opened_date as is_new
    from with_cell
    inner join credit_allocation
        on with_cell.contract_line_id = credit_allocation.contract_line_id
        and with_cell.cell_no = credit_allocation.cell_no
    inner join credit_note
        on credit_allocation.credit_note_id = credit_note.credit_note_id
    where with_cell.is_negative
    union all
    select
        period_of_case.finding_id,
        period_of_case.component,
        period_of_case.period_start_date,
        'void' as kind,
        placed_line.invoice_line_id as line_id,
        placed_line.invoice_id,
        coalesce(invoice.voided_date, cast($as_of as date)) as line_date,
        abs(placed_line.amount) as amount,
        true as is_new
    from period_of_case
    inner join placed_line
        on period_of_case.contract_line_id = placed_line.contract_line_id
    left join invoice
        on placed_line.invoice_id = invoice.invoice_id
    where period_of_case.is_negative
        and not period_of_case.is_found
        and strpos(period_of_case.lines_before, concat(', ', placed_line.invoice_line_id, ', ')) > 0
    union all
    select
        period_of_case.finding_id,
        period_of_case.component,
        period_of_case.period_start_date,
        case when collected_event.kind = 'collected' then 'payment' else 'write-off' end as kind,
        collected_event.event_id as line_id,
        collected_event.invoice_id,
        collected_event.event_date as line_date,
        collected_event.amount,
        period_of_case.is_known and collected_event.event_date > period_of_case.opened_date as is_new
    from period_of_case
    inner join collected_event
        on period_of_case.subject_id = collected_event.invoice_id
    where period_of_case.check_code in ('R1', 'R2', 'R3', 'R4')
        and collected_event.amount > 0
    union all
    select
        period_of_case.finding_id,
        period_of_case.component,
        period_of_case.period_start_date,
        'credit note' as kind,
        credit_note.credit_note_id as line_id,
        credit_note.invoice_id,
        credit_note.issued_date as line_date,
        credit_note.amount,
        period_of_case.is_known and credit_note.issued_date > period_of_case.opened_date as is_new
    from period_of_case
    inner join credit_note
        on period_of_case.subject_id = credit_note.invoice_id
    where period_of_case.check_code in ('R1', 'R2', 'R3', 'R4')
        and (credit_note.voided_at is null or credit_note.voided_at >= cast($as_of_end as timestamp))
    union all
    select
        period_of_case.finding_id,
        period_of_case.component,
        period_of_case.period_start_date,
        'credit note' as kind,
        credit_note.credit_note_id as line_id,
        credit_note.invoice_id,
        credit_note.issued_date as line_date,
        credit_note.amount,
        period_of_case.is_known and credit_note.issued_date > period_of_case.opened_date as is_new
    from period_of_case
    inner join credit_note
        on period_of_case.account_id = credit_note.account_id
    where period_of_case.check_code = 'O3'
        and lower(credit_note.reason_code) = 'sla'
        and (credit_note.voided_at is null or credit_note.voided_at >= cast($as_of_end as timestamp))
    union all
    select
        period_of_case.finding_id,
        period_of_case.component,
        period_of_case.period_start_date,
        'void' as kind,
        credit_note.credit_note_id as line_id,
        credit_note.invoice_id,
        cast(credit_note.voided_at as date) as line_date,
        credit_note.amount,
        true as is_new
    from period_of_case
    inner join credit_note
        on period_of_case.subject_id = credit_note.credit_note_id
    where period_of_case.check_code = 'A1'
        and not period_of_case.is_found
        and credit_note.voided_at < cast($as_of_end as timestamp)
)

select
    finding_id,
    component,
    period_start_date,
    kind,
    line_id,
    max(invoice_id) as invoice_id,
    max(line_date) as line_date,
    cast(sum(amount) as decimal(18,4)) as amount,
    bool_or(is_new) as is_new
from every_line
group by
    finding_id,
    component,
    period_start_date,
    kind,
    line_id
