/*---
title = "Periods of commitments that began by as_of, with what was committed"
owner = "finance"
grain = ["commitment_id", "period_no"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
commitment_id = { type = "text", doc = "The commitment" }
period_no = { type = "integer", doc = "Number of the period, from 0" }
period_start_date = { type = "date", doc = "First day of the period" }
period_end_date = { type = "date", doc = "First day after it" }
committed_amount = { type = "decimal(18,4)", doc = "Committed spend of the period; null where units are committed" }
committed_quantity = { type = "decimal(18,6)", doc = "Committed units of the period; null where spend is" }
overage_unit_price = { type = "decimal(18,8)", doc = "Price of a missing unit" }
missing_term = { type = "text", doc = "What stands in the way of rating; null where nothing does" }

[checks]
not_null = ["commitment_id", "period_no", "period_start_date", "period_end_date"]

[decisions]
ramp = "A ramp step's commit_amount on any line of the commitment replaces the amount for periods that begin on or after the step"
version = "A row of the commitment holds for periods that begin while its version is in force; without a version it always holds"
ragged = "A last period that the term or an early end cuts short owes by its days where the commitment is prorated, else the whole"
---*/
with commitment_grid as (
    select
        commitment_id,
        contract_id,
        term_source,
        minor_digits,
        is_prepaid,
        months,
        anchor_month_no,
        anchor_day,
        start_date,
        end_date,
        term_end_date,
        unrated_term
    from commitment_grid
    where start_date <= cast($as_of as date)
),

commitment as (
    select
        commitment_id,
        version,
        term_source,
        amount,
        quantity,
        is_prorated,
        overage_unit_price
    from commitment
),

commitment_scope as (
    select
        commitment_id,
        contract_line_id
    from commitment_scope
),

contract_version as (
    select
        contract_id,
        version,
        valid_from_date,
        valid_to_date
    from contract_version
),

ramp_step as (
    select
        contract_line_id,
        version,
        term_source,
        start_date,
        commit_amount
    from ramp_step
    where commit_amount is not null
),

canonical_id as (
    select
        external_id,
        canonical_id
    from canonical_id
    where kind = 'line'
),

calendar_month as (
    select
        month_no,
        first_date,
        day_count
    from calendar_month
),

numbered as (
    select
        commitment_grid.*,
        unnest(generate_series(
            cast(0 as bigint),
            case
                when months is null then cast(0 as bigint)
                else cast(floor(cast(
                    cast(date_part('year', least(end_date - 1, cast($as_of as date))) as bigint) * 12
                    + cast(date_part('month', least(end_date - 1, cast($as_of as date))) as bigint) - 1 - anchor_month_no
                    as double) / months) as bigint)
            end
        )) as period_no
    from commitment_grid
),

bounded as (
    select
        numbered.*,
        coalesce(cast(period_start.first_date + cast(least(numbered.anchor_day, period_start.day_count) - 1 as int) as date), numbered.start_date) as period_start_date,
        coalesce(cast(period_end.first_date + cast(least(numbered.anchor_day, period_end.day_count) - 1 as int) as date), numbered.term_end_date) as whole_end_date
    from numbered
    left join calendar_month as period_start
        on numbered.anchor_month_no + numbered.period_no * numbered.months = period_start.month_no
    left join calendar_month as period_end
        on numbered.anchor_month_no + (numbered.period_no + 1) * numbered.months = period_end.month_no
),

-- Periods and the contract version in force when each begins; before the first version that one.
begun as (
    select
        bounded.*,
        least(bounded.whole_end_date, bounded.end_date) as period_end_date,
        contract_version.version
    from bounded
    inner join contract_version
        on bounded.contract_id = contract_version.contract_id
    where bounded.period_start_date < bounded.end_date
        and bounded.period_start_date <= cast($as_of as date)
    qualify row_number() over (
        partition by bounded.commitment_id, bounded.period_no
        order by
            case
                when contract_version.valid_from_date <= bounded.period_start_date and contract_version.valid_to_date > bounded.period_start_date then 0
                else 1
            end,
            contract_version.valid_from_date,
            contract_version.version
    ) = 1
),

stated as (
    select
        begun.*,
        commitment.amount,
        commitment.quantity,
        commitment.overage_unit_price,
        coalesce(commitment.is_prorated, false) as is_prorated
    from begun
    inner join commitment
        on begun.commitment_id = commitment.commitment_id
        and begun.term_source = commitment.term_source
        and (commitment.version is null or commitment.version = begun.version)
    qualify row_number() over (
        partition by begun.commitment_id, begun.period_no
        order by case when commitment.version is null then 1 else 0 end
    ) = 1
),

ramped as (
    select
        stated.commitment_id,
        stated.period_no,
        ramp_step.commit_amount
    from ramp_step
    left join canonical_id
        on ramp_step.contract_line_id = canonical_id.external_id
    inner join commitment_scope
        on coalesce(canonical_id.canonical_id, ramp_step.contract_line_id) = commitment_scope.contract_line_id
    inner join stated
        on commitment_scope.commitment_id = stated.commitment_id
        and ramp_step.term_source = stated.term_source
        and ramp_step.start_date <= stated.period_start_date
        and (ramp_step.version is null or ramp_step.version = stated.version)
    qualify row_number() over (
        partition by stated.commitment_id, stated.period_no
        order by ramp_step.start_date desc, commitment_scope.contract_line_id, ramp_step.version desc nulls last
    ) = 1
),

-- A ragged period's days over those of the whole one.
prorated as (
    select
        stated.*,
        coalesce(ramped.commit_amount, stated.amount) as whole_amount,
        case
            when stated.is_prorated and stated.period_end_date < stated.whole_end_date then cast(stated.period_end_date - stated.period_start_date as bigint)
        end as part_days,
        cast(stated.whole_end_date - stated.period_start_date as bigint) as whole_days
    from stated
    left join ramped
        on stated.commitment_id = ramped.commitment_id
        and stated.period_no = ramped.period_no
),

shared as (
    select
        prorated.*,
        cast(cast(cast(whole_amount as decimal(38,4)) * cast(part_days as decimal(10,0)) as double) / whole_days as decimal(38,10)) as part_amount,
        cast(cast(cast(quantity as decimal(38,6)) * cast(part_days as decimal(10,0)) as double) / whole_days as decimal(38,10)) as part_quantity
    from prorated
)

select
    commitment_id,
    period_no,
    period_start_date,
    period_end_date,
    case
        when part_days is null then whole_amount
        when minor_digits = 0 then cast(round(part_amount, 0) as decimal(18,4))
        when minor_digits = 3 then cast(round(part_amount, 3) as decimal(18,4))
        else cast(round(part_amount, 2) as decimal(18,4))
    end as committed_amount,
    case
        when whole_amount is not null then null
        when part_days is null then quantity
        else cast(round(part_quantity, 6) as decimal(18,6))
    end as committed_quantity,
    overage_unit_price,
    case
        when unrated_term is not null then unrated_term
        when whole_amount is not null then null
        when quantity is null then 'amount'
        when is_prepaid then 'not_rated: prepaid units'
        when overage_unit_price is null then 'overage_unit_price'
    end as missing_term
from shared
