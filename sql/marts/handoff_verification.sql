/*---
title = "Claims of handoffs against records, calls and e-mails"
owner = "cs"
grain = ["opportunity_id", "claim", "evidence_no", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
opportunity_id = { type = "text", doc = "The deal" }
claim = { type = "text", doc = "discount, special_price, free_period, waiver, free_scope, payment_terms, exit_right, price_guarantee, technical_commitment, discount_end or champion" }
evidence_no = { type = "integer", doc = "1 for the evidence that decides, then the rest; a claim without evidence has row 1 alone. Count claims over the rows 1" }
as_of_date = { type = "date", doc = "The day it is about" }
account_id = { type = "text", doc = "The account" }
account_name = { type = "text", doc = "The account's name" }
owner_id = { type = "text", doc = "Who handed over and can set it right; null where nobody is named" }
owner_role = { type = "text", doc = "sales; null without an owner" }
manager_id = { type = "text", doc = "The owner's manager" }
team_id = { type = "text", doc = "The team: its manager, or the owner alone" }
handoff_id = { type = "text", doc = "The handoff; null where none was submitted in time" }
close_date = { type = "date", doc = "Day the deal was won" }
quarter = { type = "text", doc = "Calendar quarter of that day" }
is_last_five = { type = "boolean", doc = "One of the team's five deals won last" }
form_says = { type = "text", doc = "stated, denied or silent" }
form_value = { type = "decimal(9,4)", doc = "The number the form states, in the unit of value; null where there is none" }
verdict = { type = "text", doc = "On the claim, the same on all its rows: confirmed, contradicted, omitted, unsupported or no_evidence" }
evidence_kind = { type = "text", doc = "structured, granted, asked or negated; null without evidence" }
source_kind = { type = "text", doc = "contract, crm, approval, contact, call, meeting or email; null without evidence" }
evidence_id = { type = "text", doc = "The record or the engagement; null without evidence" }
sequence = { type = "integer", doc = "The utterance; null for a record" }
snippet_offset = { type = "integer", doc = "Characters of the utterance, without quoted replies, before the hit; null for a record" }
value = { type = "decimal(9,4)", doc = "The number in the evidence; null where there is none" }
unit = { type = "text", doc = "percent, months or days; null without a value" }
snippet = { type = "text", doc = "At most 160 characters of the sentence around the hit; null for a record, and where the policy redacts" }
snippet_hash = { type = "text", doc = "md5 of the whole sentence, to recognise it without showing it" }
evidence_date = { type = "date", doc = "Day it was said; null for a record" }
days_before_close = { type = "integer", doc = "Days from then to the deal's closing; null for a record" }
conversations = { type = "integer", doc = "Calls, meetings and e-mails in the last weeks of the sales cycle" }
conversations_read = { type = "integer", doc = "Those of which sentences are kept" }
coverage_pct = { type = "decimal(9,4)", doc = "Their share, percent points; null without any conversation" }
route = { type = "text", doc = "Who else must approve such an exception; null where none" }
explanation = { type = "text", doc = "The verdict in one sentence. Text analysis asks for a review; it accuses nobody" }

[checks]
not_null = ["opportunity_id", "claim", "evidence_no", "as_of_date", "account_id", "form_says", "verdict", "explanation"]
expect.verdict_known = "verdict in ('confirmed', 'contradicted', 'omitted', 'unsupported', 'no_evidence')"
expect.snippet_is_short = "snippet is null or length(snippet) <= 160"
expect.contradicted_by_grant_or_record = "verdict <> 'contradicted' or evidence_no > 1 or evidence_kind in ('structured', 'granted')"

[decisions]
order_of_evidence = "what decides comes first: for a confirmed claim what agrees with the form, else what does not; then contract, CRM, approval, granted, asked, negated; then the latest; of a contract's discounts the one nearest to the CRM's"
verdict = "a verdict is about the claim, not about one sentence: what the customer only asked for stands beside a confirmed denial"
review = "the share of promises the patterns miss is not known, so a finding is a reason to look, not a violation"
risks = "risk flags are not verified: no record states a risk sales saw; handoff_audit asks whether they are filled in"
---*/
with handoff_deal as (
    select
        opportunity_id,
        account_id,
        account_name,
        close_date,
        quarter,
        rep_id,
        manager_id,
        team_id,
        team_rank,
        crm_discount_pct,
        handoff_id,
    from handoff_deal
),

handoff_coverage as (
    select
        opportunity_id,
        conversations,
        conversations_read,
        coverage_pct,
    from handoff_coverage
),

handoff_verdict as (
    select
        opportunity_id,
        claim,
        form_says,
        form_value,
        verdict,
        granted,
        asked,
    from handoff_verdict
),

handoff_evidence as (
    select
        opportunity_id,
        claim,
        source_kind,
        document_id,
        sequence,
        hit_offset,
        evidence_kind,
        strength,
        agrees,
        value,
        unit,
        occurred_at,
        occurred_date,
        detail,
        sentence,
        in_sentence,
    from handoff_evidence
),

-- Claims whose evidence is one record.
single as (
    select
        opportunity_id,
        'champion' as claim,
        'contact' as source_kind,
        contact_id as evidence_id,
        form_says,
        verdict,
        case form_says when 'stated' then 'the handoff names a champion' else 'the handoff names no champion' end as form_words,
        reason,
    from handoff_champion
    union all
    select
        opportunity_id,
        'discount_end' as claim,
        'contract' as source_kind,
        discount_id as evidence_id,
        form_says,
        verdict,
        case form_says when 'stated' then 'the handoff says when the discount ends' else 'the handoff does not say when the discount ends' end as form_words,
        reason,
    from handoff_discount_end
),

claim_route as (
    select
        claim,
        max(route) as route,
    from handoff_pattern
    group by claim
),

ranked as (
    select
        handoff_verdict.opportunity_id,
        handoff_verdict.claim,
        handoff_verdict.form_says,
        handoff_verdict.form_value,
        handoff_verdict.verdict,
        handoff_verdict.granted,
        handoff_verdict.asked,
        handoff_evidence.source_kind,
        handoff_evidence.document_id,
        handoff_evidence.sequence,
        handoff_evidence.hit_offset,
        handoff_evidence.evidence_kind,
        handoff_evidence.value,
        handoff_evidence.unit,
        handoff_evidence.occurred_date,
        handoff_evidence.detail,
        handoff_evidence.sentence,
        handoff_evidence.in_sentence,
        row_number() over (
            partition by handoff_verdict.opportunity_id, handoff_verdict.claim
            order by
                case
                    when handoff_verdict.verdict = 'confirmed' and handoff_evidence.agrees then 1
                    when handoff_verdict.verdict <> 'confirmed' and not coalesce(handoff_evidence.agrees, false) then 1
                    else 2
                end,
                handoff_evidence.strength,
                handoff_evidence.occurred_at desc nulls last,
                coalesce(abs(handoff_evidence.value - handoff_deal.crm_discount_pct), 1000),
                handoff_evidence.value desc nulls last,
                handoff_evidence.document_id,
                handoff_evidence.sequence,
                handoff_evidence.hit_offset
        ) as evidence_no,
    from handoff_verdict
    inner join handoff_deal
        on handoff_deal.opportunity_id = handoff_verdict.opportunity_id
    left join handoff_evidence
        on handoff_evidence.opportunity_id = handoff_verdict.opportunity_id
        and handoff_evidence.claim = handoff_verdict.claim
),

-- Numbers as people write them: 15 %, 3 months, net 60 days.
worded as (
    select
        ranked.*,
        case ranked.claim
            when 'free_scope' then 'free extra'
            when 'payment_terms' then 'longer payment term'
            when 'exit_right' then 'right to leave early'
            else replace(ranked.claim, '_', ' ')
        end as thing,
        case
            when ranked.value is null then 'one'
            else concat(
                regexp_replace(cast(ranked.value as varchar), '\.?0+$', ''),
                case when ranked.unit = 'percent' then ' %' else concat(' ', ranked.unit) end
            )
        end as number_words,
        case
            when ranked.form_value is null then ''
            else concat(
                ' of ',
                regexp_replace(cast(ranked.form_value as varchar), '\.?0+$', ''),
                case ranked.claim when 'discount' then ' %' when 'free_period' then ' months' else ' days' end
            )
        end as form_number,
        least(
            greatest(ranked.in_sentence - 59, 1),
            greatest(length(ranked.sentence) - 151, 1)
        ) as snippet_start,
    from ranked
),

told as (
    select
        worded.opportunity_id,
        worded.claim,
        cast(worded.evidence_no as bigint) as evidence_no,
        worded.form_says,
        worded.form_value,
        worded.verdict,
        worded.evidence_kind,
        worded.source_kind,
        worded.document_id as evidence_id,
        case when worded.sentence is not null then worded.sequence end as sequence,
        case when worded.sentence is not null then worded.hit_offset end as snippet_offset,
        worded.value,
        worded.unit,
        case
            when cast($handoff_redact_snippets as boolean) then null
            when length(worded.sentence) <= 160 then worded.sentence
            else concat(
                case when worded.snippet_start > 1 then '... ' else '' end,
                substr(worded.sentence, cast(worded.snippet_start as bigint), 152),
                case when worded.snippet_start + 152 <= length(worded.sentence) then ' ...' else '' end
            )
        end as snippet,
        md5(worded.sentence) as snippet_hash,
        worded.occurred_date as evidence_date,
        cast(handoff_deal.close_date - worded.occurred_date as bigint) as days_before_close,
        claim_route.route,
        case
            when worded.evidence_kind is null then null
            when worded.evidence_kind = 'structured' then worded.detail
            else concat(
                case worded.evidence_kind
                    when 'granted' then 'our side granted '
                    when 'asked' then 'somebody asked for '
                    else 'our side refused '
                end,
                worded.number_words,
                case handoff_deal.close_date - worded.occurred_date
                    when 0 then ' on the day the deal was won'
                    when 1 then ' the day before the deal was won'
                    else concat(' ', cast(handoff_deal.close_date - worded.occurred_date as varchar), ' days before the deal was won')
                end
            )
        end as evidence_words,
        case
            when handoff_deal.handoff_id is null then 'no handoff was submitted'
            when worded.form_says = 'denied' then concat('the handoff says there is no ', worded.thing)
            when worded.form_says = 'stated' then concat('the handoff states a ', worded.thing, worded.form_number)
            else concat('the handoff does not mention a ', worded.thing)
        end as form_words,
        cast(null as varchar) as reason,
    from worded
    inner join handoff_deal
        on handoff_deal.opportunity_id = worded.opportunity_id
    left join claim_route
        on claim_route.claim = worded.claim
    union all
    select
        opportunity_id,
        claim,
        cast(1 as bigint) as evidence_no,
        form_says,
        cast(null as decimal(9,4)) as form_value,
        verdict,
        case when verdict in ('confirmed', 'contradicted', 'omitted') then 'structured' end as evidence_kind,
        case when verdict in ('confirmed', 'contradicted', 'omitted') then source_kind end as source_kind,
        case when verdict in ('confirmed', 'contradicted', 'omitted') then evidence_id end as evidence_id,
        cast(null as bigint) as sequence,
        cast(null as bigint) as snippet_offset,
        cast(null as decimal(9,4)) as value,
        cast(null as varchar) as unit,
        cast(null as varchar) as snippet,
        cast(null as varchar) as snippet_hash,
        cast(null as date) as evidence_date,
        cast(null as bigint) as days_before_close,
        cast(null as varchar) as route,
        cast(null as varchar) as evidence_words,
        form_words,
        reason,
    from single
)

select
    told.opportunity_id,
    told.claim,
    told.evidence_no,
    cast($as_of as date) as as_of_date,
    handoff_deal.account_id,
    handoff_deal.account_name,
    handoff_deal.rep_id as owner_id,
    case when handoff_deal.rep_id is not null then 'sales' end as owner_role,
    handoff_deal.manager_id,
    handoff_deal.team_id,
    handoff_deal.handoff_id,
    handoff_deal.close_date,
    handoff_deal.quarter,
    handoff_deal.team_rank <= 5 as is_last_five,
    told.form_says,
    told.form_value,
    told.verdict,
    told.evidence_kind,
    told.source_kind,
    told.evidence_id,
    told.sequence,
    told.snippet_offset,
    told.value,
    told.unit,
    told.snippet,
    told.snippet_hash,
    told.evidence_date,
    told.days_before_close,
    handoff_coverage.conversations,
    handoff_coverage.conversations_read,
    handoff_coverage.coverage_pct,
    told.route,
    concat(
        case
            when told.verdict in ('contradicted', 'omitted') then 'Review: '
            when told.verdict = 'confirmed' then 'Confirmed: '
            when told.verdict = 'unsupported' then 'Unsupported: '
            else 'Not verifiable: '
        end,
        told.form_words,
        case
            when told.reason is not null and told.verdict = 'confirmed' then concat(', and ', told.reason)
            when told.reason is not null then concat(', but ', told.reason)
            when told.verdict in ('contradicted', 'omitted') and handoff_deal.handoff_id is null then concat(', and ', told.evidence_words)
            when told.verdict in ('contradicted', 'omitted') and told.evidence_kind in ('structured', 'granted') then concat(', but ', told.evidence_words)
            when told.verdict = 'confirmed' and told.evidence_words is not null and (told.form_says = 'stated' or told.evidence_kind in ('structured', 'granted')) then concat(', and ', told.evidence_words)
            when told.evidence_words is not null then concat('; ', told.evidence_words)
            when told.verdict = 'confirmed' then ', and nothing says otherwise'
            when told.verdict = 'unsupported' then ', but no record and no conversation says so'
            else ', and neither a record nor a conversation can be held against it'
        end,
        case
            when told.reason is null and told.verdict <> 'no_evidence'
                then concat(
                    ' (', cast(handoff_coverage.conversations_read as varchar), ' of ',
                    cast(handoff_coverage.conversations as varchar), ' conversations read)'
                )
            else ''
        end,
        '.'
    ) as explanation,
from told
inner join handoff_deal
    on handoff_deal.opportunity_id = told.opportunity_id
inner join handoff_coverage
    on handoff_coverage.opportunity_id = told.opportunity_id
