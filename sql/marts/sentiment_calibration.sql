/*---
title = "How far a manager's green can be trusted"
owner = "cs"
grain = ["person_id", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
person_id = { type = "text", doc = "Who gave the ratings" }
as_of_date = { type = "date", doc = "The day the count is about" }
person_name = { type = "text", doc = "The person's name; null where unknown" }
owner_id = { type = "text", doc = "Who acts: the person's manager; null where nobody is named" }
owner_role = { type = "text", doc = "manager; null without one" }
ratings = { type = "integer", doc = "Ratings counted: the last of each account in a quarter, old enough to know what followed" }
green_ratings = { type = "integer", doc = "Green ones among them" }
green_lost = { type = "integer", doc = "Green ones whose account decided to leave or to shrink in the days that count" }
green_lost_pct = { type = "decimal(9,4)", doc = "Their share, percent points; null without green ratings" }
green_lost_low_pct = { type = "decimal(9,4)", doc = "Lower end of the 95 % Wilson interval, percent points" }
green_lost_high_pct = { type = "decimal(9,4)", doc = "Upper end of it" }
book_ratings = { type = "integer", doc = "Ratings of everybody, whatever their colour" }
book_lost = { type = "integer", doc = "Those whose account decided to leave or to shrink" }
book_lost_pct = { type = "decimal(9,4)", doc = "Their share, percent points" }
verdict = { type = "text", doc = "trustworthy: green loses less than the book; misleading: green loses more; undecided: the interval holds the book's share, or no green" }
explanation = { type = "text", doc = "The numbers in a whole sentence" }

[checks]
not_null = ["person_id", "as_of_date", "ratings", "green_ratings", "green_lost", "book_ratings", "book_lost", "book_lost_pct", "verdict", "explanation"]
expect.lost_fits = "green_lost <= green_ratings and green_ratings <= ratings"
expect.interval = "green_lost_pct is null or green_lost_pct between green_lost_low_pct and green_lost_high_pct"

[decisions]
counted = "ratings of the last 730 days up to the policy's days before as_of: what came later than as_of is not known, and younger ratings have not been tested yet"
quarter = "the last rating an account got from a person in a calendar quarter: who rates every week counts no more than who rates once"
lost = "an outcome churned or contracted decided after the rating within the policy's days"
empty = "without any outcome on record nobody can be judged, and the table is empty"
---*/
with csm_assessment as (
    select
        assessment_id,
        account_id,
        person_id,
        lower(rating) as rating,
        assessed_at,
        cast(assessed_at as date) as rated_date,
    from csm_assessment
    where
        person_id is not null
        and cast(assessed_at as date) <= cast($as_of as date) - cast(cast($sentiment_outcome_days as bigint) as integer)
        and cast(assessed_at as date) > cast($as_of as date) - 730
),

customer_account as (
    select account_id
    from customer_account
),

outcome as (
    select
        account_id,
        kind,
        decided_date,
    from outcome
    where decided_date <= cast($as_of as date)
),

person as (
    select
        person_id,
        name,
        manager_id,
    from person
),

known_outcome as (
    select count(*) as outcomes
    from outcome
),

rated as (
    select
        csm_assessment.assessment_id,
        csm_assessment.account_id,
        csm_assessment.person_id,
        csm_assessment.rating,
        csm_assessment.rated_date,
    from csm_assessment
    inner join customer_account
        on customer_account.account_id = csm_assessment.account_id
    cross join known_outcome
    where known_outcome.outcomes > 0
    qualify row_number() over (
        partition by
            csm_assessment.account_id,
            csm_assessment.person_id,
            date_part('year', csm_assessment.rated_date),
            date_part('quarter', csm_assessment.rated_date)
        order by csm_assessment.assessed_at desc, csm_assessment.assessment_id desc
    ) = 1
),

lost as (
    select distinct rated.assessment_id
    from rated
    inner join outcome
        on outcome.account_id = rated.account_id
        and outcome.decided_date > rated.rated_date
        and outcome.decided_date <= rated.rated_date + cast(cast($sentiment_outcome_days as bigint) as integer)
    where outcome.kind in ('churned', 'contracted')
),

per_person as (
    select
        rated.person_id,
        count(*) as ratings,
        sum(case when rated.rating = 'green' then 1 else 0 end) as green_ratings,
        sum(case when rated.rating = 'green' and lost.assessment_id is not null then 1 else 0 end) as green_lost,
        sum(case when lost.assessment_id is not null then 1 else 0 end) as lost,
    from rated
    left join lost
        on lost.assessment_id = rated.assessment_id
    group by rated.person_id
),

book as (
    select
        sum(ratings) as ratings,
        sum(lost) as lost,
    from per_person
),

-- Wilson: centre (p + k / 2n) / (1 + k / n), half width sqrt(k (p (1 - p) + k / 4n) / n) / (1 + k / n), with k = 1.96 squared.
shared as (
    select
        per_person.person_id,
        per_person.ratings,
        per_person.green_ratings,
        per_person.green_lost,
        book.ratings as book_ratings,
        book.lost as book_lost,
        cast(nullif(per_person.green_ratings, 0) as double) as n,
        cast(per_person.green_lost as double) / cast(nullif(per_person.green_ratings, 0) as double) as share,
        cast(3.841459 as double) as k,
        cast(book.lost as double) / cast(book.ratings as double) * 100 as book_pct,
    from per_person
    cross join book
),

bounded as (
    select
        person_id,
        ratings,
        green_ratings,
        green_lost,
        book_ratings,
        book_lost,
        cast(round(share * 100, 4) as decimal(9,4)) as lost_pct,
        cast(round(greatest((share + k / (2 * n) - sqrt(k * (share * (1 - share) + k / (4 * n)) / n)) / (1 + k / n), cast(0 as double)) * 100, 4) as decimal(9,4))
            as low_pct,
        cast(round(least((share + k / (2 * n) + sqrt(k * (share * (1 - share) + k / (4 * n)) / n)) / (1 + k / n), cast(1 as double)) * 100, 4) as decimal(9,4))
            as high_pct,
        cast(round(book_pct, 4) as decimal(9,4)) as book_lost_pct,
    from shared
)

select
    bounded.person_id,
    cast($as_of as date) as as_of_date,
    person.name as person_name,
    person.manager_id as owner_id,
    case when person.manager_id is not null then 'manager' end as owner_role,
    cast(bounded.ratings as bigint) as ratings,
    cast(bounded.green_ratings as bigint) as green_ratings,
    cast(bounded.green_lost as bigint) as green_lost,
    bounded.lost_pct as green_lost_pct,
    case when bounded.lost_pct is not null then bounded.low_pct end as green_lost_low_pct,
    case when bounded.lost_pct is not null then bounded.high_pct end as green_lost_high_pct,
    cast(bounded.book_ratings as bigint) as book_ratings,
    cast(bounded.book_lost as bigint) as book_lost,
    bounded.book_lost_pct,
    case
        when bounded.high_pct < bounded.book_lost_pct then 'trustworthy'
        when bounded.low_pct > bounded.book_lost_pct then 'misleading'
        else 'undecided'
    end as verdict,
    case
        when bounded.green_ratings = 0 then concat('None of ', cast(bounded.ratings as varchar), ' ratings was green.')
        else concat(
            cast(bounded.green_lost as varchar), ' of ', cast(bounded.green_ratings as varchar), ' green ratings were followed by a loss within ',
            cast(cast($sentiment_outcome_days as bigint) as varchar), ' days (', cast(cast(bounded.lost_pct as decimal(9,1)) as varchar), ' %, between ',
            cast(cast(bounded.low_pct as decimal(9,1)) as varchar), ' and ', cast(cast(bounded.high_pct as decimal(9,1)) as varchar),
            ' %); of all ratings ', cast(cast(bounded.book_lost_pct as decimal(9,1)) as varchar), ' % were.'
        )
    end as explanation,
from bounded
left join person
    on person.person_id = bounded.person_id
