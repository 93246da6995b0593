/*---
title = "Lines billed in another rhythm than the contract (C6)"
owner = "finance"
grain = ["check_code", "account_id", "contract_id", "contract_line_id", "product_id", "subject_id", "period_start_date"]

[columns]
check_code = { type = "text", doc = "The check" }
class = { type = "text", doc = "timing" }
account_id = { type = "text", doc = "The account" }
contract_id = { type = "text", doc = "Canonical contract; empty where none" }
contract_line_id = { type = "text", doc = "Canonical contract line; empty where none" }
product_id = { type = "text", doc = "Canonical product; empty where none" }
subject_id = { type = "text", doc = "Empty" }
period_start_date = { type = "date", doc = "First day of the first such period" }
period_end_date = { type = "date", doc = "First day after it" }
billable_date = { type = "date", doc = "Day from which it counts" }
gap_amount = { type = "decimal(18,4)", doc = "Nothing: it is a matter of days" }
expected_amount = { type = "decimal(18,4)", doc = "Amount of the invoice line" }
billed_amount = { type = "decimal(18,4)", doc = "Amount of the invoice line" }
run_rate_12m = { type = "decimal(18,4)", doc = "Nothing" }
currency = { type = "text", doc = "Currency of the amounts" }
evidence = { type = "text", doc = "The rows it rests on" }
explanation = { type = "text", doc = "One sentence with the numbers in it" }

[checks]
not_null = ["check_code", "class", "account_id", "contract_id", "contract_line_id", "product_id", "subject_id", "period_start_date", "gap_amount", "run_rate_12m", "currency", "explanation"]

[decisions]
several = "A posted line over two or more whole periods"
part = "A posted line over whole months of a longer period that ends inside it, from a boundary or where another line ended; not where the terms change, a pause or free time begins or the line ends"
once = "One row a contract line, at the first such period; money is a matter of time only"
reversed = "A line taken back in full sets no rhythm"
approved = "An exception approved for C6 that holds on the first day of the period"
---*/
with canonical_id as (
    select
        kind,
        external_id,
        canonical_id
    from canonical_id
),

placed_line as (
    select
        invoice_line_id,
        invoice_id,
        contract_line_id,
        kind,
        issued_date,
        is_credit,
        amount,
        invoice_amount,
        service_start_date,
        service_end_date,
        first_cell_no,
        last_cell_no,
        is_whole
    from placed_line
    where state = 'posted'
        and component = 'charge'
),

credit_note as (
    select
        invoice_line_id,
        amount
    from credit_note
    where issued_date <= cast($as_of as date)
        and (voided_at is null or voided_at >= cast($as_of_end as timestamp))
),

credited_line as (
    select *
    from placed_line
    where not is_credit
        and amount > 0
),

credit_line as (
    select *
    from placed_line
    where is_credit
),

line_role as (
    select subject_id
    from line_role
    where is_line
        and role = 'reversed'
),

line_grid as (
    select
        contract_line_id,
        contract_id,
        account_id,
        product_id,
        months,
        anchor_day,
        currency
    from line_grid
    where not is_single_period
),

service_period as (
    select
        contract_line_id,
        cell_no,
        cell_start_date,
        cell_end_date,
        period_start_date,
        period_end_date,
        billable_date
    from service_period
),

term_segment as (
    select
        contract_line_id,
        cell_no,
        seg_end_date
    from term_segment
),

billing_exception as (
    select
        account_id,
        contract_id,
        contract_line_id,
        start_date,
        coalesce(end_date, date '9999-12-31') as end_date
    from billing_exception
    where check_code = 'C6'
        and approved_at < cast($as_of_end as timestamp)
),

scope as (
    select
        billing_exception.account_id,
        coalesce(contract_alias.canonical_id, billing_exception.contract_id) as contract_id,
        coalesce(line_alias.canonical_id, billing_exception.contract_line_id) as contract_line_id,
        billing_exception.start_date,
        billing_exception.end_date
    from billing_exception
    left join canonical_id as contract_alias
        on billing_exception.contract_id = contract_alias.external_id
        and contract_alias.kind = 'contract'
    left join canonical_id as line_alias
        on billing_exception.contract_line_id = line_alias.external_id
        and line_alias.kind = 'line'
),

whole_scope as (
    select
        start_date,
        end_date
    from scope
    where account_id is null
        and contract_id is null
        and contract_line_id is null
),

-- Taken back in full by a credit line of the same days, or by a note on the line.
taken_back as (
    select credited_line.invoice_line_id
    from credited_line
    inner join credit_line
        on credited_line.contract_line_id = credit_line.contract_line_id
        and credited_line.service_start_date = credit_line.service_start_date
        and credited_line.service_end_date = credit_line.service_end_date
        and credited_line.invoice_amount = - credit_line.invoice_amount
    union
    select credited_line.invoice_line_id
    from credited_line
    inner join credit_note
        on credited_line.invoice_line_id = credit_note.invoice_line_id
        and credited_line.invoice_amount = credit_note.amount
    union
    select subject_id as invoice_line_id
    from line_role
),

standing as (
    select
        credited_line.invoice_line_id,
        credited_line.invoice_id,
        credited_line.contract_line_id,
        credited_line.kind,
        credited_line.issued_date,
        credited_line.amount,
        credited_line.service_start_date,
        credited_line.service_end_date,
        credited_line.first_cell_no,
        credited_line.last_cell_no,
        credited_line.is_whole,
        line_grid.contract_id,
        line_grid.account_id,
        line_grid.product_id,
        line_grid.months,
        line_grid.anchor_day,
        line_grid.currency
    from credited_line
    inner join line_grid
        on credited_line.contract_line_id = line_grid.contract_line_id
    left join taken_back
        on credited_line.invoice_line_id = taken_back.invoice_line_id
    where taken_back.invoice_line_id is null
),

-- Only these can be out of rhythm: several whole periods, or a part of one that a proration does not explain.
suspect as (
    select
        standing.*,
        service_period.cell_start_date,
        service_period.period_start_date,
        service_period.period_end_date,
        service_period.billable_date,
        standing.last_cell_no > standing.first_cell_no as is_several
    from standing
    inner join service_period
        on standing.contract_line_id = service_period.contract_line_id
        and standing.first_cell_no = service_period.cell_no
    where (standing.is_whole and standing.last_cell_no > standing.first_cell_no)
        or (
            standing.kind <> 'proration'
            and standing.months > 1
            and standing.first_cell_no = standing.last_cell_no
            and standing.service_end_date < service_period.cell_end_date
            and date_part('day', standing.service_start_date) = least(
                standing.anchor_day,
                date_part('day', cast(date_trunc('month', standing.service_start_date) + interval '1 month' - interval '1 day' as date))
            )
            and date_part('day', standing.service_end_date) = least(
                standing.anchor_day,
                date_part('day', cast(date_trunc('month', standing.service_end_date) + interval '1 month' - interval '1 day' as date))
            )
        )
),

line_end as (
    select distinct
        contract_line_id,
        service_end_date as end_date
    from standing
),

term_end as (
    select distinct
        contract_line_id,
        cell_no,
        seg_end_date
    from term_segment
),

judged as (
    select
        suspect.*,
        suspect.is_several
            or (
                (suspect.service_start_date = suspect.cell_start_date or line_end.contract_line_id is not null)
                and term_end.contract_line_id is null
            ) as is_out_of_rhythm
    from suspect
    left join line_end
        on suspect.contract_line_id = line_end.contract_line_id
        and suspect.service_start_date = line_end.end_date
    left join term_end
        on suspect.contract_line_id = term_end.contract_line_id
        and suspect.first_cell_no = term_end.cell_no
        and suspect.service_end_date = term_end.seg_end_date
),

-- Each exception is joined by the narrowest of its columns; the wider ones still have to fit.
candidate as (
    select
        judged.invoice_line_id,
        judged.account_id,
        judged.contract_id,
        judged.period_start_date,
        scope.account_id as scope_account_id,
        scope.contract_id as scope_contract_id,
        scope.start_date,
        scope.end_date
    from judged
    inner join scope
        on judged.contract_line_id = scope.contract_line_id
    where judged.is_out_of_rhythm
    union all
    select
        judged.invoice_line_id,
        judged.account_id,
        judged.contract_id,
        judged.period_start_date,
        scope.account_id as scope_account_id,
        scope.contract_id as scope_contract_id,
        scope.start_date,
        scope.end_date
    from judged
    inner join scope
        on judged.contract_id = scope.contract_id
    where judged.is_out_of_rhythm
        and scope.contract_line_id is null
    union all
    select
        judged.invoice_line_id,
        judged.account_id,
        judged.contract_id,
        judged.period_start_date,
        scope.account_id as scope_account_id,
        scope.contract_id as scope_contract_id,
        scope.start_date,
        scope.end_date
    from judged
    inner join scope
        on judged.account_id = scope.account_id
    where judged.is_out_of_rhythm
        and scope.contract_line_id is null
        and scope.contract_id is null
),

excused as (
    select distinct invoice_line_id
    from candidate
    where (scope_account_id is null or scope_account_id = account_id)
        and (scope_contract_id is null or scope_contract_id = contract_id)
        and period_start_date >= start_date
        and period_start_date < end_date
    union
    select judged.invoice_line_id
    from judged
    inner join whole_scope
        on judged.period_start_date >= whole_scope.start_date
        and judged.period_start_date < whole_scope.end_date
    where judged.is_out_of_rhythm
),

first_one as (
    select judged.*
    from judged
    left join excused
        on judged.invoice_line_id = excused.invoice_line_id
    where judged.is_out_of_rhythm
        and excused.invoice_line_id is null
    qualify row_number() over (
        partition by judged.contract_line_id
        order by judged.period_start_date, judged.issued_date, judged.invoice_line_id
    ) = 1
)

select
    'C6' as check_code,
    'timing' as class,
    account_id,
    contract_id,
    contract_line_id,
    coalesce(product_id, '') as product_id,
    '' as subject_id,
    period_start_date,
    period_end_date,
    billable_date,
    cast(0 as decimal(18,4)) as gap_amount,
    amount as expected_amount,
    amount as billed_amount,
    cast(0 as decimal(18,4)) as run_rate_12m,
    currency,
    concat('invoice line ', invoice_line_id, '; invoice ', invoice_id, '; contract line ', contract_line_id) as evidence,
    concat(
        'Invoice line ', invoice_line_id, ' bills ', cast(service_start_date as varchar), ' to ', cast(service_end_date as varchar),
        ' at once; by contract line ', contract_line_id, ' is billed every ',
        case months when 1 then 'month' else concat(cast(months as varchar), ' months') end, '.'
    ) as explanation
from first_one
