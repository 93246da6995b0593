/*---
title = "Customers of other systems that no account is tied to, with the money and the use they carry"
owner = "data"
grain = ["source", "system", "external_id", "currency", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
source = { type = "text", doc = "Name in the job of the source that knows it; rolled for ids that only usage events name" }
system = { type = "text", doc = "The system" }
external_id = { type = "text", doc = "Its id there" }
currency = { type = "text", doc = "ISO 4217 currency of the amount; empty where nothing is billed" }
as_of_date = { type = "date", doc = "The run's business date" }
name = { type = "text", doc = "Its name there" }
domain = { type = "text", doc = "Its domains" }
reason = { type = "text", doc = "ambiguous_id, ambiguous_domain, unknown_account, free_mail, unknown_domain, nothing_to_match, not_described or several_meanings" }
candidates = { type = "text", doc = "Accounts it may belong to, joined by semicolons" }
billed_amount = { type = "decimal(18,4)", doc = "Invoiced before tax to date, in posted invoices" }
invoices = { type = "integer", doc = "Posted invoices" }
usage_events = { type = "integer", doc = "Usage events to date" }
usage_days = { type = "integer", doc = "Days with use" }
tickets = { type = "integer", doc = "Tickets" }
contracts = { type = "integer", doc = "Contracts" }
last_date = { type = "date", doc = "Latest day of anything known of it" }
what_to_do = { type = "text", doc = "What ties it to its account" }
owner_role = { type = "text", doc = "Who acts: revops" }

[checks]
not_null = ["source", "system", "external_id", "currency", "as_of_date", "reason", "what_to_do"]

[decisions]
whole = "Everything that stands under an id that is no account is listed, whether or not any source describes the id"
currency = "One row a currency; use, tickets and contracts stand in the row of the first, so that every column adds up"
test = "What only test customers carry is left out"
whose = "Rows go to the customer that their own source describes; else to the first source that describes the id"
---*/
with identity_reason as (
    select
        source,
        system,
        external_id,
        carried_id,
        name,
        domain,
        reason,
        named_account_id,
        candidates
    from identity_reason
),

unknown_account_activity as (
    select
        account_id,
        source,
        kind,
        currency,
        amount,
        quantity,
        days,
        last_date
    from unknown_account_activity
),

canonical_account as (
    select distinct external_id
    from canonical_account
),

external_account as (
    select distinct external_id
    from external_account
    where coalesce(is_test, false)
),

own_place as (
    select
        carried_id,
        source,
        system,
        external_id
    from identity_reason
    qualify row_number() over (partition by carried_id, source order by system, external_id) = 1
),

first_place as (
    select
        carried_id,
        source,
        system,
        external_id
    from identity_reason
    qualify row_number() over (partition by carried_id order by source, system, external_id) = 1
),

placed as (
    select
        coalesce(own_place.source, first_place.source, activity.source) as source,
        coalesce(own_place.system, first_place.system, activity.source) as system,
        coalesce(own_place.external_id, first_place.external_id, activity.account_id) as external_id,
        activity.kind,
        activity.currency,
        activity.amount,
        activity.quantity,
        activity.days,
        activity.last_date
    from unknown_account_activity as activity
    left join own_place
        on activity.account_id = own_place.carried_id
        and activity.source = own_place.source
    left join first_place
        on activity.account_id = first_place.carried_id
    left join external_account
        on activity.account_id = external_account.external_id
    where first_place.carried_id is not null
        or external_account.external_id is null
),

billed as (
    select
        source,
        system,
        external_id,
        currency,
        cast(sum(amount) as decimal(18,4)) as billed_amount,
        cast(sum(quantity) as bigint) as invoices
    from placed
    where kind = 'invoice'
    group by
        source,
        system,
        external_id,
        currency
),

carried as (
    select
        source,
        system,
        external_id,
        cast(sum(case when kind = 'usage' then quantity end) as bigint) as usage_events,
        cast(sum(case when kind = 'usage' then days end) as bigint) as usage_days,
        cast(sum(case when kind = 'ticket' then quantity end) as bigint) as tickets,
        cast(sum(case when kind = 'contract' then quantity end) as bigint) as contracts,
        max(last_date) as last_date
    from placed
    group by
        source,
        system,
        external_id
),

gap as (
    select
        source,
        system,
        external_id,
        name,
        domain,
        reason,
        named_account_id,
        candidates
    from identity_reason
    union all
    select
        carried.source,
        carried.system,
        carried.external_id,
        null as name,
        null as domain,
        case when canonical_account.external_id is null then 'not_described' else 'several_meanings' end as reason,
        null as named_account_id,
        null as candidates
    from carried
    left join identity_reason
        on carried.source = identity_reason.source
        and carried.system = identity_reason.system
        and carried.external_id = identity_reason.external_id
    left join canonical_account
        on carried.external_id = canonical_account.external_id
    where identity_reason.external_id is null
),

-- A row a currency; the first one carries what has no currency.
spread as (
    select
        gap.source,
        gap.system,
        gap.external_id,
        coalesce(billed.currency, '') as currency,
        gap.name,
        gap.domain,
        gap.reason,
        gap.named_account_id,
        gap.candidates,
        coalesce(billed.billed_amount, cast(0 as decimal(18,4))) as billed_amount,
        coalesce(billed.invoices, 0) as invoices,
        row_number() over (partition by gap.source, gap.system, gap.external_id order by coalesce(billed.currency, '')) as place
    from gap
    left join billed
        on gap.source = billed.source
        and gap.system = billed.system
        and gap.external_id = billed.external_id
)

select
    spread.source,
    spread.system,
    spread.external_id,
    spread.currency,
    cast($as_of as date) as as_of_date,
    spread.name,
    spread.domain,
    spread.reason,
    spread.candidates,
    spread.billed_amount,
    cast(spread.invoices as bigint) as invoices,
    case when spread.place = 1 then coalesce(carried.usage_events, 0) else 0 end as usage_events,
    case when spread.place = 1 then coalesce(carried.usage_days, 0) else 0 end as usage_days,
    case when spread.place = 1 then coalesce(carried.tickets, 0) else 0 end as tickets,
    case when spread.place = 1 then coalesce(carried.contracts, 0) else 0 end as contracts,
    carried.last_date,
    concat(
        case spread.reason
            when 'ambiguous_id' then 'Several accounts name it: take it off all but one'
            when 'ambiguous_domain' then 'Several accounts have its domain: take it off all but one'
            when 'unknown_account' then concat('It names account ', spread.named_account_id, ', which does not exist: correct it there')
            when 'unknown_domain' then 'No account has its domain: write it into the account'
            when 'free_mail' then 'It has only a mail provider''s domain: write the account''s id into it'
            when 'nothing_to_match' then 'It has neither the account''s id nor a domain: write one into it'
            when 'several_meanings' then 'Several systems use the id for different customers: provide the use by source'
            else 'No source describes it: provide external_account for it'
        end,
        ', or add an account_xref row with method manual: system ',
        spread.system,
        ', external_id ',
        spread.external_id
    ) as what_to_do,
    'revops' as owner_role
from spread
left join carried
    on spread.source = carried.source
    and spread.system = carried.system
    and spread.external_id = carried.external_id
