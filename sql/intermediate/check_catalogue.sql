/*---
title = "The checks: what each one means, who acts on it and where the error usually arose"
owner = "finance"
grain = ["check_code"]

[columns]
check_code = { type = "text", doc = "The check" }
title = { type = "text", doc = "Its meaning in a few words" }
owner_role = { type = "text", doc = "Who acts: finance, account_manager, csm or revops" }
second_role = { type = "text", doc = "Who acts where nobody holds that role" }
source_of_error = { type = "text", doc = "contract_not_captured, crm_sync, billing_config, metering, manual_edit, collections or unknown" }
is_backbilled = { type = "boolean", doc = "What is missing has to be billed within the contract's back-billing limit" }

[checks]
not_null = ["check_code", "title", "owner_role", "second_role", "source_of_error", "is_backbilled"]

[decisions]
roles = "The roles that people hold in the person entity: Finance acts for billing operations, collections and metering, RevOps for the deal desk and the CRM, the CSM for professional services, executives for legal"
source = "Where such an error most often arises; a person who has looked into it knows better"
---*/
with listed as (
    select
        column1 as check_code,
        column2 as title,
        column3 as owner_role,
        column4 as second_role,
        column5 as source_of_error,
        column6 as is_backbilled
    from (
        values
            ('P1', 'Expired discount', 'finance', 'account_manager', 'billing_config', true),
            ('P2', 'Discount deeper than agreed', 'revops', 'finance', 'billing_config', true),
            ('P3', 'Fixed escalator not applied', 'finance', 'account_manager', 'contract_not_captured', true),
            ('P4', 'Index escalator not applied', 'finance', 'account_manager', 'contract_not_captured', true),
            ('P5', 'Ramp step missed', 'finance', 'account_manager', 'contract_not_captured', true),
            ('P6', 'Price below contract', 'finance', 'account_manager', 'billing_config', true),
            ('P7', 'Under list at renewal, or escalator not used', 'account_manager', 'sales', 'unknown', false),
            ('P8', 'Wrong tiers', 'finance', 'account_manager', 'billing_config', true),
            ('P9', 'Renewal price missed', 'account_manager', 'finance', 'contract_not_captured', true),
            ('P10', 'Wrong exchange rate', 'finance', 'account_manager', 'billing_config', true),
            ('P11', 'Price edited by hand', 'finance', 'account_manager', 'manual_edit', true),
            ('Q1', 'Seats over contract', 'account_manager', 'finance', 'metering', true),
            ('Q2', 'Quantity below contract', 'finance', 'account_manager', 'billing_config', true),
            ('Q3', 'Unbilled usage', 'finance', 'account_manager', 'metering', true),
            ('Q4', 'True-up missing', 'finance', 'account_manager', 'contract_not_captured', true),
            ('Q5', 'Use beyond a prepaid balance', 'finance', 'account_manager', 'metering', true),
            ('Q6', 'Amendment not billed', 'revops', 'finance', 'contract_not_captured', true),
            ('Q7', 'Paid feature used without contract', 'account_manager', 'csm', 'metering', false),
            ('C1', 'Line never invoiced', 'finance', 'account_manager', 'contract_not_captured', true),
            ('C2', 'Missing period', 'finance', 'account_manager', 'billing_config', true),
            ('C3', 'Billing stopped early', 'finance', 'account_manager', 'billing_config', true),
            ('C4', 'Billing started late', 'finance', 'csm', 'billing_config', true),
            ('C5', 'Service used after its end', 'account_manager', 'csm', 'contract_not_captured', false),
            ('C6', 'Billed in another rhythm', 'finance', 'account_manager', 'billing_config', false),
            ('C7', 'One-off missing', 'finance', 'csm', 'contract_not_captured', true),
            ('C8', 'Free period overrun', 'finance', 'account_manager', 'billing_config', true),
            ('C9', 'Pause overrun', 'csm', 'finance', 'billing_config', true),
            ('C10', 'Proration below contract', 'finance', 'account_manager', 'billing_config', true),
            ('C11', 'Late invoice', 'finance', 'account_manager', 'billing_config', false),
            ('C12', 'Draft or void invoice', 'finance', 'account_manager', 'billing_config', true),
            ('E1', 'Line arithmetic', 'finance', 'account_manager', 'manual_edit', true),
            ('O1', 'Billed twice', 'finance', 'account_manager', 'billing_config', false),
            ('O2', 'Overbilled', 'finance', 'executive', 'unknown', false),
            ('O3', 'Service credit owed', 'csm', 'finance', 'contract_not_captured', false),
            ('A1', 'Credit beyond policy', 'finance', 'executive', 'manual_edit', false),
            ('A2', 'Unapproved write-off', 'finance', 'executive', 'collections', false),
            ('R1', 'Past due', 'finance', 'account_manager', 'collections', false),
            ('R2', 'Short paid', 'finance', 'account_manager', 'collections', false),
            ('R3', 'Payment failed', 'finance', 'account_manager', 'collections', false),
            ('R4', 'Dispute lost', 'finance', 'account_manager', 'collections', false),
            ('R5', 'Late fee not charged', 'finance', 'account_manager', 'collections', false),
            ('R6', 'Payment terms longer than agreed', 'revops', 'finance', 'billing_config', false),
            ('X1', 'Tax below what is expected', 'finance', 'executive', 'billing_config', false),
            ('D1', 'Systems disagree on terms', 'revops', 'finance', 'crm_sync', false),
            ('D2', 'No contract, or no account', 'revops', 'finance', 'crm_sync', false),
            ('D3', 'Overlapping versions', 'revops', 'finance', 'contract_not_captured', false)
    ) as catalogue (column1, column2, column3, column4, column5, column6)
)

select
    check_code,
    title,
    owner_role,
    second_role,
    source_of_error,
    is_backbilled
from listed
