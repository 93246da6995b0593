//! Columns in the making, and rows of them: a row with one unreadable value is set aside whole.

use super::value::{self, Refusal, Spelling};
use super::{BATCH_ROWS, Quarantined};
use crate::error::{Error, Result};
use crate::model::contract::ColumnType;
use arrow::array::{
    ArrayRef, BooleanArray, BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int64Builder,
    StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use std::sync::Arc;

/// How much of an unreadable value is kept.
pub(super) const KEPT_CHARACTERS: usize = 500;

/// Builds one column from texts.
pub(super) enum ColumnBuilder {
    Text(StringBuilder),
    Boolean(BooleanBuilder),
    Integer(Int64Builder),
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
    Decimal(Decimal128Builder, u8, i8),
    Float(Float64Builder),
}

impl ColumnBuilder {
    pub(super) fn new(ty: ColumnType, rows: usize) -> Self {
        match ty {
            ColumnType::Text => ColumnBuilder::Text(StringBuilder::with_capacity(rows, rows * 16)),
            ColumnType::Boolean => ColumnBuilder::Boolean(BooleanBuilder::with_capacity(rows)),
            ColumnType::Integer => ColumnBuilder::Integer(Int64Builder::with_capacity(rows)),
            ColumnType::Date => ColumnBuilder::Date(Date32Builder::with_capacity(rows)),
            ColumnType::Timestamp => {
                ColumnBuilder::Timestamp(TimestampMicrosecondBuilder::with_capacity(rows).with_data_type(ty.arrow()))
            }
            ColumnType::Decimal { precision, scale } => ColumnBuilder::Decimal(
                Decimal128Builder::with_capacity(rows).with_data_type(ty.arrow()),
                precision,
                scale,
            ),
            ColumnType::Float => ColumnBuilder::Float(Float64Builder::with_capacity(rows)),
        }
    }

    pub(super) fn null(&mut self) {
        match self {
            ColumnBuilder::Text(builder) => builder.append_null(),
            ColumnBuilder::Boolean(builder) => builder.append_null(),
            ColumnBuilder::Integer(builder) => builder.append_null(),
            ColumnBuilder::Date(builder) => builder.append_null(),
            ColumnBuilder::Timestamp(builder) => builder.append_null(),
            ColumnBuilder::Decimal(builder, ..) => builder.append_null(),
            ColumnBuilder::Float(builder) => builder.append_null(),
        }
    }

    /// Appends null where that is the value.
    pub(super) fn unknown(&mut self) -> Result<(), Refused> {
        self.null();
        Ok(())
    }

    /// Appends the value of `text`, or nothing where it is refused.
    pub(super) fn value(&mut self, text: &str, spelling: &Spelling) -> Result<(), Refusal> {
        match self {
            ColumnBuilder::Text(builder) => builder.append_value(text),
            ColumnBuilder::Boolean(builder) => builder.append_value(value::boolean(text)?),
            ColumnBuilder::Integer(builder) => builder.append_value(value::integer(text, spelling)?),
            ColumnBuilder::Date(builder) => builder.append_value(value::date(text, spelling)?),
            ColumnBuilder::Timestamp(builder) => builder.append_value(value::timestamp(text, spelling)?),
            ColumnBuilder::Decimal(builder, precision, scale) => {
                builder.append_value(value::decimal(text, *precision, *scale, spelling)?);
            }
            ColumnBuilder::Float(builder) => builder.append_value(value::float(text, spelling)?),
        }
        Ok(())
    }

    pub(super) fn finish(&mut self) -> ArrayRef {
        match self {
            ColumnBuilder::Text(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Boolean(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Integer(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Date(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Timestamp(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Decimal(builder, ..) => Arc::new(builder.finish()),
            ColumnBuilder::Float(builder) => Arc::new(builder.finish()),
        }
    }
}

/// A value that was refused, where there is one, and why.
pub(super) type Refused = (Option<String>, Refusal);

/// Why a row is set aside: the column at fault, its text, the reason.
pub(super) struct Fault {
    pub column: Option<usize>,
    pub value: Option<String>,
    pub reason: String,
}

impl Fault {
    /// A row that cannot be taken apart at all.
    pub fn whole(text: &str, reason: impl Into<String>) -> Self {
        Fault { column: None, value: Some(text.to_owned()), reason: reason.into() }
    }

    /// What is kept of the row: `line` of `file`; `column` is the name at fault, as its origin spells it.
    pub fn aside(self, file: &str, line: u64, column: Option<&str>) -> Quarantined {
        Quarantined {
            file: file.to_owned(),
            line,
            column: column.map(str::to_owned),
            value: self.value.map(|text| text.chars().take(KEPT_CHARACTERS).collect()),
            reason: self.reason,
            money: None,
            currency: None,
        }
    }
}

/// Rows on their way into a batch.
pub(super) struct Batch {
    schema: SchemaRef,
    columns: Vec<ColumnBuilder>,
    is_good: Vec<bool>,
}

impl Batch {
    /// No rows yet; `types` are those of the schema's columns.
    pub fn new(schema: SchemaRef, types: impl Iterator<Item = ColumnType>) -> Self {
        let columns = types.map(|ty| ColumnBuilder::new(ty, BATCH_ROWS)).collect();
        Batch { schema, columns, is_good: Vec::with_capacity(BATCH_ROWS) }
    }

    /// Adds a row: `fill` is asked for the columns in order, until one is refused. What is given back is the first refusal;
    /// [`Batch::end_row`] must follow.
    pub fn row(&mut self, mut fill: impl FnMut(usize, &mut ColumnBuilder) -> Result<(), Refused>) -> Option<Fault> {
        let mut fault = None;
        for (at, column) in self.columns.iter_mut().enumerate() {
            if fault.is_some() {
                column.null();
            } else if let Err((value, reason)) = fill(at, column) {
                column.null();
                fault = Some(Fault { column: Some(at), value, reason });
            }
        }
        fault
    }

    /// Keeps or leaves out the row that was added last.
    pub fn end_row(&mut self, is_good: bool) {
        self.is_good.push(is_good);
    }

    /// Whether what has come should be handed on.
    pub fn is_full(&self) -> bool {
        self.is_good.len() >= BATCH_ROWS
    }

    /// The rows that are good; none where there are none. It begins anew with none.
    ///
    /// # Errors
    /// The columns do not fit the schema, which is a fault of this program.
    pub fn take(&mut self, what: &str) -> Result<Option<RecordBatch>> {
        let is_good = std::mem::replace(&mut self.is_good, Vec::with_capacity(BATCH_ROWS));
        if is_good.is_empty() {
            return Ok(None);
        }
        let arrays = self.columns.iter_mut().map(ColumnBuilder::finish).collect();
        let malformed = |error| Error::bug(format!("rows of {what} do not make a batch")).caused_by(error);
        let mut batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays).map_err(malformed)?;
        if is_good.contains(&false) {
            batch = filter_record_batch(&batch, &BooleanArray::from(is_good)).map_err(malformed)?;
        }
        Ok(Some(batch).filter(|batch| batch.num_rows() > 0))
    }
}
