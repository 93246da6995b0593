/*---
title = "Public holidays"
owner = "cs"
grain = ["country", "holiday_date"]

[columns]
country = { type = "text", doc = "ISO 3166 two-letter country" }
holiday_date = { type = "date", doc = "The day" }
name = { type = "text", doc = "Its name" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["country", "holiday_date"]

[decisions]
newest_wins = "Where a key was landed more than once, the row landed last holds"
---*/
select
    country,
    holiday_date,
    name,
    source,
    source_id
from provided.holiday
qualify row_number() over (partition by country, holiday_date order by _landed desc) = 1
