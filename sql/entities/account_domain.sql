/*---
title = "Domains of accounts, and of customers in other systems"
owner = "data"
grain = ["kind", "source", "system", "id", "domain"]
derived = ["kind", "source", "system", "id", "domain", "is_free_mail"]

[columns]
kind = { type = "text", doc = "account, or external: a customer, organisation or group of another system" }
source = { type = "text", doc = "Name in the job of the source that provided it; empty for accounts" }
system = { type = "text", doc = "The other system; empty for accounts" }
id = { type = "text", doc = "account_id or external_id" }
domain = { type = "text", doc = "The domain, lower case, without protocol, user, path, port and www" }
is_free_mail = { type = "boolean", doc = "It belongs to a mail provider: it says nothing about whose it is" }

[checks]
not_null = ["kind", "source", "system", "id", "domain", "is_free_mail"]

[decisions]
cleaning = "From an address everything before ://, before @ and behind the first /, ?, # or : is taken off, then a leading www."
exact = "Domains are compared whole: a sub-domain may be somebody else's"
---*/
with account as (
    select
        account_id,
        domain
    from account
),

external_account as (
    select
        source,
        system,
        external_id,
        domain
    from external_account
),

free_mail_domain as (
    select domain
    from free_mail_domain
),

raw as (
    select
        'account' as kind,
        '' as source,
        '' as system,
        account_id as id,
        unnest(string_to_array(replace(domain, ',', ';'), ';')) as domain
    from account
    where domain is not null
    union all
    select
        'external' as kind,
        source,
        system,
        external_id as id,
        unnest(string_to_array(replace(domain, ',', ';'), ';')) as domain
    from external_account
    where domain is not null
),

without_protocol as (
    select
        kind,
        source,
        system,
        id,
        case when strpos(domain, '://') > 0 then split_part(domain, '://', 2) else domain end as domain
    from raw
),

-- The path goes before the user: an address of a page may have an @ in it.
without_path as (
    select
        kind,
        source,
        system,
        id,
        split_part(split_part(split_part(domain, '/', 1), '?', 1), '#', 1) as domain
    from without_protocol
),

without_user as (
    select
        kind,
        source,
        system,
        id,
        lower(trim(replace(
            split_part(case when strpos(domain, '@') > 0 then split_part(domain, '@', 2) else domain end, ':', 1),
            '>',
            ''
        ))) as domain
    from without_path
),

cleaned as (
    select distinct
        kind,
        source,
        system,
        id,
        case when substr(domain, 1, 4) = 'www.' then substr(domain, 5) else domain end as domain
    from without_user
)

select
    cleaned.kind,
    cleaned.source,
    cleaned.system,
    cleaned.id,
    cleaned.domain,
    free_mail_domain.domain is not null as is_free_mail
from cleaned
left join free_mail_domain
    on cleaned.domain = free_mail_domain.domain
where strpos(cleaned.domain, '.') > 0
