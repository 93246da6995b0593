/*---
title = "What moved annual recurring revenue, by account, product, currency, month and cause"
owner = "finance"
grain = ["account_id", "product_id", "currency", "month_date", "kind", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
account_id = { type = "text", doc = "The account" }
account_name = { type = "text", doc = "Its name; null where no system names it" }
segment = { type = "text", doc = "Its segment; empty where it has none" }
owner_id = { type = "text", doc = "Who decides about the account's contracts; null where nobody is known" }
owner_role = { type = "text", doc = "In which role" }
product_id = { type = "text", doc = "The product; empty for a commitment over several" }
currency = { type = "text", doc = "Contract currency" }
month_date = { type = "date", doc = "The first of the month at the end; the movement lies in the month before it" }
kind = { type = "text", doc = "new, reactivation, expansion_new_product, expansion_quantity, expansion_ramp, expansion_uplift, expansion_discount_end, contraction, product_churn, logo_churn, unverifiable or fx" }
reason_class = { type = "text", doc = "customer: they decided; agreed: the contract said so from the start; rates: exchange; data: a term is wanting" }
amount = { type = "decimal(18,4)", doc = "Change of annual recurring revenue in the contract's currency, signed; 0 for fx" }
amount_reporting = { type = "decimal(18,4)", doc = "The same in the reporting currency at the rate of month_date; for fx what the rates did" }
reporting_currency = { type = "text", doc = "The company's currency" }
as_of_date = { type = "date", doc = "Business date of the run" }

[checks]
not_null = ["account_id", "segment", "product_id", "currency", "month_date", "kind", "reason_class", "amount", "amount_reporting", "reporting_currency", "as_of_date"]
expect.own_currency_has_no_rate = "kind <> 'fx' or currency <> reporting_currency"

[decisions]
day = "Revenue is measured on the first of each month, so month_date 1 July holds what changed after 1 June up to 1 July"
not_leakage = "Churn and contraction are decisions of the customer; what was owed and not billed stands in contract_drift, and the two are never added"
restated = "Each as_of has its own view of the past: a version signed late moves the months it holds for"
---*/
with arr_change as (
    select
        account_id,
        product_id,
        currency,
        month_date,
        kind,
        amount,
        amount_reporting
    from arr_change
),

account as (
    select
        account_id,
        name,
        segment
    from account
),

contract_owner as (
    select
        account_id,
        owner_id,
        owner_role
    from contract_owner
)

select
    arr_change.account_id,
    account.name as account_name,
    coalesce(account.segment, '') as segment,
    contract_owner.owner_id,
    contract_owner.owner_role,
    arr_change.product_id,
    arr_change.currency,
    arr_change.month_date,
    arr_change.kind,
    case
        when arr_change.kind in ('expansion_ramp', 'expansion_uplift', 'expansion_discount_end') then 'agreed'
        when arr_change.kind = 'fx' then 'rates'
        when arr_change.kind = 'unverifiable' then 'data'
        else 'customer'
    end as reason_class,
    arr_change.amount,
    arr_change.amount_reporting,
    cast($reporting_currency as varchar) as reporting_currency,
    cast($as_of as date) as as_of_date
from arr_change
left join account
    on arr_change.account_id = account.account_id
left join contract_owner
    on arr_change.account_id = contract_owner.account_id
