//! The columns of usage events while a batch fills: bytes are appended, nothing is allocated per row.

use crate::error::{Error, Result};
use crate::model::contract::Contract;
use arrow::array::{
    ArrayRef, BooleanArray, Decimal128Array, RecordBatch, StringArray, TimestampMicrosecondArray, new_null_array,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use std::sync::Arc;

/// A text column under construction.
#[derive(Default)]
pub(crate) struct Text {
    bytes: Vec<u8>,
    ends: Vec<i32>,
    valid: Vec<bool>,
}

impl Text {
    /// Appends a value in two parts; most ids are a prefix known per account and day, and a number.
    pub(crate) fn push2(&mut self, first: &[u8], second: &[u8]) {
        self.bytes.extend_from_slice(first);
        self.bytes.extend_from_slice(second);
        self.end(true);
    }

    /// Appends a value in three parts.
    pub(crate) fn push3(&mut self, first: &str, second: &[u8], third: &[u8]) {
        self.bytes.extend_from_slice(first.as_bytes());
        self.bytes.extend_from_slice(second);
        self.bytes.extend_from_slice(third);
        self.end(true);
    }

    /// Appends a value.
    pub(crate) fn push(&mut self, value: &str) {
        self.bytes.extend_from_slice(value.as_bytes());
        self.end(true);
    }

    /// Appends an unknown value.
    pub(crate) fn push_null(&mut self) {
        self.end(false);
    }

    fn end(&mut self, valid: bool) {
        // A batch holds far less than 2 GiB of text: it is cut by row count.
        self.ends.push(i32::try_from(self.bytes.len()).unwrap_or(i32::MAX));
        self.valid.push(valid);
    }

    fn finish(&mut self) -> Result<StringArray> {
        let rows = self.ends.len();
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        offsets.append(&mut self.ends);
        let nulls = NullBuffer::from(std::mem::take(&mut self.valid));
        let nulls = (nulls.null_count() > 0).then_some(nulls);
        let capacity = self.bytes.capacity();
        let bytes = std::mem::replace(&mut self.bytes, Vec::with_capacity(capacity));
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        StringArray::try_new(offsets, Buffer::from_vec(bytes), nulls)
            .map_err(|source| Error::bug("usage text of the sample is malformed").caused_by(source))
    }
}

/// What one event says beside who did it.
#[derive(Clone, Copy)]
pub(crate) struct What {
    /// `usage_event.name`.
    pub name: &'static str,
    /// `usage_event.feature`; none for the session's own event.
    pub feature: Option<&'static str>,
    /// `usage_event.metric`.
    pub metric: &'static str,
    /// `usage_event.product_id`.
    pub product_id: &'static str,
    /// `usage_event.is_billable`.
    pub is_billable: bool,
}

/// All columns of `usage_event` under construction.
#[derive(Default)]
pub(crate) struct Columns {
    /// `event_id`.
    pub event_id: Text,
    /// `account_id`.
    pub account_id: Text,
    /// `user_id`.
    pub user_id: Text,
    /// `session_id`.
    pub session_id: Text,
    name: Text,
    feature: Text,
    metric: Text,
    product_id: Text,
    quantity: Vec<i128>,
    is_billable: Vec<bool>,
    occurred_at: Vec<i64>,
}

/// `usage_event.quantity` has six digits behind the point.
const QUANTITY_SCALE: i128 = 1_000_000;

impl Columns {
    /// Rows so far.
    pub(crate) fn len(&self) -> usize {
        self.occurred_at.len()
    }

    /// Appends what happened, how much of it and when (microseconds since 1970).
    pub(crate) fn push(&mut self, what: &What, quantity: i64, occurred_at: i64) {
        self.name.push(what.name);
        match what.feature {
            Some(feature) => self.feature.push(feature),
            None => self.feature.push_null(),
        }
        self.metric.push(what.metric);
        self.product_id.push(what.product_id);
        self.quantity.push(i128::from(quantity) * QUANTITY_SCALE);
        self.is_billable.push(what.is_billable);
        self.occurred_at.push(occurred_at);
    }

    /// The rows as a batch in the contract's order; contract columns that events of the sample do not have are null.
    ///
    /// # Errors
    /// A bug where the contract types a column differently.
    pub(crate) fn finish(&mut self, contract: &Contract) -> Result<RecordBatch> {
        let rows = self.len();
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(contract.columns.len());
        for column in &contract.columns {
            arrays.push(match column.name.as_str() {
                "event_id" => Arc::new(self.event_id.finish()?),
                "account_id" => Arc::new(self.account_id.finish()?),
                "user_id" => Arc::new(self.user_id.finish()?),
                "session_id" => Arc::new(self.session_id.finish()?),
                "name" => Arc::new(self.name.finish()?),
                "feature" => Arc::new(self.feature.finish()?),
                "metric" => Arc::new(self.metric.finish()?),
                "product_id" => Arc::new(self.product_id.finish()?),
                "quantity" => Arc::new(self.quantities()?),
                "is_billable" => Arc::new(BooleanArray::from(std::mem::take(&mut self.is_billable))),
                "occurred_at" => {
                    let values = TimestampMicrosecondArray::from(std::mem::take(&mut self.occurred_at));
                    Arc::new(values.with_timezone("UTC"))
                }
                _ => new_null_array(&column.ty.arrow(), rows),
            });
        }
        RecordBatch::try_new(contract.schema(), arrays)
            .map_err(|source| Error::bug("usage events of the sample do not fit their contract").caused_by(source))
    }

    fn quantities(&mut self) -> Result<Decimal128Array> {
        Decimal128Array::from(std::mem::take(&mut self.quantity))
            .with_precision_and_scale(18, 6)
            .map_err(|source| Error::bug("a usage quantity of the sample has too many digits").caused_by(source))
    }
}
