/*---
title = "Contract versions that count, with the days they hold"
owner = "finance"
grain = ["contract_id", "version"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
contract_id = { type = "text", doc = "Canonical contract" }
version = { type = "integer", doc = "The version" }
term_source = { type = "text", doc = "signed, crm or billing: the highest-ranked source this contract has" }
account_id = { type = "text", doc = "The account" }
is_current = { type = "boolean", doc = "In force on as_of, or the first version where none is yet" }
valid_from_date = { type = "date", doc = "First day this version holds" }
valid_to_date = { type = "date", doc = "First day it no longer holds; 9999-12-31 where open" }
start_date = { type = "date", doc = "First day of the term as written" }
service_start_date = { type = "date", doc = "First day of service under this version's contract terms" }
end_date = { type = "date", doc = "First day after the term as written" }
charged_to_date = { type = "date", doc = "First day no longer charged: term end, early end or 9999-12-31" }
first_start_date = { type = "date", doc = "Start of the earliest version, the default anchor" }
renewal_date = { type = "date", doc = "First day of the next term" }
renews_contract_id = { type = "text", doc = "The contract that this one renews" }
notice_days = { type = "integer", doc = "Days before renewal by which notice must be given" }
auto_renew = { type = "boolean", doc = "Renews by itself" }
auto_renew_changed_at = { type = "timestamp", doc = "When automatic renewal was last switched" }
terminated_date = { type = "date", doc = "First day after an early end" }
terminated_recorded_at = { type = "timestamp", doc = "When the early end was recorded" }
term_type = { type = "text", doc = "termed or evergreen" }
renewal_price_rule = { type = "text", doc = "none, fixed_pct, index or list" }
renewal_uplift_pct = { type = "decimal(9,4)", doc = "Uplift at renewal, percent points" }
is_overlapping = { type = "boolean", doc = "Another version of the contract takes effect on the same day" }
billing_frequency = { type = "text", doc = "monthly, quarterly, semiannual, annual or one_off" }
bill_timing = { type = "text", doc = "advance or arrears" }
billing_anchor_date = { type = "date", doc = "Day whose day-of-month starts the billing periods" }
billing_anchor = { type = "text", doc = "anniversary or calendar" }
commencement = { type = "text", doc = "immediate or first_full_period" }
is_go_live_missing = { type = "boolean", doc = "Service starts at go-live and the day is not known" }
payment_terms_days = { type = "integer", doc = "Days from issue to due date" }
stated_payment_terms_days = { type = "integer", doc = "The same as the contract says it; null where it does not" }
late_fee_pct = { type = "decimal(9,4)", doc = "Fee on money paid late, percent points" }
late_fee_after_days = { type = "integer", doc = "Days past due after which the fee is owed" }
fx_rule = { type = "text", doc = "spot or fixed: how invoices in another currency are converted" }
fx_fixed_rate = { type = "decimal(18,8)", doc = "Agreed rate: invoice currency for one of the contract's" }
issue_grace_days = { type = "integer", doc = "Days an invoice may be issued late" }
proration_method = { type = "text", doc = "act_act, act_365, 30_360 or none" }
backbill_limit_days = { type = "integer", doc = "Days within which an under-billing may still be billed" }
currency = { type = "text", doc = "Contract currency" }
minor_digits = { type = "integer", doc = "Decimals of the currency" }
assumed_terms = { type = "text", doc = "Terms that were null and took their default" }

[checks]
not_null = ["contract_id", "version", "term_source", "account_id", "valid_from_date", "valid_to_date", "charged_to_date", "currency"]

[decisions]
source_rank = "signed before crm before billing; the others feed term mismatches alone, so two systems that both know a contract never double it"
known = "A version counts from its day of signature; a draft never does"
holding = "A version holds from its effective date to the next one's; the first from its start date where that is earlier"
overlapping = "Of two versions that take effect on one day the higher is in force, and what it says is in doubt"
past_the_end = "Terms go on past end_date under holdover evergreen or automatic renewal, up to the start of the contract that renews this one"
---*/
with canonical_id as (
    select
        external_id,
        canonical_id
    from canonical_id
    where kind = 'contract'
),

currency_minor_unit as (
    select
        currency,
        minor_digits
    from currency_minor_unit
),

contract as (
    select
        contract_id,
        version,
        effective_date,
        term_source,
        account_id,
        status,
        signed_date,
        start_date,
        end_date,
        terminated_date,
        terminated_recorded_at,
        renewal_date,
        renews_contract_id,
        notice_days,
        auto_renew,
        auto_renew_changed_at,
        term_type,
        renewal_price_rule,
        renewal_uplift_pct,
        billing_frequency,
        bill_timing,
        billing_anchor_date,
        billing_anchor,
        commencement,
        service_start_basis,
        go_live_date,
        payment_terms_days,
        issue_grace_days,
        late_fee_pct,
        late_fee_after_days,
        fx_rule,
        fx_fixed_rate,
        currency,
        proration_method,
        holdover_rule,
        backbill_limit_days
    from contract
),

-- What the run may know: nothing signed after as_of, no drafts.
known as (
    select
        contract.* exclude (contract_id, renews_contract_id),
        coalesce(own.canonical_id, contract.contract_id) as contract_id,
        coalesce(renewed.canonical_id, contract.renews_contract_id) as renews_contract_id,
        case contract.term_source when 'signed' then 1 when 'crm' then 2 else 3 end as source_rank
    from contract
    left join canonical_id as own
        on contract.contract_id = own.external_id
    left join canonical_id as renewed
        on contract.renews_contract_id = renewed.external_id
    where (contract.signed_date is null or contract.signed_date <= cast($as_of as date))
        and coalesce(lower(contract.status), '') <> 'draft'
),

ranked as (
    select
        known.*,
        min(source_rank) over (partition by contract_id) as best_rank
    from known
),

-- Two source ids that became one contract: the id that sorts first states the version.
chosen as (
    select *
    from ranked
    where source_rank = best_rank
    qualify row_number() over (partition by contract_id, version order by effective_date, start_date, account_id) = 1
),

renewed as (
    select
        renews_contract_id,
        min(start_date) as renewal_start_date
    from chosen
    where renews_contract_id is not null
    group by renews_contract_id
),

-- A version holds until the next one takes over.
held as (
    select
        chosen.*,
        min(start_date) over (partition by contract_id) as first_start_date,
        count(*) over (partition by contract_id, effective_date) > 1 as is_overlapping,
        lead(effective_date) over (partition by contract_id order by effective_date, version) as next_effective_date,
        row_number() over (partition by contract_id order by effective_date, version) as version_no,
        row_number() over (
            partition by contract_id
            order by case when effective_date <= cast($as_of as date) then 0 else 1 end,
                case when effective_date <= cast($as_of as date) then effective_date end desc nulls last,
                case when effective_date <= cast($as_of as date) then version end desc nulls last,
                effective_date,
                version
        ) as current_no
    from chosen
)

select
    held.contract_id,
    held.version,
    held.term_source,
    held.account_id,
    held.current_no = 1 as is_current,
    case
        when held.version_no = 1 then least(held.effective_date, held.start_date)
        else held.effective_date
    end as valid_from_date,
    coalesce(held.next_effective_date, date '9999-12-31') as valid_to_date,
    held.start_date,
    case
        when held.service_start_basis = 'go_live' then coalesce(greatest(held.start_date, held.go_live_date), held.start_date)
        else held.start_date
    end as service_start_date,
    held.end_date,
    least(
        case
            when held.terminated_recorded_at is null or held.terminated_recorded_at < cast($as_of_end as timestamp)
                then coalesce(held.terminated_date, date '9999-12-31')
            else date '9999-12-31'
        end,
        case
            when held.end_date is null then date '9999-12-31'
            when held.holdover_rule = 'evergreen' or coalesce(held.auto_renew, false)
                then greatest(held.end_date, coalesce(renewed.renewal_start_date, date '9999-12-31'))
            else held.end_date
        end
    ) as charged_to_date,
    held.first_start_date,
    coalesce(held.renewal_date, held.end_date) as renewal_date,
    held.renews_contract_id,
    held.notice_days,
    held.auto_renew,
    held.auto_renew_changed_at,
    held.terminated_date,
    held.terminated_recorded_at,
    held.term_type,
    held.renewal_price_rule,
    held.renewal_uplift_pct,
    held.is_overlapping,
    held.billing_frequency,
    coalesce(held.bill_timing, 'advance') as bill_timing,
    held.billing_anchor_date,
    coalesce(held.billing_anchor, 'anniversary') as billing_anchor,
    coalesce(held.commencement, 'immediate') as commencement,
    coalesce(held.service_start_basis, 'contract') = 'go_live' and held.go_live_date is null as is_go_live_missing,
    coalesce(held.payment_terms_days, cast($payment_terms_days as bigint)) as payment_terms_days,
    held.payment_terms_days as stated_payment_terms_days,
    held.late_fee_pct,
    held.late_fee_after_days,
    held.fx_rule,
    held.fx_fixed_rate,
    coalesce(held.issue_grace_days, cast($issue_grace_days as bigint)) as issue_grace_days,
    coalesce(held.proration_method, 'act_act') as proration_method,
    held.backbill_limit_days,
    held.currency,
    coalesce(currency_minor_unit.minor_digits, 2) as minor_digits,
    concat_ws(
        '; ',
        case when held.bill_timing is null then 'bill_timing advance' end,
        case when held.billing_anchor is null then 'billing_anchor anniversary' end,
        case when held.commencement is null then 'commencement immediate' end,
        case when held.issue_grace_days is null then 'issue_grace_days by policy' end,
        case when held.payment_terms_days is null then 'payment_terms_days by policy' end,
        case when held.proration_method is null then 'proration_method act_act' end
    ) as assumed_terms
from held
left join renewed
    on held.contract_id = renewed.renews_contract_id
left join currency_minor_unit
    on held.currency = currency_minor_unit.currency
