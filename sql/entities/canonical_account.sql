/*---
title = "Which account an id means"
owner = "data"
grain = ["external_id", "source"]
derived = ["external_id", "source", "account_id"]

[columns]
external_id = { type = "text", doc = "An id that some source's rows carry as account_id" }
source = { type = "text", doc = "The source in whose rows it means that; empty where it means the same in all" }
account_id = { type = "text", doc = "The canonical account; source:id where the id is another account's and nothing says whose this one is" }

[checks]
not_null = ["external_id", "source", "account_id"]

[decisions]
one_join = "An id either means one account everywhere or has a row per source, never both: a row of any table finds at most one match"
unknown = "An id that nothing ties to an account has no row and stays as it is, so that its money and use can be found"
borrowed = "An id that is also the id of a different account must not lend it its rows: it is set apart as source:id until somebody decides"
---*/
with account as (
    select account_id
    from account
),

external_account as (
    select
        source,
        system,
        external_id
    from external_account
),

account_xref as (
    select
        account_id,
        system,
        external_id,
        external_source
    from account_xref
    where not is_ambiguous
),

-- What an id stands for, by whoever knows it: nothing where a source lists it and no account is tied to it.
meaning as (
    select
        external_account.external_id,
        external_account.source,
        account_xref.account_id
    from external_account
    left join account_xref
        on external_account.external_id = account_xref.external_id
        and external_account.system = account_xref.system
        and external_account.source = account_xref.external_source
    union all
    select
        external_id,
        system as source,
        account_id
    from account_xref
    where external_source is null
    union all
    select
        account_id as external_id,
        '' as source,
        account_id
    from account
),

of_id as (
    select
        external_id,
        min(account_id) as account_id,
        max(account_id) as last_account_id,
        count(*) as meanings,
        count(account_id) as known_meanings
    from meaning
    group by external_id
),

of_source as (
    select
        external_id,
        source,
        min(account_id) as account_id,
        max(account_id) as last_account_id,
        count(*) as meanings,
        count(account_id) as known_meanings
    from meaning
    where source <> ''
    group by external_id, source
),

shared as (
    select
        external_id,
        '' as source,
        account_id
    from of_id
    where account_id = last_account_id
        and meanings = known_meanings
        and account_id <> external_id
),

particular as (
    select
        of_source.external_id,
        of_source.source,
        case
            when of_source.account_id = of_source.last_account_id and of_source.meanings = of_source.known_meanings then of_source.account_id
            when account.account_id is not null then concat(of_source.source, ':', of_source.external_id)
        end as account_id
    from of_source
    inner join of_id
        on of_source.external_id = of_id.external_id
    left join account
        on of_source.external_id = account.account_id
    where of_id.account_id <> of_id.last_account_id
        or of_id.meanings > of_id.known_meanings
)

select
    external_id,
    source,
    account_id
from shared
union all
select
    external_id,
    source,
    account_id
from particular
where account_id is not null
