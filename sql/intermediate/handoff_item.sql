/*---
title = "The items a handoff must fill in, and how far they are"
owner = "cs"
grain = ["opportunity_id", "item"]

[columns]
opportunity_id = { type = "text", doc = "The deal" }
item = { type = "text", doc = "pricing_concessions, technical_commitments, risk_flags, champion or goals" }
is_required = { type = "boolean", doc = "One of the four mandatory items" }
is_due = { type = "boolean", doc = "The handoff is submitted, or its last day has passed" }
is_present = { type = "boolean", doc = "Something is filled in" }
is_substantive = { type = "boolean", doc = "It says something: long enough, and neither none nor a placeholder" }
has_detail = { type = "boolean", doc = "It names what a successor needs" }
is_filled = { type = "boolean", doc = "Counts as filled in" }
status = { type = "text", doc = "not_due, missing (no handoff), empty, none, thin or substantive" }
verdict = { type = "text", doc = "The worst verdict on a claim of the item; null where nothing was claimed or the item is not verified" }

[checks]
not_null = ["opportunity_id", "item", "is_required", "is_due", "is_present", "is_substantive", "has_detail", "is_filled", "status"]
expect.filled_is_present = "is_present or not is_filled"
expect.status_known = "status in ('not_due', 'missing', 'empty', 'none', 'thin', 'substantive')"

[decisions]
none = "'none' is an answer only where the evidence bears it out: concessions and commitments that are confirmed to be none are filled in. A deal without any risk or champion does not exist: none is not filled in there"
truth = "an item that the evidence contradicts is filled in all the same: completeness and truth are two measures"
---*/
with handoff_deal as (
    select
        opportunity_id,
        handoff_id,
        due_date,
    from handoff_deal
),

handoff_form as (
    select
        opportunity_id,
        item,
        is_present,
        is_none,
        is_substantive,
        has_detail,
    from handoff_form
),

handoff_verdict as (
    select
        opportunity_id,
        case claim when 'technical_commitment' then 'technical_commitments' else 'pricing_concessions' end as item,
        verdict,
    from handoff_verdict
    where claim not in ('payment_terms', 'exit_right')
    union all
    select
        opportunity_id,
        'champion' as item,
        verdict,
    from handoff_champion
    union all
    select
        opportunity_id,
        'pricing_concessions' as item,
        verdict,
    from handoff_discount_end
),

item as (
    select
        item,
        is_required,
    from (
        values
            ('pricing_concessions', true),
            ('technical_commitments', true),
            ('risk_flags', true),
            ('champion', true),
            ('goals', false)
    ) as listed (item, is_required)
),

worst as (
    select
        opportunity_id,
        item,
        min(
            case verdict
                when 'contradicted' then 1
                when 'omitted' then 2
                when 'unsupported' then 3
                when 'no_evidence' then 4
                else 5
            end
        ) as rank,
    from handoff_verdict
    group by
        opportunity_id,
        item
),

joined as (
    select
        handoff_deal.opportunity_id,
        item.item,
        item.is_required,
        handoff_deal.handoff_id is not null as has_form,
        handoff_deal.handoff_id is not null or handoff_deal.due_date < cast($as_of as date) as is_due,
        coalesce(handoff_form.is_present, false) as is_present,
        coalesce(handoff_form.is_none, false) as is_none,
        coalesce(handoff_form.is_substantive, false) as is_substantive,
        coalesce(handoff_form.has_detail, false) as has_detail,
        case worst.rank
            when 1 then 'contradicted'
            when 2 then 'omitted'
            when 3 then 'unsupported'
            when 4 then 'no_evidence'
            when 5 then 'confirmed'
        end as verdict,
    from handoff_deal
    cross join item
    left join handoff_form
        on handoff_form.opportunity_id = handoff_deal.opportunity_id
        and handoff_form.item = item.item
    left join worst
        on worst.opportunity_id = handoff_deal.opportunity_id
        and worst.item = item.item
)

select
    opportunity_id,
    item,
    is_required,
    is_due,
    is_present,
    is_substantive,
    has_detail,
    is_substantive
        or (is_none and item in ('pricing_concessions', 'technical_commitments') and coalesce(verdict = 'confirmed', false))
        as is_filled,
    case
        when not is_due then 'not_due'
        when not has_form then 'missing'
        when is_substantive then 'substantive'
        when is_none then 'none'
        when is_present then 'thin'
        else 'empty'
    end as status,
    verdict,
from joined
