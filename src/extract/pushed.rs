//! Typed rows of streams whose values come one by one as texts: a database's table, a tap's records.

use super::Quarantined;
use super::api::Sink;
use super::batch::{Batch, Fault};
use super::value::Spelling;
use crate::error::Result;
use crate::model::contract::ColumnType;
use crate::model::source::stream::{SourceColumn, StreamSpec};
use arrow::datatypes::{Field, Schema};
use std::borrow::Cow;
use std::sync::Arc;

/// Rows of one stream on their way to its sink.
pub(super) struct Pushed {
    stream: String,
    /// Where the rows come from, for those that cannot be read.
    place: String,
    fields: Vec<(SourceColumn, Spelling)>,
    batch: Batch,
}

impl Pushed {
    /// Rows of `stream` that come from `place`.
    pub fn new(stream: &StreamSpec, place: &str) -> Self {
        let fields = stream.columns.iter().map(|column| Field::new(&column.name, column.ty.landed().arrow(), true));
        Pushed {
            stream: stream.name.clone(),
            place: place.to_owned(),
            fields: stream.columns.iter().map(|column| (column.clone(), spelling(column))).collect(),
            batch: Batch::new(
                Arc::new(Schema::new(fields.collect::<Vec<Field>>())),
                stream.columns.iter().map(|column| column.ty.landed()),
            ),
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
        let fields = &self.fields;
        let fault = self.batch.row(|at, column| {
            let Some((field, spelling)) = fields.get(at) else { return column.unknown() };
            let given = values.get(at).and_then(Option::as_deref);
            match given.map(|text| replaced(field, text)) {
                None | Some("") if field.is_required => Err((given.map(str::to_owned), "is missing".to_owned())),
                None => column.unknown(),
                Some("") if field.empty_is_null || field.ty.landed() != ColumnType::Text => column.unknown(),
                Some(text) => column.value(text, spelling).map_err(|reason| (given.map(str::to_owned), reason)),
            }
        });
        self.batch.end_row(fault.is_none());
        if let Some(fault) = fault {
            let named = fault.column.and_then(|at| self.fields.get(at)).map(|(field, _)| field.name.as_str());
            sink.quarantine(&self.stream, fault.aside(&self.place, line, named))?;
        }
        if self.batch.is_full() { self.flush(sink) } else { Ok(()) }
    }

    /// A row that has no readable fields at all.
    pub fn refuse(&self, line: u64, whole: &str, reason: &str) -> Quarantined {
        Fault::whole(whole, reason).aside(&self.place, line, None)
    }

    /// Hands on what has come.
    ///
    /// # Errors
    /// The sink fails.
    pub fn flush(&mut self, sink: &mut dyn Sink) -> Result<()> {
        let batch = self.batch.take(&self.stream)?;
        batch.map_or(Ok(()), |batch| sink.rows(&self.stream, batch))
    }
}

fn replaced<'t>(field: &'t SourceColumn, text: &'t str) -> &'t str {
    field.values.get(text).map_or(text, String::as_str)
}

fn spelling(column: &SourceColumn) -> Spelling {
    Spelling { format: column.format.clone(), ..Spelling::default() }
}
