/*---
title = "Contract versions"
owner = "finance"
grain = ["term_source", "contract_id", "version"]

[columns]
contract_id = { type = "text", doc = "The contract" }
version = { type = "integer", doc = "The version; each restates all lines and holds from its effective_date to the next version's" }
effective_date = { type = "date", doc = "First day this version holds" }
account_id = { type = "text", doc = "The account" }
term_source = { type = "text", doc = "signed, crm or billing: who says so" }
status = { type = "text", doc = "Status as the source names it" }
signed_date = { type = "date", doc = "Day of signature" }
start_date = { type = "date", doc = "First day of the term" }
end_date = { type = "date", doc = "First day after the term; open where null" }
terminated_date = { type = "date", doc = "First day after an early end" }
terminated_recorded_at = { type = "timestamp", doc = "When the early end was recorded" }
term_type = { type = "text", doc = "termed or evergreen" }
renewal_date = { type = "date", doc = "First day of the next term; end_date where null" }
renews_contract_id = { type = "text", doc = "The contract that this one renews" }
notice_days = { type = "integer", doc = "Days before renewal by which notice must be given" }
auto_renew = { type = "boolean", doc = "Renews by itself" }
auto_renew_changed_at = { type = "timestamp", doc = "When automatic renewal was last switched" }
renewal_price_rule = { type = "text", doc = "none, fixed_pct, index or list" }
renewal_uplift_pct = { type = "decimal(9,4)", doc = "Uplift at renewal, percent points" }
billing_frequency = { type = "text", doc = "monthly, quarterly, semiannual, annual or one_off" }
bill_timing = { type = "text", doc = "advance or arrears" }
billing_anchor_date = { type = "date", doc = "Day whose day-of-month starts the billing periods" }
billing_anchor = { type = "text", doc = "anniversary or calendar" }
commencement = { type = "text", doc = "immediate, or first_full_period: the stub before the first full period is not charged" }
service_start_basis = { type = "text", doc = "contract or go_live: which day service starts" }
go_live_date = { type = "date", doc = "Day the customer went live" }
payment_terms_days = { type = "integer", doc = "Days from issue to due date" }
issue_grace_days = { type = "integer", doc = "Days an invoice may be issued late" }
currency = { type = "text", doc = "ISO 4217 currency of the contract" }
fx_rule = { type = "text", doc = "spot or fixed" }
fx_fixed_rate = { type = "decimal(18,8)", doc = "Rate agreed in the contract" }
proration_method = { type = "text", doc = "act_act, act_365, 30_360 or none" }
holdover_rule = { type = "text", doc = "evergreen: terms go on after the end while service goes on; none" }
late_fee_pct = { type = "decimal(9,4)", doc = "Late fee, percent points" }
late_fee_after_days = { type = "integer", doc = "Days past due after which the late fee applies" }
backbill_limit_days = { type = "integer", doc = "Days within which an under-billing may still be billed" }
source_ref = { type = "text", doc = "Where the terms are written" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["contract_id", "version", "effective_date", "account_id", "term_source", "start_date", "currency"]

[decisions]
newest_wins = "Where a key was landed more than once, the row landed last holds"
whose = "The account is the canonical one, whatever id the source knows it by"
---*/
with canonical_account as (
    select
        external_id,
        source,
        account_id
    from canonical_account
),

newest as (
    select
        contract_id,
        version,
        effective_date,
        account_id,
        term_source,
        status,
        signed_date,
        start_date,
        end_date,
        terminated_date,
        terminated_recorded_at,
        term_type,
        renewal_date,
        renews_contract_id,
        notice_days,
        auto_renew,
        auto_renew_changed_at,
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
        currency,
        fx_rule,
        fx_fixed_rate,
        proration_method,
        holdover_rule,
        late_fee_pct,
        late_fee_after_days,
        backbill_limit_days,
        source_ref,
        source,
        source_id
    from provided.contract
    qualify row_number() over (partition by term_source, contract_id, version order by _landed desc) = 1
)

select
    newest.contract_id,
    newest.version,
    newest.effective_date,
    coalesce(canonical_account.account_id, newest.account_id) as account_id,
    newest.term_source,
    newest.status,
    newest.signed_date,
    newest.start_date,
    newest.end_date,
    newest.terminated_date,
    newest.terminated_recorded_at,
    newest.term_type,
    newest.renewal_date,
    newest.renews_contract_id,
    newest.notice_days,
    newest.auto_renew,
    newest.auto_renew_changed_at,
    newest.renewal_price_rule,
    newest.renewal_uplift_pct,
    newest.billing_frequency,
    newest.bill_timing,
    newest.billing_anchor_date,
    newest.billing_anchor,
    newest.commencement,
    newest.service_start_basis,
    newest.go_live_date,
    newest.payment_terms_days,
    newest.issue_grace_days,
    newest.currency,
    newest.fx_rule,
    newest.fx_fixed_rate,
    newest.proration_method,
    newest.holdover_rule,
    newest.late_fee_pct,
    newest.late_fee_after_days,
    newest.backbill_limit_days,
    newest.source_ref,
    newest.source,
    newest.source_id
from newest
left join canonical_account
    on newest.account_id = canonical_account.external_id
    and (canonical_account.source = '' or canonical_account.source = newest.source)
