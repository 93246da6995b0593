/*---
title = "Invoice lines without a contract line, contracts without an account (D2)"
owner = "finance"
grain = ["check_code", "account_id", "contract_id", "contract_line_id", "product_id", "subject_id", "period_start_date"]

[columns]
check_code = { type = "text", doc = "The check" }
class = { type = "text", doc = "unverifiable" }
account_id = { type = "text", doc = "The account" }
contract_id = { type = "text", doc = "Canonical contract; empty where none" }
contract_line_id = { type = "text", doc = "Canonical contract line; empty where none" }
product_id = { type = "text", doc = "Canonical product; empty where none" }
subject_id = { type = "text", doc = "The invoice line; empty for a contract" }
period_start_date = { type = "date", doc = "Day of issue; start of a contract" }
period_end_date = { type = "date", doc = "First day after it" }
billable_date = { type = "date", doc = "Day from which it counts" }
gap_amount = { type = "decimal(18,4)", doc = "Nothing: it cannot be told" }
expected_amount = { type = "decimal(18,4)", doc = "Nothing" }
billed_amount = { type = "decimal(18,4)", doc = "Amount of the invoice line" }
run_rate_12m = { type = "decimal(18,4)", doc = "Nothing" }
currency = { type = "text", doc = "Currency of the amounts" }
evidence = { type = "text", doc = "The rows it rests on" }
explanation = { type = "text", doc = "One sentence with the numbers in it" }

[checks]
not_null = ["check_code", "class", "account_id", "contract_id", "contract_line_id", "product_id", "subject_id", "period_start_date", "gap_amount", "run_rate_12m", "currency", "explanation"]

[decisions]
money = "None: what a line without a contract is worth to anybody is not known; its amount stands beside it"
free = "A line of nothing, as a free plan has every month, leaves no money unexplained"
contracts = "Where no contract is known at all, no line is said to be without one"
accounts = "Where no account is known at all, no contract is said to be without one"
---*/
with unmatched_invoice_line as (
    select
        invoice_line_id,
        invoice_id,
        account_id,
        product_id,
        issued_date,
        amount,
        currency,
        reason
    from unmatched_invoice_line
),

billed_line as (
    select
        invoice_line_id,
        contract_id,
        minor_digits
    from billed_line
),

contract_version as (
    select
        contract_id,
        account_id,
        first_start_date,
        currency
    from contract_version
    where is_current
),

account as (
    select account_id
    from account
),

known_account as (
    select count(*) as accounts
    from account
),

known_contract as (
    select count(*) as contracts
    from contract_version
),

line as (
    select
        unmatched_invoice_line.*,
        coalesce(contract_version.contract_id, '') as contract_id,
        billed_line.minor_digits
    from unmatched_invoice_line
    inner join billed_line
        on unmatched_invoice_line.invoice_line_id = billed_line.invoice_line_id
    left join contract_version
        on billed_line.contract_id = contract_version.contract_id
    cross join known_contract
    where known_contract.contracts > 0
        and unmatched_invoice_line.amount <> 0
)

select
    'D2' as check_code,
    'unverifiable' as class,
    account_id,
    contract_id,
    '' as contract_line_id,
    '' as product_id,
    invoice_line_id as subject_id,
    issued_date as period_start_date,
    cast(issued_date + 1 as date) as period_end_date,
    issued_date as billable_date,
    cast(0 as decimal(18,4)) as gap_amount,
    cast(0 as decimal(18,4)) as expected_amount,
    amount as billed_amount,
    cast(0 as decimal(18,4)) as run_rate_12m,
    currency,
    concat('invoice line ', invoice_line_id, '; invoice ', invoice_id) as evidence,
    concat(
        'Invoice line ', invoice_line_id, ' of ', cast(issued_date as varchar), ' bills ',
        case minor_digits
            when 0 then cast(cast(amount as decimal(18,0)) as varchar)
            when 3 then cast(cast(amount as decimal(18,3)) as varchar)
            else cast(cast(amount as decimal(18,2)) as varchar)
        end, ' ', currency,
        case when product_id is null then '' else concat(' for product ', product_id) end,
        case reason
            when 'several' then ', and several contract lines would fit.'
            when 'currency' then ', and no exchange rate into the currency of its contract is known.'
            when 'commitment' then ', a true-up without a commitment it could settle.'
            else ', and no contract line fits.'
        end
    ) as explanation
from line
union all
select
    'D2' as check_code,
    'unverifiable' as class,
    contract_version.account_id,
    contract_version.contract_id,
    '' as contract_line_id,
    '' as product_id,
    '' as subject_id,
    contract_version.first_start_date as period_start_date,
    cast(contract_version.first_start_date + 1 as date) as period_end_date,
    contract_version.first_start_date as billable_date,
    cast(0 as decimal(18,4)) as gap_amount,
    cast(0 as decimal(18,4)) as expected_amount,
    cast(0 as decimal(18,4)) as billed_amount,
    cast(0 as decimal(18,4)) as run_rate_12m,
    contract_version.currency,
    concat('contract ', contract_version.contract_id) as evidence,
    concat('Contract ', contract_version.contract_id, ' belongs to account ', contract_version.account_id, ', which no source of accounts knows.') as explanation
from contract_version
cross join known_account
left join account
    on contract_version.account_id = account.account_id
where account.account_id is null
    and known_account.accounts > 0
