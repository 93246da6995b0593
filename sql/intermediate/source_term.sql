/*---
title = "Terms that signed paper, CRM and biller each state, field by field"
owner = "finance"
grain = ["contract_id", "term_source", "field"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
contract_id = { type = "text", doc = "Canonical contract" }
term_source = { type = "text", doc = "signed, crm or billing" }
field = { type = "text", doc = "The term; terms of a line carry the line's id" }
contract_line_id = { type = "text", doc = "Contract line of a line's term; empty for the contract's own" }
value = { type = "text", doc = "What the source says" }
comparable = { type = "text", doc = "The same in one unit, for comparison" }

[checks]
not_null = ["contract_id", "term_source", "field", "contract_line_id", "value", "comparable"]

[decisions]
lines = "A line is the same where its canonical id is; else where the contract has one line of its product in either source"
numbers = "Numbers are compared as numbers; prices for one unit and one month where the price period is known"
discounts = "All discounts of a contract or line together: value, kind and end"
---*/
with canonical_id as (
    select
        kind,
        external_id,
        canonical_id
    from canonical_id
),

source_version as (
    select
        contract_id,
        term_source,
        source_contract_id,
        version,
        start_date,
        end_date,
        term_type,
        currency,
        auto_renew,
        billing_frequency,
        notice_days,
        case term_source when 'signed' then 1 when 'crm' then 2 else 3 end as source_rank
    from source_version
),

contract_line as (
    select
        contract_line_id,
        contract_id,
        version,
        term_source,
        product_id,
        charge_type,
        pricing_model,
        quantity,
        unit_price,
        price_period,
        unit_size,
        billing_frequency
    from contract_line
),

discount as (
    select
        discount_id,
        contract_id,
        contract_line_id,
        version,
        term_source,
        kind,
        value,
        start_date,
        end_date
    from discount
),

-- Only contracts that two sources know have anything to compare.
shared_contract as (
    select
        contract_id,
        min(source_rank) as best_rank
    from source_version
    group by contract_id
    having count(*) > 1
),

shared as (
    select
        source_version.*,
        source_version.source_rank = shared_contract.best_rank as is_best
    from source_version
    inner join shared_contract
        on source_version.contract_id = shared_contract.contract_id
),

line as (
    select
        shared.contract_id,
        shared.term_source,
        shared.is_best,
        shared.version,
        contract_line.contract_line_id as source_line_id,
        coalesce(line_alias.canonical_id, contract_line.contract_line_id) as own_line_id,
        coalesce(product_alias.canonical_id, contract_line.product_id) as product_id,
        contract_line.charge_type,
        contract_line.pricing_model,
        contract_line.quantity,
        contract_line.unit_price,
        contract_line.unit_size,
        case contract_line.price_period
            when 'month' then 1
            when 'quarter' then 3
            when 'year' then 12
            when 'billing_period' then case coalesce(contract_line.billing_frequency, shared.billing_frequency)
                when 'monthly' then 1
                when 'quarterly' then 3
                when 'semiannual' then 6
                when 'annual' then 12
            end
        end as price_months
    from contract_line
    inner join shared
        on contract_line.contract_id = shared.source_contract_id
        and contract_line.term_source = shared.term_source
        and contract_line.version = shared.version
    left join canonical_id as line_alias
        on contract_line.contract_line_id = line_alias.external_id
        and line_alias.kind = 'line'
    left join canonical_id as product_alias
        on contract_line.product_id = product_alias.external_id
        and product_alias.kind = 'product'
),

best_line as (
    select
        contract_id,
        own_line_id
    from line
    where is_best
),

only_line as (
    select
        contract_id,
        term_source,
        is_best,
        product_id,
        min(own_line_id) as own_line_id
    from line
    group by
        contract_id,
        term_source,
        is_best,
        product_id
    having count(*) = 1
),

best_only_line as (
    select
        contract_id,
        product_id,
        own_line_id
    from only_line
    where is_best
),

named_line as (
    select
        line.*,
        coalesce(best_line.own_line_id, best_only_line.own_line_id, line.own_line_id) as contract_line_id
    from line
    left join best_line
        on line.contract_id = best_line.contract_id
        and line.own_line_id = best_line.own_line_id
    left join only_line
        on line.contract_id = only_line.contract_id
        and line.term_source = only_line.term_source
        and line.product_id = only_line.product_id
    left join best_only_line
        on only_line.contract_id = best_only_line.contract_id
        and only_line.product_id = best_only_line.product_id
        and best_line.own_line_id is null
    qualify row_number() over (
        partition by line.contract_id, line.term_source, coalesce(best_line.own_line_id, best_only_line.own_line_id, line.own_line_id)
        order by line.source_line_id
    ) = 1
),

discount_text as (
    select
        shared.contract_id,
        shared.term_source,
        coalesce(named_line.contract_line_id, '') as contract_line_id,
        discount.start_date,
        discount.end_date,
        discount.discount_id,
        concat(
            rtrim(rtrim(cast(discount.value as varchar), '0'), '.'),
            case when lower(discount.kind) = 'percent' then ' %' else ' off' end,
            case when discount.end_date is null then ' without end' else concat(' until ', cast(discount.end_date as varchar)) end
        ) as text
    from discount
    inner join shared
        on discount.contract_id = shared.source_contract_id
        and discount.term_source = shared.term_source
        and (discount.version is null or discount.version = shared.version)
    left join named_line
        on discount.contract_line_id = named_line.source_line_id
        and shared.contract_id = named_line.contract_id
        and shared.term_source = named_line.term_source
    where discount.contract_line_id is null
        or named_line.contract_line_id is not null
),

stated as (
    select contract_id, term_source, 'start_date' as field, '' as contract_line_id, cast(start_date as varchar) as value, cast(start_date as varchar) as comparable
    from shared
    union all
    select contract_id, term_source, 'end_date' as field, '' as contract_line_id, cast(end_date as varchar) as value, cast(end_date as varchar) as comparable
    from shared
    union all
    select contract_id, term_source, 'term_type' as field, '' as contract_line_id, lower(term_type) as value, lower(term_type) as comparable
    from shared
    union all
    select contract_id, term_source, 'currency' as field, '' as contract_line_id, upper(currency) as value, upper(currency) as comparable
    from shared
    union all
    select contract_id, term_source, 'auto_renew' as field, '' as contract_line_id, case when auto_renew then 'true' when not auto_renew then 'false' end as value, case when auto_renew then 'true' when not auto_renew then 'false' end as comparable
    from shared
    union all
    select contract_id, term_source, 'billing_frequency' as field, '' as contract_line_id, lower(billing_frequency) as value, lower(billing_frequency) as comparable
    from shared
    union all
    select contract_id, term_source, 'notice_days' as field, '' as contract_line_id, cast(notice_days as varchar) as value, cast(notice_days as varchar) as comparable
    from shared
    union all
    select
        contract_id,
        term_source,
        concat('quantity ', contract_line_id) as field,
        contract_line_id,
        rtrim(rtrim(cast(quantity as varchar), '0'), '.') as value,
        cast(quantity as varchar) as comparable
    from named_line
    where pricing_model <> 'flat'
        and charge_type <> 'usage'
    union all
    select
        contract_id,
        term_source,
        concat('unit_price ', contract_line_id) as field,
        contract_line_id,
        concat(
            rtrim(rtrim(cast(unit_price as varchar), '0'), '.'),
            case when unit_size <> 1 then concat(' for ', rtrim(rtrim(cast(unit_size as varchar), '0'), '.')) else '' end,
            case price_months when 1 then ' a month' when 3 then ' a quarter' when 6 then ' a half-year' when 12 then ' a year' else '' end
        ) as value,
        case
            when price_months is null or charge_type <> 'recurring'
                then cast(cast(cast(unit_price as double) / cast(coalesce(nullif(unit_size, 0), 1) as double) as decimal(38,10)) as varchar)
            else cast(cast(
                cast(unit_price as double) / cast(coalesce(nullif(unit_size, 0), 1) as double) / price_months
                as decimal(38,6)
            ) as varchar)
        end as comparable
    from named_line
    where unit_price is not null
    union all
    select
        contract_id,
        term_source,
        case when contract_line_id = '' then 'discount' else concat('discount ', contract_line_id) end as field,
        contract_line_id,
        string_agg(text, '; ' order by start_date, end_date nulls last, text, discount_id) as value,
        string_agg(text, '; ' order by start_date, end_date nulls last, text, discount_id) as comparable
    from discount_text
    group by
        contract_id,
        term_source,
        contract_line_id
)

select
    contract_id,
    term_source,
    field,
    contract_line_id,
    value,
    comparable
from stated
where value is not null
    and comparable is not null
