/*---
title = "Health of contract: what the customer has done to the contract itself"
owner = "cs"
grain = ["account_id"]

[columns]
account_id = { type = "text", doc = "The account" }
is_applicable = { type = "boolean", doc = "The account has a contract that runs" }
value = { type = "decimal(18,4)", doc = "What speaks against the contract, added up; null where no contract runs" }
baseline = { type = "decimal(18,4)", doc = "Contracted seats 180 days earlier; null where there were none" }
reason = { type = "text", doc = "What it consists of, in one sentence" }

[checks]
not_null = ["account_id", "is_applicable", "reason"]
expect.value_positive = "value is null or value >= 0"

[decisions]
value = "3 for notice served, 2 for automatic renewal switched off, 1 for seats cut by the policy's share within 180 days and 2 from two and a half times that, 1 for a term shorter than three quarters of the one it renews"
facts = "these are facts and do not fade while they hold"
---*/
with customer_account as (
    select account_id
    from customer_account
),

contract_ending as (
    select
        contract_id,
        account_id,
        terminated_date,
        auto_renew_off_date,
        is_running,
        is_renewed,
    from contract_ending
),

contract_version as (
    select
        contract_id,
        renews_contract_id,
        start_date,
        end_date,
        end_date - start_date as term_days,
    from contract_version
    where is_current
),

seat_line as (
    select
        account_id,
        seats,
        seg_start_date,
        seg_end_date,
    from seat_line
),

running as (
    select
        account_id,
        max(case when terminated_date > cast($as_of as date) and not is_renewed then 1 else 0 end) as notices,
        max(case when auto_renew_off_date is not null and not is_renewed then 1 else 0 end) as renewals_off,
    from contract_ending
    where is_running
    group by account_id
),

shortened as (
    select distinct contract_ending.account_id
    from contract_ending
    inner join contract_version
        on contract_version.contract_id = contract_ending.contract_id
    inner join contract_version as renewed
        on renewed.contract_id = contract_version.renews_contract_id
    where
        contract_ending.is_running
        and contract_version.start_date <= cast($as_of as date)
        and contract_version.term_days * 4 < renewed.term_days * 3
),

seated as (
    select
        account_id,
        sum(case when seg_start_date <= cast($as_of as date) and seg_end_date > cast($as_of as date) then seats end) as seats_now,
        sum(case when seg_start_date <= cast($as_of as date) - 180 and seg_end_date > cast($as_of as date) - 180 then seats end) as seats_before,
    from seat_line
    group by account_id
),

counted as (
    select
        customer_account.account_id,
        running.account_id is not null as is_running,
        coalesce(running.notices, 0) as notices,
        coalesce(running.renewals_off, 0) as renewals_off,
        case when shortened.account_id is not null then 1 else 0 end as shortened,
        seated.seats_now,
        seated.seats_before,
        case
            when (seated.seats_before - seated.seats_now) * 40 >= seated.seats_before * cast($health_seats_cut_pct as decimal(9,4)) then 2
            when (seated.seats_before - seated.seats_now) * 100 >= seated.seats_before * cast($health_seats_cut_pct as decimal(9,4)) then 1
            else 0
        end as cut,
    from customer_account
    left join running
        on running.account_id = customer_account.account_id
    left join shortened
        on shortened.account_id = customer_account.account_id
    left join seated
        on seated.account_id = customer_account.account_id
)

select
    account_id,
    is_running as is_applicable,
    case when is_running then cast(3 * notices + 2 * renewals_off + shortened + cut as decimal(18,4)) end as value,
    cast(seats_before as decimal(18,4)) as baseline,
    case
        when not is_running then 'no contract runs'
        when notices + renewals_off + shortened + cut = 0 then 'nothing speaks against the contract'
        else concat(
            'against the contract: ',
            concat_ws(
                ', ',
                case when notices > 0 then 'notice served' end,
                case when renewals_off > 0 then 'automatic renewal off' end,
                case
                    when cut > 0
                        then concat(
                            'seats cut from ', cast(cast(seats_before as decimal(18,0)) as varchar), ' to ',
                            cast(cast(seats_now as decimal(18,0)) as varchar)
                        )
                end,
                case when shortened > 0 then 'renewed for a shorter term' end
            )
        )
    end as reason,
from counted
