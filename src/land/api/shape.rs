//! What landing must know of a stream to keep its rows: columns, key, what is personal, what says that a row is gone.

use super::super::writer::raw_schema;
use crate::error::{Error, Result};
use crate::model::contract::ColumnType;
use crate::model::source::stream::{Origin, Personal, StreamSpec};
use crate::store::sha256;
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, new_null_array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use std::sync::Arc;

/// Says on which day a superseded version ended; a column of history files only.
pub(super) const UNTIL: &str = "_until";

/// Says that a version is the end of its row; a column of delta files only.
pub(super) const DELETED: &str = "_deleted";

/// A stream's shape.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub name: String,
    pub key: Vec<String>,
    pub columns: Vec<(String, ColumnType)>,
    personal: Vec<Personal>,
    /// Whether any column is personal.
    pub is_personal: bool,
    /// The column that says when a row changed.
    pub changed_at: Option<String>,
    pub deleted_flag: Option<String>,
    /// Columns and their stamps, as base files hold them.
    pub base: SchemaRef,
    /// As delta files hold them: with [`DELETED`].
    pub delta: SchemaRef,
}

impl Shape {
    pub fn of(stream: &StreamSpec) -> Shape {
        let columns: Vec<(String, ColumnType)> =
            stream.columns.iter().map(|column| (column.name.clone(), column.ty.landed())).collect();
        let personal: Vec<Personal> = stream.columns.iter().map(|column| column.personal).collect();
        let changed_at = match &stream.origin {
            Origin::Requests(requests) => requests.cursor.as_ref().and_then(|cursor| cursor.column.clone()),
            _ => None,
        };
        let is_instant = |name: &String| {
            columns.iter().any(|(own, ty)| own == name && matches!(ty, ColumnType::Timestamp | ColumnType::Date))
        };
        let own: Vec<Field> = columns.iter().map(|(name, ty)| Field::new(name, ty.arrow(), true)).collect();
        let base = raw_schema(&Schema::new(own));
        let delta = with_field(&base, Field::new(DELETED, DataType::Boolean, true));
        Shape {
            name: stream.name.clone(),
            key: stream.key.clone(),
            is_personal: personal.iter().any(|kept| *kept != Personal::Keep),
            personal,
            changed_at: changed_at.filter(is_instant),
            deleted_flag: stream.deleted_flag.clone(),
            columns,
            base,
            delta,
        }
    }

    /// The rows in the shape's own columns, with what is personal hashed, cut or left out.
    pub fn keep(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let mut columns = Vec::with_capacity(self.columns.len());
        for ((name, ty), personal) in self.columns.iter().zip(&self.personal) {
            let column =
                batch.column_by_name(name).map_or_else(|| new_null_array(&ty.arrow(), batch.num_rows()), Arc::clone);
            columns.push(match personal {
                Personal::Keep => column,
                Personal::Drop => new_null_array(column.data_type(), column.len()),
                Personal::Hash => map_text(name, &column, |text| Some(sha256(text.trim().to_lowercase().as_bytes())))?,
                Personal::Domain => map_text(name, &column, domain)?,
            });
        }
        let own: Vec<Field> = self.columns.iter().map(|(name, ty)| Field::new(name, ty.arrow(), true)).collect();
        RecordBatch::try_new(Arc::new(Schema::new(own)), columns)
            .map_err(|error| Error::bug(format!("rows of {} are not of its shape", self.name)).caused_by(error))
    }

    /// Whether the text of a column that could not be read may be shown.
    pub fn may_show(&self, column: Option<&str>) -> bool {
        if !self.is_personal {
            return true;
        }
        let Some(column) = column else { return false };
        let at = self.columns.iter().position(|(name, _)| name == column);
        at.and_then(|at| self.personal.get(at)).is_some_and(|personal| *personal == Personal::Keep)
    }
}

/// A schema with one more column.
pub(super) fn with_field(schema: &Schema, field: Field) -> SchemaRef {
    let mut fields: Vec<Field> = schema.fields().iter().map(|field| field.as_ref().clone()).collect();
    fields.push(field);
    Arc::new(Schema::new(fields))
}

/// What follows the last `@`.
fn domain(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    text.rsplit_once('@').map(|(_, domain)| domain.to_owned()).filter(|domain| !domain.is_empty())
}

fn map_text(name: &str, column: &ArrayRef, of: impl Fn(&str) -> Option<String>) -> Result<ArrayRef> {
    let texts = column.as_string_opt::<i32>().ok_or_else(|| {
        Error::usage(format!("column {name} is personal and no text"))
            .help("read it as text, or drop it: personal = \"drop\"")
    })?;
    Ok(Arc::new(texts.iter().map(|text| text.and_then(&of)).collect::<StringArray>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domain_of_an_address_is_what_follows_its_last_at() {
        assert_eq!(domain(" \"a@b\"@Acme.Example "), Some("acme.example".to_owned()));
        assert_eq!(domain("nobody"), None);
        assert_eq!(domain("nobody@"), None);
    }
}
