-- One line an invoice, for the calendar month it is dated in.
select
    invoice_id as invoice_line_id,
    invoice_id,
    sub_id as contract_line_id,
    'recurring' as kind,
    cast(1 as decimal(18, 6)) as quantity,
    cast(amount as decimal(18, 8)) as unit_price,
    amount as gross_amount,
    cast(0 as decimal(18, 4)) as discount_amount,
    amount,
    invoice_date as service_start_date,
    cast(date_trunc('month', invoice_date + 31) as date) as service_end_date
from landed.invoices
