/*---
title = "Checks that a contract's own terms call for, and whether they could run"
owner = "finance"
grain = ["contract_id", "check_code"]

[columns]
contract_id = { type = "text", doc = "Canonical contract" }
check_code = { type = "text", doc = "The check" }
is_unverifiable = { type = "boolean", doc = "It could not run for at least one line, for want of a term" }

[checks]
not_null = ["contract_id", "check_code", "is_unverifiable"]

[decisions]
applies = "A check applies where a line that has something billable has the term it compares: expired discounts need a discount, escalators an escalator, and so on; coverage, quantity, price and overbilling apply to every line"
unverifiable = "A line with an unverifiable obligation keeps all checks of that line from running in full"
not_counted = "Receivables, credits and tax are checks of invoices, not of contract terms"
---*/
with waterfall as (
    select
        contract_line_id,
        component,
        verdict
    from waterfall
    where verdict <> 'not_due'
),

line_grid as (
    select
        contract_line_id,
        contract_id
    from line_grid
),

line_version as (
    select
        contract_line_id,
        contract_id,
        version,
        seat_rule,
        is_rated,
        renews_contract_id
    from line_version
),

line_discount as (
    select contract_line_id
    from line_discount
),

escalator_step as (
    select
        contract_line_id,
        kind
    from escalator_step
),

line_ramp as (
    select contract_line_id
    from line_ramp
),

canonical_id as (
    select
        external_id,
        canonical_id
    from canonical_id
    where kind = 'line'
),

free_period as (
    select contract_line_id
    from free_period
),

pause as (
    select contract_line_id
    from pause
),

checked_line as (
    select
        line_grid.contract_id,
        waterfall.contract_line_id,
        max(waterfall.component) as component,
        bool_or(waterfall.verdict = 'unverifiable') as is_unverifiable
    from waterfall
    inner join line_grid
        on waterfall.contract_line_id = line_grid.contract_line_id
    group by
        line_grid.contract_id,
        waterfall.contract_line_id
),

-- Which checks a component calls for, whatever its terms.
always as (
    select 'charge' as component, unnest(string_to_array('C1,C2,C3,C4,C10,C11,C12,E1,O1,O2,P2,P6,P11,Q2', ',')) as check_code
    union all
    select 'usage' as component, unnest(string_to_array('C11,C12,E1,O1,O2,P2,P6,P11,Q3', ',')) as check_code
    union all
    select 'one_off' as component, unnest(string_to_array('C7,C11,C12,E1,O1,O2,P2,P6,P11', ',')) as check_code
),

-- Which checks a line's terms call for beside them.
called as (
    select contract_line_id, 'P1' as check_code from line_discount
    union all
    select contract_line_id, case when kind = 'index' then 'P4' else 'P3' end as check_code from escalator_step
    union all
    select contract_line_id, 'P5' as check_code from line_ramp
    union all
    select coalesce(canonical_id.canonical_id, free_period.contract_line_id) as contract_line_id, 'C8' as check_code
    from free_period
    left join canonical_id
        on free_period.contract_line_id = canonical_id.external_id
    union all
    select coalesce(canonical_id.canonical_id, pause.contract_line_id) as contract_line_id, 'C9' as check_code
    from pause
    left join canonical_id
        on pause.contract_line_id = canonical_id.external_id
    union all
    select contract_line_id, 'Q1' as check_code from line_version where coalesce(seat_rule, 'none') <> 'none'
    union all
    select contract_line_id, 'P8' as check_code from line_version where is_rated
    union all
    select contract_line_id, 'P9' as check_code from line_version where renews_contract_id is not null
    union all
    select contract_line_id, 'Q6' as check_code from line_version group by contract_line_id having count(*) > 1
),

every_check as (
    select
        checked_line.contract_id,
        always.check_code,
        checked_line.is_unverifiable
    from checked_line
    inner join always
        on checked_line.component = always.component
    union all
    select
        checked_line.contract_id,
        called.check_code,
        checked_line.is_unverifiable
    from checked_line
    inner join called
        on checked_line.contract_line_id = called.contract_line_id
)

select
    contract_id,
    check_code,
    bool_or(is_unverifiable) as is_unverifiable
from every_check
group by
    contract_id,
    check_code
