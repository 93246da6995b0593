/*---
title = "What settled cases since the last earlier run"
owner = "finance"
grain = ["finding_id"]

[columns]
finding_id = { type = "text", doc = "The case" }
resolved_by = { type = "text", doc = "Invoice lines, credits, payments, write-offs and voidings with their dates" }
last_resolved_date = { type = "date", doc = "Latest of these dates" }
has_credit = { type = "boolean", doc = "A credit, or the voiding of what was billed, is among them" }
has_write_off = { type = "boolean", doc = "A write-off is among them" }

[checks]
not_null = ["finding_id", "resolved_by"]

[decisions]
named = "Invoice lines where they recovered money; credits where they gave more back than before; payments, credits and write-offs of an invoice where its open amount fell; each is named once"
---*/
with case_row as (
    select
        finding_id,
        component,
        period_start_date,
        corrected_before,
        corrected_amount,
        fallen_amount
    from case_row
),

case_flow as (
    select
        finding_id,
        component,
        period_start_date,
        recovered_amount
    from case_flow
),

case_line as (
    select
        finding_id,
        component,
        period_start_date,
        kind,
        line_id,
        invoice_id,
        line_date,
        is_new
    from case_line
),

case_before as (
    select
        finding_id,
        resolved_by
    from case_before
),

moved as (
    select
        finding_id,
        component,
        period_start_date,
        max(case when abs(corrected_amount) > abs(corrected_before) then 1 else 0 end) = 1 as is_credited,
        max(case when fallen_amount <> 0 then 1 else 0 end) = 1 as is_fallen
    from case_row
    group by
        finding_id,
        component,
        period_start_date
),

recovered as (
    select
        finding_id,
        component,
        period_start_date,
        sum(recovered_amount) as recovered_amount
    from case_flow
    group by
        finding_id,
        component,
        period_start_date
),

named as (
    select
        case_line.finding_id,
        case_line.kind,
        case_line.line_id,
        max(case_line.invoice_id) as invoice_id,
        max(case_line.line_date) as line_date
    from case_line
    inner join moved
        on case_line.finding_id = moved.finding_id
        and case_line.component = moved.component
        and case_line.period_start_date = moved.period_start_date
    left join recovered
        on case_line.finding_id = recovered.finding_id
        and case_line.component = recovered.component
        and case_line.period_start_date = recovered.period_start_date
    where case_line.kind in ('invoice line', 'payment') and case_line.is_new and coalesce(recovered.recovered_amount, 0) > 0
        or case_line.kind in ('credit line', 'credit note') and moved.is_credited
        or case_line.kind in ('credit note', 'write-off') and case_line.component = '' and case_line.is_new and moved.is_fallen
        or case_line.kind = 'void'
    group by
        case_line.finding_id,
        case_line.kind,
        case_line.line_id
),

worded as (
    select
        named.finding_id,
        named.kind,
        named.line_id,
        named.line_date,
        concat(
            case when named.kind = 'void' then 'voiding of' else named.kind end,
            ' ', named.line_id,
            case when named.invoice_id is not null then concat(' on invoice ', named.invoice_id) else '' end,
            ' of ', cast(named.line_date as varchar)
        ) as words,
        coalesce(case_before.resolved_by, '') as resolved_before
    from named
    left join case_before
        on named.finding_id = case_before.finding_id
)

select
    finding_id,
    string_agg(words, '; ' order by line_date, kind, line_id) as resolved_by,
    max(line_date) as last_resolved_date,
    bool_or(kind in ('credit line', 'credit note', 'void')) as has_credit,
    bool_or(kind = 'write-off') as has_write_off
from worded
where strpos(concat('; ', resolved_before, '; '), concat('; ', words, '; ')) = 0
group by finding_id
