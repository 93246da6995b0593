/*---
title = "Evidence for and against what a handoff claims"
owner = "cs"
grain = ["opportunity_id", "claim", "source_kind", "document_id", "sequence", "hit_offset"]

[columns]
opportunity_id = { type = "text", doc = "The deal" }
claim = { type = "text", doc = "What it is about" }
source_kind = { type = "text", doc = "contract, crm or approval for records; call, meeting or email for what was said" }
document_id = { type = "text", doc = "The record, or the engagement" }
sequence = { type = "integer", doc = "The utterance; 0 for a record" }
hit_offset = { type = "integer", doc = "Characters of the cleaned utterance before the hit; 0 for a record" }
evidence_kind = { type = "text", doc = "structured, granted, asked or negated" }
strength = { type = "integer", doc = "1 for a contract, 2 CRM, 3 approval, 4 granted, 5 asked, 6 negated" }
agrees = { type = "boolean", doc = "Says the same as a form that states the claim; null where the form does not" }
value = { type = "decimal(9,4)", doc = "Percent points, months or days; null where there is none" }
unit = { type = "text", doc = "percent, months or days; null without a value" }
occurred_at = { type = "timestamp", doc = "When it was said; null for a record" }
occurred_date = { type = "date", doc = "The day of that" }
detail = { type = "text", doc = "The record in words; null for what was said" }
sentence = { type = "text", doc = "What was said; null for a record" }
in_sentence = { type = "integer", doc = "Characters of the sentence before the hit" }

[checks]
not_null = ["opportunity_id", "claim", "source_kind", "document_id", "sequence", "hit_offset", "evidence_kind", "strength"]

[decisions]
same_number = "values agree within the policy's tolerance; a side that gives no number agrees with every number"
same_commitment = "a promise agrees with a form that shares a telling word with it: connector, migration, the system's name; words of promising and of time tell nothing"
---*/
with handoff_claim as (
    select
        opportunity_id,
        claim,
        form_says,
        form_value,
        form_text,
    from handoff_claim
),

handoff_record as (
    select
        opportunity_id,
        claim,
        record_kind,
        record_id,
        value,
        unit,
        detail,
    from handoff_record
),

handoff_hit as (
    select
        opportunity_id,
        claim,
        document_id,
        sequence,
        hit_offset,
        evidence_kind,
        value,
        unit,
        sentence,
        in_sentence,
    from handoff_hit
    where field = ''
),

handoff_conversation as (
    select
        opportunity_id,
        engagement_id,
        kind,
        occurred_at,
        occurred_date,
    from handoff_conversation
),

evidence as (
    select
        opportunity_id,
        claim,
        record_kind as source_kind,
        record_id as document_id,
        cast(0 as bigint) as sequence,
        cast(0 as bigint) as hit_offset,
        'structured' as evidence_kind,
        value,
        unit,
        cast(null as timestamp) as occurred_at,
        cast(null as date) as occurred_date,
        detail,
        cast(null as varchar) as sentence,
        cast(null as bigint) as in_sentence,
    from handoff_record
    union all
    select
        handoff_hit.opportunity_id,
        handoff_hit.claim,
        handoff_conversation.kind as source_kind,
        handoff_hit.document_id,
        handoff_hit.sequence,
        handoff_hit.hit_offset,
        handoff_hit.evidence_kind,
        handoff_hit.value,
        handoff_hit.unit,
        handoff_conversation.occurred_at,
        handoff_conversation.occurred_date,
        cast(null as varchar) as detail,
        handoff_hit.sentence,
        handoff_hit.in_sentence,
    from handoff_hit
    inner join handoff_conversation
        on handoff_conversation.opportunity_id = handoff_hit.opportunity_id
        and handoff_conversation.engagement_id = handoff_hit.document_id
),

-- Commitments are compared word by word; few deals have one on both sides.
promised_words as (
    select
        evidence.opportunity_id,
        evidence.sentence,
        unnest(string_to_array(regexp_replace(lower(evidence.sentence), '[^a-z0-9]+', ' ', 'g'), ' ')) as word,
    from evidence
    where evidence.claim = 'technical_commitment'
),

form_words as (
    select
        opportunity_id,
        unnest(string_to_array(regexp_replace(lower(form_text), '[^a-z0-9]+', ' ', 'g'), ' ')) as word,
    from handoff_claim
    where
        claim = 'technical_commitment'
        and form_says = 'stated'
),

shared as (
    select distinct
        promised_words.opportunity_id,
        promised_words.sentence,
    from promised_words
    inner join form_words
        on form_words.opportunity_id = promised_words.opportunity_id
        and form_words.word = promised_words.word
    where
        length(promised_words.word) >= 3
        and regexp_replace(
            promised_words.word,
            '^(?:the|and|for|with|that|this|their|your|our|you|they|will|can|have|has|are|was|not|all|any|from|into|until|within|before|after|than|then|each|per|end|first|next|last|new|one|two|three|days?|weeks?|months?|quarters?|years?|by|q[1-4]|20\d\d|january|february|march|april|may|june|july|august|september|october|november|december|commit\w*|promis\w*|guarante\w*|deliver\w*|build\w*|ship\w*|provid\w*|customers?|live)$',
            ''
        ) <> ''
)

select
    evidence.opportunity_id,
    evidence.claim,
    evidence.source_kind,
    evidence.document_id,
    evidence.sequence,
    evidence.hit_offset,
    evidence.evidence_kind,
    cast(
        case
            when evidence.source_kind = 'contract' then 1
            when evidence.source_kind = 'crm' then 2
            when evidence.source_kind = 'approval' then 3
            when evidence.evidence_kind = 'granted' then 4
            when evidence.evidence_kind = 'asked' then 5
            else 6
        end
        as bigint
    ) as strength,
    case
        when handoff_claim.form_says <> 'stated' then null
        when evidence.claim = 'technical_commitment' then shared.sentence is not null
        else
            coalesce(
                abs(handoff_claim.form_value - evidence.value) <= cast($handoff_discount_tolerance as decimal(9,4)),
                true
            )
    end as agrees,
    evidence.value,
    evidence.unit,
    evidence.occurred_at,
    evidence.occurred_date,
    evidence.detail,
    evidence.sentence,
    evidence.in_sentence,
from evidence
inner join handoff_claim
    on handoff_claim.opportunity_id = evidence.opportunity_id
    and handoff_claim.claim = evidence.claim
left join shared
    on shared.opportunity_id = evidence.opportunity_id
    and shared.sentence = evidence.sentence
