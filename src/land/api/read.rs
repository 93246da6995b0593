//! Reads landed files again: batches in a wanted shape, columns that a file lacks null.

use crate::error::{Class, Error, Result};
use crate::store::Store;
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Date32Array, Int64Array, RecordBatch, new_null_array};
use arrow::datatypes::{Date32Type, Field, Int64Type, Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::File;
use std::sync::Arc;

/// Rows of a batch.
const BATCH_ROWS: usize = 8_192;

/// The rows of the file under `key` in the columns of `wanted`, of which only those are read.
///
/// # Errors
/// The file cannot be read (75).
pub(super) fn batches(
    store: &Store,
    key: &str,
    wanted: &SchemaRef,
) -> Result<impl Iterator<Item = Result<RecordBatch>> + Send + use<>> {
    let failed = |key: &str, error: &dyn std::fmt::Display| {
        Error::new(Class::TryAgain, format!("could not read {key}")).caused_by(error)
    };
    let path = store.path(key)?;
    let file = File::open(&path).map_err(|error| Error::io("open", &path, &error))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| failed(key, &error))?;
    let held = builder.schema();
    let roots = wanted.fields().iter().filter_map(|field| held.index_of(field.name()).ok());
    let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
    let reader =
        builder.with_projection(mask).with_batch_size(BATCH_ROWS).build().map_err(|error| failed(key, &error))?;
    let (wanted, key) = (Arc::clone(wanted), key.to_owned());
    Ok(reader.map(move |batch| {
        let batch = batch.map_err(|error| failed(&key, &error))?;
        in_shape(&batch, &wanted)
    }))
}

/// A batch in the columns of `wanted`, by name.
///
/// # Errors
/// A column has another type: a bug (70).
pub(super) fn in_shape(batch: &RecordBatch, wanted: &SchemaRef) -> Result<RecordBatch> {
    let column = |field: &Arc<Field>| -> ArrayRef {
        let held = batch.column_by_name(field.name());
        held.map_or_else(|| new_null_array(field.data_type(), batch.num_rows()), Arc::clone)
    };
    let columns = wanted.fields().iter().map(column).collect();
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(wanted), columns, &options)
        .map_err(|error| Error::bug("landed rows are not of their stream's shape").caused_by(error))
}

/// The named columns of a schema, in this order.
///
/// # Errors
/// It lacks one: a bug (70).
pub(super) fn project<'a>(schema: &Schema, names: impl Iterator<Item = &'a str>) -> Result<SchemaRef> {
    let field = |name: &str| {
        let field = schema.field_with_name(name).cloned();
        field.map_err(|error| Error::bug(format!("a stream lacks its column {name}")).caused_by(error))
    };
    Ok(Arc::new(Schema::new(names.map(field).collect::<Result<Vec<Field>>>()?)))
}

/// The stamps of landed rows.
pub(super) struct Stamps {
    pub days: Date32Array,
    pub landed: Int64Array,
    deleted: Option<BooleanArray>,
}

impl Stamps {
    /// Of a batch with `_seen_from` and `_landed`.
    pub fn of(batch: &RecordBatch) -> Result<Stamps> {
        let missing = || Error::bug("landed rows have no stamps");
        let days = batch.column_by_name("_seen_from").and_then(|column| column.as_primitive_opt::<Date32Type>());
        let landed = batch.column_by_name("_landed").and_then(|column| column.as_primitive_opt::<Int64Type>());
        let deleted = batch.column_by_name(super::shape::DELETED).and_then(|column| column.as_boolean_opt());
        Ok(Stamps {
            days: days.ok_or_else(missing)?.clone(),
            landed: landed.ok_or_else(missing)?.clone(),
            deleted: deleted.cloned(),
        })
    }

    /// Day, number, and whether it is the row's end.
    pub fn at(&self, row: usize) -> (i32, i64, bool) {
        let is_deleted = self.deleted.as_ref().is_some_and(|deleted| deleted.is_valid(row) && deleted.value(row));
        (self.days.value(row), self.landed.value(row), is_deleted)
    }
}
