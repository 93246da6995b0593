/*---
title = "The patterns by which a promise is recognised in a sentence"
owner = "cs"
grain = ["pattern"]

[columns]
pattern = { type = "text", doc = "Name of the pattern" }
claim = { type = "text", doc = "What is promised" }
cues = { type = "text", doc = "Words of which a sentence must contain one to be looked at, divided by |" }
expression = { type = "text", doc = "Regular expression over lower-case ASCII; neither look-around nor back-reference" }
covers = { type = "text", doc = "Claim that says the same in more detail: where one sentence has both, this one is left out; null where none" }
is_percent = { type = "boolean", doc = "States a percentage, and counts only where the sentence is about money" }
is_pricing = { type = "boolean", doc = "A concession on price: a form that says there are none denies it" }
route = { type = "text", doc = "Who must approve such an exception; null where the rep's manager is enough" }

[checks]
not_null = ["pattern", "claim", "cues", "expression", "is_percent", "is_pricing"]

[decisions]
beyond_the_pack = "no extra cost beside no additional cost, and a decimal point inside a commitment (99.9 % uptime); the rest is the pack as it was tried"
tail = "percent off ends with a blank, the sentence or a stop, a question mark and a colon included"
route = "payment terms: Finance; free periods: Legal, Finance and Product; service levels: Operations; exits: Legal; most favoured prices and roadmap promises are prohibited and need an executive"
---*/
select
    pattern,
    claim,
    cues,
    expression,
    covers,
    is_percent,
    is_pricing,
    route,
from (
    values
        (
            'pct_discount', 'discount', '%|percent|pct',
            '\b(?:\d{1,2}(?:\.\d+)?)\s?(?:%|percent|pct)\s+(?:[\w-]+\s+){0,3}?(?:discount|reduction|concession|rebate)\b|\b(?:\d{1,2}(?:\.\d+)?)\s?(?:%|percent|pct)\s+off(?:[\s.,;:!?)]|$)',
            null, true, true, null
        ),
        (
            'discount_pct', 'discount', '%|percent|pct',
            '\b(?:discount(?:ed)?|reduction|concession|rebate|knock(?:ed)?|shaved?)\b[^.\n%]{0,40}?\b(?:\d{1,2}(?:\.\d+)?)\s?(?:%|percent\b|pct\b)',
            null, true, true, null
        ),
        (
            'special_price', 'special_price', 'special|custom|standard|exception|grandfathered',
            '\b(?:special|custom|non[- ]standard|exception(?:al)?|grandfathered)\s+(?:[\w-]+\s+){0,2}?(?:pricing|price|discount|rates?)\b',
            'discount', false, true, null
        ),
        (
            'temporary', 'special_price', 'just|only',
            '\b(?:just|only)\s+(?:for\s+)?(?:this|the\s+first|your\s+first)\s+(?:quarter|year|month|term)\b',
            'discount', false, true, null
        ),
        (
            'free_period', 'free_period', 'first|initial',
            '\b(?:first|initial)\s+(?:\d+|one|two|three|six|twelve)\s+months?\b[^.\n]{0,25}\b(?:free|no\s+(?:cost|charge))\b',
            null, false, true, 'legal, finance and product'
        ),
        (
            'waiver', 'waiver', 'waiv|uplift|increase|price',
            '\bwaiv(?:e|ed|ing)\b[^.\n]{0,40}\b(?:fees?|uplift|increase|overages?|setup|implementation)\b|\bno\s+(?:annual\s+)?(?:uplift|price\s+increase)\b|\bprice\s+(?:hold|lock|freeze)\b',
            null, false, true, 'finance'
        ),
        (
            'free_scope', 'free_scope', 'cost|charge|complimentary|throw|free',
            '\b(?:at\s+no\s+(?:(?:additional|extra)\s+)?(?:cost|charge)|free\s+of\s+charge|complimentary|throw(?:ing)?\s+in)\b|\bfree\s+(?:seats?|licen[cs]es?|onboarding|implementation|training)\b',
            'free_period', false, true, 'finance'
        ),
        ('payment_terms', 'payment_terms', 'net', '\bnet[- ]?(?:45|60|75|90|120)\b', null, false, false, 'finance'),
        (
            'exit_right', 'exit_right', 'opt|terminat|cancel',
            '\bopt[- ]?out\b|\bterminat\w+\s+for\s+convenience\b|\bcancel\w*\s+(?:at\s+)?any\s?time\b',
            null, false, false, 'legal'
        ),
        (
            'mfn', 'price_guarantee', 'most|guarantee|match',
            '\bmost[- ]favou?red\b|\bbest[- ]price\s+guarantee\b|\bprice\s+match\b',
            null, false, true, 'executive'
        ),
        (
            'tech_commit', 'technical_commitment', 'we''ll|will|committed|promis|guarantee',
            '\b(?:we''?ll|we\s+will|committed\s+to|promis(?:e|ed)|guarantee[ds]?)\b(?:[^.\n]|\.\d){0,60}\b(?:build|ship|deliver|integrat\w+|roadmap|sla|uptime|migrat\w+|connector|sso)\b',
            null, false, false, 'operations'
        )
) as pack (pattern, claim, cues, expression, covers, is_percent, is_pricing, route)
