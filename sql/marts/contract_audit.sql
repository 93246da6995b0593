/*---
title = "Contract audit: every active contract, clean, flagged or escalated"
owner = "finance"
grain = ["contract_id", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
contract_id = { type = "text", doc = "The contract" }
account_id = { type = "text", doc = "The account" }
account_name = { type = "text", doc = "Its name" }
owner_id = { type = "text", doc = "Who is to act; null where nobody is known at all" }
owner_role = { type = "text", doc = "In which role" }
fallback_owner_id = { type = "text", doc = "Who acts if the owner does not" }
fallback_owner_role = { type = "text", doc = "In which role" }
is_owner_missing = { type = "boolean", doc = "No account manager is there: somebody else stands in" }
status = { type = "text", doc = "clean, flag or escalate" }
reasons = { type = "text", doc = "Why it is not clean, and what cannot be told; null where nothing is to be said" }
due_date = { type = "date", doc = "Day by which the audit should be done; null for a clean contract without a renewal" }
renewal_date = { type = "date", doc = "First day of the next term; null where the contract runs on" }
days_to_renewal = { type = "integer", doc = "Days from as_of to it" }
notice_days = { type = "integer", doc = "Days before renewal by which notice must be given; null where not known" }
notice_deadline_date = { type = "date", doc = "Last day for notice; null where it cannot be told" }
days_to_notice_deadline = { type = "integer", doc = "Days from as_of to it; negative once it has passed" }
is_deadline_unverifiable = { type = "boolean", doc = "A renewal lies ahead and the notice days are not known" }
is_in_renewal_window = { type = "boolean", doc = "Within audit_window_days before renewal" }
is_in_notice_window = { type = "boolean", doc = "Within audit_window_days before the notice deadline" }
is_in_queue = { type = "boolean", doc = "Either of the two, and neither renewed already nor ending" }
is_late_audit = { type = "boolean", doc = "In the queue with late_audit_days or less to the nearer of the two days ahead" }
is_renewed = { type = "boolean", doc = "A contract that renews it is known" }
checks_run = { type = "integer", doc = "Checks its terms call for that could run in full" }
checks_unverifiable = { type = "integer", doc = "Checks its terms call for that could not, for want of a term" }
missing_terms = { type = "text", doc = "The terms wanted" }
blocked_amount = { type = "decimal(18,4)", doc = "Contract value that cannot be verified for want of them" }
findings = { type = "integer", doc = "Open cases" }
material_findings = { type = "integer", doc = "Of them, material ones" }
finding_codes = { type = "text", doc = "Codes of the material ones" }
leak_amount = { type = "decimal(18,4)", doc = "Open leaks, in the contract's currency" }
overbilled_amount = { type = "decimal(18,4)", doc = "Billed and not due, not yet given back; never netted against leaks" }
currency = { type = "text", doc = "Contract currency" }
leak_amount_reporting = { type = "decimal(18,4)", doc = "leak_amount in the reporting currency; null where no rate is known" }
overbilled_amount_reporting = { type = "decimal(18,4)", doc = "overbilled_amount in the reporting currency" }
reporting_currency = { type = "text", doc = "The company's currency" }
annual_value = { type = "decimal(18,4)", doc = "What the contract is worth in a year; null where nothing can be rated" }
escalate_at_amount = { type = "decimal(18,4)", doc = "Open leak at which it is escalated, in the contract's currency; null where no rate is known" }
as_of_date = { type = "date", doc = "Business date of the run" }

[checks]
not_null = ["contract_id", "account_id", "status", "currency", "is_in_queue", "is_late_audit", "checks_run", "checks_unverifiable", "findings", "leak_amount", "as_of_date"]
expect.status = "status in ('clean', 'flag', 'escalate')"
expect.clean_means_nothing_open = "status <> 'clean' or (material_findings = 0 and checks_unverifiable = 0)"

[decisions]
flag = "A material open case of any class, or a check that could not run for want of a term"
escalate = "Open leaks at or above both escalate_share_pct of annual value and escalate_amount; escalate_codes different codes of material cases; a material case with escalate_notice_days or less to a deadline, a missed one included while renewal lies ahead; overbilling of escalate_overbilled_amount"
notice = "Missing notice days leave the deadline unknown and nothing else: they are said, and do not flag"
unknown_rate = "Without an exchange rate the limits in reporting currency cannot be tested: the contract is flagged and the rate named"
open = "Open are cases that are not closed in the ledger; waived, absorbed, corrected and time-barred ones are not"
attribution = "A case belongs to the contract it names; an open invoice that names none is in contract_drift only"
---*/
with contract_renewal as (
    select
        contract_id,
        account_id,
        currency,
        minor_digits,
        renewal_date,
        notice_days,
        notice_deadline_date,
        is_renewed,
        is_ending
    from contract_renewal
),

contract_value as (
    select
        contract_id,
        annual_value
    from contract_value
),

contract_check as (
    select
        contract_id,
        is_unverifiable
    from contract_check
),

contract_owner as (
    select
        account_id,
        owner_id,
        owner_role,
        fallback_owner_id,
        fallback_owner_role,
        is_owner_missing
    from contract_owner
),

account as (
    select
        account_id,
        name
    from account
),

obligation as (
    select
        contract_id,
        missing_term,
        blocked_amount
    from obligation
    where verdict = 'unverifiable'
),

contract_drift as (
    select
        contract_id,
        check_code,
        class,
        is_material,
        leak_amount,
        leak_amount_reporting,
        decide_by_date
    from contract_drift
    where status in ('open', 'confirmed', 'disputed')
        and contract_id <> ''
),

fx_rate as (
    select
        from_currency,
        rate
    from fx_rate
    where to_currency = cast($reporting_currency as varchar)
        and rate_date <= cast($as_of as date)
        and rate_date > cast($as_of as date) - cast(cast($fx_max_age_days as bigint) as int)
    qualify row_number() over (partition by from_currency order by rate_date desc) = 1
),

check_count as (
    select
        contract_id,
        count(*) filter (where not is_unverifiable) as checks_run,
        count(*) filter (where is_unverifiable) as checks_unverifiable
    from contract_check
    group by contract_id
),

missing as (
    select
        contract_id,
        missing_term,
        sum(blocked_amount) as blocked_amount
    from obligation
    group by
        contract_id,
        missing_term
),

blocked as (
    select
        contract_id,
        string_agg(missing_term, ', ' order by missing_term) as missing_terms,
        sum(blocked_amount) as blocked_amount
    from missing
    group by contract_id
),

found as (
    select
        contract_id,
        count(*) as findings,
        count(*) filter (where is_material) as material_findings,
        sum(case when class = 'leak' then leak_amount else 0 end) as leak_amount,
        sum(case when class = 'leak' then leak_amount_reporting else 0 end) as leak_reporting,
        sum(case when class = 'leak' and leak_amount_reporting is null then 1 else 0 end) as unrated_leaks,
        sum(case when check_code in ('O1', 'O2') then - leak_amount else 0 end) as overbilled_amount,
        sum(case when check_code in ('O1', 'O2') then - leak_amount_reporting else 0 end) as overbilled_reporting,
        sum(case when check_code in ('O1', 'O2') and leak_amount_reporting is null then 1 else 0 end) as unrated_overbillings,
        min(case when is_material and decide_by_date >= cast($as_of as date) then decide_by_date end) as decide_by_date
    from contract_drift
    group by contract_id
),

material_code as (
    select distinct
        contract_id,
        check_code
    from contract_drift
    where is_material
),

coded as (
    select
        contract_id,
        count(*) as codes,
        string_agg(check_code, ', ' order by check_code) as finding_codes
    from material_code
    group by contract_id
),

joined as (
    select
        contract_renewal.*,
        contract_value.annual_value,
        coalesce(check_count.checks_run, 0) as checks_run,
        coalesce(check_count.checks_unverifiable, 0) as checks_unverifiable,
        blocked.missing_terms,
        coalesce(blocked.blocked_amount, 0) as blocked_amount,
        coalesce(found.findings, 0) as findings,
        coalesce(found.material_findings, 0) as material_findings,
        coalesce(found.leak_amount, 0) as leak_amount,
        case when coalesce(found.unrated_leaks, 0) = 0 then coalesce(found.leak_reporting, 0) end as leak_reporting,
        coalesce(found.overbilled_amount, 0) as overbilled_amount,
        case when coalesce(found.unrated_overbillings, 0) = 0 then coalesce(found.overbilled_reporting, 0) end as overbilled_reporting,
        found.decide_by_date,
        coalesce(coded.codes, 0) as codes,
        coded.finding_codes,
        case when contract_renewal.currency = cast($reporting_currency as varchar) then cast(1 as decimal(18,8)) else fx_rate.rate end as rate,
        cast(contract_renewal.renewal_date - cast($as_of as date) as bigint) as days_to_renewal,
        cast(contract_renewal.notice_deadline_date - cast($as_of as date) as bigint) as days_to_deadline,
        contract_renewal.renewal_date is not null and contract_renewal.notice_days is null as is_deadline_unverifiable
    from contract_renewal
    left join contract_value
        on contract_renewal.contract_id = contract_value.contract_id
    left join check_count
        on contract_renewal.contract_id = check_count.contract_id
    left join blocked
        on contract_renewal.contract_id = blocked.contract_id
    left join found
        on contract_renewal.contract_id = found.contract_id
    left join coded
        on contract_renewal.contract_id = coded.contract_id
    left join fx_rate
        on contract_renewal.currency = fx_rate.from_currency
),

-- The limits in the contract's own currency, so that a reader can compare them with leak_amount.
limited as (
    select
        joined.*,
        cast(cast($escalate_amount as decimal(18,4)) as double) / cast(rate as double) as absolute_limit,
        cast(coalesce(annual_value, 0) as double) * cast(cast($escalate_share_pct as decimal(9,4)) as double) / 100 as share_limit,
        coalesce(days_to_renewal between 0 and cast($audit_window_days as bigint), false) as is_in_renewal_window,
        coalesce(days_to_deadline between 0 and cast($audit_window_days as bigint), false) as is_in_notice_window
    from joined
),

tested as (
    select
        limited.*,
        cast(case when rate is not null then greatest(absolute_limit, share_limit) end as decimal(38,10)) as escalate_at,
        (is_in_renewal_window or is_in_notice_window) and not is_renewed and not is_ending as is_in_queue,
        least(case when days_to_deadline >= 0 then days_to_deadline end, days_to_renewal) as days_ahead,
        codes >= cast($escalate_codes as bigint) as has_many_codes,
        coalesce(material_findings > 0 and days_to_deadline <= cast($escalate_notice_days as bigint), false) as is_pressing,
        coalesce(overbilled_amount > 0 and overbilled_reporting >= cast($escalate_overbilled_amount as decimal(18,4)), false) as is_much_overbilled,
        rate is null and (leak_amount <> 0 or overbilled_amount <> 0) as is_rate_missing
    from limited
),

rounded as (
    select
        tested.*,
        case
            when minor_digits = 0 then cast(round(escalate_at, 0) as decimal(18,4))
            when minor_digits = 3 then cast(round(escalate_at, 3) as decimal(18,4))
            else cast(round(escalate_at, 2) as decimal(18,4))
        end as escalate_at_amount
    from tested
),

judged as (
    select
        rounded.*,
        coalesce(leak_amount > 0 and leak_amount >= escalate_at_amount, false) as is_large
    from rounded
),

stated as (
    select
        judged.*,
        case
            when is_large or has_many_codes or is_pressing or is_much_overbilled then 'escalate'
            when material_findings > 0 or checks_unverifiable > 0 or is_rate_missing then 'flag'
            else 'clean'
        end as status
    from judged
),

worded as (
    select
        stated.*,
        nullif(concat_ws(
            '; ',
            case when is_large then concat('open leaks of ', cast(cast(leak_amount as decimal(18,2)) as varchar), ' ', currency, ' reach the limit of ', cast(cast(escalate_at_amount as decimal(18,2)) as varchar)) end,
            case when has_many_codes then concat(cast(codes as varchar), ' different causes: ', finding_codes) end,
            case when is_pressing and days_to_deadline >= 0 then concat('notice deadline in ', cast(days_to_deadline as varchar), ' days with a material finding open') end,
            case when is_pressing and days_to_deadline < 0 then concat('notice deadline passed ', cast(- days_to_deadline as varchar), ' days ago with a material finding open') end,
            case when is_much_overbilled then concat('overbilled by ', cast(cast(overbilled_amount as decimal(18,2)) as varchar), ' ', currency) end,
            case when material_findings > 0 and not has_many_codes then concat(cast(material_findings as varchar), ' material ', case when material_findings = 1 then 'finding: ' else 'findings: ' end, finding_codes) end,
            case when checks_unverifiable > 0 then concat(cast(checks_unverifiable as varchar), ' checks could not run for want of ', coalesce(missing_terms, 'terms')) end,
            case when is_rate_missing then concat('no exchange rate from ', currency, ' to ', cast($reporting_currency as varchar)) end,
            case when is_deadline_unverifiable then 'notice days are not known, so the deadline cannot be told' end
        ), '') as reasons
    from stated
)

select
    worded.contract_id,
    worded.account_id,
    account.name as account_name,
    contract_owner.owner_id,
    contract_owner.owner_role,
    contract_owner.fallback_owner_id,
    contract_owner.fallback_owner_role,
    coalesce(contract_owner.is_owner_missing, true) as is_owner_missing,
    worded.status,
    worded.reasons,
    cast(case
        when worded.is_in_queue or worded.status <> 'clean' or worded.renewal_date is not null then greatest(
            cast($as_of as date),
            least(
                least(
                    case when worded.days_to_deadline >= 0 then worded.notice_deadline_date end,
                    worded.renewal_date
                ) - cast(cast($late_audit_days as bigint) as int),
                case when worded.status <> 'clean' then worded.decide_by_date end
            )
        )
    end as date) as due_date,
    worded.renewal_date,
    worded.days_to_renewal,
    worded.notice_days,
    worded.notice_deadline_date,
    worded.days_to_deadline as days_to_notice_deadline,
    worded.is_deadline_unverifiable,
    worded.is_in_renewal_window,
    worded.is_in_notice_window,
    worded.is_in_queue,
    worded.is_in_queue and coalesce(worded.days_ahead <= cast($late_audit_days as bigint), false) as is_late_audit,
    worded.is_renewed,
    cast(worded.checks_run as bigint) as checks_run,
    cast(worded.checks_unverifiable as bigint) as checks_unverifiable,
    worded.missing_terms,
    cast(worded.blocked_amount as decimal(18,4)) as blocked_amount,
    cast(worded.findings as bigint) as findings,
    cast(worded.material_findings as bigint) as material_findings,
    worded.finding_codes,
    cast(worded.leak_amount as decimal(18,4)) as leak_amount,
    cast(worded.overbilled_amount as decimal(18,4)) as overbilled_amount,
    worded.currency,
    cast(worded.leak_reporting as decimal(18,4)) as leak_amount_reporting,
    cast(worded.overbilled_reporting as decimal(18,4)) as overbilled_amount_reporting,
    cast($reporting_currency as varchar) as reporting_currency,
    worded.annual_value,
    worded.escalate_at_amount,
    cast($as_of as date) as as_of_date
from worded
left join account
    on worded.account_id = account.account_id
left join contract_owner
    on worded.account_id = contract_owner.account_id
