/*---
title = "Exchange rates"
owner = "finance"
grain = ["rate_date", "from_currency", "to_currency"]

[columns]
rate_date = { type = "date", doc = "The day" }
from_currency = { type = "text", doc = "ISO 4217 currency converted" }
to_currency = { type = "text", doc = "ISO 4217 currency it is converted to" }
rate = { type = "decimal(18,8)", doc = "Units of to_currency for one unit of from_currency" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["rate_date", "from_currency", "to_currency", "rate"]

[decisions]
newest_wins = "Where a key was landed more than once, the row landed last holds"
---*/
select
    rate_date,
    from_currency,
    to_currency,
    rate,
    source,
    source_id
from provided.fx_rate
qualify row_number() over (partition by rate_date, from_currency, to_currency order by _landed desc) = 1
