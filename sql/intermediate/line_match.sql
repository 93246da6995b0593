/*---
title = "The contract line that each invoice line bills"
owner = "finance"
grain = ["invoice_line_id"]

[columns]
invoice_line_id = { type = "text", doc = "The invoice line" }
contract_line_id = { type = "text", doc = "Canonical contract line; null where none or several fit" }
match_rule = { type = "text", doc = "What decided: line, contract_product, contract_product_days, account_product_days, contract_only, account_only, or invoice for a discount beside one line" }
candidates = { type = "integer", doc = "Contract lines that fit the last rule tried" }

[checks]
not_null = ["invoice_line_id", "candidates"]

[decisions]
order = "Its contract line, else contract and product, else those and overlapping service days, else account, product and overlapping service days, each only if exactly one contract line fits"
no_product = "A line that names no product belongs to the only line of its contract, else of its account, that overlaps its days and is of its kind; a recurring line also to the only one of any kind"
two_vocabularies = "Where not one invoice line's product is a contract's product, the two count differently and products say nothing"
no_days = "Without service days a line lies on its day of issue; one billed in arrears or by usage also in the month before; where no contract line has begun by then, those that begin within a month"
commitment = "A line that names a commitment and no contract line is a true-up or takes one back; it is matched there"
discount = "A discount on a line of its own goes where the only other contract line of its invoice goes"
---*/
with invoice_item as (
    select
        invoice_line_id,
        invoice_id,
        account_id,
        contract_id,
        product_id,
        named_line_id,
        issued_date,
        kind,
        is_discount,
        service_start_date,
        service_end_date
    from invoice_item
    where kind <> 'true_up'
        and (commitment_id is null or named_line_id is not null)
),

line_grid as (
    select
        contract_line_id,
        contract_id,
        account_id,
        product_id,
        component,
        bill_timing,
        life_start_date,
        life_end_date
    from line_grid
),

line_of_contract as (
    select
        contract_id,
        product_id,
        min(contract_line_id) as contract_line_id
    from line_grid
    group by
        contract_id,
        product_id
    having count(*) = 1
),

contract_product as (
    select distinct product_id
    from line_grid
),

vocabulary as (
    select count(*) as shared_products
    from invoice_item
    inner join contract_product
        on invoice_item.product_id = contract_product.product_id
),

named as (
    select
        invoice_item.invoice_line_id,
        invoice_item.invoice_id,
        invoice_item.account_id,
        invoice_item.contract_id,
        case when vocabulary.shared_products > 0 then invoice_item.product_id end as product_id,
        invoice_item.kind,
        invoice_item.is_discount,
        invoice_item.service_start_date is null and invoice_item.service_end_date is null as has_no_days,
        coalesce(invoice_item.service_start_date, invoice_item.service_end_date - 1, invoice_item.issued_date) as first_day,
        coalesce(invoice_item.service_end_date, coalesce(invoice_item.service_start_date, invoice_item.issued_date) + 1) as to_day,
        own.contract_line_id as own_line_id,
        coalesce(own.contract_line_id, line_of_contract.contract_line_id) as found_line_id
    from invoice_item
    cross join vocabulary
    left join line_grid as own
        on invoice_item.named_line_id = own.contract_line_id
    left join line_of_contract
        on invoice_item.contract_id = line_of_contract.contract_id
        and invoice_item.product_id = line_of_contract.product_id
        and own.contract_line_id is null
),

open_item as (
    select *
    from named
    where found_line_id is null
),

-- The lines of its account, and those of its contract where that is another account's.
near as (
    select
        open_item.invoice_line_id,
        line_grid.contract_line_id
    from open_item
    inner join line_grid
        on open_item.account_id = line_grid.account_id
    union all
    select
        open_item.invoice_line_id,
        line_grid.contract_line_id
    from open_item
    inner join line_grid
        on open_item.contract_id = line_grid.contract_id
    where open_item.account_id <> line_grid.account_id
),

-- Those that share a day with the line, and how well they fit.
fitting as (
    select
        open_item.invoice_line_id,
        line_grid.contract_line_id,
        case
            when open_item.product_id is not null and coalesce(open_item.contract_id = line_grid.contract_id, false) then 1
            when open_item.product_id is not null then 2
            when coalesce(open_item.contract_id = line_grid.contract_id, false) then 3
            else 4
        end as rule_no,
        case open_item.kind
            when 'usage' then line_grid.component = 'usage'
            when 'one_off' then line_grid.component = 'one_off'
            when 'credit' then true
            else line_grid.component = 'charge'
        end as is_of_kind,
        open_item.kind in ('usage', 'one_off') as is_kind_binding
    from near
    inner join open_item
        on near.invoice_line_id = open_item.invoice_line_id
    inner join line_grid
        on near.contract_line_id = line_grid.contract_line_id
    where (open_item.product_id is null or open_item.product_id = line_grid.product_id)
        and open_item.first_day - case
            when open_item.has_no_days and (line_grid.component = 'usage' or line_grid.bill_timing = 'arrears') then 31
            else 0
        end < line_grid.life_end_date
        and open_item.to_day + case when open_item.has_no_days then 31 else 0 end > line_grid.life_start_date
    qualify rank() over (
        partition by open_item.invoice_line_id
        order by case when open_item.to_day > line_grid.life_start_date then 0 else 1 end
    ) = 1
),

-- Rules 2 and 4 look at all lines of the account, those of the contract included.
counted as (
    select
        invoice_line_id,
        sum(case when rule_no = 1 then 1 else 0 end) as contract_product_fits,
        min(case when rule_no = 1 then contract_line_id end) as contract_product_line_id,
        sum(case when rule_no in (1, 2) then 1 else 0 end) as account_product_fits,
        min(case when rule_no in (1, 2) then contract_line_id end) as account_product_line_id,
        sum(case when rule_no = 3 and is_of_kind then 1 else 0 end) as contract_kind_fits,
        min(case when rule_no = 3 and is_of_kind then contract_line_id end) as contract_kind_line_id,
        sum(case when rule_no = 3 and not is_kind_binding then 1 else 0 end) as contract_fits,
        min(case when rule_no = 3 and not is_kind_binding then contract_line_id end) as contract_any_line_id,
        sum(case when rule_no in (3, 4) and is_of_kind then 1 else 0 end) as account_kind_fits,
        min(case when rule_no in (3, 4) and is_of_kind then contract_line_id end) as account_kind_line_id,
        sum(case when rule_no in (3, 4) and not is_kind_binding then 1 else 0 end) as account_fits,
        min(case when rule_no in (3, 4) and not is_kind_binding then contract_line_id end) as account_any_line_id
    from fitting
    group by invoice_line_id
),

ruled as (
    select
        counted.*,
        case
            when contract_product_fits = 1 then 'contract_product_days'
            when account_product_fits = 1 then 'account_product_days'
            when contract_kind_fits = 1 or (contract_kind_fits = 0 and contract_fits = 1) then 'contract_only'
            when contract_fits = 0 and (account_kind_fits = 1 or (account_kind_fits = 0 and account_fits = 1)) then 'account_only'
        end as match_rule
    from counted
),

found as (
    select
        invoice_line_id,
        match_rule,
        case match_rule
            when 'contract_product_days' then contract_product_line_id
            when 'account_product_days' then account_product_line_id
            when 'contract_only' then case when contract_kind_fits = 1 then contract_kind_line_id else contract_any_line_id end
            when 'account_only' then case when account_kind_fits = 1 then account_kind_line_id else account_any_line_id end
        end as contract_line_id,
        greatest(account_product_fits, account_kind_fits, account_fits) as candidates
    from ruled
),

matched as (
    select
        named.invoice_line_id,
        named.invoice_id,
        named.is_discount,
        coalesce(named.found_line_id, found.contract_line_id) as contract_line_id,
        case
            when named.own_line_id is not null then 'line'
            when named.found_line_id is not null then 'contract_product'
            else found.match_rule
        end as match_rule,
        case when named.found_line_id is not null then 1 else coalesce(found.candidates, 0) end as candidates
    from named
    left join found
        on named.invoice_line_id = found.invoice_line_id
),

only_line as (
    select
        invoice_id,
        min(contract_line_id) as contract_line_id
    from matched
    where not is_discount
    group by invoice_id
    having min(contract_line_id) = max(contract_line_id)
        and count(*) = count(contract_line_id)
)

select
    matched.invoice_line_id,
    coalesce(matched.contract_line_id, only_line.contract_line_id) as contract_line_id,
    case
        when matched.contract_line_id is null and only_line.contract_line_id is not null then 'invoice'
        else matched.match_rule
    end as match_rule,
    cast(matched.candidates as bigint) as candidates
from matched
left join only_line
    on matched.invoice_id = only_line.invoice_id
    and matched.is_discount
