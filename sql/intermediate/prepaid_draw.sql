/*---
title = "What prepaid balances cover of what contract lines owe"
owner = "finance"
grain = ["contract_line_id", "cell_no"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line" }
cell_no = { type = "integer", doc = "Number of the cell in the line's grid" }
commitment_id = { type = "text", doc = "The prepaid commitment; of several the one drawn first" }
drawn_amount = { type = "decimal(18,4)", doc = "Part of the period's net amount that the balance covers; 0 where it is used up" }
missing_term = { type = "text", doc = "What stands in the way of knowing the balance; null where nothing does" }

[checks]
not_null = ["contract_line_id", "cell_no", "commitment_id", "drawn_amount"]

[decisions]
order = "A balance is drawn by what its lines owe within its period, after discounts, in order of period_start_date and contract_line_id"
several = "Of two balances that overlap in time the one that began earlier is drawn first, the other covers what is left; a third at the same time is not rated"
unknown = "An obligation that cannot be rated leaves the balance unknown for those that draw after it"
---*/
with commitment_grid as (
    select
        commitment_id,
        contract_id,
        start_date,
        end_date
    from commitment_grid
    where is_prepaid
),

commitment_span as (
    select
        commitment_id,
        period_no,
        committed_amount,
        missing_term
    from commitment_span
),

commitment_spend as (
    select
        commitment_id,
        period_no,
        contract_line_id,
        cell_no,
        obligation_start_date,
        spend_amount,
        missing_term
    from commitment_spend
),

expected_charge as (
    select
        contract_line_id,
        cell_no,
        expected_amount
    from expected_charge
),

earlier_balance as (
    select
        later.commitment_id,
        earlier.commitment_id as earlier_id
    from commitment_grid as later
    inner join commitment_grid as earlier
        on later.contract_id = earlier.contract_id
        and later.start_date < earlier.end_date
        and later.end_date > earlier.start_date
        and (earlier.start_date < later.start_date or earlier.start_date = later.start_date and earlier.commitment_id < later.commitment_id)
),

second_balance as (
    select distinct commitment_id
    from earlier_balance
),

third_balance as (
    select distinct earlier_balance.commitment_id
    from earlier_balance
    inner join second_balance
        on earlier_balance.earlier_id = second_balance.commitment_id
),

balance as (
    select
        commitment_grid.commitment_id,
        commitment_grid.start_date,
        commitment_span.period_no,
        coalesce(commitment_span.committed_amount, 0) as balance_amount,
        second_balance.commitment_id is null as is_first,
        case when third_balance.commitment_id is not null then 'not_rated: three prepaid balances' else commitment_span.missing_term end as missing_term
    from commitment_grid
    inner join commitment_span
        on commitment_grid.commitment_id = commitment_span.commitment_id
    left join second_balance
        on commitment_grid.commitment_id = second_balance.commitment_id
    left join third_balance
        on commitment_grid.commitment_id = third_balance.commitment_id
),

draft_draw as (
    select
        balance.commitment_id,
        balance.start_date,
        balance.period_no,
        balance.balance_amount,
        balance.is_first,
        balance.missing_term as balance_term,
        commitment_spend.contract_line_id,
        commitment_spend.cell_no,
        commitment_spend.obligation_start_date,
        commitment_spend.spend_amount,
        commitment_spend.missing_term
    from balance
    inner join commitment_spend
        on balance.commitment_id = commitment_spend.commitment_id
        and balance.period_no = commitment_spend.period_no
),

first_draw as (
    select
        draft_draw.*,
        least(coalesce(spend_amount, 0), greatest(balance_amount - coalesce(sum(coalesce(spend_amount, 0)) over (
            partition by commitment_id, period_no
            order by obligation_start_date, contract_line_id, cell_no
            rows between unbounded preceding and 1 preceding
        ), 0), 0)) as drawn_amount,
        coalesce(balance_term, max(missing_term) over (
            partition by commitment_id, period_no
            order by obligation_start_date, contract_line_id, cell_no
            rows between unbounded preceding and 1 preceding
        )) as unknown_term
    from draft_draw
    where is_first
),

first_cover as (
    select
        contract_line_id,
        cell_no,
        sum(drawn_amount) as drawn_amount,
        min(unknown_term) as unknown_term
    from first_draw
    group by
        contract_line_id,
        cell_no
),

-- What the first balance left of each obligation.
left_over as (
    select
        draft_draw.* exclude (spend_amount, missing_term),
        greatest(least(
            coalesce(draft_draw.spend_amount, 0),
            coalesce(expected_charge.expected_amount, 0) - coalesce(first_cover.drawn_amount, 0)
        ), 0) as spend_amount,
        coalesce(draft_draw.missing_term, first_cover.unknown_term) as missing_term
    from draft_draw
    inner join expected_charge
        on draft_draw.contract_line_id = expected_charge.contract_line_id
        and draft_draw.cell_no = expected_charge.cell_no
    left join first_cover
        on draft_draw.contract_line_id = first_cover.contract_line_id
        and draft_draw.cell_no = first_cover.cell_no
    where not draft_draw.is_first
),

second_draw as (
    select
        left_over.*,
        least(spend_amount, greatest(balance_amount - coalesce(sum(spend_amount) over (
            partition by commitment_id, period_no
            order by obligation_start_date, contract_line_id, cell_no
            rows between unbounded preceding and 1 preceding
        ), 0), 0)) as drawn_amount,
        coalesce(balance_term, max(missing_term) over (
            partition by commitment_id, period_no
            order by obligation_start_date, contract_line_id, cell_no
            rows between unbounded preceding and 1 preceding
        )) as unknown_term
    from left_over
),

every_draw as (
    select contract_line_id, cell_no, start_date, commitment_id, drawn_amount, unknown_term
    from first_draw
    union all
    select contract_line_id, cell_no, start_date, commitment_id, drawn_amount, unknown_term
    from second_draw
),

-- The balance a period draws on: the first that covers any of it, else the last that was there.
named_draw as (
    select
        every_draw.*,
        row_number() over (
            partition by contract_line_id, cell_no
            order by case when drawn_amount > 0 then 0 else 1 end, start_date, commitment_id
        ) as place
    from every_draw
)

select
    contract_line_id,
    cell_no,
    min(case when place = 1 then commitment_id end) as commitment_id,
    cast(sum(drawn_amount) as decimal(18,4)) as drawn_amount,
    min(unknown_term) as missing_term
from named_draw
group by
    contract_line_id,
    cell_no
