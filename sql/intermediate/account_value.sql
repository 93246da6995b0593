/*---
title = "What an account is worth in a year"
owner = "finance"
grain = ["account_id"]

[columns]
account_id = { type = "text", doc = "The account" }
annual_value = { type = "decimal(18,4)", doc = "Annual value of its contracts in force, in the reporting currency; null where one of them cannot be valued or converted" }
contracts = { type = "integer", doc = "Contracts in force" }
next_renewal_date = { type = "date", doc = "The first renewal of them that lies ahead; null where none does" }
next_decision_date = { type = "date", doc = "The first notice deadline that lies ahead, or renewal where notice days are not known; null where none does" }

[checks]
not_null = ["account_id", "contracts"]

[decisions]
unknown = "One contract without a value or a rate makes the sum unknown: a part is never shown as the whole"
---*/
with contract_renewal as (
    select
        contract_id,
        account_id,
        currency,
        renewal_date,
        notice_deadline_date,
    from contract_renewal
),

contract_value as (
    select
        contract_id,
        annual_value,
    from contract_value
),

reporting_rate as (
    select
        currency,
        rate,
        minor_digits,
    from reporting_rate
),

converted as (
    select
        contract_renewal.account_id,
        contract_renewal.renewal_date,
        case
            when contract_renewal.notice_deadline_date >= cast($as_of as date) then contract_renewal.notice_deadline_date
            else contract_renewal.renewal_date
        end as decision_date,
        cast(cast(contract_value.annual_value as decimal(38,4)) * reporting_rate.rate as decimal(38,10)) as value,
        reporting_rate.minor_digits,
    from contract_renewal
    left join contract_value
        on contract_value.contract_id = contract_renewal.contract_id
    left join reporting_rate
        on reporting_rate.currency = contract_renewal.currency
),

rounded as (
    select
        account_id,
        renewal_date,
        decision_date,
        case
            when minor_digits = 0 then cast(round(value, 0) as decimal(18,4))
            when minor_digits = 3 then cast(round(value, 3) as decimal(18,4))
            else cast(round(value, 2) as decimal(18,4))
        end as value,
    from converted
)

select
    account_id,
    case when count(*) = count(value) then cast(sum(value) as decimal(18,4)) end as annual_value,
    cast(count(*) as bigint) as contracts,
    min(renewal_date) as next_renewal_date,
    min(decision_date) as next_decision_date,
from rounded
group by account_id
