/*---
title = "Renewal pipeline: every renewal that is open, its real deadline and what comes next"
owner = "cs"
grain = ["contract_id", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
contract_id = { type = "text", doc = "The contract" }
as_of_date = { type = "date", doc = "Business date of the run" }
account_id = { type = "text", doc = "The account" }
account_name = { type = "text", doc = "Its name; null for an account nobody knows" }
segment = { type = "text", doc = "Its segment" }
owner_id = { type = "text", doc = "Who is to act; null only where nobody is known at all" }
owner_role = { type = "text", doc = "In which role" }
fallback_owner_id = { type = "text", doc = "Who acts if the owner does not" }
fallback_owner_role = { type = "text", doc = "In which role" }
is_unowned = { type = "boolean", doc = "Neither account manager nor CSM nor sales owner is there: Finance or an executive stands in, or nobody" }
state = { type = "text", doc = "open; renewing: renews by itself, deadline passed; renewed; leaving; lapsed: term ended, nothing decided" }
risk = { type = "text", doc = "high, medium, low; unknown where health is not known and nothing else speaks" }
renewal_date = { type = "date", doc = "First day of the next term; of a lapsed one the day the term ended" }
days_to_renewal = { type = "integer", doc = "Days from as_of to it" }
notice_days = { type = "integer", doc = "Days before renewal by which notice must be given; null where not known" }
notice_deadline_date = { type = "date", doc = "The real deadline; null where notice days are not known" }
days_to_notice_deadline = { type = "integer", doc = "Days from as_of to it; negative once it has passed" }
is_deadline_unverifiable = { type = "boolean", doc = "Notice days are not known" }
opens_date = { type = "date", doc = "First day in the pipeline" }
auto_renew = { type = "boolean", doc = "Renews by itself; null where not known" }
auto_renew_off_date = { type = "date", doc = "Day automatic renewal was switched off; null where it was not" }
decided_date = { type = "date", doc = "Day the customer's decision was recorded; null where none is" }
conversation = { type = "text", doc = "held, due, overdue; not_needed once it is decided" }
conversation_due_date = { type = "date", doc = "Day by which it must have been held" }
conversation_held_date = { type = "date", doc = "Last renewal conversation since opens_date; null without one" }
conversation_held_by_id = { type = "text", doc = "Our person in it" }
last_touch_date = { type = "date", doc = "Last call or meeting since opens_date, about whatever" }
has_going_answer = { type = "boolean", doc = "Asked and answered: how is it going? Null where no sentences are known" }
has_growth_answer = { type = "boolean", doc = "Asked and answered: where could more use come from? Null where no sentences are known" }
has_obstacle_answer = { type = "boolean", doc = "Asked and answered: what would prevent renewal? Null where no sentences are known" }
opportunity_id = { type = "text", doc = "The renewal deal in the CRM; null where there is none" }
opportunity_stage = { type = "text", doc = "Its stage" }
days_in_stage = { type = "integer", doc = "Days since it entered the stage" }
forecast_category = { type = "text", doc = "Its forecast category" }
audit_status = { type = "text", doc = "clean, flag or escalate, as contract_audit has it; null once the term has ended" }
audit_reasons = { type = "text", doc = "Why" }
open_findings = { type = "integer", doc = "Open cases of the contract" }
leak_amount = { type = "decimal(18,4)", doc = "Open leaks to settle first, in the contract's currency" }
overbilled_amount = { type = "decimal(18,4)", doc = "Billed and not due, to give back first; never netted" }
annual_value = { type = "decimal(18,4)", doc = "What is to be renewed, a year; null where nothing can be rated" }
currency = { type = "text", doc = "Contract currency" }
leak_amount_reporting = { type = "decimal(18,4)", doc = "leak_amount in the reporting currency; null where no rate is known" }
annual_value_reporting = { type = "decimal(18,4)", doc = "annual_value in the reporting currency; null where no rate is known" }
reporting_currency = { type = "text", doc = "The company's currency" }
health_band = { type = "text", doc = "red, yellow, green or insufficient_data; null where the account has no health" }
health_score = { type = "decimal(9,4)", doc = "0 to 100" }
health_delta_28d = { type = "decimal(9,4)", doc = "Score less the score 28 days ago" }
is_worsening = { type = "boolean", doc = "Heading the wrong way; null where no earlier score is known" }
health_action = { type = "text", doc = "What health says should be done first" }
alerts = { type = "text", doc = "What is wrong with the renewal, joined by semicolons; null where nothing is" }
next_step = { type = "text", doc = "What to do next; null where nothing is left to do" }
next_step_date = { type = "date", doc = "By when; never before as_of" }

[checks]
not_null = ["contract_id", "as_of_date", "account_id", "is_unowned", "state", "risk", "renewal_date", "days_to_renewal", "is_deadline_unverifiable", "opens_date", "conversation", "conversation_due_date", "currency"]
expect.state = "state in ('open', 'renewing', 'renewed', 'leaving', 'lapsed')"
expect.risk = "risk in ('high', 'medium', 'low', 'unknown')"
expect.conversation = "conversation in ('held', 'due', 'overdue', 'not_needed')"
expect.in_the_window = "opens_date <= as_of_date"
expect.step_with_date = "(next_step is null) = (next_step_date is null)"

[decisions]
owner = "The chain of contract_owner; for an account nobody knows whoever leads Finance, else an executive: a row is never lost for want of an owner"
risk = "high: leaving, lapsed, red, or past the notice deadline with nothing signed and no automatic renewal; medium: yellow, worsening, conversation overdue, audit escalated or automatic renewal switched off; what is renewed is low"
first = "Open leaks and overbilling come before the conversation, the conversation before its open questions, these before the signature"
deal = "Of the account's renewal deals the one whose close date is nearest to the renewal, within 120 days; deals name no contract"
---*/
with renewal_event as (
    select *
    from renewal_event
),

renewal_conversation as (
    select *
    from renewal_conversation
),

account as (
    select
        account_id,
        name,
        segment,
    from account
),

contract_owner as (
    select
        account_id,
        owner_id,
        owner_role,
        fallback_owner_id,
        fallback_owner_role,
    from contract_owner
),

-- Who acts where even the account is not known.
desk as (
    select
        role,
        lead_id,
    from role_lead
    where role in ('finance', 'executive')
    qualify row_number() over (order by case when role = 'finance' then 1 else 2 end) = 1
),

contract_audit as (
    select
        contract_id,
        status,
        reasons,
        due_date,
        findings,
        leak_amount,
        overbilled_amount,
        leak_amount_reporting,
    from contract_audit
),

contract_value as (
    select
        contract_id,
        annual_value,
    from contract_value
),

reporting_rate as (
    select
        currency,
        rate,
        minor_digits,
    from reporting_rate
),

account_health as (
    select
        account_id,
        band,
        score,
        delta_28d,
        is_worsening,
        next_action,
    from account_health
),

opportunity as (
    select
        opportunity_id,
        account_id,
        stage,
        forecast_category,
        close_date,
        cast(stage_changed_at as date) as stage_date,
    from opportunity
    where
        kind = 'renewal'
        and close_date is not null
        and (created_at is null or created_at < cast($as_of_end as timestamp))
),

deal as (
    select
        renewal_event.contract_id,
        opportunity.opportunity_id,
        opportunity.stage,
        opportunity.forecast_category,
        opportunity.stage_date,
    from renewal_event
    inner join opportunity
        on opportunity.account_id = renewal_event.account_id
        and opportunity.close_date between renewal_event.renewal_date - 120 and renewal_event.renewal_date + 120
    qualify row_number() over (
        partition by renewal_event.contract_id
        order by abs(cast(opportunity.close_date - renewal_event.renewal_date as bigint)), opportunity.opportunity_id
    ) = 1
),

joined as (
    select
        renewal_event.contract_id,
        renewal_event.account_id,
        renewal_event.currency,
        renewal_event.renewal_date,
        renewal_event.notice_days,
        renewal_event.notice_deadline_date,
        renewal_event.opens_date,
        renewal_event.conversation_due_date,
        renewal_event.auto_renew,
        renewal_event.auto_renew_off_date,
        renewal_event.state,
        renewal_event.decided_date,
        account.name as account_name,
        account.segment,
        coalesce(contract_owner.owner_id, desk.lead_id) as owner_id,
        coalesce(contract_owner.owner_role, desk.role) as owner_role,
        contract_owner.fallback_owner_id,
        contract_owner.fallback_owner_role,
        not coalesce(contract_owner.owner_role in ('account_manager', 'csm', 'sales'), false) as is_unowned,
        cast(renewal_event.renewal_date - cast($as_of as date) as bigint) as days_to_renewal,
        cast(renewal_event.notice_deadline_date - cast($as_of as date) as bigint) as days_to_deadline,
        renewal_conversation.last_touch_date,
        renewal_conversation.held_date,
        renewal_conversation.held_by_id,
        renewal_conversation.has_going_answer,
        renewal_conversation.has_growth_answer,
        renewal_conversation.has_obstacle_answer,
        deal.opportunity_id,
        deal.stage,
        deal.forecast_category,
        cast(cast($as_of as date) - deal.stage_date as bigint) as days_in_stage,
        contract_audit.status as audit_status,
        contract_audit.reasons as audit_reasons,
        contract_audit.due_date as audit_due_date,
        contract_audit.findings,
        contract_audit.leak_amount,
        contract_audit.overbilled_amount,
        contract_audit.leak_amount_reporting,
        contract_value.annual_value,
        cast(cast(contract_value.annual_value as decimal(38,4)) * reporting_rate.rate as decimal(38,10)) as value_converted,
        reporting_rate.minor_digits,
        account_health.band,
        account_health.score,
        account_health.delta_28d,
        account_health.is_worsening,
        account_health.next_action,
    from renewal_event
    left join renewal_conversation
        on renewal_conversation.contract_id = renewal_event.contract_id
    left join account
        on account.account_id = renewal_event.account_id
    left join contract_owner
        on contract_owner.account_id = renewal_event.account_id
    left join desk
        on 1 = 1
    left join deal
        on deal.contract_id = renewal_event.contract_id
    left join contract_audit
        on contract_audit.contract_id = renewal_event.contract_id
    left join contract_value
        on contract_value.contract_id = renewal_event.contract_id
    left join reporting_rate
        on reporting_rate.currency = renewal_event.currency
    left join account_health
        on account_health.account_id = renewal_event.account_id
),

judged as (
    select
        joined.*,
        state in ('renewed', 'leaving') as is_decided,
        state = 'open' and coalesce(days_to_deadline < 0, false) as is_past_deadline,
        coalesce(leak_amount > 0, false) as has_leak,
        coalesce(overbilled_amount > 0, false) as has_overbilling,
        case
            when held_date is not null then 'held'
            when state in ('renewed', 'leaving') then 'not_needed'
            when conversation_due_date <= cast($as_of as date) then 'overdue'
            else 'due'
        end as conversation,
        nullif(concat_ws(
            ', ',
            case when not has_going_answer then 'how it is going' end,
            case when not has_growth_answer then 'where more use could come from' end,
            case when not has_obstacle_answer then 'what would prevent renewal' end
        ), '') as open_questions,
    from joined
),

rated as (
    select
        judged.*,
        case
            when state = 'renewed' then 'low'
            when state in ('leaving', 'lapsed') or is_past_deadline or coalesce(band = 'red', false) then 'high'
            when
                coalesce(band = 'yellow', false)
                or coalesce(is_worsening, false)
                or conversation = 'overdue'
                or coalesce(audit_status = 'escalate', false)
                or auto_renew_off_date is not null
                then 'medium'
            when coalesce(band, 'insufficient_data') = 'insufficient_data' then 'unknown'
            else 'low'
        end as risk,
        case
            when state = 'renewed' then null
            when state = 'leaving' then 'leaving'
            when state = 'lapsed' then 'lapsed'
            when is_unowned then 'owner'
            when has_leak or has_overbilling then 'settle'
            when conversation in ('due', 'overdue') then 'conversation'
            when open_questions is not null then 'questions'
            when is_past_deadline then 'late'
            when state = 'open' then 'sign'
        end as step,
    from judged
),

worded as (
    select
        rated.*,
        nullif(concat_ws(
            '; ',
            case
                when is_unowned and owner_id is null then 'nobody at all is known to act for the account'
                when is_unowned then concat('nobody named for the account is there: ', owner_id, ' stands in as ', owner_role)
            end,
            case when state = 'lapsed' then concat('the term ended ', cast(- days_to_renewal as varchar), case when days_to_renewal = -1 then ' day' else ' days' end, ' ago and nothing is decided') end,
            case when is_past_deadline then concat('the notice deadline passed ', cast(- days_to_deadline as varchar), case when days_to_deadline = -1 then ' day' else ' days' end, ' ago and nothing is signed') end,
            case when conversation = 'overdue' and state <> 'lapsed' then concat('no renewal conversation since ', cast(opens_date as varchar), ', due by ', cast(conversation_due_date as varchar)) end,
            case when auto_renew_off_date is not null and not is_decided then concat('automatic renewal was switched off on ', cast(auto_renew_off_date as varchar)) end,
            case when has_leak and not is_decided then concat('leaks of ', cast(cast(leak_amount as decimal(18,2)) as varchar), ' ', currency, ' are open') end,
            case when has_overbilling and not is_decided then concat('overbilled by ', cast(cast(overbilled_amount as decimal(18,2)) as varchar), ' ', currency) end,
            case when notice_days is null and state in ('open', 'lapsed') then 'notice days are not known, so the real deadline cannot be told' end
        ), '') as alerts,
        case step
            when 'leaving' then concat('Ask why the customer leaves on ', cast(renewal_date as varchar), ' and write the reason down.')
            when 'lapsed' then concat('Settle whether it goes on: the term ended on ', cast(renewal_date as varchar), ' and nothing is decided.')
            when 'owner' then concat('Name an owner for the renewal of ', cast(renewal_date as varchar), '.')
            when 'settle' then concat(
                'Before the conversation, ',
                concat_ws(
                    ' and ',
                    case when has_leak then concat('settle the open leaks of ', cast(cast(leak_amount as decimal(18,2)) as varchar), ' ', currency) end,
                    case when has_overbilling then concat('give back the ', cast(cast(overbilled_amount as decimal(18,2)) as varchar), ' ', currency, ' billed too much') end
                ),
                '.'
            )
            when 'conversation' then concat('Hold the renewal conversation by ', cast(conversation_due_date as varchar), ': how it is going, where more use could come from, what would prevent renewal.')
            when 'questions' then concat('Ask what the conversation left open: ', open_questions, '.')
            when 'late' then concat('Get the decision: the notice deadline passed on ', cast(notice_deadline_date as varchar), '.')
            when 'sign' then concat('Get the renewal signed by ', cast(coalesce(notice_deadline_date, renewal_date) as varchar), '.')
        end as next_step,
        case step
            when 'leaving' then renewal_date
            when 'lapsed' then cast($as_of as date)
            when 'owner' then cast($as_of as date)
            when 'settle' then least(conversation_due_date, audit_due_date)
            when 'conversation' then conversation_due_date
            when 'questions' then coalesce(notice_deadline_date, renewal_date)
            when 'late' then cast($as_of as date)
            when 'sign' then coalesce(notice_deadline_date, renewal_date)
        end as step_date,
    from rated
)

select
    contract_id,
    cast($as_of as date) as as_of_date,
    account_id,
    account_name,
    segment,
    owner_id,
    owner_role,
    fallback_owner_id,
    fallback_owner_role,
    is_unowned,
    state,
    risk,
    renewal_date,
    days_to_renewal,
    notice_days,
    notice_deadline_date,
    days_to_deadline as days_to_notice_deadline,
    notice_days is null as is_deadline_unverifiable,
    opens_date,
    auto_renew,
    auto_renew_off_date,
    decided_date,
    conversation,
    conversation_due_date,
    held_date as conversation_held_date,
    held_by_id as conversation_held_by_id,
    last_touch_date,
    has_going_answer,
    has_growth_answer,
    has_obstacle_answer,
    opportunity_id,
    stage as opportunity_stage,
    days_in_stage,
    forecast_category,
    audit_status,
    audit_reasons,
    findings as open_findings,
    leak_amount,
    overbilled_amount,
    annual_value,
    currency,
    leak_amount_reporting,
    case
        when minor_digits = 0 then cast(round(value_converted, 0) as decimal(18,4))
        when minor_digits = 3 then cast(round(value_converted, 3) as decimal(18,4))
        else cast(round(value_converted, 2) as decimal(18,4))
    end as annual_value_reporting,
    cast($reporting_currency as varchar) as reporting_currency,
    band as health_band,
    score as health_score,
    delta_28d as health_delta_28d,
    is_worsening,
    next_action as health_action,
    alerts,
    next_step,
    cast(case when step_date is not null then greatest(step_date, cast($as_of as date)) end as date) as next_step_date,
from worded
