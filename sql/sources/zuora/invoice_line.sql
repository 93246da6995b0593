/*---
title = "Items of Zuora invoices"
owner = "finance"

[decisions]
days = "Zuora's last service day is part of the service: the day after is the end"
discount_items = "A discount that names the item it lowers is taken off that item; one that names none is a line of its own"
tax_items = "Tax in items of their own is on the items it belongs to already"
negative = "A recurring item below zero gives days back: proration"
inclusive = "A charge amount is without its tax, whatever the tax mode"
---*/
with item as (
    select
        id,
        invoice_id,
        charge_name,
        charge_amount,
        tax_amount,
        quantity,
        unit_price,
        unit,
        processing_type,
        applied_to_id,
        service_start_date,
        service_end_date,
        charge_number,
        charge_type,
        product_id
    from landed.invoice_item
),

-- Processing types: 0 a charge, 1 a discount, 2 a prepayment, 3 tax.
charged as (
    select *
    from item
    where coalesce(processing_type, '0') not in ('3', 'Tax')
        and not (coalesce(processing_type, '0') in ('1', 'Discount') and applied_to_id is not null)
),

discounted as (
    select
        applied_to_id,
        -sum(charge_amount) as amount
    from item
    where coalesce(processing_type, '0') in ('1', 'Discount')
        and applied_to_id is not null
    group by applied_to_id
)

select
    charged.id as invoice_line_id,
    charged.invoice_id,
    case when coalesce(charged.processing_type, '0') in ('1', 'Discount') then null else charged.charge_number end as contract_line_id,
    charged.product_id,
    charged.charge_name as description,
    case
        when coalesce(charged.processing_type, '0') in ('1', 'Discount') then 'discount'
        when charged.charge_type in ('OneTime', 'One-Time') then case when charged.charge_amount < 0 then 'credit' else 'one_off' end
        when charged.charge_type = 'Usage' then 'usage'
        when charged.charge_amount < 0 then 'proration'
        else 'recurring'
    end as kind,
    cast(round(charged.quantity, 6) as decimal(18,6)) as quantity,
    charged.unit,
    cast(round(charged.unit_price, 8) as decimal(18,8)) as unit_price,
    cast(round(charged.charge_amount, 4) as decimal(18,4)) as gross_amount,
    cast(round(coalesce(discounted.amount, 0), 4) as decimal(18,4)) as discount_amount,
    cast(round(charged.charge_amount - coalesce(discounted.amount, 0), 4) as decimal(18,4)) as amount,
    cast(round(charged.tax_amount, 4) as decimal(18,4)) as tax_amount,
    false as is_tax_inclusive,
    charged.service_start_date,
    cast(charged.service_end_date + 1 as date) as service_end_date,
    charged.id as source_id
from charged
left join discounted
    on charged.id = discounted.applied_to_id
where charged.charge_amount is not null
    and charged.invoice_id is not null
