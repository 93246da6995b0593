/*---
title = "What was said before a deal was won and what its handoff form says, sentence by sentence"
owner = "cs"
grain = ["opportunity_id", "document_id", "field", "sequence", "sentence_offset"]

[columns]
opportunity_id = { type = "text", doc = "The deal" }
document_id = { type = "text", doc = "The engagement, or the handoff" }
field = { type = "text", doc = "The form's field; empty for what was said" }
sequence = { type = "integer", doc = "The utterance; 0 in a form" }
sentence_offset = { type = "integer", doc = "Characters of the cleaned utterance before the sentence" }
side = { type = "text", doc = "ours or customer" }
sentence = { type = "text", doc = "The sentence" }
plain = { type = "text", doc = "The same in lower-case ASCII, character for character, so that every engine reads it alike" }

[checks]
not_null = ["opportunity_id", "document_id", "field", "sequence", "sentence_offset", "side", "sentence", "plain"]
expect.character_for_character = "length(sentence) = length(plain)"

[decisions]
quoted = "quoted replies, forwarded heads and signatures are cut: somebody else wrote them, on another day"
sentences = "a sentence ends with a full stop, question or exclamation mark and a blank, an empty line or a list mark; a line break alone does not end it"
ascii = "curly quotes, dashes and currency signs become their plain kin, other letters x and other signs ~: word boundaries then mean the same in every engine"
decimal_comma = "a decimal comma before a percent sign is read as a decimal point"
repeated = "a sentence that comes twice in one utterance counts once"
boilerplate = "sentences of newsletters, promotions and disclaimers are left out: a footer promises nothing to this customer"
---*/
with handoff_deal as (
    select
        opportunity_id,
        handoff_id,
        pricing_concessions,
        technical_commitments,
        risk_flags,
        champion_notes,
        goals,
    from handoff_deal
    where handoff_id is not null
),

handoff_conversation as (
    select
        opportunity_id,
        engagement_id,
    from handoff_conversation
    where sentences > 0
),

utterance as (
    select
        engagement_id,
        sequence,
        side,
        text,
    from utterance
),

written as (
    select
        handoff_conversation.opportunity_id,
        utterance.engagement_id as document_id,
        '' as field,
        utterance.sequence,
        utterance.side,
        utterance.text,
    from utterance
    inner join handoff_conversation
        on handoff_conversation.engagement_id = utterance.engagement_id
    union all
    select opportunity_id, handoff_id as document_id, 'pricing_concessions' as field, 0 as sequence, 'ours' as side, pricing_concessions as text
    from handoff_deal
    union all
    select opportunity_id, handoff_id as document_id, 'technical_commitments' as field, 0 as sequence, 'ours' as side, technical_commitments as text
    from handoff_deal
    union all
    select opportunity_id, handoff_id as document_id, 'risk_flags' as field, 0 as sequence, 'ours' as side, risk_flags as text
    from handoff_deal
    union all
    select opportunity_id, handoff_id as document_id, 'champion_notes' as field, 0 as sequence, 'ours' as side, champion_notes as text
    from handoff_deal
    union all
    select opportunity_id, handoff_id as document_id, 'goals' as field, 0 as sequence, 'ours' as side, goals as text
    from handoff_deal
),

-- Everything from a reply's head or a signature on goes, then every quoted line.
own_words as (
    select
        opportunity_id,
        document_id,
        field,
        sequence,
        side,
        regexp_replace(
            regexp_replace(
                translate(text, concat(chr(13), chr(160), chr(8239), chr(8201), chr(9)), concat(chr(10), '    ')),
                '(?is)(?:^|\n) *(?:on [^\n]{4,90}\n?[^\n]{0,60}wrote:|-{2,} ?original message|from: [^\n]+\n+ *(?:sent|date|to):|-- ?\n|_{5,}|sent from my |(?:(?:kind|best|warm|many) )?regards\b).*$',
                ''
            ),
            '(^|\n) *>[^\n]*',
            '\1',
            'g'
        ) as text,
    from written
    where text is not null
),

-- From here on a line break stands between two sentences and nowhere else.
cut as (
    select
        opportunity_id,
        document_id,
        field,
        sequence,
        side,
        regexp_replace(
            replace(
                regexp_replace(
                    replace(
                        regexp_replace(text, '\n *\n[\n ]*|\n *(?:[-*]|[0-9]+[.)]) +', chr(1), 'g'),
                        chr(10), ' '
                    ),
                    '^ +| +$',
                    '',
                    'g'
                ),
                chr(1), chr(10)
            ),
            '([.!?]["'')]?) +',
            concat('\1', chr(10)),
            'g'
        ) as text,
    from own_words
),

unnested as (
    select
        opportunity_id,
        document_id,
        field,
        sequence,
        side,
        text,
        unnest(string_to_array(text, chr(10))) as sentence,
    from cut
),

placed as (
    select distinct
        opportunity_id,
        document_id,
        field,
        sequence,
        side,
        sentence,
        strpos(concat(chr(10), text, chr(10)), concat(chr(10), sentence, chr(10))) - 1 as sentence_offset,
    from unnested
    where regexp_replace(sentence, '^ +$', '') <> ''
),

plain as (
    select
        opportunity_id,
        document_id,
        field,
        sequence,
        sentence_offset,
        side,
        sentence,
        regexp_replace(
            lower(regexp_replace(
                regexp_replace(
                    translate(sentence, '’‘ʼ´`“”„«»–—‑−…€£¥％', '''''''''''"""""----.$$$%'),
                    '[^\x00-\x7F\p{L}]',
                    '~',
                    'g'
                ),
                '[^\x00-\x7F]',
                'x',
                'g'
            )),
            '(\d),(\d{1,2} ?(?:%|percent|pct))',
            '\1.\2',
            'g'
        ) as plain,
    from placed
)

select
    opportunity_id,
    document_id,
    field,
    cast(sequence as bigint) as sequence,
    cast(sentence_offset as bigint) as sentence_offset,
    side,
    sentence,
    plain,
from plain
where
    field <> ''
    or regexp_replace(
        plain,
        '\b(?:unsubscribe|newsletter|webinar|promo(?:tion)?[ -]?codes?|coupons?|black friday|cyber monday|all rights reserved|limited[ -]time offer|intended recipient|view (?:this|in) (?:your )?(?:e-?mail|browser))\b|\bopt[- ]?out (?:of|from) (?:these|this|our|receiving|future|marketing|e-?mails?|the (?:mailing|tour|session|call|meeting|survey|demo)|tracking|cookies)\b|\bto opt[- ]?out\b',
        ''
    ) = plain
