//! Typed rows of streams whose values come one by one as texts: a database's table, a tap's records.

use super::api::Sink;
use super::rows::ColumnBuilder;
use super::value::Spelling;
use super::{BATCH_ROWS, Quarantined};
use crate::error::{Error, Result};
use crate::model::contract::ColumnType;
use crate::model::source::stream::{SourceColumn, StreamSpec};
use arrow::array::BooleanArray;
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use std::borrow::Cow;
use std::sync::Arc;

/// How much of an unreadable value is kept.
const SHOWN_CHARACTERS: usize = 500;

/// Rows of one stream on their way to its sink.
pub(super) struct Pushed {
    stream: String,
    /// Where the rows come from, for those that cannot be read.
    place: String,
    schema: SchemaRef,
    fields: Vec<(SourceColumn, Spelling)>,
    columns: Vec<ColumnBuilder>,
    is_good: Vec<bool>,
}

impl Pushed {
    /// Rows of `stream` that come from `place`.
    pub fn new(stream: &StreamSpec, place: &str) -> Self {
        let fields = stream.columns.iter().map(|column| Field::new(&column.name, column.ty.landed().arrow(), true));
        Pushed {
            stream: stream.name.clone(),
            place: place.to_owned(),
            schema: Arc::new(Schema::new(fields.collect::<Vec<Field>>())),
            fields: stream.columns.iter().map(|column| (column.clone(), spelling(column))).collect(),
            columns: stream.columns.iter().map(|column| ColumnBuilder::new(column.ty.landed(), BATCH_ROWS)).collect(),
            is_good: Vec::with_capacity(BATCH_ROWS),
        }
    }

    /// The stream's name.
    pub fn stream(&self) -> &str {
        &self.stream
    }

    /// Takes the row numbered `line`: one text a column, none for null.
    ///
    /// # Errors
    /// The sink fails.
    pub fn push(&mut self, line: u64, values: &[Option<Cow<'_, str>>], sink: &mut dyn Sink) -> Result<()> {
        let mut fault: Option<(usize, String)> = None;
        for (at, ((field, spelling), column)) in self.fields.iter().zip(&mut self.columns).enumerate() {
            let text = values.get(at).and_then(Option::as_deref).map(|text| replaced(field, text));
            let read = match text {
                _ if fault.is_some() => {
                    column.null();
                    continue;
                }
                None | Some("") if field.is_required => Err("is missing".to_owned()),
                None => {
                    column.null();
                    Ok(())
                }
                Some("") if field.empty_is_null || field.ty.landed() != ColumnType::Text => {
                    column.null();
                    Ok(())
                }
                Some(text) => column.value(text, spelling),
            };
            if let Err(reason) = read {
                column.null();
                fault = Some((at, reason));
            }
        }
        self.is_good.push(fault.is_none());
        if let Some((at, reason)) = fault {
            let value = values.get(at).and_then(Option::as_deref);
            sink.quarantine(&self.stream, self.aside(line, at, value, reason))?;
        }
        if self.is_good.len() >= BATCH_ROWS { self.flush(sink) } else { Ok(()) }
    }

    fn aside(&self, line: u64, at: usize, value: Option<&str>, reason: String) -> Quarantined {
        Quarantined {
            file: self.place.clone(),
            line,
            column: self.fields.get(at).map(|(field, _)| field.name.clone()),
            value: value.map(|text| text.chars().take(SHOWN_CHARACTERS).collect()),
            reason,
            money: None,
            currency: None,
        }
    }

    /// A row that has no readable fields at all.
    pub fn refuse(&self, line: u64, whole: &str, reason: &str) -> Quarantined {
        Quarantined {
            file: self.place.clone(),
            line,
            column: None,
            value: Some(whole.chars().take(SHOWN_CHARACTERS).collect()),
            reason: reason.to_owned(),
            money: None,
            currency: None,
        }
    }

    /// Hands on what has come.
    ///
    /// # Errors
    /// The sink fails.
    pub fn flush(&mut self, sink: &mut dyn Sink) -> Result<()> {
        if self.is_good.is_empty() {
            return Ok(());
        }
        let columns = self.columns.iter_mut().map(ColumnBuilder::finish).collect();
        let malformed = |error| Error::bug(format!("rows of {} do not make a batch", self.stream)).caused_by(error);
        let mut batch = RecordBatch::try_new(self.schema.clone(), columns).map_err(malformed)?;
        let is_good = BooleanArray::from(std::mem::take(&mut self.is_good));
        if is_good.false_count() > 0 {
            batch = filter_record_batch(&batch, &is_good).map_err(malformed)?;
        }
        if batch.num_rows() > 0 { sink.rows(&self.stream, batch) } else { Ok(()) }
    }
}

fn replaced<'t>(field: &'t SourceColumn, text: &'t str) -> &'t str {
    field.values.get(text).map_or(text, String::as_str)
}

fn spelling(column: &SourceColumn) -> Spelling {
    Spelling { format: column.format.clone(), ..Spelling::default() }
}
