/*---
title = "Posted true-up lines, each with the commitment it settles"
owner = "finance"
grain = ["invoice_line_id"]

[columns]
invoice_line_id = { type = "text", doc = "The invoice line" }
commitment_id = { type = "text", doc = "The commitment; null where none or several fit" }
amount = { type = "decimal(18,4)", doc = "Billed before tax" }
settled_date = { type = "date", doc = "The day that decides which period it settles" }

[checks]
not_null = ["invoice_line_id", "amount"]

[decisions]
match = "Its commitment_id, else the only commitment of its contract"
period = "The last day it bills, else the day before its issue, held within the commitment and up to as_of"
---*/
with billed_line as (
    select
        invoice_line_id,
        contract_id,
        commitment_id,
        currency,
        issued_date,
        service_end_date,
        amount
    from billed_line
    where state = 'posted'
        and kind = 'true_up'
),

commitment_grid as (
    select
        commitment_id,
        contract_id,
        currency,
        start_date,
        end_date
    from commitment_grid
),

only_commitment as (
    select
        contract_id,
        min(commitment_id) as commitment_id
    from commitment_grid
    group by contract_id
    having count(*) = 1
),

found as (
    select
        billed_line.*,
        coalesce(own.commitment_id, only_commitment.commitment_id) as found_id
    from billed_line
    left join commitment_grid as own
        on billed_line.commitment_id = own.commitment_id
    left join only_commitment
        on billed_line.contract_id = only_commitment.contract_id
        and own.commitment_id is null
)

select
    found.invoice_line_id,
    commitment_grid.commitment_id,
    found.amount,
    cast(greatest(
        commitment_grid.start_date,
        least(coalesce(found.service_end_date, found.issued_date) - 1, commitment_grid.end_date - 1, cast($as_of as date))
    ) as date) as settled_date
from found
left join commitment_grid
    on found.found_id = commitment_grid.commitment_id
    and found.currency = commitment_grid.currency
    and commitment_grid.start_date <= cast($as_of as date)
