/*---
title = "Promises found in sentences, each one once"
owner = "cs"
grain = ["opportunity_id", "document_id", "field", "sequence", "hit_offset", "pattern"]

[columns]
opportunity_id = { type = "text", doc = "The deal" }
document_id = { type = "text", doc = "The engagement, or the handoff" }
field = { type = "text", doc = "The form's field; empty for what was said" }
sequence = { type = "integer", doc = "The utterance; 0 in a form" }
hit_offset = { type = "integer", doc = "Characters of the cleaned utterance before the hit" }
pattern = { type = "text", doc = "The pattern that hit" }
claim = { type = "text", doc = "What is promised" }
side = { type = "text", doc = "ours or customer" }
evidence_kind = { type = "text", doc = "granted (we promise), asked (the customer asks, or we do not commit ourselves) or negated" }
value = { type = "decimal(9,4)", doc = "The number in it: percent points, days or months; null where there is none" }
unit = { type = "text", doc = "percent, days or months; null without a value" }
sentence = { type = "text", doc = "The sentence" }
in_sentence = { type = "integer", doc = "Characters of the sentence before the hit" }
hit_length = { type = "integer", doc = "Characters of the hit" }

[checks]
not_null = ["opportunity_id", "document_id", "field", "sequence", "hit_offset", "pattern", "claim", "side", "evidence_kind", "sentence"]
expect.kind_known = "evidence_kind in ('granted', 'asked', 'negated')"

[decisions]
same = "one sentence that promises the same in other words is one piece of evidence: 'a special price of 15% off, just for this year' is the discount"
---*/
with handoff_match as (
    select
        opportunity_id,
        document_id,
        field,
        sequence,
        sentence_offset,
        pattern,
        claim,
        covers,
        side,
        evidence_kind,
        value,
        unit,
        sentence,
        in_sentence,
        hit_length,
    from handoff_match
),

sentence_claim as (
    select distinct
        opportunity_id,
        document_id,
        field,
        sequence,
        sentence_offset,
        claim,
    from handoff_match
),

-- The same promise in other words of the same sentence.
kept as (
    select handoff_match.*
    from handoff_match
    left join sentence_claim as fuller
        on fuller.opportunity_id = handoff_match.opportunity_id
        and fuller.document_id = handoff_match.document_id
        and fuller.field = handoff_match.field
        and fuller.sequence = handoff_match.sequence
        and fuller.sentence_offset = handoff_match.sentence_offset
        and fuller.claim = handoff_match.covers
    where fuller.claim is null
    qualify row_number() over (
        partition by
            handoff_match.opportunity_id,
            handoff_match.document_id,
            handoff_match.field,
            handoff_match.sequence,
            handoff_match.sentence_offset,
            handoff_match.claim,
            handoff_match.evidence_kind,
            handoff_match.value
        order by handoff_match.in_sentence, handoff_match.pattern
    ) = 1
)

select
    opportunity_id,
    document_id,
    field,
    sequence,
    sentence_offset + in_sentence as hit_offset,
    pattern,
    claim,
    side,
    evidence_kind,
    value,
    unit,
    sentence,
    in_sentence,
    hit_length,
from kept
