/*---
title = "What the tables ask somebody to do, before owners, money and days are completed"
owner = "cs"
grain = ["kind", "subject_id", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
kind = { type = "text", doc = "settle_finding, supply_terms, decide_exception, renewal, health, usage, rating, onboarding, launch, plan_onboarding, handoff, expansion, tracking or connect_sources" }
subject_id = { type = "text", doc = "The finding, contract, exception, account or metric it is about" }
as_of_date = { type = "date", doc = "Business date of the run" }
account_id = { type = "text", doc = "The account; null where it concerns several" }
owner_id = { type = "text", doc = "Who is to act, as the table says; null where it names nobody" }
owner_role = { type = "text", doc = "In which role" }
wanted_date = { type = "date", doc = "By when, also in the past; null where the table knows no day" }
since_date = { type = "date", doc = "Since when it has been known, where the table tells" }
amount = { type = "decimal(18,4)", doc = "Money at stake, where the table tells; null where the account's annual value is meant" }
currency = { type = "text", doc = "Currency of amount" }
amount_meaning = { type = "text", doc = "What the amount is" }
what = { type = "text", doc = "What to do, in a sentence" }
why = { type = "text", doc = "Why, in a sentence with its numbers" }
where_to_look = { type = "text", doc = "The table and the key under which the details stand" }

[checks]
not_null = ["kind", "subject_id", "as_of_date", "what", "why", "where_to_look"]

[decisions]
once = "One action per account out of health and usage: usage speaks only where health has nothing to be done, and by its worst metric; a rating that is in doubt is an action of its own"
findings = "Material cases that are open, confirmed or disputed"
onboarding = "Contracts that started within action_onboarding_days: what was not recorded then will not be done now; the step due longest speaks for its contract"
expansion = "A cue that nothing stands against: to be acted on within action_yellow_days of the day it was seen, never after it has expired"
data = "Doubts about the data are one action per metric, unscored accounts one action in all: they are not so many churn risks"
---*/
with contract_drift as (
    select
        finding_id,
        check_code,
        class,
        account_id,
        owner_id,
        owner_role,
        leak_amount,
        leak_amount_reporting,
        currency,
        explanation,
        decide_by_date,
        first_seen_date,
    from contract_drift
    where
        is_material
        and status in ('open', 'confirmed', 'disputed')
),

contract_audit as (
    select
        contract_id,
        account_id,
        owner_id,
        owner_role,
        checks_unverifiable,
        missing_terms,
        blocked_amount,
        currency,
        due_date,
    from contract_audit
    where checks_unverifiable > 0
),

exception_expiry as (
    select *
    from exception_expiry
),

renewal_pipeline as (
    select *
    from renewal_pipeline
    where next_step is not null
),

account_health as (
    select
        account_id,
        owner_id,
        owner_role,
        score,
        band,
        delta_28d,
        is_worsening,
        reasons,
        next_action,
    from account_health
    where not is_churned
),

usage_signal as (
    select
        account_id,
        metric,
        owner_id,
        owner_role,
        tier,
        adjusted_change_pct,
        explanation,
        action,
    from usage_signal
    where action is not null
),

sentiment_divergence as (
    select
        account_id,
        owner_id,
        owner_role,
        explanation,
        next_action,
    from sentiment_divergence
    where
        next_action is not null
        and not is_churned
        and (is_green_but_declining or is_stale_green or is_red_but_growing)
),

onboarding_runway as (
    select *
    from onboarding_runway
    where start_date > cast($as_of as date) - cast(cast($action_onboarding_days as bigint) as int)
),

handoff_audit as (
    select *
    from handoff_audit
    where close_date > cast($as_of as date) - cast(cast($action_handoff_days as bigint) as int)
),

handoff_verification as (
    select
        opportunity_id,
        verdict,
        claim,
        explanation,
    from handoff_verification
    where
        evidence_no = 1
        and verdict in ('contradicted', 'omitted')
),

expansion_cue as (
    select *
    from expansion_cue
    where suppressed_reason is null
),

health_action as (
    select *
    from account_health
    where
        next_action is not null
        and (band in ('red', 'yellow') or (band = 'green' and coalesce(is_worsening, false)))
),

-- The worst metric of accounts of which health has nothing to say.
usage_action as (
    select usage_signal.*
    from usage_signal
    left join health_action
        on health_action.account_id = usage_signal.account_id
    where
        health_action.account_id is null
        and usage_signal.tier in ('escalate', 'flag')
    qualify row_number() over (
        partition by usage_signal.account_id
        order by usage_signal.tier, usage_signal.adjusted_change_pct, usage_signal.metric
    ) = 1
),

doubted_metric as (
    select
        metric,
        tier,
        count(*) as accounts,
        min(action) as action,
    from usage_signal
    where tier in ('fleet', 'unmeasured')
    group by
        metric,
        tier
),

scored as (
    select
        count(*) as accounts,
        count(*) filter (where band = 'insufficient_data') as unscored,
    from account_health
),

-- The step that has been due longest speaks for the contract.
late_step as (
    select
        onboarding_runway.*,
        count(*) over (partition by account_id, contract_id) as steps,
    from onboarding_runway
    where state = 'overdue'
    qualify row_number() over (partition by account_id, contract_id order by due_date, runway_day, step) = 1
),

first_step as (
    select *
    from onboarding_runway
    where step = 'welcome'
),

doubt as (
    select
        opportunity_id,
        count(*) as claims,
        string_agg(explanation, ' ' order by verdict, claim) as explanation,
    from handoff_verification
    group by opportunity_id
),

-- One action a deal: not handed over at all, sent back, or not as the evidence has it.
deal as (
    select
        handoff_audit.*,
        doubt.claims,
        doubt.explanation as doubt,
        handoff_audit.status = 'missing' and coalesce(handoff_audit.is_late, false) as is_missing,
    from handoff_audit
    left join doubt
        on doubt.opportunity_id = handoff_audit.opportunity_id
    where
        doubt.opportunity_id is not null
        or handoff_audit.acceptance = 'rejected'
        or (handoff_audit.status = 'missing' and coalesce(handoff_audit.is_late, false))
    qualify row_number() over (partition by handoff_audit.opportunity_id order by handoff_audit.item) = 1
),

-- What one kind does not know is null.
listed as (
    select
        'settle_finding' as kind,
        finding_id as subject_id,
        account_id,
        owner_id,
        owner_role,
        coalesce(decide_by_date, cast($as_of as date) + cast(cast($action_default_days as bigint) as int)) as wanted_date,
        first_seen_date as since_date,
        cast(abs(leak_amount) as decimal(18,4)) as amount,
        currency,
        case
            when check_code in ('R1', 'R2', 'R3', 'R4') then 'billed and not paid'
            when check_code in ('A1', 'A2') then 'given up without approval'
            when class = 'leak' then 'due and not billed'
            when class = 'liability' then 'billed and not due'
            else 'open, as far as it can be told'
        end as amount_meaning,
        case
            when check_code in ('R1', 'R2', 'R3', 'R4') then concat('Settle finding ', check_code, ': collect what is open.')
            when check_code in ('A1', 'A2') then concat('Settle finding ', check_code, ': have it approved or take it back.')
            when class = 'leak' then concat('Settle finding ', check_code, ': bill what is due or record why not.')
            when class = 'liability' then concat('Settle finding ', check_code, ': give back what was billed too much.')
            when class in ('opportunity', 'exposure') then concat('Decide on finding ', check_code, ': charge it or record why not.')
            else concat('Clear up finding ', check_code, '.')
        end as what,
        explanation as why,
        concat('contract_drift, finding_id ', finding_id) as where_to_look,
    from contract_drift
    union all by name
    select
        'supply_terms' as kind,
        contract_id as subject_id,
        account_id,
        owner_id,
        owner_role,
        due_date as wanted_date,
        nullif(blocked_amount, 0) as amount,
        currency,
        'cannot be verified' as amount_meaning,
        concat('Supply the missing terms of contract ', contract_id, ': ', coalesce(missing_terms, 'not named'), '.') as what,
        concat(cast(checks_unverifiable as varchar), case when checks_unverifiable = 1 then ' check' else ' checks' end, ' of the contract could not run in full without them.') as why,
        concat('contract_audit, contract_id ', contract_id) as where_to_look,
    from contract_audit
    union all by name
    select
        'decide_exception' as kind,
        exception_id as subject_id,
        account_id,
        owner_id,
        coalesce(owner_role, 'finance') as owner_role,
        cast(lapses_date - 1 as date) as wanted_date,
        cast(coalesce(run_rate_12m, run_rate_12m_reporting) as decimal(18,4)) as amount,
        coalesce(currency, case when run_rate_12m_reporting is not null then reporting_currency end) as currency,
        'comes back in twelve months if it lapses' as amount_meaning,
        case when kind = 'review' then 'Decide again on the waived finding, or let the waiver lapse.' else 'Extend the exception, or let it lapse.' end as what,
        concat('It lapses on ', cast(lapses_date as varchar), ' and hides ', case when cases = 0 then 'nothing' when cases = 1 then '1 case' else concat(cast(cases as varchar), ' cases') end, case when reason is not null then concat('; it was granted for this reason: ', reason) else '' end, '.') as why,
        concat('exception_expiry, exception_id ', exception_id) as where_to_look,
    from exception_expiry
    union all by name
    select
        'renewal' as kind,
        contract_id as subject_id,
        account_id,
        owner_id,
        coalesce(owner_role, 'account_manager') as owner_role,
        case
            when state = 'lapsed' then renewal_date
            when conversation = 'overdue' then least(conversation_due_date, next_step_date)
            else next_step_date
        end as wanted_date,
        annual_value as amount,
        currency,
        'to be renewed, a year' as amount_meaning,
        next_step as what,
        concat(
            'The contract ', case when state = 'lapsed' then 'ended' else 'renews' end, ' on ', cast(renewal_date as varchar),
            case when notice_deadline_date is not null then concat(', notice deadline ', cast(notice_deadline_date as varchar)) else '' end, ', risk ', risk, case when alerts is not null then concat(': ', alerts) else '' end, '.'
        ) as why,
        concat('renewal_pipeline, contract_id ', contract_id) as where_to_look,
    from renewal_pipeline
    union all by name
    select
        'health' as kind,
        account_id as subject_id,
        account_id,
        owner_id,
        owner_role,
        cast($as_of as date) + cast(case band when 'red' then cast($action_red_days as bigint) else cast($action_yellow_days as bigint) end as int) as wanted_date,
        'annual value of the account' as amount_meaning,
        concat(upper(substr(next_action, 1, 1)), substr(next_action, 2), '.') as what,
        concat(
            'Health is ', band, ' at ', cast(cast(round(score, 0) as bigint) as varchar), ' of 100',
            case when delta_28d < 0 then concat(', ', cast(cast(round(- delta_28d, 0) as bigint) as varchar), ' less than 28 days ago') else '' end,
            ': ', reasons, '.'
        ) as why,
        concat('account_health, account_id ', account_id) as where_to_look,
    from health_action
    union all by name
    select
        'usage' as kind,
        account_id as subject_id,
        account_id,
        owner_id,
        owner_role,
        cast($as_of as date) + cast(cast($action_yellow_days as bigint) as int) as wanted_date,
        'annual value of the account' as amount_meaning,
        concat(upper(substr(action, 1, 1)), substr(action, 2), '.') as what,
        explanation as why,
        concat('usage_signal, account_id ', account_id, ', metric ', metric) as where_to_look,
    from usage_action
    union all by name
    select
        'rating' as kind,
        account_id as subject_id,
        account_id,
        owner_id,
        owner_role,
        cast($as_of as date) + cast(cast($action_yellow_days as bigint) as int) as wanted_date,
        'annual value of the account' as amount_meaning,
        concat(upper(substr(next_action, 1, 1)), substr(next_action, 2), '.') as what,
        explanation as why,
        concat('sentiment_divergence, account_id ', account_id) as where_to_look,
    from sentiment_divergence
    union all by name
    select
        'onboarding' as kind,
        contract_id as subject_id,
        account_id,
        owner_id,
        owner_role,
        due_date as wanted_date,
        'annual value of the account' as amount_meaning,
        concat('Get the onboarding back on the runway: ', cast(steps as varchar), case when steps = 1 then ' step is' else ' steps are' end, ' overdue.') as what,
        explanation as why,
        concat('onboarding_runway, contract_id ', contract_id) as where_to_look,
    from late_step
    union all by name
    select
        'launch' as kind,
        contract_id as subject_id,
        account_id,
        owner_id,
        owner_role,
        cast(start_date + cast(cast($onboarding_value_days as bigint) as int) as date) as wanted_date,
        'annual value of the account' as amount_meaning,
        'Bring the customer to the first use of a core feature.' as what,
        concat(
            'No core feature was used in the ', cast(cast($as_of as date) - start_date as varchar), ' days since the start on ', cast(start_date as varchar),
            ': the launch ', case launch when 'failed' then 'has failed' when 'severe' then 'is at severe risk' else 'is at risk' end, '.'
        ) as why,
        concat('onboarding_runway, contract_id ', contract_id) as where_to_look,
    from first_step
    where launch in ('at_risk', 'severe', 'failed')
    union all by name
    select
        'plan_onboarding' as kind,
        contract_id as subject_id,
        account_id,
        owner_id,
        owner_role,
        due_date as wanted_date,
        'annual value of the account' as amount_meaning,
        'Plan the onboarding, or record what was done.' as what,
        concat('The contract started on ', cast(start_date as varchar), ' and no step is recorded, though those of other customers are.') as why,
        concat('onboarding_runway, contract_id ', contract_id) as where_to_look,
    from first_step
    where is_unplanned
    union all by name
    select
        'handoff' as kind,
        opportunity_id as subject_id,
        account_id,
        owner_id,
        coalesce(owner_role, 'sales') as owner_role,
        case when is_missing then due_date else cast($as_of as date) + cast(cast($action_yellow_days as bigint) as int) end as wanted_date,
        'annual value of the account' as amount_meaning,
        case
            when is_missing then 'Hand the deal over.'
            when claims > 0 then concat('Go through the handoff with sales: ', cast(claims as varchar), case when claims = 1 then ' claim does' else ' claims do' end, ' not agree with the evidence.')
            else 'Complete the handoff that was sent back.'
        end as what,
        case
            when is_missing then concat('The deal was won on ', cast(close_date as varchar), ' and no handoff was submitted by ', cast(due_date as varchar), '.')
            else concat_ws(' ', case when acceptance = 'rejected' then concat('It was sent back: ', coalesce(rejected_reason, 'no reason given'), '.') end, doubt)
        end as why,
        concat('handoff_verification and handoff_audit, opportunity_id ', opportunity_id) as where_to_look,
    from deal
    union all by name
    select
        'expansion' as kind,
        cue_id as subject_id,
        account_id,
        owner_id,
        coalesce(owner_role, route_role) as owner_role,
        cast(least(detected_date + cast(cast($action_yellow_days as bigint) as int), expires_date) as date) as wanted_date,
        detected_date as since_date,
        estimate_amount as amount,
        currency,
        'may come in, a year' as amount_meaning,
        case play
            when 'expand' then 'Offer what their use asks for.'
            when 'qualify' then 'Ask what it means for their use.'
            when 'brief' then 'Tell the customer what is agreed and when it takes effect.'
            else 'Renew the relationship, and offer nothing.'
        end as what,
        concat(explanation, case when open_opportunity_id is not null then concat(' The deal ', open_opportunity_id, ' is open already.') else '' end) as why,
        concat('expansion_cue, cue_id ', cue_id) as where_to_look,
    from expansion_cue
    union all by name
    select
        'tracking' as kind,
        concat(metric, ' ', tier) as subject_id,
        'revops' as owner_role,
        cast($as_of as date) as wanted_date,
        concat(upper(substr(action, 1, 1)), substr(action, 2), '.') as what,
        concat(
            'The metric ', metric, case when tier = 'fleet' then ' moved for ' else ' is not measured for ' end, cast(accounts as varchar),
            case when accounts = 1 then ' account' else ' accounts' end, case when tier = 'fleet' then ' at once' else '' end, ': nothing can be said of their use.'
        ) as why,
        concat('usage_signal, metric ', metric, ', tier ', tier) as where_to_look,
    from doubted_metric
    union all by name
    select
        'connect_sources' as kind,
        'account_health' as subject_id,
        'revops' as owner_role,
        cast($as_of as date) + cast(cast($action_default_days as bigint) as int) as wanted_date,
        'Connect the sources that are missing.' as what,
        concat(cast(unscored as varchar), ' of ', cast(accounts as varchar), case when accounts = 1 then ' account' else ' accounts' end, ' cannot be scored: too little is known of them.') as why,
        'account_health, band insufficient_data' as where_to_look,
    from scored
    where unscored > 0
)

select
    kind,
    subject_id,
    cast($as_of as date) as as_of_date,
    account_id,
    owner_id,
    owner_role,
    cast(wanted_date as date) as wanted_date,
    since_date,
    cast(amount as decimal(18,4)) as amount,
    currency,
    amount_meaning,
    what,
    why,
    where_to_look,
from listed
