/*---
title = "Findings waived by an approved exception or by review"
owner = "finance"
grain = ["finding_id", "component", "period_start_date", "step"]

[columns]
finding_id = { type = "text", doc = "The case" }
component = { type = "text", doc = "charge, usage, one_off or true_up; empty where no obligation is concerned" }
period_start_date = { type = "date", doc = "First day of the service period" }
step = { type = "text", doc = "Step of the waterfall; empty where there is none" }
waived_amount = { type = "decimal(18,4)", doc = "Part of the gap that is waived" }
reason = { type = "text", doc = "The exceptions or the review" }

[checks]
not_null = ["finding_id", "component", "period_start_date", "step", "waived_amount"]

[decisions]
share = "An exception waives the share of the days the step itself concerns: P1 the days after the discount's end, a C code its uncovered days, C10 the covered ones, a one-off or true-up its billable date, else the charged days of the period"
no_step = "A finding without a step of the waterfall, such as an unpaid invoice, is waived whole, by an exception that names its check and covers its date"
review = "A finding whose latest review says waived, decided by as_of and not expired, is waived whole"
registry = "An exception counts from its approval; it ends before its end date"
positive = "Only money that is missing can be waived, never what was billed too much"
---*/
with canonical_id as (
    select
        kind,
        external_id,
        canonical_id
    from canonical_id
),

billing_exception as (
    select
        exception_id,
        account_id,
        contract_id,
        contract_line_id,
        check_code,
        start_date,
        end_date,
        reason
    from billing_exception
    where approved_at < cast($as_of_end as timestamp)
),

finding_review as (
    select
        finding_id,
        decision,
        decided_by,
        decided_at,
        expires_date
    from finding_review
    where decided_at < cast($as_of_end as timestamp)
),

finding_row as (
    select
        finding_id,
        check_code,
        account_id,
        contract_id,
        contract_line_id,
        subject_id,
        component,
        cell_no,
        step,
        period_start_date,
        billable_date,
        gap_amount,
        minor_digits
    from finding_row
    where gap_amount > 0
),

term_segment as (
    select
        contract_line_id,
        cell_no,
        seg_start_date,
        seg_end_date,
        is_free,
        expired_pct,
        expired_amount
    from term_segment
),

uncovered_stretch as (
    select
        contract_line_id,
        cell_no,
        start_date,
        end_date,
        is_covered,
        check_code,
        subject_id
    from uncovered_stretch
),

exception_scope as (
    select
        billing_exception.exception_id,
        billing_exception.account_id,
        coalesce(contract_alias.canonical_id, billing_exception.contract_id) as contract_id,
        coalesce(line_alias.canonical_id, billing_exception.contract_line_id) as contract_line_id,
        billing_exception.check_code,
        billing_exception.start_date,
        coalesce(billing_exception.end_date, date '9999-12-31') as end_date,
        billing_exception.reason
    from billing_exception
    left join canonical_id as contract_alias
        on billing_exception.contract_id = contract_alias.external_id
        and contract_alias.kind = 'contract'
    left join canonical_id as line_alias
        on billing_exception.contract_line_id = line_alias.external_id
        and line_alias.kind = 'line'
),

-- The narrowest scope column given is the join key; the others still have to fit.
candidate as (
    select
        finding_row.*,
        exception_scope.exception_id,
        exception_scope.start_date as exception_start_date,
        exception_scope.end_date as exception_end_date,
        exception_scope.reason,
        exception_scope.check_code as exception_code,
        exception_scope.account_id as exception_account_id,
        exception_scope.contract_id as exception_contract_id
    from finding_row
    inner join exception_scope
        on finding_row.contract_line_id = exception_scope.contract_line_id
    union all
    select
        finding_row.*,
        exception_scope.exception_id,
        exception_scope.start_date,
        exception_scope.end_date,
        exception_scope.reason,
        exception_scope.check_code,
        exception_scope.account_id,
        exception_scope.contract_id
    from finding_row
    inner join exception_scope
        on finding_row.contract_id = exception_scope.contract_id
    where exception_scope.contract_line_id is null
    union all
    select
        finding_row.*,
        exception_scope.exception_id,
        exception_scope.start_date,
        exception_scope.end_date,
        exception_scope.reason,
        exception_scope.check_code,
        exception_scope.account_id,
        exception_scope.contract_id
    from finding_row
    inner join exception_scope
        on finding_row.account_id = exception_scope.account_id
    where exception_scope.contract_line_id is null
        and exception_scope.contract_id is null
    union all
    select
        finding_row.*,
        exception_scope.exception_id,
        exception_scope.start_date,
        exception_scope.end_date,
        exception_scope.reason,
        exception_scope.check_code,
        exception_scope.account_id,
        exception_scope.contract_id
    from finding_row
    inner join exception_scope
        on finding_row.check_code = exception_scope.check_code
    where exception_scope.contract_line_id is null
        and exception_scope.contract_id is null
        and exception_scope.account_id is null
    union all
    select
        finding_row.*,
        exception_scope.exception_id,
        exception_scope.start_date,
        exception_scope.end_date,
        exception_scope.reason,
        exception_scope.check_code,
        exception_scope.account_id,
        exception_scope.contract_id
    from finding_row
    cross join exception_scope
    where exception_scope.contract_line_id is null
        and exception_scope.contract_id is null
        and exception_scope.account_id is null
        and exception_scope.check_code is null
),

matched as (
    select *
    from candidate
    where (exception_code = check_code or exception_code is null and step <> '')
        and (exception_account_id is null or exception_account_id = account_id)
        and (exception_contract_id is null or exception_contract_id = contract_id)
),

touched as (
    select distinct
        finding_id,
        check_code,
        contract_line_id,
        subject_id,
        component,
        cell_no,
        step,
        period_start_date,
        billable_date
    from matched
),

-- The days each touched step concerns.
concerned as (
    select
        touched.finding_id,
        touched.component,
        touched.period_start_date,
        touched.step,
        term_segment.seg_start_date as from_date,
        term_segment.seg_end_date as to_date
    from touched
    inner join term_segment
        on touched.contract_line_id = term_segment.contract_line_id
        and touched.cell_no = term_segment.cell_no
    where touched.component in ('charge', 'usage')
        and not term_segment.is_free
        and (touched.component <> 'charge' or touched.step <> 'S1')
        and (touched.check_code <> 'P1' or term_segment.expired_pct > 0 or term_segment.expired_amount > 0)
    union all
    select
        touched.finding_id,
        touched.component,
        touched.period_start_date,
        touched.step,
        uncovered_stretch.start_date,
        uncovered_stretch.end_date
    from touched
    inner join uncovered_stretch
        on touched.contract_line_id = uncovered_stretch.contract_line_id
        and touched.cell_no = uncovered_stretch.cell_no
    where touched.component = 'charge'
        and touched.step = 'S1'
        and (
            touched.check_code = 'C10' and uncovered_stretch.is_covered
            or touched.check_code = uncovered_stretch.check_code and touched.subject_id = uncovered_stretch.subject_id
        )
    union all
    select
        finding_id,
        component,
        period_start_date,
        step,
        billable_date,
        cast(billable_date + 1 as date)
    from touched
    where component in ('one_off', 'true_up')
    union all
    select
        finding_id,
        component,
        period_start_date,
        step,
        period_start_date as from_date,
        cast(period_start_date + 1 as date) as to_date
    from touched
    where component = ''
),

concerned_days as (
    select
        finding_id,
        component,
        period_start_date,
        step,
        sum(to_date - from_date) as days
    from concerned
    group by
        finding_id,
        component,
        period_start_date,
        step
),

covered_stretch as (
    select
        concerned.finding_id,
        concerned.component,
        concerned.period_start_date,
        concerned.step,
        greatest(concerned.from_date, matched.exception_start_date) as from_date,
        least(concerned.to_date, matched.exception_end_date) as to_date
    from concerned
    inner join matched
        on concerned.finding_id = matched.finding_id
        and concerned.component = matched.component
        and concerned.period_start_date = matched.period_start_date
        and concerned.step = matched.step
        and concerned.from_date < matched.exception_end_date
        and concerned.to_date > matched.exception_start_date
),

-- Overlapping exceptions do not waive a day twice.
ordered_stretch as (
    select
        covered_stretch.*,
        max(to_date) over (
            partition by finding_id, component, period_start_date, step
            order by from_date, to_date
            rows between unbounded preceding and 1 preceding
        ) as before_date
    from covered_stretch
),

covered_days as (
    select
        finding_id,
        component,
        period_start_date,
        step,
        sum(greatest(to_date - greatest(from_date, coalesce(before_date, from_date)), 0)) as days
    from ordered_stretch
    group by
        finding_id,
        component,
        period_start_date,
        step
),

exception_reason as (
    select
        finding_id,
        component,
        period_start_date,
        step,
        string_agg(concat_ws(': ', exception_id, reason), '; ' order by exception_id) as reason
    from matched
    group by
        finding_id,
        component,
        period_start_date,
        step
),

counted as (
    select
        finding_row.finding_id,
        finding_row.component,
        finding_row.period_start_date,
        finding_row.step,
        finding_row.gap_amount,
        finding_row.minor_digits,
        exception_reason.reason,
        cast(covered_days.days as decimal(9,0)) as covered_days,
        cast(concerned_days.days as decimal(9,0)) as concerned_days,
        cast(round(cast(finding_row.gap_amount as double) * cast(covered_days.days as double) / cast(concerned_days.days as double)) as decimal(38,0)) as whole_share
    from finding_row
    inner join covered_days
        on finding_row.finding_id = covered_days.finding_id
        and finding_row.component = covered_days.component
        and finding_row.period_start_date = covered_days.period_start_date
        and finding_row.step = covered_days.step
    inner join concerned_days
        on finding_row.finding_id = concerned_days.finding_id
        and finding_row.component = concerned_days.component
        and finding_row.period_start_date = concerned_days.period_start_date
        and finding_row.step = concerned_days.step
    inner join exception_reason
        on finding_row.finding_id = exception_reason.finding_id
        and finding_row.component = exception_reason.component
        and finding_row.period_start_date = exception_reason.period_start_date
        and finding_row.step = exception_reason.step
    where concerned_days.days > 0
),

-- The whole part by rounding, the rest exactly, so that halves survive large amounts.
by_exception as (
    select
        counted.*,
        whole_share + cast(cast(
            cast(gap_amount as decimal(38,4)) * covered_days - whole_share * concerned_days
            as double) / cast(concerned_days as double) as decimal(38,10)) as share
    from counted
),

latest_review as (
    select
        finding_id,
        decision,
        decided_by,
        expires_date
    from finding_review
    qualify row_number() over (partition by finding_id order by decided_at desc) = 1
),

by_review as (
    select
        finding_row.finding_id,
        finding_row.component,
        finding_row.period_start_date,
        finding_row.step,
        finding_row.gap_amount,
        concat_ws(' ', 'reviewed by', latest_review.decided_by) as reason
    from finding_row
    inner join latest_review
        on finding_row.finding_id = latest_review.finding_id
    where latest_review.decision = 'waived'
        and (latest_review.expires_date is null or latest_review.expires_date > cast($as_of as date))
)

select
    finding_id,
    component,
    period_start_date,
    step,
    gap_amount as waived_amount,
    reason
from by_review
union all
select
    by_exception.finding_id,
    by_exception.component,
    by_exception.period_start_date,
    by_exception.step,
    least(by_exception.gap_amount, case by_exception.minor_digits
        when 0 then cast(round(by_exception.share, 0) as decimal(18,4))
        when 3 then cast(round(by_exception.share, 3) as decimal(18,4))
        else cast(round(by_exception.share, 2) as decimal(18,4))
    end) as waived_amount,
    by_exception.reason
from by_exception
left join by_review
    on by_exception.finding_id = by_review.finding_id
    and by_exception.component = by_review.component
    and by_exception.period_start_date = by_review.period_start_date
    and by_exception.step = by_review.step
where by_review.finding_id is null
