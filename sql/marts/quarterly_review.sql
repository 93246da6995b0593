/*---
title = "Quarterly review: handoffs, behaviour and contracts, each with somebody who answers for it"
owner = "cs"
grain = ["quarter", "review", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
quarter = { type = "text", doc = "Calendar quarter of as_of, such as 2026-Q3" }
review = { type = "text", doc = "handoff, behaviour or contract" }
as_of_date = { type = "date", doc = "Business date of the run: the quarter up to here" }
owner_id = { type = "text", doc = "Who answers for the review; unassigned where nobody at all is known" }
owner_role = { type = "text", doc = "The role that answers: sales, csm or finance; else the role of who stands in" }
is_owner_missing = { type = "boolean", doc = "Nobody is in the role that answers for it: somebody else stands in, or nobody" }
second_owner_id = { type = "text", doc = "Who runs it with them; null where nobody is in that role" }
second_owner_role = { type = "text", doc = "revops, executive or account_manager" }
population = { type = "integer", doc = "Deals, accounts or contracts to be looked at" }
reviewed = { type = "integer", doc = "Of them, those that could be judged" }
reviewed_pct = { type = "decimal(9,4)", doc = "Their share, percent points; null where there is nothing to look at" }
clean = { type = "integer", doc = "Nothing open" }
flag = { type = "integer", doc = "Something open" }
escalate = { type = "integer", doc = "To be decided above" }
unknown = { type = "integer", doc = "Could not be judged" }
carried_over = { type = "integer", doc = "Of flag and escalate: open since an earlier quarter" }
escalated_by_age = { type = "integer", doc = "Of escalate: for their age alone" }
recovered = { type = "integer", doc = "Found clean in this quarter after they had been open" }
flag_amount = { type = "decimal(18,4)", doc = "Money behind what is flagged, reporting currency: amounts of deals, annual values of accounts, open leaks of contracts. Never add reviews up" }
escalate_amount = { type = "decimal(18,4)", doc = "The same of what is escalated" }
overbilled_amount = { type = "decimal(18,4)", doc = "Contracts only: billed and not due; never netted against leaks" }
recovered_amount = { type = "decimal(18,4)", doc = "contract: recovered by invoice lines or payments in the quarter, as far as a rate is known; else the money behind what was found clean again" }
unpriced = { type = "integer", doc = "Open items whose money cannot be told and is in none of the amounts" }
reporting_currency = { type = "text", doc = "The company's currency" }
headline = { type = "text", doc = "The review in one sentence" }
where_to_look = { type = "text", doc = "The tables to open" }

[checks]
not_null = ["quarter", "review", "as_of_date", "owner_id", "owner_role", "is_owner_missing", "population", "reviewed", "clean", "flag", "escalate", "unknown", "carried_over", "escalated_by_age", "recovered", "flag_amount", "escalate_amount", "recovered_amount", "unpriced", "headline"]
expect.adds_up = "population = clean + flag + escalate + unknown and reviewed = population - unknown"

[decisions]
always = "All three reviews have a row, with nothing to look at too: a review nobody holds must be seen"
owner = "The lead of the role: sales for handoffs, run by revenue operations; customer success for behaviour; Finance for contracts, with account management. Else the second role, Finance, the executives"
recovered = "Money of a case counts in the quarter of its last recovery, in full"
quarter_to_date = "A row shows the quarter as it stands on as_of; the partition of the quarter's last run is its result"
---*/
with review_item as (
    select
        review,
        state,
        is_escalated_by_age,
        is_carried_over,
        closed_date,
        amount_reporting,
        overbilled_reporting,
    from review_item
),

recovery_ledger as (
    select
        currency,
        recovered_amount,
    from recovery_ledger
    where
        recovered_amount > 0
        and last_resolved_date <= cast($as_of as date)
        and last_resolved_date >= make_date(
            cast(date_part('year', cast($as_of as date)) as bigint),
            3 * cast(date_part('quarter', cast($as_of as date)) as bigint) - 2,
            1
        )
),

role_lead as (
    select
        role,
        lead_id,
    from role_lead
),

reporting_rate as (
    select
        currency,
        rate,
        minor_digits,
    from reporting_rate
),

today as (
    select
        make_date(
            cast(date_part('year', cast($as_of as date)) as bigint),
            3 * cast(date_part('quarter', cast($as_of as date)) as bigint) - 2,
            1
        ) as quarter_date,
        concat(
            cast(cast(date_part('year', cast($as_of as date)) as bigint) as varchar), '-Q',
            cast(cast(date_part('quarter', cast($as_of as date)) as bigint) as varchar)
        ) as quarter,
),

review as (
    select 'handoff' as review, 'sales' as first_role, 'revops' as second_role, 'deal' as thing, 'handoff_scorecard, handoff_audit, handoff_verification' as where_to_look
    union all
    select 'behaviour' as review, 'csm' as first_role, 'executive' as second_role, 'account' as thing, 'account_health, sentiment_divergence, audit_start_list' as where_to_look
    union all
    select 'contract' as review, 'finance' as first_role, 'account_manager' as second_role, 'contract' as thing, 'contract_audit, contract_drift, renewal_baseline' as where_to_look
),

desk as (
    select
        max(case when role = 'finance' then lead_id end) as finance_id,
        max(case when role = 'executive' then lead_id end) as executive_id,
    from role_lead
),

resolved as (
    select
        cast(sum(cast(cast(recovery_ledger.recovered_amount as decimal(38,4)) * reporting_rate.rate as decimal(38,10))) as decimal(38,10)) as converted,
        max(reporting_rate.minor_digits) as minor_digits,
    from recovery_ledger
    left join reporting_rate
        on reporting_rate.currency = recovery_ledger.currency
),

counted as (
    select
        review_item.review,
        count(*) as population,
        count(*) filter (where state = 'clean') as clean,
        count(*) filter (where state = 'flag') as flag,
        count(*) filter (where state = 'escalate') as escalate,
        count(*) filter (where state = 'unknown') as unknown,
        count(*) filter (where is_carried_over) as carried_over,
        count(*) filter (where is_escalated_by_age) as escalated_by_age,
        count(*) filter (where closed_date >= today.quarter_date) as recovered,
        sum(case when state = 'flag' then amount_reporting else 0 end) as flag_amount,
        sum(case when state = 'escalate' then amount_reporting else 0 end) as escalate_amount,
        sum(overbilled_reporting) as overbilled_amount,
        sum(case when closed_date >= today.quarter_date then amount_reporting else 0 end) as recovered_value,
        count(*) filter (where state in ('flag', 'escalate') and amount_reporting is null) as unpriced,
    from review_item
    cross join today
    group by review_item.review
),

joined as (
    select
        today.quarter,
        review.*,
        first_lead.lead_id as first_id,
        second_lead.lead_id as second_id,
        desk.finance_id,
        desk.executive_id,
        coalesce(counted.population, 0) as population,
        coalesce(counted.clean, 0) as clean,
        coalesce(counted.flag, 0) as flag,
        coalesce(counted.escalate, 0) as escalate,
        coalesce(counted.unknown, 0) as unknown,
        coalesce(counted.carried_over, 0) as carried_over,
        coalesce(counted.escalated_by_age, 0) as escalated_by_age,
        coalesce(counted.recovered, 0) as recovered,
        coalesce(counted.flag_amount, 0) as flag_amount,
        coalesce(counted.escalate_amount, 0) as escalate_amount,
        case when review.review = 'contract' then coalesce(counted.overbilled_amount, 0) end as overbilled_amount,
        case
            when review.review = 'contract' and resolved.minor_digits = 0 then cast(round(resolved.converted, 0) as decimal(18,4))
            when review.review = 'contract' and resolved.minor_digits = 3 then cast(round(resolved.converted, 3) as decimal(18,4))
            when review.review = 'contract' then cast(round(coalesce(resolved.converted, 0), 2) as decimal(18,4))
            else cast(coalesce(counted.recovered_value, 0) as decimal(18,4))
        end as recovered_amount,
        coalesce(counted.unpriced, 0) as unpriced,
    from review
    cross join today
    cross join desk
    cross join resolved
    left join role_lead as first_lead
        on first_lead.role = review.first_role
    left join role_lead as second_lead
        on second_lead.role = review.second_role
    left join counted
        on counted.review = review.review
)

select
    quarter,
    review,
    cast($as_of as date) as as_of_date,
    coalesce(first_id, second_id, finance_id, executive_id, 'unassigned') as owner_id,
    case
        when first_id is not null then first_role
        when second_id is not null then second_role
        when finance_id is not null then 'finance'
        when executive_id is not null then 'executive'
        else first_role
    end as owner_role,
    first_id is null as is_owner_missing,
    second_id as second_owner_id,
    second_role as second_owner_role,
    population,
    population - unknown as reviewed,
    cast(
        round(cast(cast(100 * (population - unknown) as double) / cast(nullif(population, 0) as double) as decimal(38,10)), 4) as decimal(9,4)
    ) as reviewed_pct,
    clean,
    flag,
    escalate,
    unknown,
    carried_over,
    escalated_by_age,
    recovered,
    cast(flag_amount as decimal(18,4)) as flag_amount,
    cast(escalate_amount as decimal(18,4)) as escalate_amount,
    cast(overbilled_amount as decimal(18,4)) as overbilled_amount,
    recovered_amount,
    unpriced,
    cast($reporting_currency as varchar) as reporting_currency,
    case
        when population = 0 then concat('There are no ', thing, 's to look at in ', quarter, ' so far.')
        else concat(
            cast(population as varchar), ' ', thing, case when population = 1 then ' in ' else 's in ' end, quarter, ': ', cast(clean as varchar), ' clean, ', cast(flag as varchar), ' flagged, ',
            cast(escalate as varchar), ' escalated, ', cast(unknown as varchar), ' not to be judged; ', cast(carried_over as varchar), ' carried over, ',
            cast(recovered as varchar), ' clean again; ', cast(cast(flag_amount + escalate_amount as decimal(18,2)) as varchar), ' ', cast($reporting_currency as varchar),
            case review when 'contract' then ' leaking.' when 'behaviour' then ' of annual value at stake.' else ' of deals concerned.' end
        )
    end as headline,
    where_to_look,
from joined
