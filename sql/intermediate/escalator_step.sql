/*---
title = "Steps of price escalators, by date"
owner = "finance"
grain = ["contract_line_id", "escalator_version", "first_date", "step_no"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line" }
escalator_version = { type = "integer", doc = "The contract version the escalator belongs to; every version where null" }
first_date = { type = "date", doc = "Day of the escalator's first step" }
step_no = { type = "integer", doc = "1 for the first step" }
step_date = { type = "date", doc = "First day of the new price" }
kind = { type = "text", doc = "fixed or index" }
is_compounding = { type = "boolean", doc = "Builds on the price before the step; else on the price before all steps" }
is_mandatory = { type = "boolean", doc = "Applies by itself; false: may be claimed with notice" }
is_counted = { type = "boolean", doc = "Changes the price: mandatory, or notified in time" }
uplift = { type = "decimal(18,12)", doc = "Change as a fraction of the price; null where it is not known" }
index_months = { type = "text", doc = "The index and the two months it is read for; null for a fixed step" }
missing_term = { type = "text", doc = "What stands in the way of the change; null where nothing does" }

[checks]
not_null = ["contract_line_id", "first_date", "step_no", "step_date", "is_compounding", "is_mandatory", "is_counted"]

[decisions]
notice = "A permissive step counts where notice was given on or before the step's day, and is known by as_of"
index = "Index of the step's month less the lag, over that of one interval before; plus margin, at most the cap, at least the floor; kept at twelve decimals"
known = "An index value counts once published; the latest published one of a month holds"
horizon = "Steps up to a year after as_of, of a line with a single period up to its end: no period begun by then reaches further"
---*/
with canonical_id as (
    select
        external_id,
        canonical_id
    from canonical_id
    where kind = 'line'
),

line_grid as (
    select
        contract_line_id,
        term_source,
        component,
        is_single_period,
        life_end_date
    from line_grid
    where component <> 'one_off'
),

escalator as (
    select
        contract_line_id,
        version,
        term_source,
        kind,
        pct,
        index_name,
        lag_months,
        margin_pct,
        cap_pct,
        floor_pct,
        is_compounding,
        first_date,
        every_months,
        is_mandatory,
        notice_given_date
    from escalator
),

price_index as (
    select
        index_name,
        month_date,
        value,
        published_at
    from price_index
    where published_at is null or published_at < cast($as_of_end as timestamp)
),

calendar_month as (
    select
        month_no,
        first_date,
        day_count
    from calendar_month
),

index_value as (
    select
        index_name,
        cast(date_part('year', month_date) as bigint) * 12 + cast(date_part('month', month_date) as bigint) - 1 as month_no,
        value
    from price_index
    qualify row_number() over (
        partition by index_name, date_part('year', month_date), date_part('month', month_date)
        order by published_at desc nulls last, month_date desc
    ) = 1
),

placed as (
    select
        line_grid.contract_line_id,
        escalator.* exclude (contract_line_id, term_source),
        cast(date_part('year', escalator.first_date) as bigint) * 12 + cast(date_part('month', escalator.first_date) as bigint) - 1 as first_month_no,
        cast(date_part('day', escalator.first_date) as bigint) as anchor_day,
        case
            when line_grid.is_single_period and line_grid.life_end_date < date '9999-01-01' then line_grid.life_end_date - 1
            else least(line_grid.life_end_date - 1, cast($as_of as date) + 366)
        end as last_date
    from escalator
    left join canonical_id
        on escalator.contract_line_id = canonical_id.external_id
    inner join line_grid
        on coalesce(canonical_id.canonical_id, escalator.contract_line_id) = line_grid.contract_line_id
        and escalator.term_source = line_grid.term_source
    qualify row_number() over (
        partition by line_grid.contract_line_id, escalator.version, escalator.first_date
        order by escalator.contract_line_id
    ) = 1
),

numbered as (
    select
        placed.*,
        unnest(generate_series(
            cast(0 as bigint),
            case
                when every_months > 0 then cast(floor(cast(
                    cast(date_part('year', last_date) as bigint) * 12 + cast(date_part('month', last_date) as bigint) - 1 - first_month_no
                    as double) / every_months) as bigint)
                else cast(0 as bigint)
            end
        )) as interval_no
    from placed
    where first_date <= last_date
),

dated as (
    select
        numbered.*,
        first_month_no + interval_no * every_months as step_month_no,
        cast(calendar_month.first_date + cast(least(numbered.anchor_day, calendar_month.day_count) - 1 as int) as date) as step_date
    from numbered
    inner join calendar_month
        on numbered.first_month_no + numbered.interval_no * numbered.every_months = calendar_month.month_no
),

indexed as (
    select
        dated.*,
        step_month_no - coalesce(lag_months, 0) as new_month_no,
        step_month_no - every_months - coalesce(lag_months, 0) as old_month_no,
        new_index.value as new_value,
        old_index.value as old_value
    from dated
    left join index_value as new_index
        on dated.kind = 'index'
        and dated.index_name = new_index.index_name
        and dated.step_month_no - coalesce(dated.lag_months, 0) = new_index.month_no
    left join index_value as old_index
        on dated.kind = 'index'
        and dated.index_name = old_index.index_name
        and dated.step_month_no - dated.every_months - coalesce(dated.lag_months, 0) = old_index.month_no
    where dated.step_date <= dated.last_date
),

moved as (
    select
        indexed.*,
        case
            when kind = 'fixed' then cast(cast(pct as decimal(38,4)) * cast(0.01 as decimal(4,2)) as decimal(18,12))
            when kind = 'index' and old_value > 0
                then cast(cast(cast(cast(new_value as double) / cast(old_value as double) as decimal(38,12)) - 1 as decimal(18,12))
                    + cast(cast(coalesce(margin_pct, 0) as decimal(38,4)) * cast(0.01 as decimal(4,2)) as decimal(18,12)) as decimal(18,12))
        end as free_uplift,
        cast(cast(cap_pct as decimal(38,4)) * cast(0.01 as decimal(4,2)) as decimal(18,12)) as cap,
        cast(cast(floor_pct as decimal(38,4)) * cast(0.01 as decimal(4,2)) as decimal(18,12)) as floor_value
    from indexed
),

-- The month whose index value is wanted first: the newer one is published last.
named as (
    select
        moved.*,
        case when new_value is null then new_month_no else old_month_no end as missing_month_no
    from moved
)

select
    named.contract_line_id,
    named.version as escalator_version,
    named.first_date,
    cast(named.interval_no + 1 as bigint) as step_no,
    named.step_date,
    named.kind,
    coalesce(named.is_compounding, true) as is_compounding,
    named.is_mandatory,
    named.is_mandatory
        or coalesce(named.notice_given_date <= cast($as_of as date) and named.notice_given_date <= named.step_date, false) as is_counted,
    case
        when named.free_uplift is null then null
        when named.kind = 'fixed' then named.free_uplift
        else greatest(least(named.free_uplift, named.cap), named.floor_value)
    end as uplift,
    case
        when named.kind = 'index' then concat(
            named.index_name, ' of ',
            cast(cast(floor(cast(named.new_month_no as double) / 12) as bigint) as varchar), '-',
            lpad(cast(named.new_month_no - 12 * cast(floor(cast(named.new_month_no as double) / 12) as bigint) + 1 as varchar), 2, '0'), ' over ',
            cast(cast(floor(cast(named.old_month_no as double) / 12) as bigint) as varchar), '-',
            lpad(cast(named.old_month_no - 12 * cast(floor(cast(named.old_month_no as double) / 12) as bigint) + 1 as varchar), 2, '0')
        )
    end as index_months,
    case
        when named.free_uplift is not null then null
        when named.kind = 'fixed' then 'escalator pct'
        when named.kind = 'index' and named.index_name is null then 'index_name'
        when named.kind = 'index' then concat_ws(
            ' ',
            'index',
            named.index_name,
            concat_ws('-', cast(date_part('year', calendar_month.first_date) as varchar), lpad(cast(date_part('month', calendar_month.first_date) as varchar), 2, '0'))
        )
        else 'escalator kind'
    end as missing_term
from named
left join calendar_month
    on named.missing_month_no = calendar_month.month_no
