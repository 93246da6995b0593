/*---
title = "Currencies whose minor unit is not a hundredth"
owner = "finance"
grain = ["currency"]

[columns]
currency = { type = "text", doc = "ISO 4217 currency" }
minor_digits = { type = "integer", doc = "Digits behind the point of an amount in it" }

[checks]
not_null = ["currency", "minor_digits"]

[decisions]
source = "ISO 4217 exponents; every currency that is not listed has two digits"
---*/
with exponent as (
    select
        column1 as currency,
        column2 as minor_digits
    from (
        values
            ('BHD', 3), ('BIF', 0), ('CLP', 0), ('DJF', 0), ('GNF', 0), ('IQD', 3), ('ISK', 0), ('JOD', 3), ('JPY', 0), ('KMF', 0),
            ('KRW', 0), ('KWD', 3), ('LYD', 3), ('OMR', 3), ('PYG', 0), ('RWF', 0), ('TND', 3), ('UGX', 0), ('UYI', 0), ('VND', 0),
            ('VUV', 0), ('XAF', 0), ('XOF', 0), ('XPF', 0)
    ) as listed (column1, column2)
)

select
    currency,
    cast(minor_digits as bigint) as minor_digits
from exponent
