/*---
title = "What records say was conceded in a deal"
owner = "cs"
grain = ["opportunity_id", "claim", "record_kind", "record_id"]

[columns]
opportunity_id = { type = "text", doc = "The deal" }
claim = { type = "text", doc = "What was conceded: discount, free_period or special_price" }
record_kind = { type = "text", doc = "contract, crm or approval" }
record_id = { type = "text", doc = "The discount, the opportunity, the contract line or the exception" }
value = { type = "decimal(9,4)", doc = "Percent points or months; null for an amount of money" }
unit = { type = "text", doc = "percent or months; null without a value" }
end_date = { type = "date", doc = "First day without it; null where it is open, and where the record does not say" }
detail = { type = "text", doc = "The record in words" }

[checks]
not_null = ["opportunity_id", "claim", "record_kind", "record_id", "detail"]

[decisions]
at_the_start = "a discount or free period counts where it begins with the contract, up to 31 days later, and belongs to the first version: what was agreed later was not in this deal"
approval = "an approved deviation of price (codes P), approved from 90 days before the deal was won to the last day of handing over, is a special price"
---*/
with handoff_deal as (
    select
        opportunity_id,
        account_id,
        close_date,
        due_date,
        crm_discount_pct,
    from handoff_deal
),

handoff_contract as (
    select
        opportunity_id,
        contract_id,
        term_source,
        version,
        start_date,
    from handoff_contract
),

canonical_id as (
    select
        kind,
        external_id,
        canonical_id,
    from canonical_id
),

discount as (
    select
        discount.discount_id,
        coalesce(canonical_id.canonical_id, discount.contract_id) as contract_id,
        discount.version,
        discount.term_source,
        discount.kind,
        discount.value,
        discount.start_date,
        discount.end_date,
    from discount
    left join canonical_id
        on canonical_id.kind = 'contract'
        and canonical_id.external_id = discount.contract_id
    where discount.value > 0
),

contract_line as (
    select distinct
        contract_line.contract_line_id,
        contract_line.term_source,
        coalesce(canonical_id.canonical_id, contract_line.contract_id) as contract_id,
    from contract_line
    left join canonical_id
        on canonical_id.kind = 'contract'
        and canonical_id.external_id = contract_line.contract_id
),

free_period as (
    select
        contract_line_id,
        version,
        term_source,
        start_date,
        end_date,
    from free_period
),

billing_exception as (
    select
        exception_id,
        account_id,
        contract_id,
        check_code,
        cast(approved_at as date) as approved_date,
        reason,
    from billing_exception
    where
        check_code like 'P%'
        and approved_at < cast($as_of_end as timestamp)
),

contract_discount as (
    select
        handoff_contract.opportunity_id,
        'discount' as claim,
        'contract' as record_kind,
        discount.discount_id as record_id,
        case when discount.kind = 'percent' then cast(discount.value as decimal(9,4)) end as value,
        case when discount.kind = 'percent' then 'percent' end as unit,
        discount.end_date,
        concat(
            'contract ', handoff_contract.contract_id, ' has a discount',
            case
                when discount.kind = 'percent'
                    then concat(' of ', regexp_replace(cast(cast(discount.value as decimal(9,4)) as varchar), '\.?0+$', ''), ' %')
                else ' of an amount'
            end,
            case when discount.end_date is not null then concat(' until ', cast(discount.end_date as varchar)) else '' end
        ) as detail,
    from handoff_contract
    inner join discount
        on discount.contract_id = handoff_contract.contract_id
        and discount.term_source = handoff_contract.term_source
    where
        discount.start_date <= handoff_contract.start_date + 31
        and coalesce(discount.version, handoff_contract.version) = handoff_contract.version
    qualify row_number() over (
        partition by handoff_contract.opportunity_id, discount.discount_id
        order by discount.start_date
    ) = 1
),

crm_discount as (
    select
        opportunity_id,
        'discount' as claim,
        'crm' as record_kind,
        opportunity_id as record_id,
        crm_discount_pct as value,
        'percent' as unit,
        cast(null as date) as end_date,
        concat('the CRM has a discount of ', regexp_replace(cast(crm_discount_pct as varchar), '\.?0+$', ''), ' %') as detail,
    from handoff_deal
    where crm_discount_pct > 0
),

free as (
    select
        handoff_contract.opportunity_id,
        free_period.contract_line_id,
        handoff_contract.contract_id,
        min(free_period.start_date) as start_date,
        max(free_period.end_date) as end_date,
    from handoff_contract
    inner join contract_line
        on contract_line.contract_id = handoff_contract.contract_id
        and contract_line.term_source = handoff_contract.term_source
    inner join free_period
        on free_period.contract_line_id = contract_line.contract_line_id
        and free_period.term_source = contract_line.term_source
    where
        free_period.start_date <= handoff_contract.start_date + 31
        and coalesce(free_period.version, handoff_contract.version) = handoff_contract.version
    group by
        handoff_contract.opportunity_id,
        free_period.contract_line_id,
        handoff_contract.contract_id
),

contract_free as (
    select
        opportunity_id,
        'free_period' as claim,
        'contract' as record_kind,
        contract_line_id as record_id,
        cast(round(cast(end_date - start_date as double) * 12 / 365, 0) as decimal(9,4)) as value,
        case when end_date is not null then 'months' end as unit,
        end_date,
        concat(
            'contract ', contract_id, ' has line ', contract_line_id, ' free from ', cast(start_date as varchar),
            case when end_date is not null then concat(' to ', cast(end_date as varchar)) else '' end
        ) as detail,
    from free
),

approval as (
    select
        handoff_deal.opportunity_id,
        'special_price' as claim,
        'approval' as record_kind,
        billing_exception.exception_id as record_id,
        cast(null as decimal(9,4)) as value,
        cast(null as varchar) as unit,
        cast(null as date) as end_date,
        concat(
            'exception ', billing_exception.exception_id, ' (', billing_exception.check_code, ') was approved on ',
            cast(billing_exception.approved_date as varchar)
        ) as detail,
    from handoff_deal
    left join handoff_contract
        on handoff_contract.opportunity_id = handoff_deal.opportunity_id
    inner join billing_exception
        on billing_exception.account_id = handoff_deal.account_id
    where
        billing_exception.approved_date between handoff_deal.close_date - 90 and handoff_deal.due_date
        and coalesce(billing_exception.contract_id = handoff_contract.contract_id, true)
)

select * from contract_discount
union all
select * from crm_discount
union all
select * from contract_free
union all
select * from approval
