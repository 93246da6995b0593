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
issued_date = { type = "date", doc = "Day of issue" }
amount = { type = "decimal(18,4)", doc = "Billed before tax" }
settled_date = { type = "date", doc = "The day that decides which period it settles" }
service_start_date = { type = "date", doc = "First day billed; the settled day where the line does not say" }
service_end_date = { type = "date", doc = "First day after it" }
group_key = { type = "text", doc = "Commitment, days, quantity and price: lines that share it repeat each other" }

[checks]
not_null = ["invoice_line_id", "invoice_id", "state", "is_credit", "amount"]

[decisions]
kind = "Whatever its kind, a line that names a commitment and no contract line settles that commitment"
match = "Its commitment_id, else the only commitment of its contract that owes a true-up; a prepaid commitment owes none, so a line that names one stays unmatched"
period = "The last day it bills, else the day before its issue, held within the commitment and up to as_of"
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
        or (commitment_id is not null and contract_line_id is null)
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
    issued_date,
    amount,
    settled_date,
    coalesce(service_start_date, settled_date) as service_start_date,
    coalesce(service_end_date, cast(settled_date + 1 as date)) as service_end_date,
    concat_ws(
        '|',
        'true_up',
        commitment_id,
        cast(coalesce(service_start_date, settled_date) as varchar),
        cast(coalesce(service_end_date, cast(settled_date + 1 as date)) as varchar),
        coalesce(cast(quantity as varchar), '-'),
        coalesce(cast(unit_price as varchar), '-'),
        cast(amount as varchar)
    ) as group_key
from placed
