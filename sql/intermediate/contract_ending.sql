/*---
title = "How and when contracts end or renew, as far as it is known on the day"
owner = "cs"
grain = ["contract_id"]

[columns]
contract_id = { type = "text", doc = "Canonical contract" }
account_id = { type = "text", doc = "The account" }
renewal_date = { type = "date", doc = "First day of the next term; null where none is stated" }
terminated_date = { type = "date", doc = "First day after an early end recorded by as_of; null without one" }
auto_renew_off_date = { type = "date", doc = "Day automatic renewal was switched off, by as_of; null where it was not" }
is_running = { type = "boolean", doc = "Charged beyond as_of" }
is_renewed = { type = "boolean", doc = "Another contract renews it" }

[checks]
not_null = ["contract_id", "account_id", "is_running", "is_renewed"]

[decisions]
version = "the version in force on as_of, of the highest-ranked source"
recorded = "an early end counts from the day it was recorded; without that day it is taken as known"
---*/
with contract_version as (
    select
        contract_id,
        account_id,
        is_current,
        charged_to_date,
        renewal_date,
        renews_contract_id,
        auto_renew,
        auto_renew_changed_at,
        terminated_date,
        terminated_recorded_at,
    from contract_version
),

renewed as (
    select distinct renews_contract_id
    from contract_version
    where renews_contract_id is not null
)

select
    contract_version.contract_id,
    contract_version.account_id,
    contract_version.renewal_date,
    case
        when
            contract_version.terminated_recorded_at is null
            or contract_version.terminated_recorded_at < cast($as_of_end as timestamp)
            then contract_version.terminated_date
    end as terminated_date,
    case
        when
            not contract_version.auto_renew
            and contract_version.auto_renew_changed_at < cast($as_of_end as timestamp)
            then cast(contract_version.auto_renew_changed_at as date)
    end as auto_renew_off_date,
    contract_version.charged_to_date > cast($as_of as date) as is_running,
    renewed.renews_contract_id is not null as is_renewed,
from contract_version
left join renewed
    on renewed.renews_contract_id = contract_version.contract_id
where contract_version.is_current
