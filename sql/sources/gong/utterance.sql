/*---
title = "What was said in calls, from Gong's transcripts"
owner = "cs"

[decisions]
side = "by the speaker's affiliation, else as ours where the speaker is a user of Gong; whose words an unknown speaker's are nobody knows, so they are left out"
order = "by the time a sentence begins; what two people say at once, by who stops first"
gone = "a call that Gong no longer shows is not quoted"
---*/
with call as (
    select id
    from landed.call
),

call_party as (
    select
        call_id,
        speaker_id,
        lower(affiliation) as affiliation,
        user_id
    from landed.call_party
    where speaker_id is not null
),

sentence as (
    select
        call_id,
        speaker_id,
        start_ms,
        end_ms,
        position,
        text
    from landed.sentence
    where trim(text) <> ''
),

speaker as (
    select
        call_id,
        speaker_id,
        case
            when bool_or(coalesce(affiliation, '') = 'internal' or user_id is not null) then 'ours'
            when bool_or(coalesce(affiliation, '') = 'external') then 'customer'
        end as side
    from call_party
    group by
        call_id,
        speaker_id
),

-- Numbered before unknown speakers are taken out, so that a number stays when somebody is identified later.
numbered as (
    select
        sentence.call_id,
        sentence.speaker_id,
        sentence.text,
        row_number() over (
            partition by sentence.call_id
            order by sentence.start_ms, sentence.end_ms, sentence.speaker_id, sentence.position
        ) as sequence
    from sentence
    inner join call
        on call.id = sentence.call_id
)

select
    numbered.call_id as engagement_id,
    cast(numbered.sequence as bigint) as sequence,
    speaker.side,
    numbered.text,
    numbered.call_id as source_id
from numbered
inner join speaker
    on speaker.call_id = numbered.call_id
    and speaker.speaker_id = numbered.speaker_id
where speaker.side is not null
