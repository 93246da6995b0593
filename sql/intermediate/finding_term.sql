/*---
title = "The term rows that findings of the waterfall rest on"
owner = "finance"
grain = ["finding_id", "place", "term"]

[columns]
finding_id = { type = "text", doc = "The case" }
place = { type = "integer", doc = "Order in the list of evidence" }
term = { type = "text", doc = "The row: contract line and version, discount, price step, ramp step, tiers, seat rule, free period, pause, commitment, renewed contract or exchange clause" }

[checks]
not_null = ["finding_id", "place", "term"]

[decisions]
latest = "The rows that hold in the latest period of the case, under the version of its last charged day"
---*/
with finding_span as (
    select
        finding_id,
        check_code,
        contract_id,
        owed_id,
        subject_id,
        component,
        last_cell_no,
        last_step,
        last_start_date,
        last_end_date,
        currency
    from finding_span
),

waterfall as (
    select
        contract_line_id,
        cell_no,
        last_version
    from waterfall
),

line_discount as (
    select
        contract_line_id,
        discount_id,
        version,
        kind,
        value,
        start_date,
        end_date
    from line_discount
),

line_price as (
    select
        contract_line_id,
        version,
        from_date,
        price,
        step_kind
    from line_price
    where step_kind is not null
),

escalator_step as (
    select
        contract_line_id,
        escalator_version,
        first_date,
        step_date,
        kind,
        uplift,
        index_months
    from escalator_step
    where is_counted
),

line_ramp as (
    select
        contract_line_id,
        version,
        start_date,
        quantity,
        unit_price
    from line_ramp
    where quantity is not null
        or unit_price is not null
),

tier_step as (
    select
        contract_line_id,
        version,
        lower_quantity,
        price
    from tier_step
),

line_term as (
    select
        contract_line_id,
        term_start_date,
        term_end_date,
        is_paused
    from line_term
    where is_free
),

line_version as (
    select
        contract_line_id,
        version,
        seat_rule,
        seat_settlement,
        renews_contract_id
    from line_version
),

contract_version as (
    select
        contract_id,
        version,
        renewal_price_rule,
        renewal_uplift_pct,
        fx_rule,
        fx_fixed_rate
    from contract_version
),

stood as (
    select
        finding_span.*,
        waterfall.last_version
    from finding_span
    left join waterfall
        on finding_span.owed_id = waterfall.contract_line_id
        and finding_span.last_cell_no = waterfall.cell_no
        and finding_span.component <> 'true_up'
),

-- A discount that has ended is what P1 rests on; the ones in force are what P2 compares with.
discount_term as (
    select
        stood.finding_id,
        concat(
            'discount ', line_discount.discount_id, ': ',
            rtrim(rtrim(cast(line_discount.value as varchar), '0'), '.'),
            case when line_discount.kind = 'percent' then ' %' else concat(' ', stood.currency) end,
            ' from ', cast(line_discount.start_date as varchar),
            case when line_discount.end_date >= date '9999-01-01' then '' else concat(' to ', cast(line_discount.end_date as varchar)) end
        ) as term
    from stood
    inner join line_discount
        on stood.owed_id = line_discount.contract_line_id
        and line_discount.start_date < stood.last_end_date
        and (line_discount.version is null or line_discount.version = stood.last_version)
    where stood.check_code = 'P1' and line_discount.end_date <= stood.last_end_date
        or (stood.check_code = 'P2' or stood.check_code = 'O2' and stood.last_step = 'S4') and line_discount.end_date > stood.last_start_date
),

price_step_term as (
    select
        stood.finding_id,
        concat(
            line_price.step_kind, ' escalator ',
            case when escalator_step.first_date is null then '' else concat('from ', cast(escalator_step.first_date as varchar), ', ') end,
            'step of ', cast(line_price.from_date as varchar),
            case when escalator_step.index_months is null then '' else concat(' (', escalator_step.index_months, ')') end,
            case when escalator_step.uplift is null then '' else concat(' by ', rtrim(rtrim(cast(cast(escalator_step.uplift * 100 as decimal(18,6)) as varchar), '0'), '.'), ' %') end,
            ' to ', case when line_price.price = cast(line_price.price as decimal(18,2)) then cast(cast(line_price.price as decimal(18,2)) as varchar) else rtrim(rtrim(cast(line_price.price as varchar), '0'), '.') end, ' ', stood.currency
        ) as term
    from stood
    inner join line_price
        on stood.owed_id = line_price.contract_line_id
        and stood.last_version = line_price.version
        and line_price.from_date < stood.last_end_date
    left join escalator_step
        on line_price.contract_line_id = escalator_step.contract_line_id
        and line_price.from_date = escalator_step.step_date
        and line_price.step_kind = escalator_step.kind
        and (escalator_step.escalator_version is null or escalator_step.escalator_version = line_price.version)
    where stood.check_code in ('P3', 'P4')
        or stood.check_code = 'O2' and stood.last_step in ('S3a', 'S3c')
),

ramp_term as (
    select
        stood.finding_id,
        concat(
            'ramp step of ', cast(line_ramp.start_date as varchar), ':',
            case when line_ramp.quantity is null then '' else concat(' ', rtrim(rtrim(cast(line_ramp.quantity as varchar), '0'), '.'), ' units') end,
            case when line_ramp.unit_price is null then '' else concat(' at ', case when line_ramp.unit_price = cast(line_ramp.unit_price as decimal(18,2)) then cast(cast(line_ramp.unit_price as decimal(18,2)) as varchar) else rtrim(rtrim(cast(line_ramp.unit_price as varchar), '0'), '.') end, ' ', stood.currency) end
        ) as term
    from stood
    inner join line_ramp
        on stood.owed_id = line_ramp.contract_line_id
        and stood.last_version = line_ramp.version
        and line_ramp.start_date < stood.last_end_date
    where stood.check_code in ('P5', 'P6', 'Q2')
),

tier_term as (
    select
        stood.finding_id,
        concat(
            'price tiers ',
            string_agg(
                concat(
                    'above ', rtrim(rtrim(cast(tier_step.lower_quantity as varchar), '0'), '.'), ' units ',
                    case
                        when tier_step.price is null then 'at the line''s price'
                        else concat('at ', case when tier_step.price = cast(tier_step.price as decimal(18,2)) then cast(cast(tier_step.price as decimal(18,2)) as varchar) else rtrim(rtrim(cast(tier_step.price as varchar), '0'), '.') end, ' ', stood.currency)
                    end
                ),
                ', ' order by tier_step.lower_quantity
            )
        ) as term
    from stood
    inner join tier_step
        on stood.owed_id = tier_step.contract_line_id
        and stood.last_version = tier_step.version
    where stood.check_code in ('P8', 'Q1', 'Q2', 'Q3', 'Q5')
    group by
        stood.finding_id,
        stood.currency
),

seat_term as (
    select
        stood.finding_id,
        concat('seat rule ', line_version.seat_rule, ', ', coalesce(line_version.seat_settlement, 'true_up'), ', seat snapshots up to ', cast(stood.last_end_date as varchar)) as term
    from stood
    inner join line_version
        on stood.owed_id = line_version.contract_line_id
        and stood.last_version = line_version.version
    where stood.check_code = 'Q1'
        and coalesce(line_version.seat_rule, 'none') <> 'none'
),

uncharged_term as (
    select
        stood.finding_id,
        concat(
            case when line_term.is_paused then 'pause from ' else 'free period from ' end,
            cast(line_term.term_start_date as varchar), ' to ', cast(line_term.term_end_date as varchar)
        ) as term
    from stood
    inner join line_term
        on stood.owed_id = line_term.contract_line_id
        and line_term.term_end_date < stood.last_end_date
        and line_term.is_paused = (stood.check_code = 'C9')
    where stood.check_code in ('C8', 'C9')
    qualify row_number() over (partition by stood.finding_id order by line_term.term_end_date desc) = 1
),

contract_term as (
    select
        stood.finding_id,
        case
            when stood.check_code = 'P10' then concat(
                'exchange clause of contract ', stood.contract_id, ': ',
                case
                    when contract_version.fx_rule = 'fixed' then concat('fixed at ', rtrim(rtrim(cast(contract_version.fx_fixed_rate as varchar), '0'), '.'))
                    else 'rate of the day of issue'
                end
            )
            when coalesce(contract_version.renewal_price_rule, 'none') <> 'none' then concat(
                'renewal rule ', contract_version.renewal_price_rule,
                case when contract_version.renewal_uplift_pct is null then '' else concat(' ', rtrim(rtrim(cast(contract_version.renewal_uplift_pct as varchar), '0'), '.'), ' %') end
            )
            when line_version.renews_contract_id is not null then concat('contract ', line_version.renews_contract_id, ', which this one renews')
        end as term
    from stood
    inner join contract_version
        on stood.contract_id = contract_version.contract_id
        and stood.last_version = contract_version.version
    left join line_version
        on stood.owed_id = line_version.contract_line_id
        and stood.last_version = line_version.version
    where stood.check_code in ('P9', 'P10')
)

select
    finding_id,
    cast(1 as bigint) as place,
    case
        when component = 'true_up' then concat('commitment ', owed_id)
        when last_version is null then concat('contract line ', owed_id)
        else concat('contract line ', owed_id, ' version ', cast(last_version as varchar))
    end as term
from stood
union all
select
    finding_id,
    cast(2 as bigint) as place,
    case when check_code = 'Q5' then concat('commitment ', subject_id) else concat('invoice ', subject_id) end as term
from stood
where check_code in ('O1', 'C12', 'Q5')
    and subject_id <> ''
union all
select distinct
    finding_id,
    cast(3 as bigint) as place,
    term
from discount_term
union all
select distinct
    finding_id,
    cast(4 as bigint) as place,
    term
from price_step_term
union all
select distinct
    finding_id,
    cast(5 as bigint) as place,
    term
from ramp_term
union all
select
    finding_id,
    cast(6 as bigint) as place,
    term
from tier_term
union all
select
    finding_id,
    cast(7 as bigint) as place,
    term
from seat_term
union all
select
    finding_id,
    cast(8 as bigint) as place,
    term
from uncharged_term
union all
select
    finding_id,
    cast(9 as bigint) as place,
    term
from contract_term
where term is not null
