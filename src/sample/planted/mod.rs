//! The truth about the made-up company: every finding a run must report, computed without any SQL.

use super::company::Company;
use super::table::Rows;
use crate::error::Result;
use crate::model::contract::{Column, ColumnType, Contract};
use arrow::array::RecordBatch;
use chrono::NaiveDate;

/// Name, type and meaning of the columns of table `planted`.
const COLUMNS: [(&str, ColumnType, &str); 18] = [
    ("kind", ColumnType::Text, "planted: put there on purpose; natural: follows from the facts"),
    ("check_code", ColumnType::Text, "The code a run must report"),
    ("account_id", ColumnType::Text, "The customer"),
    ("contract_id", ColumnType::Text, "The contract"),
    ("contract_line_id", ColumnType::Text, "The contract line; empty for receivables"),
    ("product_id", ColumnType::Text, "The line's product; empty for receivables"),
    ("subject_id", ColumnType::Text, "The invoice for receivables and drafts; else empty"),
    ("component", ColumnType::Text, "charge, one_off; empty for receivables"),
    ("step", ColumnType::Text, "The waterfall's step; empty for receivables"),
    (
        "period_start_date",
        ColumnType::Date,
        "First day of the service period; the invoice's issue date for receivables",
    ),
    ("period_end_date", ColumnType::Date, "First day after the service period"),
    ("gap_amount", ColumnType::Decimal { precision: 18, scale: 4 }, "Money of the finding, ex tax"),
    ("waived_amount", ColumnType::Decimal { precision: 18, scale: 4 }, "The part inside an approved exception"),
    ("currency", ColumnType::Text, "ISO 4217"),
    ("class", ColumnType::Text, "leak, liability or exposure"),
    ("holds_from_date", ColumnType::Date, "The first as_of on which a run finds it"),
    ("note", ColumnType::Text, "What was done, in words"),
    ("as_of_date", ColumnType::Date, "The date the list is for"),
];

/// The contract of table `planted`.
pub fn contract() -> Contract {
    let column = |(name, ty, doc): &(&str, ColumnType, &str)| Column {
        name: (*name).to_owned(),
        ty: *ty,
        doc: (*doc).to_owned(),
        required: matches!(*name, "kind" | "check_code" | "account_id" | "gap_amount" | "currency" | "as_of_date"),
    };
    Contract {
        table: "planted".to_owned(),
        columns: COLUMNS.iter().map(column).collect(),
        grain: ["check_code", "contract_line_id", "subject_id", "component", "step", "period_start_date", "as_of_date"]
            .map(str::to_owned)
            .to_vec(),
        partition_by: vec!["as_of_date".to_owned()],
    }
}

/// The truth for `as_of`.
///
/// # Errors
/// A bug where a row does not fit the contract.
pub fn batches(_company: &Company, _as_of: NaiveDate) -> Result<Vec<RecordBatch>> {
    Rows::new(COLUMNS.map(|(name, _, _)| name)).batches(&contract())
}
