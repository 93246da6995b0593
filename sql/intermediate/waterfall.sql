/*---
title = "Obligations with the value after each step of the waterfall"
owner = "finance"
grain = ["contract_line_id", "cell_no"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line" }
cell_no = { type = "integer", doc = "Number of the cell in the line's grid" }
component = { type = "text", doc = "charge, usage or one_off" }
period_start_date = { type = "date", doc = "First day of the service period" }
period_end_date = { type = "date", doc = "First day after it" }
billable_date = { type = "date", doc = "Contractual invoice date" }
check_date = { type = "date", doc = "First day on which a missing invoice counts" }
verdict = { type = "text", doc = "verified, unverifiable or not_due" }
missing_term = { type = "text", doc = "What stands in the way of rating" }
blocked_amount = { type = "decimal(18,4)", doc = "Contract value that cannot be verified" }
expected_amount = { type = "decimal(18,4)", doc = "Due for the period, net of what a prepaid balance covers" }
prepaid_commitment_id = { type = "text", doc = "The prepaid commitment that the period draws on; null where none" }
drawn_amount = { type = "decimal(18,4)", doc = "What its balance covers of the period" }
gross_amount = { type = "decimal(18,4)", doc = "Due before discounts" }
billed_amount = { type = "decimal(18,4)", doc = "Posted lines without credits" }
duplicate_amount = { type = "decimal(18,4)", doc = "Of it, lines that repeat an earlier one" }
reversed_amount = { type = "decimal(18,4)", doc = "Lines taken back in full before they were billed again, outside billed_amount" }
credited_amount = { type = "decimal(18,4)", doc = "Credit lines and unvoided credit notes" }
error_amount = { type = "decimal(18,4)", doc = "E0: what right line arithmetic adds" }
value_billed = { type = "decimal(18,4)", doc = "S0: billed after duplicates and line arithmetic" }
value_coverage = { type = "decimal(18,4)", doc = "S1: with the contract's days" }
value_quantity = { type = "decimal(18,4)", doc = "S2: with the contract's quantity" }
value_contracted = { type = "decimal(18,4)", doc = "S2 with the contracted quantity only, before seats raise it" }
value_price = { type = "decimal(18,4)", doc = "S3: with the contract's price" }
value_discount = { type = "decimal(18,4)", doc = "S4: with the contract's discount, the expected amount" }
expired_amount = { type = "decimal(18,4)", doc = "What discounts that have ended would still take off" }
expired_on_date = { type = "date", doc = "First charged day without a discount that ended" }
charged_days = { type = "integer", doc = "Calendar days charged" }
days_numerator = { type = "integer", doc = "F" }
days_denominator = { type = "integer", doc = "D" }
day_unit = { type = "integer", doc = "12 where a part period is counted over 365 days, else 1" }
billed_quantity = { type = "decimal(38,12)", doc = "q_b" }
quantity_fraction = { type = "decimal(38,12)", doc = "QF" }
single_kind = { type = "text", doc = "priced or days where one ragged line stands alone" }
single_period_price = { type = "decimal(38,10)", doc = "Its quantity times unit price" }
single_days = { type = "integer", doc = "Its days as the contract counts them" }
billed_net_amount = { type = "decimal(18,4)", doc = "N" }
billed_gross_amount = { type = "decimal(18,4)", doc = "G" }
line_count = { type = "integer", doc = "Billed lines that stand" }
has_manual_override = { type = "boolean", doc = "A price was edited by hand" }
has_converted = { type = "boolean", doc = "A line that stands was billed in another currency" }
first_issued_date = { type = "date", doc = "Earliest issue of a posted line" }
is_rated = { type = "boolean", doc = "Rated by tiers, packages, percentage or included units" }
last_version = { type = "integer", doc = "Contract version of the last charged day" }
last_quantity = { type = "decimal(18,6)", doc = "Quantity of the last charged day" }
last_price = { type = "decimal(18,8)", doc = "Price per period of the last charged day" }
last_discount_factor = { type = "decimal(38,12)", doc = "What percent discounts leave on the last charged day" }
last_discount_amount = { type = "decimal(38,8)", doc = "Amount discounts per period on the last charged day" }
last_expired_pct = { type = "decimal(38,8)", doc = "Percent points of discounts that have ended by the last charged day" }
last_expired_amount = { type = "decimal(38,8)", doc = "Amount discounts per period that have ended by the last charged day" }
minor_digits = { type = "integer", doc = "Decimals of the currency" }
evidence = { type = "text", doc = "The invoice lines" }

[checks]
not_null = ["contract_line_id", "cell_no", "component", "period_start_date", "period_end_date", "verdict", "billed_amount"]

[decisions]
steps = "S1 = F q_b N / (D QF), S2 = A N / (D QF), S3 = B N / (D G), each one division and one rounding; a step is the difference of two rounded values"
rated = "S2 = S1 + (R(q_c) - R(q_b)) N / G, rounded once; of rated usage S1 is what was billed"
seats = "Where seats raise the quantity, value_contracted is S2 without them: what lies above it is the seats'"
outside_the_life = "What was billed for days the contract does not charge is an obligation that expects nothing"
foreign_currency = "A period with a line in another currency and no rate for it is unverifiable for want of fx_rate"
no_billing_source = "Where no invoice is known at all nothing can be called unbilled: every due obligation is unverifiable for want of invoices"
prepaid = "What a prepaid balance covers is taken off what is due like a discount; lines that show no deeper discount than the contract's own bill the overdraw alone, so that there is no quantity or price to compare and the whole gap is the last step"
checked = "Checked is what is billable: billable date plus grace lies on or before as_of"
---*/
with line_grid as (
    select
        contract_line_id,
        component,
        life_start_date,
        life_end_date,
        bill_timing,
        issue_grace_days,
        minor_digits
    from line_grid
),

expected_charge as (
    select
        contract_line_id,
        cell_no,
        period_start_date,
        period_end_date,
        billable_date,
        check_date,
        missing_term,
        blocked_amount,
        expected_amount,
        gross_amount,
        expired_amount,
        expired_on_date,
        charged_days,
        days_numerator,
        days_denominator,
        day_unit,
        quantity_days,
        contracted_days,
        value_days,
        is_rated,
        last_version,
        last_quantity,
        last_price,
        last_discount_factor,
        last_discount_amount,
        last_expired_pct,
        last_expired_amount
    from expected_charge
),

billed_charge as (
    select
        contract_line_id,
        cell_no,
        cell_start_date,
        cell_end_date,
        billed_amount,
        duplicate_amount,
        reversed_amount,
        credit_line_amount,
        error_amount,
        net_amount,
        gross_amount,
        billed_quantity,
        quantity_fraction,
        single_kind,
        single_price,
        single_period_price,
        single_days,
        line_count,
        has_manual_override,
        has_converted,
        first_issued_date,
        evidence
    from billed_charge
),

rated_billing as (
    select
        contract_line_id,
        cell_no,
        quantity_change,
        contracted_change
    from rated_billing
),

credit_allocation as (
    select
        contract_line_id,
        cell_no,
        amount
    from credit_allocation
),

prepaid_draw as (
    select
        contract_line_id,
        cell_no,
        commitment_id,
        drawn_amount,
        missing_term
    from prepaid_draw
),

invoice as (
    select invoice_id
    from invoice
),

unconverted_period as (
    select
        contract_line_id,
        cell_no
    from unconverted_period
),

known_billing as (
    select count(*) as invoices
    from invoice
),

credited as (
    select
        contract_line_id,
        cell_no,
        sum(amount) as amount
    from credit_allocation
    group by
        contract_line_id,
        cell_no
),

-- What was owed and what was billed for the same days; either side may stand alone.
paired as (
    select
        coalesce(expected_charge.contract_line_id, billed_charge.contract_line_id) as contract_line_id,
        coalesce(expected_charge.cell_no, billed_charge.cell_no) as cell_no,
        expected_charge.contract_line_id is not null as is_expected,
        expected_charge.period_start_date as expected_start_date,
        expected_charge.period_end_date as expected_end_date,
        expected_charge.billable_date as expected_billable_date,
        expected_charge.check_date as expected_check_date,
        expected_charge.* exclude (contract_line_id, cell_no, period_start_date, period_end_date, billable_date, check_date),
        billed_charge.cell_start_date as billed_start_date,
        billed_charge.cell_end_date as billed_end_date,
        coalesce(billed_charge.billed_amount, 0) as billed_amount,
        coalesce(billed_charge.duplicate_amount, 0) as duplicate_amount,
        coalesce(billed_charge.reversed_amount, 0) as reversed_amount,
        coalesce(billed_charge.credit_line_amount, 0) as credit_line_amount,
        coalesce(billed_charge.error_amount, 0) as error_amount,
        coalesce(billed_charge.net_amount, 0) as net_amount,
        coalesce(billed_charge.gross_amount, 0) as billed_gross_amount,
        billed_charge.billed_quantity,
        billed_charge.quantity_fraction,
        billed_charge.single_kind,
        billed_charge.single_price,
        billed_charge.single_period_price,
        billed_charge.single_days,
        coalesce(billed_charge.line_count, 0) as line_count,
        coalesce(billed_charge.has_manual_override, false) as has_manual_override,
        coalesce(billed_charge.has_converted, false) as has_converted,
        billed_charge.first_issued_date,
        billed_charge.evidence
    from billed_charge
    full outer join expected_charge
        on billed_charge.contract_line_id = expected_charge.contract_line_id
        and billed_charge.cell_no = expected_charge.cell_no
),

joined as (
    select
        paired.*,
        case when paired.is_rated then rated_billing.quantity_change end as quantity_change,
        case when paired.is_rated then rated_billing.contracted_change end as contracted_change,
        line_grid.component,
        line_grid.minor_digits,
        line_grid.bill_timing,
        line_grid.issue_grace_days,
        paired.credit_line_amount + coalesce(credited.amount, 0) as credited_amount,
        prepaid_draw.commitment_id as prepaid_commitment_id,
        coalesce(prepaid_draw.drawn_amount, 0) as drawn_amount,
        prepaid_draw.missing_term as balance_term,
        case
            when paired.is_expected then paired.expected_start_date
            when paired.billed_end_date > line_grid.life_start_date and paired.billed_start_date < line_grid.life_end_date
                then greatest(paired.billed_start_date, line_grid.life_start_date)
            else paired.billed_start_date
        end as period_start_date,
        case
            when paired.is_expected then paired.expected_end_date
            when paired.billed_end_date > line_grid.life_start_date and paired.billed_start_date < line_grid.life_end_date
                then least(paired.billed_end_date, line_grid.life_end_date)
            else paired.billed_end_date
        end as period_end_date
    from paired
    inner join line_grid
        on paired.contract_line_id = line_grid.contract_line_id
    left join rated_billing
        on paired.contract_line_id = rated_billing.contract_line_id
        and paired.cell_no = rated_billing.cell_no
    left join credited
        on paired.contract_line_id = credited.contract_line_id
        and paired.cell_no = credited.cell_no
    left join prepaid_draw
        on paired.contract_line_id = prepaid_draw.contract_line_id
        and paired.cell_no = prepaid_draw.cell_no
),

dated as (
    select
        joined.*,
        case
            when is_expected then expected_billable_date
            when component = 'usage' or bill_timing = 'arrears' then period_end_date
            else period_start_date
        end as billable_date,
        case
            when is_expected then expected_check_date
            when component = 'usage' or bill_timing = 'arrears' then cast(period_end_date + cast(issue_grace_days as int) as date)
            else cast(period_start_date + cast(issue_grace_days as int) as date)
        end as check_date
    from joined
),

judged as (
    select
        dated.*,
        case
            when check_date is null or check_date > cast($as_of as date) then 'not_due'
            when missing_term is not null or balance_term is not null then 'unverifiable'
            when known_billing.invoices = 0 or unconverted_period.cell_no is not null then 'unverifiable'
            else 'verified'
        end as verdict,
        coalesce(
            missing_term,
            balance_term,
            case when known_billing.invoices = 0 then 'invoices' when unconverted_period.cell_no is not null then 'fx_rate' end
        ) as named_term,
        case
            when is_expected then cast(expected_amount - drawn_amount as decimal(18,4))
            when period_start_date <= cast($as_of as date) then cast(0 as decimal(18,4))
        end as due_amount,
        coalesce(
            drawn_amount > 0 and line_count > 0
            and cast(net_amount as decimal(38,4)) * cast(gross_amount as decimal(18,4))
                >= cast(billed_gross_amount as decimal(38,4)) * cast(expected_amount as decimal(18,4)),
            false
        ) as is_overdraw_alone
    from dated
    cross join known_billing
    left join unconverted_period
        on dated.contract_line_id = unconverted_period.contract_line_id
        and dated.cell_no = unconverted_period.cell_no
),

fraction as (
    select
        judged.*,
        verdict = 'verified' and line_count > 0 and coalesce(days_numerator, 0) > 0 and not is_overdraw_alone as is_split,
        coalesce(quantity_fraction, 0) as fraction_quantity,
        case
            when single_kind = 'priced' then cast(
                cast(single_period_price * cast(net_amount as decimal(18,4)) as decimal(38,14)) * cast(coalesce(days_numerator, 0) as decimal(10,0))
                as decimal(38,14)
            )
            when single_kind = 'days' then cast(
                cast(net_amount as decimal(38,4)) * cast(coalesce(days_numerator, 0) as decimal(10,0)) * billed_quantity
                as decimal(38,14)
            )
            else cast(
                coalesce(billed_quantity, 0) * cast(net_amount as decimal(18,4)) * cast(coalesce(days_numerator, 0) as decimal(10,0))
                as decimal(38,14)
            )
        end as coverage_part,
        case
            when single_kind = 'priced' then cast(
                cast(cast(coalesce(quantity_days, 0) as decimal(38,6)) * cast(single_price as decimal(18,8)) as decimal(38,10)) * cast(net_amount as decimal(18,4))
                as decimal(38,14)
            )
            else cast(coalesce(quantity_days, 0) * cast(net_amount as decimal(18,4)) as decimal(38,14))
        end as quantity_part,
        case
            when single_kind = 'priced' then cast(
                cast(cast(coalesce(contracted_days, 0) as decimal(38,6)) * cast(single_price as decimal(18,8)) as decimal(38,10)) * cast(net_amount as decimal(18,4))
                as decimal(38,14)
            )
            else cast(coalesce(contracted_days, 0) * cast(net_amount as decimal(18,4)) as decimal(38,14))
        end as contracted_part,
        cast(coalesce(value_days, 0) * cast(net_amount as decimal(18,4)) as decimal(38,14)) as price_part,
        case
            when single_kind = 'priced'
                then cast(cast(billed_gross_amount as decimal(38,4)) * cast(coalesce(days_denominator, 1) as decimal(10,0)) as decimal(38,12))
            when single_kind = 'days' then cast(billed_quantity * cast(single_days as decimal(10,0)) as decimal(38,12))
            else cast(coalesce(quantity_fraction, 0) * cast(coalesce(days_denominator, 1) as decimal(10,0)) as decimal(38,12))
        end as quantity_whole,
        cast(cast(billed_gross_amount as decimal(38,4)) * cast(coalesce(days_denominator, 1) as decimal(10,0)) as decimal(38,4)) as price_whole
    from judged
),

halved as (
    select
        fraction.*,
        case when is_split and quantity_whole <> 0 then cast(round(cast(coverage_part as double) / cast(quantity_whole as double)) as decimal(38,0)) end as coverage_units,
        case when is_split and quantity_whole <> 0 then cast(round(cast(quantity_part as double) / cast(quantity_whole as double)) as decimal(38,0)) end as quantity_units,
        case
            when is_split and quantity_whole <> 0 then cast(round(cast(contracted_part as double) / cast(quantity_whole as double)) as decimal(38,0))
        end as contracted_units,
        case when is_split and price_whole <> 0 then cast(round(cast(price_part as double) / cast(price_whole as double)) as decimal(38,0)) end as price_units
    from fraction
),

divided as (
    select
        halved.*,
        coverage_units + cast(cast(coverage_part - coverage_units * quantity_whole as double) / cast(quantity_whole as double) as decimal(38,10)) as covered,
        quantity_units + cast(cast(quantity_part - quantity_units * quantity_whole as double) / cast(quantity_whole as double) as decimal(38,10)) as product,
        contracted_units + cast(cast(contracted_part - contracted_units * quantity_whole as double) / cast(quantity_whole as double) as decimal(38,10))
            as contracted_product,
        price_units + cast(cast(price_part - price_units * price_whole as double) / cast(price_whole as double) as decimal(38,10)) as price
    from halved
),

-- Of rated lines the quantity step is what the contract charges for the right quantity less what it charges for the billed one.
stepped as (
    select
        divided.*,
        case
            when is_rated and component <> 'charge' then cast(net_amount as decimal(38,10))
            else cast(covered as decimal(38,10))
        end as coverage,
        case
            when is_rated and component <> 'charge' then cast(cast(net_amount as decimal(38,10)) + quantity_change as decimal(38,10))
            when is_rated then cast(coalesce(covered, 0) + quantity_change as decimal(38,10))
            else cast(product as decimal(38,10))
        end as quantity,
        case
            when is_rated then cast(coalesce(covered, 0) + contracted_change as decimal(38,10))
            else cast(contracted_product as decimal(38,10))
        end as contracted
    from divided
),

rounded as (
    select
        stepped.*,
        case minor_digits
            when 0 then cast(round(coverage, 0) as decimal(18,4))
            when 3 then cast(round(coverage, 3) as decimal(18,4))
            else cast(round(coverage, 2) as decimal(18,4))
        end as s1,
        case minor_digits
            when 0 then cast(round(quantity, 0) as decimal(18,4))
            when 3 then cast(round(quantity, 3) as decimal(18,4))
            else cast(round(quantity, 2) as decimal(18,4))
        end as s2,
        case minor_digits
            when 0 then cast(round(contracted, 0) as decimal(18,4))
            when 3 then cast(round(contracted, 3) as decimal(18,4))
            else cast(round(contracted, 2) as decimal(18,4))
        end as s2_contracted,
        coalesce(
            case minor_digits
                when 0 then cast(round(price, 0) as decimal(18,4))
                when 3 then cast(round(price, 3) as decimal(18,4))
                else cast(round(price, 2) as decimal(18,4))
            end,
            gross_amount
        ) as s3
    from stepped
)

select
    contract_line_id,
    cell_no,
    component,
    period_start_date,
    period_end_date,
    billable_date,
    check_date,
    verdict,
    case when verdict = 'unverifiable' then named_term end as missing_term,
    case when verdict = 'unverifiable' then cast(coalesce(blocked_amount, due_amount, billed_amount) as decimal(18,4)) end as blocked_amount,
    case when verdict = 'unverifiable' then null else due_amount end as expected_amount,
    prepaid_commitment_id,
    cast(drawn_amount as decimal(18,4)) as drawn_amount,
    case when verdict = 'unverifiable' then null else coalesce(gross_amount, due_amount) end as gross_amount,
    cast(billed_amount as decimal(18,4)) as billed_amount,
    cast(duplicate_amount as decimal(18,4)) as duplicate_amount,
    cast(reversed_amount as decimal(18,4)) as reversed_amount,
    cast(credited_amount as decimal(18,4)) as credited_amount,
    cast(case when verdict = 'verified' then error_amount end as decimal(18,4)) as error_amount,
    cast(case when verdict = 'verified' then net_amount end as decimal(18,4)) as value_billed,
    cast(case when verdict = 'verified' then case when is_split then coalesce(s1, 0) when is_overdraw_alone then net_amount else due_amount end end as decimal(18,4)) as value_coverage,
    cast(case when verdict = 'verified' then case when is_split then coalesce(s2, s3) when is_overdraw_alone then net_amount else due_amount end end as decimal(18,4)) as value_quantity,
    cast(case
        when verdict <> 'verified' then null
        when is_split and contracted_days < quantity_days then coalesce(s2_contracted, s3)
        when is_split then coalesce(s2, s3)
        when is_overdraw_alone then net_amount
        else due_amount
    end as decimal(18,4)) as value_contracted,
    cast(case when verdict = 'verified' then case when is_split then s3 when is_overdraw_alone then net_amount else due_amount end end as decimal(18,4)) as value_price,
    cast(case when verdict = 'verified' then due_amount end as decimal(18,4)) as value_discount,
    expired_amount,
    expired_on_date,
    coalesce(charged_days, 0) as charged_days,
    coalesce(days_numerator, 0) as days_numerator,
    coalesce(days_denominator, 1) as days_denominator,
    coalesce(day_unit, 1) as day_unit,
    billed_quantity,
    quantity_fraction,
    single_kind,
    single_period_price,
    single_days,
    cast(net_amount as decimal(18,4)) as billed_net_amount,
    cast(billed_gross_amount as decimal(18,4)) as billed_gross_amount,
    line_count,
    has_manual_override,
    has_converted,
    first_issued_date,
    coalesce(is_rated, false) as is_rated,
    last_version,
    last_quantity,
    last_price,
    last_discount_factor,
    last_discount_amount,
    last_expired_pct,
    last_expired_amount,
    minor_digits,
    evidence
from rounded
