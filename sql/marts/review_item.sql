/*---
title = "What the three quarterly reviews look at, one by one"
owner = "cs"
grain = ["review", "subject_id", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
review = { type = "text", doc = "handoff, behaviour or contract" }
subject_id = { type = "text", doc = "The deal, the account or the contract" }
as_of_date = { type = "date", doc = "Business date of the run" }
quarter = { type = "text", doc = "Calendar quarter of as_of, such as 2026-Q3" }
account_id = { type = "text", doc = "The account" }
account_name = { type = "text", doc = "Its name" }
owner_id = { type = "text", doc = "Who acts on it; null where nobody is known" }
owner_role = { type = "text", doc = "In which role" }
state = { type = "text", doc = "clean, flag, escalate; unknown where it could not be reviewed" }
is_escalated_by_age = { type = "boolean", doc = "Escalated only because it has been open for review_escalate_quarters ends of quarters" }
open_since_date = { type = "date", doc = "Since when it has been open without a break; null where it is not open" }
quarters_open = { type = "integer", doc = "Ends of quarters it has outlived while open; 0 where it is not open" }
is_carried_over = { type = "boolean", doc = "Open, and already open at the end of an earlier quarter" }
closed_date = { type = "date", doc = "Run that found it clean after it had been open; null where it never was or is open" }
amount_reporting = { type = "decimal(18,4)", doc = "handoff: amount of the deal; behaviour: annual value of the account; contract: open leaks. Reporting currency, null where it cannot be told" }
overbilled_reporting = { type = "decimal(18,4)", doc = "contract: billed and not due, never netted; null in the other reviews" }
reporting_currency = { type = "text", doc = "The company's currency" }
why = { type = "text", doc = "Why it is not clean; null where it is" }

[checks]
not_null = ["review", "subject_id", "as_of_date", "quarter", "state", "is_escalated_by_age", "quarters_open", "is_carried_over"]
expect.review = "review in ('handoff', 'behaviour', 'contract')"
expect.state = "state in ('clean', 'flag', 'escalate', 'unknown')"
expect.open_since = "(open_since_date is null) = (state in ('clean', 'unknown'))"

[decisions]
handoff = "Deals won in the quarter, and those of the two quarters before that are not clean: escalate where evidence contradicts the form; flag where it is overdue or late, a required item is not filled or something granted is left out; unknown while it is not due"
behaviour = "Accounts that are customers: escalate in red; flag in yellow, worsening, or green by word over a fall; unknown where too little is known"
contract = "Contracts whose renewal or notice deadline is near, and those with anything open: the status of contract_audit"
open_since = "The latest earlier partition's day while it was open there, or the day the oldest open finding was first seen, or the handoff was due"
age = "Open over review_escalate_quarters ends of quarters: escalate"
closed = "An item found clean after it had been open stays to the end of the quarter"
---*/
with contract_audit as (
    select
        contract_id,
        account_id,
        owner_id,
        owner_role,
        status,
        reasons,
        is_in_queue,
        findings,
        leak_amount_reporting,
        overbilled_amount_reporting,
    from contract_audit
),

contract_drift as (
    select
        contract_id,
        first_seen_date,
    from contract_drift
    where
        is_material
        and status in ('open', 'confirmed', 'disputed')
),

account_health as (
    select
        account_id,
        owner_id,
        owner_role,
        band,
        score,
        is_worsening,
        reasons,
    from account_health
    where not is_churned
),

sentiment_divergence as (
    select
        account_id,
        is_green_but_declining,
        explanation,
    from sentiment_divergence
),

handoff_audit as (
    select
        opportunity_id,
        account_id,
        owner_id,
        owner_role,
        close_date,
        due_date,
        is_required,
        is_filled,
        is_late,
        status,
        item,
    from handoff_audit
),

handoff_verification as (
    select
        opportunity_id,
        verdict,
        explanation,
        claim,
    from handoff_verification
    where
        evidence_no = 1
        and verdict in ('contradicted', 'omitted')
),

opportunity as (
    select
        opportunity_id,
        amount,
        currency,
    from opportunity
),

account_value as (
    select
        account_id,
        annual_value,
    from account_value
),

account as (
    select
        account_id,
        name,
    from account
),

reporting_rate as (
    select
        currency,
        rate,
        minor_digits,
    from reporting_rate
),

published_item as (
    select
        review,
        subject_id,
        as_of_date,
        state,
        open_since_date,
        closed_date,
    from published.review_item
    where as_of_date < cast($as_of as date)
),

today as (
    select
        cast(date_part('year', cast($as_of as date)) as bigint) * 4 + cast(date_part('quarter', cast($as_of as date)) as bigint) as quarter_no,
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

prior as (
    select *
    from published_item
    qualify dense_rank() over (order by as_of_date desc) = 1
),

oldest as (
    select
        contract_id,
        min(first_seen_date) as first_seen_date,
    from contract_drift
    group by contract_id
),

-- A deal is one item: what is missing over all its required items.
deal as (
    select
        opportunity_id,
        min(account_id) as account_id,
        min(owner_id) as owner_id,
        min(owner_role) as owner_role,
        min(close_date) as close_date,
        min(due_date) as due_date,
        bool_or(coalesce(is_late, false)) as is_late,
        bool_or(status = 'not_due') as is_not_due,
        bool_or(status = 'missing') as is_missing,
        count(*) filter (where is_required) as required,
        count(*) filter (where is_required and not is_filled) as unfilled,
    from handoff_audit
    group by opportunity_id
),

doubted as (
    select
        opportunity_id,
        bool_or(verdict = 'contradicted') as is_contradicted,
        string_agg(explanation, ' ' order by verdict, claim) as explanation,
    from handoff_verification
    group by opportunity_id
),

handed_over as (
    select
        deal.*,
        doubted.opportunity_id is not null as is_doubted,
        coalesce(doubted.is_contradicted, false) as is_contradicted,
        doubted.explanation,
        cast(cast(opportunity.amount as decimal(38,4)) * reporting_rate.rate as decimal(38,10)) as converted,
        reporting_rate.minor_digits,
        today.quarter_no - cast(date_part('year', deal.close_date) as bigint) * 4 - cast(date_part('quarter', deal.close_date) as bigint) as quarters_ago,
    from deal
    cross join today
    left join doubted
        on doubted.opportunity_id = deal.opportunity_id
    left join opportunity
        on opportunity.opportunity_id = deal.opportunity_id
    left join reporting_rate
        on reporting_rate.currency = opportunity.currency
),

looked_at as (
    select
        'handoff' as review,
        opportunity_id as subject_id,
        account_id,
        owner_id,
        owner_role,
        case
            when is_contradicted then 'escalate'
            when is_not_due then 'unknown'
            when is_doubted or is_missing or is_late or unfilled > 0 then 'flag'
            else 'clean'
        end as state,
        due_date as known_since_date,
        case
            when minor_digits = 0 then cast(round(converted, 0) as decimal(18,4))
            when minor_digits = 3 then cast(round(converted, 3) as decimal(18,4))
            else cast(round(converted, 2) as decimal(18,4))
        end as amount_reporting,
        cast(null as decimal(18,4)) as overbilled_reporting,
        nullif(concat_ws(
            ' ',
            case
                when is_not_due then concat('The handoff is due on ', cast(due_date as varchar), '.')
                when is_missing then concat('No handoff was submitted, due on ', cast(due_date as varchar), '.')
                when unfilled > 0 then concat(cast(unfilled as varchar), ' of ', cast(required as varchar), ' required items are not filled.')
            end,
            case when is_late and not is_missing then concat('It came after ', cast(due_date as varchar), '.') end,
            explanation
        ), '') as why,
        quarters_ago = 0 as is_due,
        quarters_ago between 0 and 2 as is_recent,
    from handed_over
    union all
    select
        'behaviour' as review,
        account_health.account_id as subject_id,
        account_health.account_id,
        account_health.owner_id,
        account_health.owner_role,
        case
            when account_health.band = 'red' then 'escalate'
            when account_health.band = 'yellow' or coalesce(account_health.is_worsening, false) or coalesce(sentiment_divergence.is_green_but_declining, false) then 'flag'
            when account_health.band = 'insufficient_data' then 'unknown'
            else 'clean'
        end as state,
        cast(null as date) as known_since_date,
        account_value.annual_value as amount_reporting,
        cast(null as decimal(18,4)) as overbilled_reporting,
        concat_ws(
            ' ',
            concat('Health is ', replace(account_health.band, '_', ' '), ': ', account_health.reasons, '.'),
            case when sentiment_divergence.is_green_but_declining then sentiment_divergence.explanation end
        ) as why,
        true as is_due,
        true as is_recent,
    from account_health
    left join sentiment_divergence
        on sentiment_divergence.account_id = account_health.account_id
    left join account_value
        on account_value.account_id = account_health.account_id
    union all
    select
        'contract' as review,
        contract_audit.contract_id as subject_id,
        contract_audit.account_id,
        contract_audit.owner_id,
        contract_audit.owner_role,
        contract_audit.status as state,
        oldest.first_seen_date as known_since_date,
        contract_audit.leak_amount_reporting as amount_reporting,
        contract_audit.overbilled_amount_reporting as overbilled_reporting,
        concat(upper(substr(contract_audit.reasons, 1, 1)), substr(contract_audit.reasons, 2), '.') as why,
        contract_audit.is_in_queue or contract_audit.findings > 0 as is_due,
        true as is_recent,
    from contract_audit
    left join oldest
        on oldest.contract_id = contract_audit.contract_id
),

dated as (
    select
        looked_at.*,
        looked_at.state in ('flag', 'escalate') as is_open,
        case when prior.state in ('flag', 'escalate') then prior.open_since_date end as prior_open_date,
        case when looked_at.state = 'clean' then case when prior.state in ('flag', 'escalate') then cast($as_of as date) else prior.closed_date end end as closed_date,
        today.quarter,
        today.quarter_no,
        today.quarter_date,
    from looked_at
    cross join today
    left join prior
        on prior.review = looked_at.review
        and prior.subject_id = looked_at.subject_id
),

aged as (
    select
        dated.*,
        case
            when is_open then cast(coalesce(least(prior_open_date, known_since_date), cast($as_of as date)) as date)
        end as open_since_date,
    from dated
    where
        is_recent
        and (is_due or is_open or closed_date >= quarter_date)
),

counted as (
    select
        aged.*,
        case
            when is_open
                then quarter_no - cast(date_part('year', open_since_date) as bigint) * 4 - cast(date_part('quarter', open_since_date) as bigint)
            else 0
        end as quarters_open,
    from aged
)

select
    counted.review,
    counted.subject_id,
    cast($as_of as date) as as_of_date,
    counted.quarter,
    counted.account_id,
    account.name as account_name,
    counted.owner_id,
    counted.owner_role,
    case when counted.quarters_open >= cast($review_escalate_quarters as bigint) then 'escalate' else counted.state end as state,
    counted.state <> 'escalate' and counted.quarters_open >= cast($review_escalate_quarters as bigint) as is_escalated_by_age,
    counted.open_since_date,
    counted.quarters_open,
    counted.quarters_open > 0 as is_carried_over,
    counted.closed_date,
    counted.amount_reporting,
    counted.overbilled_reporting,
    cast($reporting_currency as varchar) as reporting_currency,
    case when counted.state <> 'clean' then counted.why end as why,
from counted
left join account
    on account.account_id = counted.account_id
