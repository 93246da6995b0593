/*---
title = "True-up lines, each with the commitment it settles"
owner = "finance"
grain = ["invoice_line_id"]

[columns]
invoice_line_id = { type = "text", doc = "The invoice line" }
invoice_id = { type = "text", doc = "Its invoice" }
commitment_id = { type = "text", doc = "The commitment; null where none or several fit" }
state = { type = "text", doc = "posted, draft or void, as of the run" }
is_credit = { type = "boolean", doc = "Takes back what an earlier line billed" }
is_duplicate = { type = "boolean", doc = "Repeats an earlier posted line" }
issued_date = { type = "date", doc = "Day of issue" }
amount = { type = "decimal(18,4)", doc = "Billed before tax" }
settled_date = { type = "date", doc = "The day that decides which period it settles" }

[checks]
not_null = ["invoice_line_id", "invoice_id", "state", "is_credit", "amount"]

[decisions]
match = "Its commitment_id, else the only commitment of its contract that owes a true-up; a prepaid commitment owes none, so a line that names one stays unmatched"
period = "The last day it bills, else the day before its issue, held within the commitment and up to as_of"
duplicate = "Same commitment, days, quantity, price and amount as an earlier posted line (by issued_date, then invoice_line_id)"
---*/
with billed_line as (
    select
        invoice_line_id,
        invoice_id,
        contract_id,
        commitment_id,
        state,
        currency,
        issued_date,
        is_credit,
        quantity,
        unit_price,
        service_start_date,
        service_end_date,
        amount
    from billed_line
    where kind = 'true_up'
        or (is_credit and commitment_id is not null and contract_line_id is null)
),

commitment_grid as (
    select
        commitment_id,
        contract_id,
        currency,
        is_prepaid,
        start_date,
        end_date
    from commitment_grid
),

only_commitment as (
    select
        contract_id,
        min(commitment_id) as commitment_id
    from commitment_grid
    where not is_prepaid
    group by contract_id
    having count(*) = 1
),

found as (
    select
        billed_line.*,
        case
            when own.commitment_id is null then only_commitment.commitment_id
            when not own.is_prepaid then own.commitment_id
        end as found_id
    from billed_line
    left join commitment_grid as own
        on billed_line.commitment_id = own.commitment_id
    left join only_commitment
        on billed_line.contract_id = only_commitment.contract_id
),

placed as (
    select
        found.invoice_line_id,
        found.invoice_id,
        commitment_grid.commitment_id,
        found.state,
        found.is_credit,
        found.issued_date,
        found.quantity,
        found.unit_price,
        found.service_start_date,
        found.service_end_date,
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
)

select
    invoice_line_id,
    invoice_id,
    commitment_id,
    state,
    is_credit,
    state = 'posted' and not is_credit and commitment_id is not null and row_number() over (
        partition by commitment_id, state, is_credit, service_start_date, service_end_date, quantity, unit_price, amount
        order by issued_date, invoice_line_id
    ) > 1 as is_duplicate,
    issued_date,
    amount,
    settled_date
from placed
