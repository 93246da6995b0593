/*---
title = "What a handoff form says, item by item"
owner = "cs"
grain = ["opportunity_id", "item"]

[columns]
opportunity_id = { type = "text", doc = "The deal" }
item = { type = "text", doc = "pricing_concessions, technical_commitments, risk_flags, champion or goals" }
text = { type = "text", doc = "The words; null where there are none" }
is_present = { type = "boolean", doc = "Something is filled in" }
is_none = { type = "boolean", doc = "Says that there is none" }
is_substantive = { type = "boolean", doc = "Long enough to say something, and neither none nor a placeholder" }
has_detail = { type = "boolean", doc = "Names what a successor needs: value and end of a concession, the day of a commitment, who the champion is and what to know" }

[checks]
not_null = ["opportunity_id", "item", "is_present", "is_none", "is_substantive", "has_detail"]
expect.none_is_not_substantive = "not (is_none and is_substantive)"

[decisions]
none = "none, no, nil, n/a, list price, 'there are no concessions' and the like, as long as nothing is added by but, except or a number; a discount of 0 too"
short = "a number is never too short: 15% is a concession in three characters"
placeholder = "tbd, unknown, see CRM, a dash or a question mark say nothing, not even none"
custom_pricing = "an unticked box is silence, not a denial"
---*/
with handoff_deal as (
    select
        opportunity_id,
        pricing_concessions,
        discount_pct,
        discount_end_date,
        technical_commitments,
        risk_flags,
        champion_contact_id,
        champion_notes,
        goals,
    from handoff_deal
    where handoff_id is not null
),

listed as (
    select opportunity_id, 'pricing_concessions' as item, pricing_concessions as text
    from handoff_deal
    union all
    select opportunity_id, 'technical_commitments' as item, technical_commitments as text
    from handoff_deal
    union all
    select opportunity_id, 'risk_flags' as item, risk_flags as text
    from handoff_deal
    union all
    select opportunity_id, 'champion' as item, champion_notes as text
    from handoff_deal
    union all
    select opportunity_id, 'goals' as item, goals as text
    from handoff_deal
),

worded as (
    select
        opportunity_id,
        item,
        nullif(
            regexp_replace(
                regexp_replace(translate(text, concat(chr(160), chr(8239), chr(8201)), '   '), '[ \t\r\n]+', ' ', 'g'),
                '^ +| +$',
                '',
                'g'
            ),
            ''
        ) as text,
    from listed
),

-- Lower-case ASCII, so that every engine finds the same words.
plain as (
    select
        opportunity_id,
        item,
        text,
        lower(regexp_replace(translate(text, '’‘“”–—‑−€£％', '''''""----$$%'), '[^\x00-\x7F]', 'x', 'g')) as words,
    from worded
),

read as (
    select
        opportunity_id,
        item,
        text,
        words,
        coalesce(
            regexp_replace(
                words,
                '^(?:none|no|nil|nothing|zero|0 ?%?|n/?a|n\.a|not applicable|(?:at )?list price|standard (?:price|pricing|terms)|(?:customer |they )?pays? (?:full )?list price)(?: (?:special|only|at all|known|so far|given|made|agreed|granted|promised|identified|applied))*[.!]?$',
                ''
            ) = ''
            and words <> '',
            false
        ) as is_bare_none,
        coalesce(
            regexp_replace(
                words,
                '^(?:there (?:is|are|was|were) |we (?:gave|made|granted|agreed|promised|offered|see|have) |customer (?:got|has) )?(?:no|none|not any|without)\b[^0-9%;]{0,60}\b(?:concessions?|discounts?|commitments?|promises?|risks?|flags?|deviations?|exceptions?|rebates?|reductions?|special pricing|special terms)\b[^0-9%;]{0,40}$',
                ''
            ) = ''
            and words <> ''
            and regexp_replace(words, '\b(?:but|except|besides|other than|beyond|free|only)\b', '') = words,
            false
        ) as is_none_sentence,
        coalesce(
            regexp_replace(
                words,
                '^(?:tb[adc]|to ?do|to be (?:defined|determined|confirmed|done|added)|unknown|unclear|not (?:yet )?(?:known|discussed|clear)|see (?:crm|notes?|e-?mails?|calls?|thread|contract|order form)|[-?.x/_ ]+|same|ok|okay|yes|later|pending|wip|fill in later)[.!]?$',
                ''
            ) = '',
            false
        ) as is_placeholder,
        coalesce(regexp_replace(words, '\d+(?:\.\d+)? ?(?:%|percent|pct)|\$ ?\d|\d+ (?:usd|eur|gbp|months?|seats?)|free', '') <> words, false) as has_value,
        coalesce(
            regexp_replace(
                words,
                '\b20\d\d\b|\bq[1-4]\b|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b|\b(?:within|until|by|before|after) |\b\d+ (?:days?|weeks?|months?)\b|\b(?:go-live|kickoff|quarter|next release|year)\b',
                ''
            ) <> words,
            false
        ) as has_day,
    from plain
)

select
    handoff_deal.opportunity_id,
    read.item,
    read.text,
    coalesce(
        read.text is not null
        or (read.item = 'pricing_concessions' and handoff_deal.discount_pct is not null)
        or (read.item = 'champion' and handoff_deal.champion_contact_id is not null),
        false
    ) as is_present,
    case
        when read.item = 'pricing_concessions' and handoff_deal.discount_pct > 0 then false
        when read.is_bare_none or read.is_none_sentence then true
        else
            read.item = 'pricing_concessions'
            and (read.text is null or read.is_placeholder)
            and coalesce(handoff_deal.discount_pct = 0, false)
    end as is_none,
    case
        when read.item = 'champion' and handoff_deal.champion_contact_id is not null then true
        when read.item = 'pricing_concessions' and (read.has_value or handoff_deal.discount_pct > 0) and not read.is_bare_none and not read.is_none_sentence then true
        else
            read.text is not null
            and not read.is_bare_none
            and not read.is_none_sentence
            and not read.is_placeholder
            and length(read.text) >= cast($handoff_min_characters as bigint)
    end as is_substantive,
    case
        when read.item = 'pricing_concessions'
            then (read.has_value or coalesce(handoff_deal.discount_pct > 0, false))
                and (read.has_day or handoff_deal.discount_end_date is not null)
        when read.item = 'technical_commitments' then read.has_day
        when read.item = 'champion'
            then handoff_deal.champion_contact_id is not null
                and not read.is_placeholder
                and coalesce(length(read.text) >= cast($handoff_min_characters as bigint), false)
        else
            not read.is_bare_none
            and not read.is_none_sentence
            and not read.is_placeholder
            and coalesce(length(read.text) >= cast($handoff_min_characters as bigint), false)
    end as has_detail,
from read
inner join handoff_deal
    on handoff_deal.opportunity_id = read.opportunity_id
