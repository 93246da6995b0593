/*---
title = "Ledger and contract drift tell the same of every case"
owner = "finance"
severity = "block"

[columns]
finding_id = { type = "text", doc = "The case" }
drift_amount = { type = "decimal(18,4)", doc = "leak_amount of contract_drift; null where it does not find the case" }
ledger_amount = { type = "decimal(18,4)", doc = "open_amount of recovery_ledger; null where it does not carry the case" }
drift_status = { type = "text", doc = "Status there" }
ledger_status = { type = "text", doc = "Status here" }
---*/
with contract_drift as (
    select
        finding_id,
        status,
        leak_amount,
        first_seen_date
    from contract_drift
),

recovery_ledger as (
    select
        finding_id,
        status,
        open_amount,
        first_seen_date,
        last_seen_date
    from recovery_ledger
)

select
    coalesce(contract_drift.finding_id, recovery_ledger.finding_id) as finding_id,
    contract_drift.leak_amount as drift_amount,
    recovery_ledger.open_amount as ledger_amount,
    contract_drift.status as drift_status,
    recovery_ledger.status as ledger_status
from contract_drift
full outer join recovery_ledger
    on contract_drift.finding_id = recovery_ledger.finding_id
where recovery_ledger.finding_id is null
    or contract_drift.finding_id is null and recovery_ledger.open_amount <> 0
    or contract_drift.finding_id is null and recovery_ledger.last_seen_date = cast($as_of as date)
    or contract_drift.leak_amount <> recovery_ledger.open_amount
    or contract_drift.status <> recovery_ledger.status
    or contract_drift.first_seen_date <> recovery_ledger.first_seen_date
