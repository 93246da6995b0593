/*---
title = "Credits for missed uptime that are owed and not issued"
owner = "finance"
grain = ["check_code", "account_id", "contract_id", "contract_line_id", "product_id", "subject_id", "period_start_date"]

[columns]
check_code = { type = "text", doc = "O3" }
class = { type = "text", doc = "liability" }
account_id = { type = "text", doc = "The account" }
contract_id = { type = "text", doc = "Canonical contract" }
contract_line_id = { type = "text", doc = "Empty" }
product_id = { type = "text", doc = "Empty" }
subject_id = { type = "text", doc = "Empty" }
period_start_date = { type = "date", doc = "First day of the month" }
period_end_date = { type = "date", doc = "First day after it" }
billable_date = { type = "date", doc = "First day after the month" }
gap_amount = { type = "decimal(18,4)", doc = "Credit still owed, negative" }
expected_amount = { type = "decimal(18,4)", doc = "Credit owed" }
billed_amount = { type = "decimal(18,4)", doc = "Credit issued for it" }
run_rate_12m = { type = "decimal(18,4)", doc = "Itself" }
currency = { type = "text", doc = "Currency of the amounts" }
evidence = { type = "text", doc = "The term, the outages and the credit notes" }
explanation = { type = "text", doc = "One sentence with the numbers in it" }

[checks]
not_null = ["check_code", "class", "account_id", "contract_id", "period_start_date", "gap_amount", "currency", "explanation"]

[decisions]
claim = "Owed as long as the credit may be claimed; where no limit is agreed, without end"
---*/
with sla_month as (
    select
        contract_id,
        account_id,
        month_date,
        month_end_date,
        target_pct,
        uptime_pct,
        down_minutes,
        month_minutes,
        credit_pct,
        cap_pct,
        claim_end_date,
        fee_amount,
        owed_amount,
        outages,
        currency,
        minor_digits
    from sla_month
    where claim_end_date is null
        or claim_end_date >= cast($as_of as date)
),

sla_settlement as (
    select
        credit_note_id,
        contract_id,
        month_date,
        settled_amount
    from sla_settlement
),

settled as (
    select
        contract_id,
        month_date,
        sum(settled_amount) as settled_amount,
        string_agg(credit_note_id, ', ' order by credit_note_id) as notes
    from sla_settlement
    group by
        contract_id,
        month_date
),

open_month as (
    select
        sla_month.*,
        coalesce(settled.settled_amount, 0) as settled_amount,
        settled.notes
    from sla_month
    left join settled
        on sla_month.contract_id = settled.contract_id
        and sla_month.month_date = settled.month_date
    where sla_month.owed_amount > coalesce(settled.settled_amount, 0)
),

worded as (
    select
        open_month.*,
        case minor_digits
            when 0 then concat(cast(cast(fee_amount as decimal(18,0)) as varchar), ' ', currency)
            when 3 then concat(cast(cast(fee_amount as decimal(18,3)) as varchar), ' ', currency)
            else concat(cast(cast(fee_amount as decimal(18,2)) as varchar), ' ', currency)
        end as fee,
        case minor_digits
            when 0 then concat(cast(cast(owed_amount as decimal(18,0)) as varchar), ' ', currency)
            when 3 then concat(cast(cast(owed_amount as decimal(18,3)) as varchar), ' ', currency)
            else concat(cast(cast(owed_amount as decimal(18,2)) as varchar), ' ', currency)
        end as owed,
        case minor_digits
            when 0 then concat(cast(cast(settled_amount as decimal(18,0)) as varchar), ' ', currency)
            when 3 then concat(cast(cast(settled_amount as decimal(18,3)) as varchar), ' ', currency)
            else concat(cast(cast(settled_amount as decimal(18,2)) as varchar), ' ', currency)
        end as settled
    from open_month
)

select
    'O3' as check_code,
    'liability' as class,
    account_id,
    contract_id,
    '' as contract_line_id,
    '' as product_id,
    '' as subject_id,
    month_date as period_start_date,
    month_end_date as period_end_date,
    month_end_date as billable_date,
    cast(settled_amount - owed_amount as decimal(18,4)) as gap_amount,
    owed_amount as expected_amount,
    cast(settled_amount as decimal(18,4)) as billed_amount,
    cast(settled_amount - owed_amount as decimal(18,4)) as run_rate_12m,
    currency,
    concat('uptime term of contract ', contract_id, '; outages ', outages, case when notes is null then '' else concat('; credit notes ', notes) end) as evidence,
    concat(
        'Uptime in the month from ', cast(month_date as varchar), ' was ', cast(uptime_pct as varchar), ' % (',
        cast(down_minutes as varchar), ' of ', cast(month_minutes as varchar), ' minutes down) where ',
        rtrim(rtrim(cast(target_pct as varchar), '0'), '.'), ' % was promised: ',
        rtrim(rtrim(cast(credit_pct as varchar), '0'), '.'), ' % of the fee of ', fee,
        case when cap_pct < credit_pct then concat(', at most ', rtrim(rtrim(cast(cap_pct as varchar), '0'), '.'), ' %,') else '' end,
        ' is owed, ', owed, ', and ', settled, ' was issued',
        case when claim_end_date is not null then concat('; it may be claimed until ', cast(claim_end_date as varchar)) else '' end,
        '.'
    ) as explanation
from worded
