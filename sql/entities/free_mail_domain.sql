/*---
title = "Mail domains that belong to nobody in particular"
owner = "data"
grain = ["domain"]

[columns]
domain = { type = "text", doc = "The domain, lower case" }
source = { type = "text", doc = "Name in the job of the source that provided the row; built_in for the ones listed here" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["domain"]

[decisions]
list = "The mail providers most people use; a job adds its own (a reseller's domain, a country's provider) as rows of free_mail_domain"
why = "Two strangers share such a domain, so it never ties a customer to an account"
---*/
with listed as (
    select column1 as domain
    from (
        values
            ('126.com'), ('163.com'), ('aim.com'), ('aol.com'), ('bigpond.com'), ('bluewin.ch'), ('bol.com.br'), ('btinternet.com'), ('comcast.net'),
            ('cox.net'), ('daum.net'), ('duck.com'), ('fastmail.com'), ('fastmail.fm'), ('foxmail.com'), ('free.fr'), ('freenet.de'), ('gmail.com'),
            ('gmx.at'), ('gmx.ch'), ('gmx.com'), ('gmx.de'), ('gmx.net'), ('googlemail.com'), ('hanmail.net'), ('hey.com'), ('hotmail.be'),
            ('hotmail.ca'), ('hotmail.co.uk'), ('hotmail.com'), ('hotmail.com.br'), ('hotmail.de'), ('hotmail.es'), ('hotmail.fr'), ('hotmail.it'),
            ('hotmail.nl'), ('hushmail.com'), ('icloud.com'), ('ig.com.br'), ('inbox.lv'), ('laposte.net'), ('libero.it'), ('live.ca'),
            ('live.co.uk'), ('live.com'), ('live.de'), ('live.fr'), ('live.nl'), ('mac.com'), ('mail.com'), ('mail.de'), ('mail.ru'), ('me.com'),
            ('msn.com'), ('naver.com'), ('o2.pl'), ('oi.com.br'), ('online.de'), ('optonline.net'), ('orange.fr'), ('outlook.com'), ('outlook.de'),
            ('outlook.es'), ('outlook.fr'), ('pm.me'), ('posteo.de'), ('privaterelay.appleid.com'), ('proton.me'), ('protonmail.ch'),
            ('protonmail.com'), ('qq.com'), ('rediffmail.com'), ('rocketmail.com'), ('sapo.pt'), ('sbcglobal.net'), ('seznam.cz'), ('sfr.fr'),
            ('shaw.ca'), ('sina.com'), ('sky.com'), ('skynet.be'), ('t-online.de'), ('telenet.be'), ('telus.net'), ('terra.com.br'),
            ('tiscali.it'), ('tutanota.com'), ('uol.com.br'), ('verizon.net'), ('virgilio.it'), ('virginmedia.com'), ('wanadoo.fr'), ('web.de'),
            ('wp.pl'), ('yahoo.ca'), ('yahoo.co.in'), ('yahoo.co.jp'), ('yahoo.co.uk'), ('yahoo.com'), ('yahoo.com.au'), ('yahoo.com.br'),
            ('yahoo.com.mx'), ('yahoo.de'), ('yahoo.es'), ('yahoo.fr'), ('yahoo.it'), ('yandex.com'), ('yandex.ru'), ('yeah.net'), ('ymail.com'),
            ('ziggo.nl'), ('zoho.com')
    ) as listed (column1)
),

provided_row as (
    select
        lower(trim(domain)) as domain,
        source,
        source_id,
        _landed
    from provided.free_mail_domain
    where domain is not null
    qualify row_number() over (partition by lower(trim(domain)) order by _landed desc) = 1
)

select
    coalesce(listed.domain, provided_row.domain) as domain,
    coalesce(provided_row.source, 'built_in') as source,
    provided_row.source_id
from listed
full outer join provided_row
    on listed.domain = provided_row.domain
