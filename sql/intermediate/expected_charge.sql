/*---
title = "What each contract line owed for each service period"
owner = "finance"
grain = ["contract_line_id", "cell_no"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line" }
cell_no = { type = "integer", doc = "Number of the cell in the line's grid" }
cell_start_date = { type = "date", doc = "Boundary that begins the cell" }
cell_end_date = { type = "date", doc = "Boundary that ends it" }
period_start_date = { type = "date", doc = "First day of the service period" }
period_end_date = { type = "date", doc = "First day after it" }
billable_date = { type = "date", doc = "Contractual invoice date" }
check_date = { type = "date", doc = "First day on which a missing invoice counts" }
missing_term = { type = "text", doc = "What stands in the way of rating; null where nothing does" }
blocked_amount = { type = "decimal(18,4)", doc = "Gross value of a period that cannot be rated, where known" }
expected_amount = { type = "decimal(18,4)", doc = "Due for the period; null where it cannot be rated" }
gross_amount = { type = "decimal(18,4)", doc = "Due before discounts" }
expired_amount = { type = "decimal(18,4)", doc = "What discounts that have ended would still take off" }
expired_on_date = { type = "date", doc = "First charged day without a discount that ended" }
charged_days = { type = "integer", doc = "Calendar days charged" }
days_numerator = { type = "integer", doc = "F: charged days by the proration method" }
days_denominator = { type = "integer", doc = "D: days of a whole period by the proration method" }
day_unit = { type = "integer", doc = "12 where a part period is counted over 365 days, else 1; F carries it" }
quantity_days = { type = "decimal(38,6)", doc = "A: quantity times days, added up" }
contracted_days = { type = "decimal(38,6)", doc = "A with the contracted quantity, before seats raise it" }
value_days = { type = "decimal(38,10)", doc = "B: quantity times price times days, of rated lines R(x) times days, added up" }
is_rated = { type = "boolean", doc = "Some day's terms are no quantity times price" }
last_version = { type = "integer", doc = "Contract version of the last charged day" }
last_quantity = { type = "decimal(18,6)", doc = "Quantity of the last charged day" }
last_price = { type = "decimal(18,8)", doc = "Price per period of the last charged day" }
last_discount_factor = { type = "decimal(38,12)", doc = "What percent discounts leave on the last charged day" }
last_discount_amount = { type = "decimal(38,8)", doc = "Amount discounts per period on the last charged day" }
last_expired_pct = { type = "decimal(38,8)", doc = "Percent points of discounts that have ended by the last charged day" }
last_expired_amount = { type = "decimal(38,8)", doc = "Amount discounts per period that have ended by the last charged day" }

[checks]
not_null = ["contract_line_id", "cell_no", "period_start_date", "period_end_date"]
expect.not_negative = "expected_amount is null or expected_amount >= 0"

[decisions]
one_division = "Every amount is one exact numerator over one exact denominator, divided once: the whole part by rounding, the rest exactly, so that halves survive"
act_365 = "A whole period is charged whole; a part is days * 12 / (365 * months)"
proration_none = "Every started period is charged in full"
flat_usage = "Usage at a flat price is due whole for every period with a charged day, used or not"
usage_amounts_off = "An amount off a usage line counts the charged calendar days over those of the whole period"
contract_only = "Reads contract, usage and index, never what was billed"
---*/
with line_grid as (
    select
        contract_line_id,
        component,
        pricing_model,
        months,
        is_single_period,
        proration_method,
        minor_digits
    from line_grid
),

service_period as (
    select
        contract_line_id,
        cell_no,
        period_start_date,
        period_end_date
    from service_period
),

segment_charge as (
    select
        contract_line_id,
        cell_no,
        seg_start_date,
        cell_start_date,
        cell_end_date,
        period_start_date,
        period_end_date,
        billable_date,
        check_date,
        seg_days,
        cell_days,
        cell_measure,
        version,
        quantity,
        price,
        weight,
        quantity_days,
        contracted_days,
        value_days,
        is_rated,
        is_free,
        is_last,
        missing_term,
        discount_factor,
        discount_amount,
        expired_pct,
        expired_amount
    from segment_charge
),

line_discount as (
    select
        contract_line_id,
        value,
        start_date
    from line_discount
    where kind = 'amount'
        and is_once
        and is_own
),

-- Amounts off are by calendar day where usage counts itself.
weighed as (
    select
        segment_charge.*,
        line_grid.component = 'usage' and line_grid.pricing_model = 'flat' as is_flat_usage,
        case when line_grid.component = 'usage' then segment_charge.seg_days else segment_charge.weight end as discount_weight
    from segment_charge
    inner join line_grid
        on segment_charge.contract_line_id = line_grid.contract_line_id
),

summed as (
    select
        contract_line_id,
        cell_no,
        min(cell_start_date) as cell_start_date,
        min(cell_end_date) as cell_end_date,
        min(period_start_date) as period_start_date,
        min(period_end_date) as period_end_date,
        min(billable_date) as billable_date,
        min(check_date) as check_date,
        max(cell_days) as cell_days,
        max(cell_measure) as cell_measure,
        cast(coalesce(sum(case when not is_free then seg_days end), 0) as bigint) as charged_days,
        cast(coalesce(sum(case when not is_free then weight end), 0) as bigint) as weight,
        sum(case when not is_free then quantity_days end) as quantity_days,
        sum(case when not is_free then contracted_days end) as contracted_days,
        sum(case when not is_free then value_days end) as value_days,
        sum(case when not is_free then cast(value_days * discount_factor as decimal(38,10)) end) as net_days,
        sum(case when not is_free then cast(discount_amount * cast(discount_weight as decimal(10,0)) as decimal(38,8)) end) as discount_days,
        sum(case when not is_free then cast(value_days * expired_pct as decimal(38,12)) end) as expired_pct_days,
        sum(case when not is_free then cast(expired_amount * cast(discount_weight as decimal(10,0)) as decimal(38,8)) end) as expired_amount_days,
        min(case when not is_free and (expired_pct > 0 or expired_amount > 0) then seg_start_date end) as expired_on_date,
        min(case when not is_free then missing_term end) as first_missing_term,
        bool_or(not is_free and quantity is not null) as has_quantity,
        bool_or(is_flat_usage) as is_flat_usage,
        bool_or(is_rated) as is_rated,
        max(case when is_last then version end) as last_version,
        max(case when is_last then quantity end) as last_quantity,
        max(case when is_last then price end) as last_price,
        max(case when is_last then discount_factor end) as last_discount_factor,
        max(case when is_last then discount_amount end) as last_discount_amount,
        max(case when is_last then expired_pct end) as last_expired_pct,
        max(case when is_last then expired_amount end) as last_expired_amount
    from weighed
    group by
        contract_line_id,
        cell_no
),

once_discount as (
    select
        service_period.contract_line_id,
        service_period.cell_no,
        sum(line_discount.value) as amount
    from service_period
    inner join line_discount
        on service_period.contract_line_id = line_discount.contract_line_id
        and line_discount.start_date >= service_period.period_start_date
        and line_discount.start_date < service_period.period_end_date
    group by
        service_period.contract_line_id,
        service_period.cell_no
),

-- The denominator of the proration method, and what still stands in the way.
prorated as (
    select
        summed.*,
        line_grid.component,
        line_grid.minor_digits,
        coalesce(once_discount.amount, 0) as once_amount,
        case
            when line_grid.component = 'charge' and line_grid.proration_method = 'act_365' and not line_grid.is_single_period
                and summed.charged_days < summed.cell_days then 12
            else 1
        end as day_unit,
        case
            when line_grid.component = 'usage' and line_grid.pricing_model = 'flat' then greatest(summed.weight, 1)
            when line_grid.component <> 'charge' then 1
            when line_grid.is_single_period and summed.cell_end_date >= date '9999-01-01' then greatest(summed.weight, 1)
            when line_grid.is_single_period then summed.cell_days
            when line_grid.proration_method = 'none' then greatest(summed.weight, 1)
            when line_grid.proration_method = 'act_365' and summed.charged_days < summed.cell_days then 365 * line_grid.months
            else summed.cell_measure
        end as denominator,
        case
            when line_grid.component = 'usage' and (summed.discount_days > 0 or summed.expired_amount_days > 0) then summed.cell_days
            else 1
        end as discount_unit,
        case
            when summed.charged_days = 0 then null
            when summed.first_missing_term is not null then summed.first_missing_term
            when line_grid.component = 'usage' and not summed.has_quantity then 'usage'
        end as missing_term
    from summed
    inner join line_grid
        on summed.contract_line_id = line_grid.contract_line_id
    left join once_discount
        on summed.contract_line_id = once_discount.contract_line_id
        and summed.cell_no = once_discount.cell_no
),

-- Of usage lines amounts off count calendar days over those of the whole period, while usage itself counts once.
fraction as (
    select
        prorated.*,
        cast(denominator as decimal(10,0)) as whole,
        cast(denominator * discount_unit as decimal(18,0)) as net_divisor,
        cast(100 * denominator * discount_unit as decimal(18,0)) as expired_whole,
        cast(coalesce(value_days, 0) * cast(day_unit as decimal(4,0)) as decimal(38,10)) as gross_part,
        cast(greatest(
            (
                coalesce(net_days, 0) * cast(discount_unit as decimal(10,0))
                - coalesce(discount_days, 0) * cast(case when component = 'usage' then denominator else 1 end as decimal(10,0))
            ) * cast(day_unit as decimal(4,0))
                - once_amount * cast(denominator * discount_unit as decimal(18,0)),
            0
        ) as decimal(38,10)) as net_part,
        cast(
            (
                coalesce(expired_pct_days, 0) * cast(discount_unit as decimal(10,0))
                + coalesce(expired_amount_days, 0) * cast(case when component = 'usage' then 100 * denominator else 100 end as decimal(18,0))
            ) * cast(day_unit as decimal(4,0))
            as decimal(38,12)
        ) as expired_part
    from prorated
),

halved as (
    select
        fraction.*,
        cast(round(cast(gross_part as double) / cast(whole as double)) as decimal(38,0)) as gross_whole,
        cast(round(cast(net_part as double) / cast(net_divisor as double)) as decimal(38,0)) as net_whole,
        cast(round(cast(expired_part as double) / cast(expired_whole as double)) as decimal(38,0)) as x_whole
    from fraction
),

divided as (
    select
        halved.*,
        gross_whole + cast(cast(gross_part - gross_whole * whole as double) / cast(whole as double) as decimal(38,10)) as gross,
        net_whole + cast(cast(net_part - net_whole * net_divisor as double) / cast(net_divisor as double) as decimal(38,10)) as net,
        x_whole + cast(cast(expired_part - x_whole * expired_whole as double) / cast(expired_whole as double) as decimal(38,10)) as x
    from halved
),

rounded as (
    select
        divided.*,
        case minor_digits
            when 0 then cast(round(gross, 0) as decimal(18,4))
            when 3 then cast(round(gross, 3) as decimal(18,4))
            else cast(round(gross, 2) as decimal(18,4))
        end as gross_amount,
        case minor_digits
            when 0 then cast(round(net, 0) as decimal(18,4))
            when 3 then cast(round(net, 3) as decimal(18,4))
            else cast(round(net, 2) as decimal(18,4))
        end as net_amount,
        case minor_digits
            when 0 then cast(round(x, 0) as decimal(18,4))
            when 3 then cast(round(x, 3) as decimal(18,4))
            else cast(round(x, 2) as decimal(18,4))
        end as x_amount
    from divided
)

select
    contract_line_id,
    cell_no,
    cell_start_date,
    cell_end_date,
    period_start_date,
    period_end_date,
    billable_date,
    check_date,
    missing_term,
    case
        when missing_term is not null and value_days is not null and (component <> 'usage' or missing_term <> 'usage') then gross_amount
    end as blocked_amount,
    case when missing_term is null then net_amount end as expected_amount,
    case when missing_term is null then gross_amount end as gross_amount,
    case when missing_term is null then x_amount end as expired_amount,
    expired_on_date,
    charged_days,
    cast(case when component = 'charge' or is_flat_usage then weight * day_unit else least(weight, 1) end as bigint) as days_numerator,
    cast(denominator as bigint) as days_denominator,
    cast(day_unit as bigint) as day_unit,
    cast(coalesce(quantity_days, 0) * cast(day_unit as decimal(4,0)) as decimal(38,6)) as quantity_days,
    cast(coalesce(contracted_days, 0) * cast(day_unit as decimal(4,0)) as decimal(38,6)) as contracted_days,
    gross_part as value_days,
    is_rated,
    last_version,
    last_quantity,
    last_price,
    last_discount_factor,
    last_discount_amount,
    last_expired_pct,
    last_expired_amount
from rounded
