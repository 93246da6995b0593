/*---
title = "Commitments with the grid of their periods"
owner = "finance"
grain = ["commitment_id"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
commitment_id = { type = "text", doc = "The commitment" }
contract_id = { type = "text", doc = "Canonical contract" }
account_id = { type = "text", doc = "The account" }
term_source = { type = "text", doc = "signed, crm or billing" }
currency = { type = "text", doc = "Contract currency" }
minor_digits = { type = "integer", doc = "Decimals of the currency" }
issue_grace_days = { type = "integer", doc = "Days an invoice may be issued late" }
is_prepaid = { type = "boolean", doc = "A balance paid up front, drawn down by what its lines owe" }
months = { type = "integer", doc = "Months of a period; null where the whole term is one" }
anchor_month_no = { type = "integer", doc = "12 * year + month - 1 of the start" }
anchor_day = { type = "integer", doc = "Day of month of the start" }
start_date = { type = "date", doc = "First day" }
end_date = { type = "date", doc = "First day after it: its own end or the contract's; 9999-12-31 where open" }
term_end_date = { type = "date", doc = "Where the term ends as written, whatever cut it short" }
unrated_term = { type = "text", doc = "A term of the commitment that is not rated; null where there is none" }

[checks]
not_null = ["commitment_id", "contract_id", "account_id", "start_date", "end_date", "is_prepaid"]

[decisions]
grid = "Periods are counted from the commitment's start, on its day of the month or the last day of a shorter month"
holdover = "A commitment per term ends with the term as written; one per month, quarter or year without an end of its own goes on as long as the contract does"
version = "Where versions restate a commitment, the current one gives the grid"
---*/
with canonical_id as (
    select
        external_id,
        canonical_id
    from canonical_id
    where kind = 'contract'
),

contract_version as (
    select
        contract_id,
        version,
        account_id,
        term_source,
        currency,
        minor_digits,
        issue_grace_days,
        end_date,
        charged_to_date
    from contract_version
    where is_current
),

commitment as (
    select
        commitment_id,
        contract_id,
        version,
        term_source,
        period,
        is_prepaid,
        rollover,
        start_date,
        end_date
    from commitment
),

joined as (
    select
        commitment.commitment_id,
        contract_version.contract_id,
        contract_version.account_id,
        contract_version.term_source,
        contract_version.currency,
        contract_version.minor_digits,
        contract_version.issue_grace_days,
        coalesce(commitment.is_prepaid, false) as is_prepaid,
        cast(case commitment.period when 'month' then 1 when 'quarter' then 3 when 'year' then 12 end as bigint) as months,
        commitment.start_date,
        coalesce(commitment.end_date, contract_version.end_date, date '9999-12-31') as term_end_date,
        case
            when commitment.period in ('month', 'quarter', 'year') then coalesce(commitment.end_date, date '9999-12-31')
            else coalesce(commitment.end_date, contract_version.end_date, date '9999-12-31')
        end as own_end_date,
        contract_version.charged_to_date,
        case
            when coalesce(commitment.rollover, 'none') <> 'none' then 'not_rated: rollover'
            when commitment.period not in ('month', 'quarter', 'year', 'term') then 'period'
        end as unrated_term
    from commitment
    left join canonical_id
        on commitment.contract_id = canonical_id.external_id
    inner join contract_version
        on coalesce(canonical_id.canonical_id, commitment.contract_id) = contract_version.contract_id
        and commitment.term_source = contract_version.term_source
    qualify row_number() over (
        partition by commitment.commitment_id
        order by
            case when coalesce(commitment.version, contract_version.version) = contract_version.version then 0 else 1 end,
            commitment.version desc,
            contract_version.contract_id
    ) = 1
)

select
    commitment_id,
    contract_id,
    account_id,
    term_source,
    currency,
    minor_digits,
    issue_grace_days,
    is_prepaid,
    months,
    cast(date_part('year', start_date) as bigint) * 12 + cast(date_part('month', start_date) as bigint) - 1 as anchor_month_no,
    cast(date_part('day', start_date) as bigint) as anchor_day,
    start_date,
    least(own_end_date, charged_to_date) as end_date,
    term_end_date,
    unrated_term
from joined
where start_date < least(own_end_date, charged_to_date)
