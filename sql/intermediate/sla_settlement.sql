/*---
title = "Uptime credits owed, settled by credit notes"
owner = "finance"
grain = ["credit_note_id", "contract_id", "month_date"]

[columns]
credit_note_id = { type = "text", doc = "The credit note" }
contract_id = { type = "text", doc = "Canonical contract" }
month_date = { type = "date", doc = "First day of the month whose credit it pays" }
settled_amount = { type = "decimal(18,4)", doc = "Part of the note that pays it" }

[checks]
not_null = ["credit_note_id", "contract_id", "month_date", "settled_amount"]

[decisions]
note = "Unvoided credit notes with reason_code sla, on the contract of their invoice or line, else on the account's only contract with a missed month"
names = "Nothing here bears the name of a table it reads: under a recursive with that would be read as recursion"
oldest_first = "A note pays the oldest month that was over when it was issued and could still be claimed then"
---*/
with recursive alias as (
    select
        kind,
        external_id,
        canonical_id
    from canonical_id
),

note as (
    select
        credit_note_id,
        account_id,
        invoice_id,
        invoice_line_id,
        issued_date,
        amount
    from credit_note
    where lower(reason_code) = 'sla'
        and amount > 0
        and issued_date <= cast($as_of as date)
        and (voided_at is null or voided_at >= cast($as_of_end as timestamp))
),

bill as (
    select
        invoice_id,
        contract_id
    from invoice
),

bill_line as (
    select
        invoice_line_id,
        contract_line_id
    from billed_line
),

grid as (
    select
        contract_line_id,
        contract_id
    from line_grid
),

missed_month as (
    select
        contract_id,
        account_id,
        month_date,
        month_end_date,
        claim_end_date,
        owed_amount,
        owed_before
    from sla_month
),

only_contract as (
    select
        account_id,
        min(contract_id) as contract_id
    from missed_month
    group by account_id
    having min(contract_id) = max(contract_id)
),

placed_note as (
    select
        note.credit_note_id,
        note.issued_date,
        note.amount,
        coalesce(alias.canonical_id, bill.contract_id, grid.contract_id, only_contract.contract_id) as contract_id
    from note
    left join bill
        on note.invoice_id = bill.invoice_id
    left join alias
        on bill.contract_id = alias.external_id
        and alias.kind = 'contract'
    left join bill_line
        on note.invoice_line_id = bill_line.invoice_line_id
    left join grid
        on bill_line.contract_line_id = grid.contract_line_id
    left join only_contract
        on note.account_id = only_contract.account_id
),

-- Credits owed lie end to end by month; a note may pay from what has lapsed up to what was owed on its day.
bounded as (
    select
        placed_note.contract_id,
        placed_note.credit_note_id,
        placed_note.issued_date,
        placed_note.amount,
        max(case
            when missed_month.claim_end_date < placed_note.issued_date then missed_month.owed_before + missed_month.owed_amount
            else 0
        end) as lapsed_amount,
        max(case
            when missed_month.month_end_date <= placed_note.issued_date then missed_month.owed_before + missed_month.owed_amount
            else 0
        end) as owed_amount
    from placed_note
    inner join missed_month
        on placed_note.contract_id = missed_month.contract_id
    group by
        placed_note.contract_id,
        placed_note.credit_note_id,
        placed_note.issued_date,
        placed_note.amount
),

in_order as (
    select
        contract_id,
        credit_note_id,
        amount,
        lapsed_amount,
        owed_amount,
        row_number() over (partition by contract_id order by issued_date, credit_note_id) as note_no
    from bounded
),

paid as (
    select
        contract_id,
        credit_note_id,
        note_no,
        cast(lapsed_amount as decimal(38,4)) as from_amount,
        cast(greatest(lapsed_amount, least(lapsed_amount + amount, owed_amount)) as decimal(38,4)) as to_amount
    from in_order
    where note_no = 1
    union all
    select
        in_order.contract_id,
        in_order.credit_note_id,
        in_order.note_no,
        cast(greatest(paid.to_amount, in_order.lapsed_amount) as decimal(38,4)) as from_amount,
        cast(greatest(
            paid.to_amount,
            in_order.lapsed_amount,
            least(greatest(paid.to_amount, in_order.lapsed_amount) + in_order.amount, in_order.owed_amount)
        ) as decimal(38,4)) as to_amount
    from paid
    inner join in_order
        on paid.contract_id = in_order.contract_id
        and paid.note_no + 1 = in_order.note_no
)

select
    paid.credit_note_id,
    paid.contract_id,
    missed_month.month_date,
    cast(
        least(paid.to_amount, missed_month.owed_before + missed_month.owed_amount) - greatest(paid.from_amount, missed_month.owed_before)
        as decimal(18,4)
    ) as settled_amount
from paid
inner join missed_month
    on paid.contract_id = missed_month.contract_id
    and paid.to_amount > missed_month.owed_before
    and paid.from_amount < missed_month.owed_before + missed_month.owed_amount
where paid.to_amount > paid.from_amount
