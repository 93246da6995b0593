/*---
title = "Accounts in other systems"
owner = "data"
grain = ["account_id", "system", "external_id", "external_source"]
derived = ["external_source", "is_ambiguous"]

[columns]
account_id = { type = "text", doc = "The canonical account" }
system = { type = "text", doc = "The other system" }
external_id = { type = "text", doc = "The account's id there" }
external_source = { type = "text", doc = "Name in the job of the source that knows the external id; null where none lists it" }
method = { type = "text", doc = "How the two were matched: manual, explicit, domain, name, or parent: through the one above it in the other system" }
confidence = { type = "decimal(9,4)", doc = "How sure the match is, 0 to 1" }
decided_date = { type = "date", doc = "Day a person decided a manual match: runs for earlier days do not know it" }
is_ambiguous = { type = "boolean", doc = "Another account is as good a match: neither counts until somebody decides" }
source = { type = "text", doc = "Name in the job of the source that provided the match, or the external account where we matched it" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["account_id", "system", "external_id", "is_ambiguous"]

[decisions]
newest_wins = "Where a key was landed more than once, the row landed last holds"
null_in_key = "external_source may be null: a null is one value of the key"
order = "A manual match wins, then an id that one system states of the other, then the domain; a name that a source matched comes next, and none is matched by name here"
parent = "What has no match at all belongs to the account of the one above it in its own system"
manual = "The latest decision counts, from its day on; one without a day always, before all dated ones"
known = "Only accounts that exist count: an id of an account that is gone leaves room for the domain"
merged = "An id of an account that was merged into another one, as its system says in a match of its own, is the other one's"
domain = "Never a free-mail domain; one domain of several accounts ties to none of them"
system_name = "A match may name a system as the job does or as the system is called; it stands here as the external account has it"
---*/
with account as (
    select account_id
    from account
),

external_account as (
    select
        source,
        system,
        external_id,
        account_id,
        parent_external_id,
        source_id
    from external_account
),

account_domain as (
    select
        kind,
        source,
        system,
        id,
        domain
    from account_domain
    where not is_free_mail
),

-- What is decided after the run's date is not known yet.
given as (
    select
        account_id,
        system,
        external_id,
        coalesce(lower(method), 'explicit') as method,
        confidence,
        decided_date,
        source,
        source_id
    from provided.account_xref
    where decided_date is null or decided_date <= cast($as_of as date)
    qualify row_number() over (partition by account_id, system, external_id order by _landed desc) = 1
),

tie as (
    select
        given.account_id,
        coalesce(external_account.system, given.system) as system,
        given.external_id,
        external_account.source as external_source,
        given.method,
        given.confidence,
        given.decided_date,
        given.source,
        given.source_id
    from given
    left join external_account
        on given.external_id = external_account.external_id
        and (given.system = external_account.system or given.system = external_account.source)
    union all
    select
        account_id,
        system,
        external_id,
        source as external_source,
        'explicit' as method,
        cast(null as decimal(9,4)) as confidence,
        cast(null as date) as decided_date,
        source,
        source_id
    from external_account
    where account_id is not null
    union all
    select
        owned.id as account_id,
        outer_domain.system,
        outer_domain.id as external_id,
        outer_domain.source as external_source,
        'domain' as method,
        cast(null as decimal(9,4)) as confidence,
        cast(null as date) as decided_date,
        outer_domain.source,
        cast(null as varchar) as source_id
    from account_domain as outer_domain
    inner join account_domain as owned
        on outer_domain.domain = owned.domain
    where outer_domain.kind = 'external'
        and owned.kind = 'account'
),

-- An account that was merged away lives on under the account its own system says.
merged as (
    select
        given.external_id,
        min(given.account_id) as account_id
    from given
    inner join account
        on given.account_id = account.account_id
    left join account as still_there
        on given.external_id = still_there.account_id
    where still_there.account_id is null
    group by given.external_id
    having min(given.account_id) = max(given.account_id)
),

ranked as (
    select
        coalesce(account.account_id, merged.account_id) as account_id,
        tie.system,
        tie.external_id,
        tie.external_source,
        tie.method,
        tie.confidence,
        tie.decided_date,
        tie.source,
        tie.source_id,
        case tie.method when 'manual' then 1 when 'explicit' then 2 when 'domain' then 3 else 4 end as place,
        case when tie.method = 'manual' then coalesce(tie.decided_date, date '0001-01-01') end as decided_on
    from tie
    left join account
        on tie.account_id = account.account_id
    left join merged
        on tie.account_id = merged.external_id
    where account.account_id is not null
        or merged.account_id is not null
),

-- The best kind of match there is; of decisions the latest.
best as (
    select
        account_id,
        system,
        external_id,
        external_source,
        method,
        confidence,
        decided_date,
        source,
        source_id
    from ranked
    qualify rank() over (
        partition by external_source, system, external_id
        order by place, decided_on desc
    ) = 1
),

once as (
    select
        account_id,
        system,
        external_id,
        external_source,
        method,
        confidence,
        decided_date,
        source,
        source_id
    from best
    qualify row_number() over (
        partition by external_source, system, external_id, account_id
        order by confidence desc nulls last, source nulls last, source_id nulls last
    ) = 1
),

matched as (
    select
        account_id,
        system,
        external_id,
        external_source,
        method,
        confidence,
        decided_date,
        count(*) over (partition by external_source, system, external_id) > 1 as is_ambiguous,
        source,
        source_id
    from once
),

inherited as (
    select
        above.account_id,
        external_account.system,
        external_account.external_id,
        external_account.source as external_source,
        'parent' as method,
        cast(null as decimal(9,4)) as confidence,
        cast(null as date) as decided_date,
        false as is_ambiguous,
        external_account.source,
        external_account.source_id
    from external_account
    inner join matched as above
        on external_account.parent_external_id = above.external_id
        and external_account.system = above.system
        and external_account.source = above.external_source
    left join matched as own
        on external_account.external_id = own.external_id
        and external_account.system = own.system
        and external_account.source = own.external_source
    where own.account_id is null
        and not above.is_ambiguous
),

every_match as (
    select * from matched
    union all
    select * from inherited
)

select
    account_id,
    system,
    external_id,
    external_source,
    method,
    coalesce(
        confidence,
        cast(case method when 'manual' then 1 when 'explicit' then 1 when 'domain' then 0.8 when 'parent' then 0.7 else 0.5 end as decimal(9,4))
    ) as confidence,
    decided_date,
    is_ambiguous,
    source,
    source_id
from every_match
