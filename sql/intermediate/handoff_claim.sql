/*---
title = "What a handoff claims, as far as evidence can bear it out"
owner = "cs"
grain = ["opportunity_id", "claim"]

[columns]
opportunity_id = { type = "text", doc = "The deal" }
claim = { type = "text", doc = "discount, special_price, free_period, waiver, free_scope, payment_terms, exit_right, price_guarantee or technical_commitment" }
form_says = { type = "text", doc = "stated, denied or silent" }
form_value = { type = "decimal(9,4)", doc = "The number stated: percent points, months or days; null where there is none" }
form_text = { type = "text", doc = "The form's words on it" }

[checks]
not_null = ["opportunity_id", "claim", "form_says"]
expect.says_known = "form_says in ('stated', 'denied', 'silent')"

[decisions]
listed = "what the form states or denies, and what there is evidence of; a form that says there are no concessions denies every pricing claim and is listed as denying a discount"
missing_form = "a deal without a handoff is silent, and is listed once its handoff is overdue"
in_words = "a percentage with which the words on concessions begin is a discount, also bare; a discount without a number, or a ticked box for custom pricing with nothing else, states a discount of unknown size; words about price that no pattern knows state a special price"
---*/
with handoff_deal as (
    select
        opportunity_id,
        handoff_id,
        due_date,
        has_custom_pricing,
        discount_pct,
    from handoff_deal
    where handoff_id is not null or due_date < cast($as_of as date)
),

handoff_form as (
    select
        opportunity_id,
        item,
        text,
        is_none,
        is_substantive,
    from handoff_form
    where item in ('pricing_concessions', 'technical_commitments')
),

handoff_pattern as (
    select
        claim,
        bool_or(is_pricing) as is_pricing,
    from handoff_pattern
    group by claim
),

handoff_hit as (
    select
        opportunity_id,
        claim,
        field,
        evidence_kind,
        value,
        sentence,
    from handoff_hit
),

handoff_record as (
    select
        opportunity_id,
        claim,
    from handoff_record
),

pricing as (
    select
        handoff_deal.opportunity_id,
        handoff_deal.discount_pct,
        handoff_form.text,
        coalesce(handoff_form.is_none, false) as is_none,
        coalesce(handoff_form.is_substantive, false) as is_substantive,
        coalesce(handoff_deal.has_custom_pricing, false) as is_ticked,
        coalesce(regexp_replace(lower(handoff_form.text), 'discount|rebate|reduction|% off|percent off', '') <> lower(handoff_form.text), false) as is_about_discount,
        try_cast(
            nullif(
                regexp_replace(lower(handoff_form.text), '^[^a-z0-9]*([0-9]{1,2}(?:\.[0-9]+)?) ?(?:%|percent|pct).*$', '\1'),
                lower(handoff_form.text)
            )
            as decimal(9,4)
        ) as bare_pct,
    from handoff_deal
    inner join handoff_form
        on handoff_form.opportunity_id = handoff_deal.opportunity_id
        and handoff_form.item = 'pricing_concessions'
),

-- A commitment is told by the whole field, not by a pattern: nobody writes a form in whole promises.
form_hit as (
    select
        opportunity_id,
        claim,
        max(value) as value,
        min(sentence) as text,
    from handoff_hit
    where
        field <> ''
        and evidence_kind = 'granted'
        and claim <> 'technical_commitment'
    group by
        opportunity_id,
        claim
),

any_hit as (
    select distinct opportunity_id
    from form_hit
),

stated as (
    select opportunity_id, claim, 1 as rank, value, text
    from form_hit
    union all
    select opportunity_id, 'discount' as claim, 0 as rank, discount_pct as value, text
    from pricing
    where discount_pct > 0
    union all
    select opportunity_id, 'discount' as claim, 2 as rank, bare_pct as value, text
    from pricing
    where not is_none and ((is_substantive and (is_about_discount or bare_pct is not null)) or (is_ticked and text is null))
    union all
    select pricing.opportunity_id, 'special_price' as claim, 2 as rank, cast(null as decimal(9,4)) as value, pricing.text
    from pricing
    left join any_hit
        on any_hit.opportunity_id = pricing.opportunity_id
    where
        pricing.is_substantive
        and pricing.text is not null
        and not pricing.is_none
        and not pricing.is_about_discount
        and pricing.bare_pct is null
        and coalesce(pricing.discount_pct, 0) = 0
        and any_hit.opportunity_id is null
    union all
    select opportunity_id, 'technical_commitment' as claim, 1 as rank, cast(null as decimal(9,4)) as value, text
    from handoff_form
    where item = 'technical_commitments' and is_substantive
),

first_stated as (
    select *
    from stated
    qualify row_number() over (partition by opportunity_id, claim order by rank, value desc, text) = 1
),

denying as (
    select
        opportunity_id,
        item = 'pricing_concessions' as is_pricing,
        text,
    from handoff_form
    where is_none
),

evident as (
    select opportunity_id, claim
    from handoff_hit
    where field = ''
    union
    select opportunity_id, claim
    from handoff_record
),

listed as (
    select opportunity_id, claim
    from evident
    union
    select opportunity_id, claim
    from first_stated
    union
    select opportunity_id, case when is_pricing then 'discount' else 'technical_commitment' end as claim
    from denying
)

select
    listed.opportunity_id,
    listed.claim,
    case
        when first_stated.claim is not null then 'stated'
        when denying.opportunity_id is not null then 'denied'
        else 'silent'
    end as form_says,
    first_stated.value as form_value,
    coalesce(first_stated.text, denying.text) as form_text,
from listed
inner join handoff_deal
    on handoff_deal.opportunity_id = listed.opportunity_id
inner join handoff_pattern
    on handoff_pattern.claim = listed.claim
left join first_stated
    on first_stated.opportunity_id = listed.opportunity_id
    and first_stated.claim = listed.claim
left join denying
    on denying.opportunity_id = listed.opportunity_id
    and denying.is_pricing = handoff_pattern.is_pricing
    and (handoff_pattern.is_pricing or listed.claim = 'technical_commitment')
