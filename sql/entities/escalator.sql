/*---
title = "Escalators"
owner = "finance"
grain = ["term_source", "contract_line_id", "version", "first_date"]

[columns]
contract_line_id = { type = "text", doc = "The contract line" }
version = { type = "integer", doc = "The version it belongs to; every version where null" }
term_source = { type = "text", doc = "signed, crm or billing: who says so" }
kind = { type = "text", doc = "fixed or index" }
pct = { type = "decimal(9,4)", doc = "Fixed uplift, percent points" }
index_name = { type = "text", doc = "The price index" }
lag_months = { type = "integer", doc = "Months the index value lies behind the step" }
margin_pct = { type = "decimal(9,4)", doc = "Points on top of the index" }
cap_pct = { type = "decimal(9,4)", doc = "Highest uplift, percent points" }
floor_pct = { type = "decimal(9,4)", doc = "Lowest uplift, percent points" }
is_compounding = { type = "boolean", doc = "Each step builds on the last" }
first_date = { type = "date", doc = "Day of the first step" }
every_months = { type = "integer", doc = "Months between steps" }
is_mandatory = { type = "boolean", doc = "Applies by itself; false: may be claimed with notice" }
notice_given_date = { type = "date", doc = "Day notice was given" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["contract_line_id", "term_source", "first_date", "every_months", "is_mandatory"]

[decisions]
newest_wins = "Where a key was landed more than once, the row landed last holds"
null_in_key = "version may be null: a null is one value of the key"
---*/
select
    contract_line_id,
    version,
    term_source,
    kind,
    pct,
    index_name,
    lag_months,
    margin_pct,
    cap_pct,
    floor_pct,
    is_compounding,
    first_date,
    every_months,
    is_mandatory,
    notice_given_date,
    source,
    source_id
from provided.escalator
qualify row_number() over (partition by term_source, contract_line_id, version, first_date order by _landed desc) = 1
