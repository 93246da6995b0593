/*---
title = "Survey responses, from HubSpot feedback"
owner = "cs"

[decisions]
account = "the only company the answer is linked to, else the company of its contact; an answer of nobody we know is left out"
score = "the value on the survey's own scale; an answer in words alone has none and is left out"
kind = "net promoter, satisfaction and effort; other surveys are unknown"
---*/
with feedback as (
    select
        id,
        lower(survey_type) as survey_type,
        cast(score as decimal(9,4)) as score,
        coalesce(submitted_at, created_at) as responded_at
    from landed.feedback
    where score is not null
),

feedback_link as (
    select
        from_id,
        to_type,
        to_id
    from landed.feedback_link
),

contact as (
    select
        id,
        company_id
    from landed.contact
),

whose as (
    select
        from_id,
        case when min(case when to_type = 'companies' then to_id end) = max(case when to_type = 'companies' then to_id end)
            then min(case when to_type = 'companies' then to_id end)
        end as company_id,
        min(case when to_type = 'contacts' then to_id end) as contact_id
    from feedback_link
    group by from_id
)

select
    feedback.id as response_id,
    coalesce(whose.company_id, contact.company_id) as account_id,
    whose.contact_id,
    case when feedback.survey_type in ('nps', 'csat', 'ces') then feedback.survey_type end as kind,
    feedback.score,
    feedback.responded_at,
    feedback.id as source_id
from feedback
inner join whose
    on whose.from_id = feedback.id
left join contact
    on contact.id = whose.contact_id
where
    coalesce(whose.company_id, contact.company_id) is not null
    and feedback.responded_at is not null
