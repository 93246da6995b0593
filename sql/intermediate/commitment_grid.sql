/*---
title = "Commitments that owe a true-up, with their periods' grid"
owner = "finance"
grain = ["commitment_id"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
commitment_id = { type = "text", doc = "The commitment" }
contract_id = { type = "text", doc = "Canonical contract" }
account_id = { type = "text", doc = "The account" }
term_source = { type = "text", doc = "signed, crm or billing" }
currency = { type = "text", doc = "Contract currency" }
amount = { type = "decimal(18,4)", doc = "Committed spend per period" }
months = { type = "integer", doc = "Months of a period; null where the whole term is one" }
anchor_month_no = { type = "integer", doc = "12 * year + month - 1 of the start" }
anchor_day = { type = "integer", doc = "Day of month of the start" }
start_date = { type = "date", doc = "First day" }
end_date = { type = "date", doc = "First day after it; 9999-12-31 where open" }

[checks]
not_null = ["commitment_id", "contract_id", "account_id", "start_date", "end_date"]

[decisions]
prepaid = "A prepaid commitment expires without an obligation"
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
        is_current,
        account_id,
        term_source,
        currency,
        charged_to_date
    from contract_version
),

commitment as (
    select
        commitment_id,
        contract_id,
        version,
        term_source,
        amount,
        period,
        is_prepaid,
        start_date,
        end_date
    from commitment
)

select
    commitment.commitment_id,
    contract_version.contract_id,
    contract_version.account_id,
    contract_version.term_source,
    contract_version.currency,
    commitment.amount,
    cast(case commitment.period when 'month' then 1 when 'quarter' then 3 when 'year' then 12 end as bigint) as months,
    cast(date_part('year', commitment.start_date) as bigint) * 12 + cast(date_part('month', commitment.start_date) as bigint) - 1 as anchor_month_no,
    cast(date_part('day', commitment.start_date) as bigint) as anchor_day,
    commitment.start_date,
    least(coalesce(commitment.end_date, date '9999-12-31'), contract_version.charged_to_date) as end_date
from commitment
left join canonical_id
    on commitment.contract_id = canonical_id.external_id
inner join contract_version
    on coalesce(canonical_id.canonical_id, commitment.contract_id) = contract_version.contract_id
    and commitment.term_source = contract_version.term_source
where not coalesce(commitment.is_prepaid, false)
    and contract_version.is_current
    and commitment.start_date < least(coalesce(commitment.end_date, date '9999-12-31'), contract_version.charged_to_date)
