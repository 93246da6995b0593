/*---
title = "Price indices"
owner = "finance"
grain = ["index_name", "month_date", "published_at"]

[columns]
index_name = { type = "text", doc = "The index" }
month_date = { type = "date", doc = "First day of the month it stands for" }
value = { type = "decimal(18,8)", doc = "The index value" }
published_at = { type = "timestamp", doc = "When it was published" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["index_name", "month_date", "value"]

[decisions]
newest_wins = "Where a key was landed more than once, the row landed last holds; a revision is published anew and stands beside the first figure"
null_in_key = "published_at may be null: a null is one value of the key"
---*/
select
    index_name,
    month_date,
    value,
    published_at,
    source,
    source_id
from provided.price_index
qualify row_number() over (partition by index_name, month_date, published_at order by _landed desc) = 1
