/*---
title = "Service periods billed in another currency without a known rate"
owner = "finance"
grain = ["contract_line_id", "cell_no"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line" }
cell_no = { type = "integer", doc = "Number of the cell in the line's grid" }
period_start_date = { type = "date", doc = "First day of the service period" }
invoice_line_id = { type = "text", doc = "The invoice line, or the first of several" }

[checks]
not_null = ["contract_line_id", "cell_no", "period_start_date", "invoice_line_id"]

[decisions]
touched = "Every period that shares a day with the line; a line without days touches the period of its day of issue"
---*/
with billed_line as (
    select
        invoice_line_id,
        fitting_line_id,
        issued_date,
        service_start_date,
        service_end_date
    from billed_line
    where state = 'posted'
        and unmatched_reason = 'currency'
),

service_period as (
    select
        contract_line_id,
        cell_no,
        period_start_date,
        period_end_date
    from service_period
)

select
    service_period.contract_line_id,
    service_period.cell_no,
    service_period.period_start_date,
    min(billed_line.invoice_line_id) as invoice_line_id
from billed_line
inner join service_period
    on billed_line.fitting_line_id = service_period.contract_line_id
    and coalesce(billed_line.service_start_date, billed_line.issued_date) < service_period.period_end_date
    and coalesce(billed_line.service_end_date, coalesce(billed_line.service_start_date, billed_line.issued_date) + 1) > service_period.period_start_date
group by
    service_period.contract_line_id,
    service_period.cell_no,
    service_period.period_start_date
