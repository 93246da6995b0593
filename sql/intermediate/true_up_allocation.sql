/*---
title = "True-up lines by the commitment's period they settle"
owner = "finance"
grain = ["invoice_line_id"]

[columns]
invoice_line_id = { type = "text", doc = "The invoice line" }
invoice_id = { type = "text", doc = "Its invoice" }
commitment_id = { type = "text", doc = "The commitment" }
period_no = { type = "integer", doc = "Number of the period" }
role = { type = "text", doc = "billed, duplicate, reversed, credit or reversal of a posted line; held of one on a draft or void invoice" }
issued_date = { type = "date", doc = "Day of issue" }
amount = { type = "decimal(18,4)", doc = "Billed before tax" }

[checks]
not_null = ["invoice_line_id", "invoice_id", "commitment_id", "period_no", "role", "amount"]
---*/
with true_up_line as (
    select
        invoice_line_id,
        invoice_id,
        commitment_id,
        state,
        is_credit,
        issued_date,
        amount,
        settled_date
    from true_up_line
    where commitment_id is not null
),

commitment_span as (
    select
        commitment_id,
        period_no,
        period_start_date,
        period_end_date
    from commitment_span
),

line_role as (
    select
        subject_id,
        role
    from line_role
    where is_line
)

select
    true_up_line.invoice_line_id,
    true_up_line.invoice_id,
    true_up_line.commitment_id,
    commitment_span.period_no,
    case
        when true_up_line.state <> 'posted' then 'held'
        when true_up_line.is_credit then coalesce(line_role.role, 'credit')
        else coalesce(line_role.role, 'billed')
    end as role,
    true_up_line.issued_date,
    true_up_line.amount
from true_up_line
inner join commitment_span
    on true_up_line.commitment_id = commitment_span.commitment_id
    and true_up_line.settled_date >= commitment_span.period_start_date
    and true_up_line.settled_date < commitment_span.period_end_date
left join line_role
    on true_up_line.invoice_line_id = line_role.subject_id
where true_up_line.state = 'posted'
    or not true_up_line.is_credit
