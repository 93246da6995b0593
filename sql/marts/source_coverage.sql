/*---
title = "Source coverage"
owner = "data"
grain = ["source", "entity", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
source = { type = "text", doc = "Name of the source in the job" }
entity = { type = "text", doc = "The entity, or the name of an input that is read by SQL of the job's own" }
as_of_date = { type = "date", doc = "The run's business date" }
landed_rows = { type = "integer", doc = "Rows landed and in use for this date; null where the entity is made by SQL from other inputs" }
landed_files = { type = "integer", doc = "Landed files in use" }
entity_rows = { type = "integer", doc = "Rows in the entity after the newest of each key won; null for inputs that are no entity" }
matched_rows = { type = "integer", doc = "Of these, rows whose account, contract or invoice is known" }
match_pct = { type = "decimal(9,4)", doc = "matched_rows of entity_rows, percent points; under 90 a note, under 80 low confidence" }
match_status = { type = "text", doc = "ok, note, low, or null where nothing is matched" }
quarantined_rows = { type = "integer", doc = "Rows that could not be read" }
quarantined_pct = { type = "decimal(9,4)", doc = "Share of all rows read that could not be read, percent points" }
quarantined_money = { type = "decimal(18,4)", doc = "Money that could be read in quarantined rows" }
quarantined_currency = { type = "text", doc = "ISO 4217 currency of it; null where unknown or several" }
biller_only_contracts = { type = "integer", doc = "Contracts known from the biller alone: their amounts prove little; null for other entities" }
landed_date = { type = "date", doc = "Day at whose end the newest of these rows was known" }
is_backdated = { type = "boolean", doc = "The run's date lies before the first landing, so the earliest version known is used" }

[checks]
not_null = ["source", "entity", "as_of_date"]
expect.match_share = "match_pct is null or (match_pct >= 0 and match_pct <= 100)"

[decisions]
match_status = "Under 90 % is a note and under 80 % low confidence, the bars of the domain"
---*/
with landed as (
    select
        source,
        entity,
        landed_rows,
        landed_files,
        quarantined_rows,
        quarantined_money,
        quarantined_currency,
        landed_date,
        is_backdated
    from run.landed
),

entity_match as (
    select
        source,
        entity,
        entity_rows,
        matched_rows
    from entity_match
),

contract as (
    select
        source,
        contract_id,
        term_source
    from contract
),

-- One row an entity: several inputs may feed it.
landed_entity as (
    select
        source,
        entity,
        cast(sum(landed_rows) as bigint) as landed_rows,
        cast(sum(landed_files) as bigint) as landed_files,
        cast(sum(quarantined_rows) as bigint) as quarantined_rows,
        cast(sum(quarantined_money) as decimal(18, 4)) as quarantined_money,
        case when min(quarantined_currency) = max(quarantined_currency) then min(quarantined_currency) end as quarantined_currency,
        max(landed_date) as landed_date,
        bool_or(is_backdated) as is_backdated
    from landed
    group by source, entity
),

-- A contract that nobody but the biller states cannot contradict the biller.
contract_origin as (
    select
        contract_id,
        min(source) as source,
        bool_or(term_source <> 'billing') as is_stated_elsewhere
    from contract
    group by contract_id
),

biller_only as (
    select
        source,
        count(*) as biller_only_contracts
    from contract_origin
    where not is_stated_elsewhere
    group by source
),

pair as (
    select source, entity from landed_entity
    union
    select source, entity from entity_match
),

joined as (
    select
        pair.source,
        pair.entity,
        landed_entity.landed_rows,
        landed_entity.landed_files,
        entity_match.entity_rows,
        entity_match.matched_rows,
        cast(
            round(
                cast(cast(entity_match.matched_rows as double) * 100 / cast(entity_match.entity_rows as double) as decimal(38, 10)),
                4
            ) as decimal(9, 4)
        ) as match_pct,
        landed_entity.quarantined_rows,
        cast(
            round(
                cast(
                    cast(landed_entity.quarantined_rows as double) * 100
                    / cast(nullif(landed_entity.landed_rows + landed_entity.quarantined_rows, 0) as double) as decimal(38, 10)
                ),
                4
            ) as decimal(9, 4)
        ) as quarantined_pct,
        landed_entity.quarantined_money,
        landed_entity.quarantined_currency,
        landed_entity.landed_date,
        landed_entity.is_backdated
    from pair
    left join landed_entity
        on pair.source = landed_entity.source
        and pair.entity = landed_entity.entity
    left join entity_match
        on pair.source = entity_match.source
        and pair.entity = entity_match.entity
)

select
    joined.source,
    joined.entity,
    cast($as_of as date) as as_of_date,
    joined.landed_rows,
    joined.landed_files,
    joined.entity_rows,
    joined.matched_rows,
    joined.match_pct,
    case
        when joined.match_pct is null then null
        when joined.match_pct < 80 then 'low'
        when joined.match_pct < 90 then 'note'
        else 'ok'
    end as match_status,
    joined.quarantined_rows,
    joined.quarantined_pct,
    joined.quarantined_money,
    joined.quarantined_currency,
    case when joined.entity = 'contract' then coalesce(biller_only.biller_only_contracts, 0) end as biller_only_contracts,
    joined.landed_date,
    joined.is_backdated
from joined
left join biller_only
    on joined.source = biller_only.source
