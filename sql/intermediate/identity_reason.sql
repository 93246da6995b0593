/*---
title = "Why a customer of another system has no account"
owner = "data"
grain = ["source", "system", "external_id"]

[columns]
source = { type = "text", doc = "Name in the job of the source that knows it" }
system = { type = "text", doc = "The system" }
external_id = { type = "text", doc = "Its id there" }
carried_id = { type = "text", doc = "The account_id under which its rows stand" }
name = { type = "text", doc = "Its name there" }
domain = { type = "text", doc = "Its domains" }
reason = { type = "text", doc = "ambiguous_id, ambiguous_domain, unknown_account, free_mail, unknown_domain or nothing_to_match" }
named_account_id = { type = "text", doc = "The account the system names, whether or not there is one" }
candidates = { type = "text", doc = "Accounts it may belong to: the equally good matches, else accounts of the same name" }

[checks]
not_null = ["source", "system", "external_id", "carried_id", "reason"]

[decisions]
test = "Test and sandbox customers need no account and are left out"
name = "Accounts of the same name are shown to the person who decides; a name alone ties nothing"
---*/
with account as (
    select
        account_id,
        name
    from account
),

external_account as (
    select
        source,
        system,
        external_id,
        account_id,
        name
    from external_account
    where not coalesce(is_test, false)
),

account_xref as (
    select
        account_id,
        system,
        external_id,
        external_source,
        method,
        is_ambiguous
    from account_xref
    where external_source is not null
),

canonical_account as (
    select
        external_id,
        source,
        account_id
    from canonical_account
),

account_domain as (
    select
        source,
        system,
        id,
        domain,
        is_free_mail
    from account_domain
    where kind = 'external'
),

domains as (
    select
        source,
        system,
        id as external_id,
        string_agg(domain, '; ' order by domain) as domain,
        sum(case when is_free_mail then 0 else 1 end) as own_domains
    from account_domain
    group by
        source,
        system,
        id
),

tied as (
    select
        external_source,
        system,
        external_id,
        min(method) as method,
        bool_or(is_ambiguous) as is_ambiguous
    from account_xref
    group by
        external_source,
        system,
        external_id
),

rival as (
    select
        account_xref.external_source as source,
        account_xref.system,
        account_xref.external_id,
        string_agg(concat(account.account_id, ' ', account.name), '; ' order by account.account_id) as candidates
    from account_xref
    inner join account
        on account_xref.account_id = account.account_id
    where account_xref.is_ambiguous
    group by
        account_xref.external_source,
        account_xref.system,
        account_xref.external_id
),

namesake as (
    select
        external_account.source,
        external_account.system,
        external_account.external_id,
        string_agg(concat(account.account_id, ' ', account.name), '; ' order by account.account_id) as candidates
    from external_account
    inner join account
        on lower(trim(external_account.name)) = lower(trim(account.name))
    group by
        external_account.source,
        external_account.system,
        external_account.external_id
)

select
    external_account.source,
    external_account.system,
    external_account.external_id,
    coalesce(canonical_account.account_id, external_account.external_id) as carried_id,
    external_account.name,
    domains.domain,
    case
        when tied.is_ambiguous and tied.method = 'domain' then 'ambiguous_domain'
        when tied.is_ambiguous then 'ambiguous_id'
        when external_account.account_id is not null then 'unknown_account'
        when domains.own_domains > 0 then 'unknown_domain'
        when domains.domain is not null then 'free_mail'
        else 'nothing_to_match'
    end as reason,
    external_account.account_id as named_account_id,
    coalesce(rival.candidates, namesake.candidates) as candidates
from external_account
left join tied
    on external_account.source = tied.external_source
    and external_account.system = tied.system
    and external_account.external_id = tied.external_id
left join canonical_account
    on external_account.external_id = canonical_account.external_id
    and external_account.source = canonical_account.source
left join domains
    on external_account.source = domains.source
    and external_account.system = domains.system
    and external_account.external_id = domains.external_id
left join rival
    on external_account.source = rival.source
    and external_account.system = rival.system
    and external_account.external_id = rival.external_id
left join namesake
    on external_account.source = namesake.source
    and external_account.system = namesake.system
    and external_account.external_id = namesake.external_id
where coalesce(tied.is_ambiguous, true)
