/*---
title = "Quarantine"
owner = "data"
grain = ["source", "entity", "file_name", "line_number", "column_name", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
source = { type = "text", doc = "Name of the source in the job" }
entity = { type = "text", doc = "The entity, or the name of the input that is read by SQL of the job's own" }
file_name = { type = "text", doc = "The file, relative to the source's root" }
line_number = { type = "integer", doc = "Line of the file on which the row begins; row number in a Parquet file" }
column_name = { type = "text", doc = "The column that could not be read; empty where the whole row could not" }
as_of_date = { type = "date", doc = "The run's business date" }
raw_value = { type = "text", doc = "What stands there" }
reason = { type = "text", doc = "Why it could not be read" }
money = { type = "decimal(18,4)", doc = "Money that could be read in the row" }
currency = { type = "text", doc = "ISO 4217 currency of it, where it could be read" }

[checks]
not_null = ["source", "entity", "file_name", "line_number", "column_name", "as_of_date", "reason"]

[decisions]
kept = "A row stays in quarantine for as long as the version of the file it stands in is the one in use"
---*/
select
    source,
    entity,
    file_name,
    line_number,
    column_name,
    cast($as_of as date) as as_of_date,
    raw_value,
    reason,
    money,
    currency
from run.quarantine
