/*---
title = "What was owed and billed, by contract line or commitment and service period"
owner = "finance"
grain = ["obligation_id", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
obligation_id = { type = "text", doc = "md5 of contract_line_id, component and period_start_date, joined by |" }
account_id = { type = "text", doc = "The account" }
account_name = { type = "text", doc = "Its name" }
contract_id = { type = "text", doc = "The contract" }
contract_line_id = { type = "text", doc = "The contract line, or the commitment of a true-up" }
product_id = { type = "text", doc = "The product" }
component = { type = "text", doc = "charge, usage, one_off or true_up" }
term_source = { type = "text", doc = "signed, crm or billing: whose terms these are" }
verdict = { type = "text", doc = "verified, unverifiable or not_due" }
missing_term = { type = "text", doc = "What stands in the way of an unverifiable obligation" }
assumed_terms = { type = "text", doc = "Terms that were null and took their default" }
currency = { type = "text", doc = "Currency of the amounts" }
expected_amount = { type = "decimal(18,4)", doc = "Due by contract; null where unverifiable" }
billed_amount = { type = "decimal(18,4)", doc = "Posted lines without credits, by service day" }
reversed_amount = { type = "decimal(18,4)", doc = "Posted lines credited in full and billed again, outside billed_amount" }
credited_amount = { type = "decimal(18,4)", doc = "Credit lines and unvoided credit notes" }
duplicate_amount = { type = "decimal(18,4)", doc = "Of billed_amount, lines that repeat an earlier one" }
value_billed = { type = "decimal(18,4)", doc = "S0: billed without duplicates, line arithmetic put right" }
value_coverage = { type = "decimal(18,4)", doc = "S1: with the contract's days" }
value_quantity = { type = "decimal(18,4)", doc = "S2: with the contract's quantity" }
value_price = { type = "decimal(18,4)", doc = "S3: with the contract's price" }
value_discount = { type = "decimal(18,4)", doc = "S4: with the contract's discount, the expected amount" }
underbilled_amount = { type = "decimal(18,4)", doc = "Positive steps less what is waived or absorbed" }
overbilled_amount = { type = "decimal(18,4)", doc = "Negative steps less what credits gave back, positive" }
waived_amount = { type = "decimal(18,4)", doc = "Positive steps waived by an exception or a review" }
absorbed_amount = { type = "decimal(18,4)", doc = "Made up for by a commitment's true-up: positive where its leak was paid there, negative on the true-up that paid it; signs turned for overbillings" }
corrected_amount = { type = "decimal(18,4)", doc = "Negative steps that credits gave back, positive" }
blocked_amount = { type = "decimal(18,4)", doc = "Contract value, or what was billed, that cannot be verified" }
period_start_date = { type = "date", doc = "First day of the service period" }
period_end_date = { type = "date", doc = "First day after it" }
billable_date = { type = "date", doc = "Contractual invoice date" }
as_of_date = { type = "date", doc = "Business date of the run" }

[checks]
not_null = ["obligation_id", "account_id", "contract_line_id", "component", "verdict", "currency", "billed_amount", "period_start_date", "as_of_date"]
expect.identity = "verdict <> 'verified' or underbilled_amount + waived_amount + coalesce(absorbed_amount, 0) - overbilled_amount - corrected_amount = expected_amount - billed_amount"
expect.unverifiable_is_named = "verdict <> 'unverifiable' or (missing_term is not null and blocked_amount is not null)"
expect.unknown_is_not_zero = "verdict <> 'unverifiable' or expected_amount is null"

[decisions]
checked = "Checked is what is billable: contractual invoice date plus grace on or before as_of"
nothing_nets = "underbilled + waived + absorbed - overbilled - corrected = expected - billed, over every verified obligation"
true_up = "A commitment's true-up is an obligation of its own, billable when its period ends: what the commitment is more than its lines owed by contract"
prepaid = "What a prepaid balance covers is not owed again: expected_amount is net of it"
---*/
with waterfall as (
    select
        contract_line_id,
        cell_no,
        component,
        period_start_date,
        period_end_date,
        billable_date,
        verdict,
        missing_term,
        blocked_amount,
        expected_amount,
        billed_amount,
        duplicate_amount,
        reversed_amount,
        credited_amount,
        value_billed,
        value_coverage,
        value_quantity,
        value_price,
        value_discount
    from waterfall
),

line_grid as (
    select
        contract_line_id,
        contract_id,
        account_id,
        product_id,
        term_source,
        currency,
        assumed_terms
    from line_grid
),

settled_finding as (
    select
        owed_id,
        component,
        cell_no,
        gap_amount,
        waived_amount,
        absorbed_amount,
        corrected_amount,
        leak_amount
    from settled_finding
    where owed_id <> ''
),

commitment_period as (
    select
        commitment_id,
        period_no,
        contract_id,
        account_id,
        term_source,
        currency,
        period_start_date,
        period_end_date,
        verdict,
        missing_term,
        blocked_amount,
        expected_amount,
        billed_amount,
        duplicate_amount,
        reversed_amount,
        credited_amount
    from commitment_period
),

account as (
    select
        account_id,
        name
    from account
),

settled as (
    select
        owed_id,
        component,
        cell_no,
        sum(case when gap_amount > 0 then leak_amount else 0 end) as underbilled_amount,
        sum(case when gap_amount < 0 then - leak_amount else 0 end) as overbilled_amount,
        sum(waived_amount) as waived_amount,
        sum(absorbed_amount) as absorbed_amount,
        - sum(corrected_amount) as corrected_amount
    from settled_finding
    group by
        owed_id,
        component,
        cell_no
),

every_obligation as (
    select
        waterfall.contract_line_id,
        waterfall.cell_no,
        line_grid.account_id,
        line_grid.contract_id,
        line_grid.product_id,
        waterfall.component,
        line_grid.term_source,
        waterfall.verdict,
        waterfall.missing_term,
        line_grid.assumed_terms,
        line_grid.currency,
        waterfall.expected_amount,
        waterfall.billed_amount,
        waterfall.reversed_amount,
        waterfall.credited_amount,
        waterfall.duplicate_amount,
        waterfall.value_billed,
        waterfall.value_coverage,
        waterfall.value_quantity,
        waterfall.value_price,
        waterfall.value_discount,
        waterfall.blocked_amount,
        waterfall.period_start_date,
        waterfall.period_end_date,
        waterfall.billable_date
    from waterfall
    inner join line_grid
        on waterfall.contract_line_id = line_grid.contract_line_id
    union all
    select
        commitment_id as contract_line_id,
        period_no as cell_no,
        account_id,
        contract_id,
        null as product_id,
        'true_up' as component,
        term_source,
        verdict,
        missing_term,
        null as assumed_terms,
        currency,
        case when verdict = 'unverifiable' then null else expected_amount end as expected_amount,
        billed_amount,
        reversed_amount,
        credited_amount,
        duplicate_amount,
        case when verdict = 'verified' then billed_amount - duplicate_amount end as value_billed,
        case when verdict = 'verified' then expected_amount end as value_coverage,
        case when verdict = 'verified' then expected_amount end as value_quantity,
        case when verdict = 'verified' then expected_amount end as value_price,
        case when verdict = 'verified' then expected_amount end as value_discount,
        blocked_amount,
        period_start_date,
        period_end_date,
        period_end_date as billable_date
    from commitment_period
)

select
    md5(concat_ws('|', every_obligation.contract_line_id, every_obligation.component, cast(every_obligation.period_start_date as varchar))) as obligation_id,
    every_obligation.account_id,
    account.name as account_name,
    every_obligation.contract_id,
    every_obligation.contract_line_id,
    every_obligation.product_id,
    every_obligation.component,
    every_obligation.term_source,
    every_obligation.verdict,
    every_obligation.missing_term,
    nullif(every_obligation.assumed_terms, '') as assumed_terms,
    every_obligation.currency,
    every_obligation.expected_amount,
    cast(every_obligation.billed_amount as decimal(18,4)) as billed_amount,
    cast(every_obligation.reversed_amount as decimal(18,4)) as reversed_amount,
    cast(every_obligation.credited_amount as decimal(18,4)) as credited_amount,
    cast(every_obligation.duplicate_amount as decimal(18,4)) as duplicate_amount,
    cast(every_obligation.value_billed as decimal(18,4)) as value_billed,
    every_obligation.value_coverage,
    every_obligation.value_quantity,
    every_obligation.value_price,
    every_obligation.value_discount,
    cast(case when every_obligation.verdict = 'verified' then coalesce(settled.underbilled_amount, 0) end as decimal(18,4)) as underbilled_amount,
    cast(case when every_obligation.verdict = 'verified' then coalesce(settled.overbilled_amount, 0) end as decimal(18,4)) as overbilled_amount,
    cast(case when every_obligation.verdict = 'verified' then coalesce(settled.waived_amount, 0) end as decimal(18,4)) as waived_amount,
    cast(case when every_obligation.verdict = 'verified' then coalesce(settled.absorbed_amount, 0) end as decimal(18,4)) as absorbed_amount,
    cast(case when every_obligation.verdict = 'verified' then coalesce(settled.corrected_amount, 0) end as decimal(18,4)) as corrected_amount,
    cast(every_obligation.blocked_amount as decimal(18,4)) as blocked_amount,
    every_obligation.period_start_date,
    every_obligation.period_end_date,
    every_obligation.billable_date,
    cast($as_of as date) as as_of_date
from every_obligation
left join settled
    on every_obligation.contract_line_id = settled.owed_id
    and every_obligation.component = settled.component
    and every_obligation.cell_no = settled.cell_no
left join account
    on every_obligation.account_id = account.account_id
