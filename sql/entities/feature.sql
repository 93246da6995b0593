/*---
title = "Features of the product"
owner = "cs"
grain = ["feature"]

[columns]
feature = { type = "text", doc = "The feature" }
is_core = { type = "boolean", doc = "Belongs to the value customers pay for" }
product_id = { type = "text", doc = "The product" }
entitlement = { type = "text", doc = "paid, trial, beta or bundled" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["feature", "is_core"]

[decisions]
newest_wins = "Where a key was landed more than once, the row landed last holds"
---*/
select
    feature,
    is_core,
    product_id,
    entitlement,
    source,
    source_id
from provided.feature
qualify row_number() over (partition by feature order by _landed desc) = 1
