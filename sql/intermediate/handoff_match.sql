/*---
title = "Patterns that hit in a sentence, and what the words around them make of them"
owner = "cs"
grain = ["opportunity_id", "document_id", "field", "sequence", "sentence_offset", "pattern", "hit_no"]

[columns]
opportunity_id = { type = "text", doc = "The deal" }
document_id = { type = "text", doc = "The engagement, or the handoff" }
field = { type = "text", doc = "The form's field; empty for what was said" }
sequence = { type = "integer", doc = "The utterance; 0 in a form" }
sentence_offset = { type = "integer", doc = "Characters of the cleaned utterance before the sentence" }
pattern = { type = "text", doc = "The pattern that hit" }
hit_no = { type = "integer", doc = "Its hit in the sentence, from 1" }
claim = { type = "text", doc = "What is promised" }
covers = { type = "text", doc = "Claim that says the same in more detail; null where none" }
side = { type = "text", doc = "ours or customer" }
evidence_kind = { type = "text", doc = "granted (we promise), asked (the customer asks, or we do not commit ourselves) or negated" }
value = { type = "decimal(9,4)", doc = "The number in it: percent points, days or months; null where there is none" }
unit = { type = "text", doc = "percent, days or months; null without a value" }
sentence = { type = "text", doc = "The sentence" }
in_sentence = { type = "integer", doc = "Characters of the sentence before the hit" }
hit_length = { type = "integer", doc = "Characters of the hit" }

[checks]
not_null = ["opportunity_id", "document_id", "field", "sequence", "sentence_offset", "pattern", "hit_no", "claim", "side", "evidence_kind", "sentence"]
expect.kind_known = "evidence_kind in ('granted', 'asked', 'negated')"

[decisions]
negation = "a negation at most 30 characters before the hit negates it, unless a comma, a semicolon, 'no problem', 'no worries' or the like stands between. Also one right after it ('15% off is not possible'), one inside a technical commitment ('we will not build'), and 'cannot waive': a waiver's own 'no uplift' is no negation"
side = "only our side grants. What the customer says, statement or question, is asked"
not_yet = "ours but not a commitment, and so asked: a question without words of commitment, a report of what they want, and what somebody still has to check or approve"
money = "a percentage counts only where the sentence is about money: 'discounted that theory at about 50%' is no discount, nor is '20% off our load time'. The words 'just this year' alone count only beside a price"
paperwork = "to ship or deliver a contract, a quote or slides is no technical commitment, nor is to send, show or talk about something"
limits = "read on the safe side: 'I cannot go higher than 15% off' counts as negated, though it offers 15 %"
at_most = "the first four hits of a pattern in a sentence count"
---*/
with handoff_sentence as (
    select
        opportunity_id,
        document_id,
        field,
        sequence,
        sentence_offset,
        side,
        sentence,
        plain,
    from handoff_sentence
),

handoff_pattern as (
    select
        pattern,
        claim,
        cues,
        expression,
        covers,
        is_percent,
    from handoff_pattern
),

cue as (
    select
        pattern,
        unnest(string_to_array(cues, '|')) as cue,
    from handoff_pattern
),

-- Most sentences hold no word without which a pattern cannot hit, and end here.
promising as (
    select distinct
        handoff_sentence.opportunity_id,
        handoff_sentence.document_id,
        handoff_sentence.field,
        handoff_sentence.sequence,
        handoff_sentence.sentence_offset,
        cue.pattern,
    from handoff_sentence
    cross join cue
    where strpos(handoff_sentence.plain, cue.cue) > 0
),

-- Each hit begins with sign 1 and ends with sign 2.
marked as (
    select
        handoff_sentence.*,
        handoff_pattern.pattern,
        handoff_pattern.claim,
        handoff_pattern.covers,
        handoff_pattern.is_percent,
        regexp_replace(handoff_sentence.plain, handoff_pattern.expression, concat(chr(1), '\0', chr(2)), 'g') as marks,
    from promising
    inner join handoff_sentence
        on handoff_sentence.opportunity_id = promising.opportunity_id
        and handoff_sentence.document_id = promising.document_id
        and handoff_sentence.field = promising.field
        and handoff_sentence.sequence = promising.sequence
        and handoff_sentence.sentence_offset = promising.sentence_offset
    inner join handoff_pattern
        on handoff_pattern.pattern = promising.pattern
),

parts as (
    select
        marked.* exclude (marks),
        split_part(marks, chr(1), 1) as part_1,
        replace(split_part(marks, chr(1), 2), chr(2), '') as part_2,
        replace(split_part(marks, chr(1), 3), chr(2), '') as part_3,
        replace(split_part(marks, chr(1), 4), chr(2), '') as part_4,
        marks,
    from marked
    where marks <> plain
),

hit_number as (
    select hit_no
    from (values (1), (2), (3), (4)) as counting (hit_no)
),

cut as (
    select
        parts.* exclude (part_1, part_2, part_3, part_4, marks),
        hit_number.hit_no,
        case hit_number.hit_no
            when 1 then part_1
            when 2 then concat(part_1, part_2)
            when 3 then concat(part_1, part_2, part_3)
            else concat(part_1, part_2, part_3, part_4)
        end as before,
        regexp_replace(split_part(split_part(marks, chr(1), hit_number.hit_no + 1), chr(2), 1), '[\s.,;:!?)]$', '') as hit,
    from parts
    cross join hit_number
    where split_part(marks, chr(1), hit_number.hit_no + 1) <> ''
),

-- What a negation must reach across starts after the last comma, and after words that only look like a negation.
around as (
    select
        *,
        regexp_replace(
            regexp_replace(
                before,
                '\b(?:no|not an?|isn''t an?) (?:problems?|worries|issues?|trouble|doubt|brainer)\b|\bnot only\b|\bwithout (?:an? )?(?:doubt|question|problem)\b|\bwhy (?:not|don''t)\b',
                ',',
                'g'
            ),
            '^.*[,;]',
            ''
        ) as clause,
        regexp_replace(
            substr(plain, cast(length(before) + length(hit) + 1 as bigint)),
            '\b(?:not an?|isn''t an?) (?:problems?|issues?|trouble)\b',
            ','
        ) as after,
    from cut
),

told as (
    select
        *,
        regexp_replace(
            clause,
            '\b(?:no|not|never|cannot|can''?t|won''?t|unable|don''?t|isn''?t|without|doesn''t|didn''t|couldn''t|wouldn''t|shouldn''t|aren''t|wasn''t|haven''t|hasn''t|neither|nor|nobody|refused?)\b[^.\n]{0,30}$',
            ''
        ) <> clause as has_negation_before,
        regexp_replace(clause, '\b(?:can(?:not|''?t)|won''?t|will not|(?:un|not )able to|refused? to|don''t|do not)\s+(?:[\w]+\s+){0,2}$', '') <> clause as has_refusal_before,
        regexp_replace(
            after,
            '^[^.,;]{0,20}(?:\b(?:is|are|was|were|would be|will be)|''s)\s+(?:not|never|impossible|out of the question|off the table|unlikely)\b|^[^.,;]{0,20}\b(?:isn''?t|aren''?t|won''?t|wasn''?t|cannot|can''?t)\b|^\s*(?:not|is no longer)\b',
            ''
        ) <> after as has_negation_after,
        regexp_replace(hit, '\b(?:not|never)\b|n''t\b', '') <> hit as has_negation_inside,
        regexp_replace(
            before,
            '\b(?:we''?(?:ll|re|ve)|we (?:will|can|are|have|could)|i''?(?:ll|m)|i (?:will|can|am|have)|happy to|glad to|let''s|agreed|confirm(?:ed)?|approved|includ(?:ed|es?)|you''?(?:ll)? (?:get|have|receive)|you will (?:get|have|receive))\b[^.\n]{0,40}$',
            ''
        ) <> before as has_commitment,
        regexp_replace(
            before,
            '\b(?:check|ask|see|find out|know|wonder|clarify|confirm)\b[^.\n]{0,15}\b(?:if|whether)\b[^.\n]{0,50}$|\b(?:might|maybe|perhaps|possibly|not sure|try to|trying to|would have to|ask (?:for|about)|(?:need|ask|wait|waiting|pending)\b[^.\n]{0,20}\bapproval)\b[^.\n]{0,40}$',
            ''
        ) <> before as is_uncertain,
        regexp_replace(
            clause,
            '\b(?:you|they|he|she|customer|client|buyer|procurement|their [\w]+)\b[^.\n]{0,15}\b(?:ask(?:ed|s|ing)?|request(?:ed|s)?|want(?:ed|s)?|hop(?:ed|ing)|expect(?:ed|s)?|push(?:ed|ing)?)\b[^.\n]{0,30}$',
            ''
        ) <> clause as is_report,
        regexp_replace(plain, '\?["'')\s]*$', '') <> plain as is_question,
        regexp_replace(
            plain,
            '\$|\b(?:pric(?:e|es|ed|ing)|list|costs?|fees?|charges?|charged|discounts?|rebates?|concessions?|licen[cs]es?|seats?|subscriptions?|contracts?|quotes?|uplift)\b',
            ''
        ) <> plain as is_about_price,
        regexp_replace(
            plain,
            '% off|percent off|pct off|\b(?:rates?|users?|orders?|invoices?|bill|offers?|packages?|plans?|modules?|products?|renewals?|renew|deal|arr|budget|spend|terms?|years?|quarters?|months?|annual|onboarding|implementation|add-ons?|sign)\b',
            ''
        ) <> plain as is_about_product,
        regexp_replace(
            plain,
            '\b(?:load|cycle|response|processing|handling|lead|wait|build|onboarding|resolution|run|set-?up) times?\b|\b(?:latency|workload|headcount|tickets?|errors?|churn|downtime|outages?|emissions?|traffic|volumes?|noise|effort|hours|bandwidth|memory|cpu|staff|mistakes|manual work|targets?|forecasts?|quotas?|schedule)\b',
            ''
        ) <> plain as is_about_work,
        regexp_replace(
            hit,
            '\b(?:build|ship|deliver)$',
            ''
        ) <> hit
        and regexp_replace(
            after,
            '^\s+(?:\w+\s+){0,3}(?:contracts?|order forms?|quotes?|proposals?|invoices?|slides|deck|agenda|paperwork|minutes|notes|business case|relationship|trust|value)\b',
            ''
        ) <> after
        or regexp_replace(
            hit,
            '^we(?:''?ll| will) (?:\w+ly |also |then )?(?:send|talk|discuss|share|show|walk|look|review|go over|explain|cover|speak|meet|see|demo|present|ask|check)\b',
            ''
        ) <> hit as is_paperwork,
    from around
),

counted as (
    select
        *,
        case
            when is_percent then is_about_price or (is_about_product and not is_about_work)
            when pattern = 'temporary' then is_about_price or regexp_replace(plain, '\b(?:discount|%|percent off)', '') <> plain
            when pattern = 'tech_commit' then not is_paperwork
            else true
        end as counts,
        case
            when pattern = 'waiver' then has_refusal_before or has_negation_after
            when pattern = 'tech_commit' then has_negation_before or has_negation_after or has_negation_inside
            else has_negation_before or has_negation_after
        end as is_negated,
    from told
),

judged as (
    select
        *,
        case
            when side = 'customer' and is_question then 'asked'
            when is_negated then 'negated'
            when side <> 'ours' then 'asked'
            when field <> '' then 'granted'
            when is_report or is_uncertain then case when has_commitment and not is_uncertain then 'granted' else 'asked' end
            when is_question and not has_commitment then 'asked'
            else 'granted'
        end as evidence_kind,
        case
            when is_percent then regexp_replace(hit, '^.*?(\d{1,2}(?:\.\d+)?)\s?(?:%|percent|pct).*$', '\1')
            when pattern = 'payment_terms' then regexp_replace(hit, '^net[- ]?(\d+)$', '\1')
            when pattern = 'free_period'
                then replace(replace(replace(replace(replace(
                    regexp_replace(hit, '^(?:first|initial)\s+(\w+)\s+.*$', '\1'),
                    'one', '1'), 'two', '2'), 'three', '3'), 'six', '6'), 'twelve', '12')
        end as number,
    from counted
    where counts
)

select
    opportunity_id,
    document_id,
    field,
    sequence,
    sentence_offset,
    pattern,
    cast(hit_no as bigint) as hit_no,
    claim,
    covers,
    side,
    evidence_kind,
    try_cast(number as decimal(9,4)) as value,
    case
        when try_cast(number as decimal(9,4)) is null then null
        when is_percent then 'percent'
        when pattern = 'payment_terms' then 'days'
        else 'months'
    end as unit,
    sentence,
    cast(length(before) as bigint) as in_sentence,
    cast(length(hit) as bigint) as hit_length,
from judged
