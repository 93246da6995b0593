//! What customers do: usage, people, support and engagement.

use super::company::Company;
use crate::error::Result;
use crate::model::contract::Contract;
use arrow::array::RecordBatch;
use chrono::NaiveDate;
use std::ops::Range;

/// The small entities made here.
pub const ENTITIES: &[&str] = &[];

/// One small entity's rows dated on or before `horizon`; empty where it is not made here.
///
/// # Errors
/// A bug where the entity's contract lacks a column.
pub fn batches(
    _company: &Company,
    _horizon: NaiveDate,
    _entity: &str,
    _contract: &Contract,
) -> Result<Vec<RecordBatch>> {
    Ok(Vec::new())
}

/// Usage events of `days`, in bounded batches.
pub fn usage_events<'a>(
    _company: &'a Company,
    _days: Range<NaiveDate>,
    _contract: &'a Contract,
) -> impl Iterator<Item = Result<RecordBatch>> + 'a {
    std::iter::empty()
}
