//! A source becomes record batches: files are found, decompressed, decoded and typed row by row; what cannot be read
//! is set aside with its place, its reason and the money in it.

pub mod api;
mod batch;
mod bytes;
mod csv;
pub mod files;
mod json;
mod jsonl;
mod parquet;
pub mod postgres;
mod pushed;
mod rows;
mod scrub;
pub mod shape;
pub mod singer;
pub mod value;

pub use rows::Seen;

#[cfg(test)]
mod tests;

use crate::error::Result;
use arrow::record_batch::RecordBatch;

/// Rows of a batch that extraction hands on.
pub const BATCH_ROWS: usize = 8_192;

/// One row that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// The file, relative to the source's root.
    pub file: String,
    /// 1-based line the row starts on (row number in Parquet).
    pub line: u64,
    /// The column at fault, as the file names it; none where the whole row is.
    pub column: Option<String>,
    /// The text that could not be read, cut after 500 characters; none where it is missing.
    pub value: Option<String>,
    /// Why, as a sentence without subject: "is not a number".
    pub reason: String,
    /// The row's main amount in units of 0.0001, where it can be read.
    pub money: Option<i128>,
    /// The amount's currency, ISO 4217, where it can be read.
    pub currency: Option<String>,
}

/// Takes what is read from one file, in the file's order.
pub trait Receiver {
    /// Rows that could be read, at most [`BATCH_ROWS`]; every batch of a file has the same schema.
    ///
    /// # Errors
    /// The receiver cannot keep them.
    fn rows(&mut self, batch: RecordBatch) -> Result<()>;

    /// A row that could not.
    ///
    /// # Errors
    /// The receiver cannot keep it.
    fn quarantine(&mut self, row: Quarantined) -> Result<()>;
}
