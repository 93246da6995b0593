/*---
title = "Renewals that are open for talks, or were missed"
owner = "cs"
grain = ["contract_id"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
contract_id = { type = "text", doc = "Canonical contract" }
account_id = { type = "text", doc = "The account" }
currency = { type = "text", doc = "Contract currency" }
renewal_date = { type = "date", doc = "First day of the next term; of a missed renewal the day the term ended" }
notice_days = { type = "integer", doc = "Days before renewal by which notice must be given; null where not known" }
notice_deadline_date = { type = "date", doc = "Renewal date less notice days: the real deadline; null where notice days are not known" }
opens_date = { type = "date", doc = "First day on which the renewal is to be worked on" }
conversation_due_date = { type = "date", doc = "Day by which the renewal conversation must have been held" }
auto_renew = { type = "boolean", doc = "Renews by itself; null where not known" }
auto_renew_off_date = { type = "date", doc = "Day automatic renewal was switched off, by as_of; null where it was not" }
state = { type = "text", doc = "renewed, leaving, lapsed, renewing or open" }
decided_date = { type = "date", doc = "Day the customer's decision was recorded; null where none is" }

[checks]
not_null = ["contract_id", "account_id", "currency", "renewal_date", "opens_date", "conversation_due_date", "state"]
expect.state = "state in ('renewed', 'leaving', 'lapsed', 'renewing', 'open')"
expect.deadline_needs_notice = "(notice_deadline_date is null) = (notice_days is null)"

[decisions]
opens = "renewal_open_days before renewal, or renewal_lead_days before the notice deadline, whichever is earlier"
due = "renewal_conversation_days before renewal, and never after the notice deadline"
event = "The next renewal of the contract in force: a term of several years has none before the renewal date it states, evergreen terms have none"
lapsed = "A term that ended in the last renewal_lapsed_days without automatic renewal, new contract or decision stays, also where service runs on: a missed renewal must not leave the list on the very day it is missed"
renewed = "Another contract renews it, or an outcome of this term says renewed, expanded or contracted"
leaving = "An early end up to the renewal is recorded, or an outcome of this term says churned"
renewing = "Renews by itself and the notice deadline has passed: it goes on unless somebody acts"
internal = "Contracts of internal accounts are left out; those of accounts nobody knows are kept"
---*/
with contract_renewal as (
    select
        contract_id,
        account_id,
        currency,
        term_start_date,
        renewal_date,
        notice_days,
        auto_renew,
        is_renewed,
        is_ending,
    from contract_renewal
    where renewal_date is not null
),

contract_version as (
    select
        contract_id,
        account_id,
        currency,
        start_date,
        end_date,
        term_type,
        notice_days,
        auto_renew,
    from contract_version
    where is_current
),

contract_ending as (
    select
        contract_id,
        terminated_date,
        auto_renew_off_date,
        is_renewed,
    from contract_ending
),

canonical_id as (
    select
        external_id,
        canonical_id,
    from canonical_id
    where kind = 'contract'
),

outcome as (
    select
        contract_id,
        kind,
        decided_date,
        outcome_id,
    from outcome
    where
        contract_id is not null
        and decided_date <= cast($as_of as date)
),

account as (
    select
        account_id,
        is_internal,
    from account
),

-- Terms ahead, and those that ended lately with nothing after them.
term as (
    select
        contract_id,
        account_id,
        currency,
        term_start_date,
        renewal_date,
        notice_days,
        auto_renew,
        is_renewed,
        is_ending,
        false as is_lapsed,
    from contract_renewal
    union all
    select
        contract_version.contract_id,
        contract_version.account_id,
        contract_version.currency,
        contract_version.start_date as term_start_date,
        contract_version.end_date as renewal_date,
        contract_version.notice_days,
        contract_version.auto_renew,
        false as is_renewed,
        false as is_ending,
        true as is_lapsed,
    from contract_version
    inner join contract_ending
        on contract_ending.contract_id = contract_version.contract_id
    left join contract_renewal
        on contract_renewal.contract_id = contract_version.contract_id
    where
        contract_version.end_date <= cast($as_of as date)
        and contract_version.end_date > cast($as_of as date) - cast(cast($renewal_lapsed_days as bigint) as int)
        and coalesce(contract_version.term_type, 'termed') <> 'evergreen'
        and not coalesce(contract_version.auto_renew, false)
        and not contract_ending.is_renewed
        and contract_ending.terminated_date is null
        and contract_renewal.contract_id is null
),

dated as (
    select
        term.*,
        cast(term.renewal_date - cast(term.notice_days as int) as date) as notice_deadline_date,
        cast(
            least(
                term.renewal_date - cast(cast($renewal_open_days as bigint) as int),
                term.renewal_date - cast(term.notice_days + cast($renewal_lead_days as bigint) as int)
            ) as date
        ) as opens_date,
    from term
),

-- Outcomes name the contract as their own system does.
decided as (
    select
        coalesce(canonical_id.canonical_id, outcome.contract_id) as contract_id,
        outcome.kind,
        outcome.decided_date,
        outcome.outcome_id,
    from outcome
    left join canonical_id
        on canonical_id.external_id = outcome.contract_id
),

-- The last decision of the term that as_of lies in, or that has just ended.
decision as (
    select
        dated.contract_id,
        decided.kind,
        decided.decided_date,
    from dated
    inner join decided
        on decided.contract_id = dated.contract_id
        and decided.decided_date >= dated.term_start_date
    qualify row_number() over (partition by dated.contract_id order by decided.decided_date desc, decided.outcome_id desc) = 1
)

select
    dated.contract_id,
    dated.account_id,
    dated.currency,
    dated.renewal_date,
    dated.notice_days,
    dated.notice_deadline_date,
    dated.opens_date,
    cast(
        least(
            dated.renewal_date - cast(cast($renewal_conversation_days as bigint) as int),
            dated.notice_deadline_date
        ) as date
    ) as conversation_due_date,
    dated.auto_renew,
    contract_ending.auto_renew_off_date,
    case
        when decision.kind = 'churned' then 'leaving'
        when dated.is_renewed or decision.kind is not null then 'renewed'
        when dated.is_ending or contract_ending.terminated_date <= dated.renewal_date then 'leaving'
        when dated.is_lapsed then 'lapsed'
        when dated.auto_renew and dated.notice_deadline_date < cast($as_of as date) then 'renewing'
        else 'open'
    end as state,
    decision.decided_date,
from dated
left join contract_ending
    on contract_ending.contract_id = dated.contract_id
left join decision
    on decision.contract_id = dated.contract_id
left join account
    on account.account_id = dated.account_id
where
    dated.opens_date <= cast($as_of as date)
    and not coalesce(account.is_internal, false)
    -- A term that ended with a decision is settled.
    and not (dated.is_lapsed and decision.kind is not null)
