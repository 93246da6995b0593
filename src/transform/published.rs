//! Public tables as queries read them: exactly the listed files, partition columns restored from their paths.

use crate::error::{Class, Error, Result};
use crate::model::contract::Contract;
use crate::transform::files::{PartitionFile, PartitionedTable};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use chrono::NaiveDate;
use datafusion::catalog::TableProvider;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// A published table with its contract's columns; columns that the contract gained are null in older files.
///
/// # Errors
/// A file cannot be read, or holds a column whose type has changed.
pub fn of_contract(contract: &Contract, files: &[PartitionFile]) -> Result<Arc<dyn TableProvider>> {
    let table = PartitionedTable::new(&contract.table, contract.schema(), &contract.partition_by, files)?;
    Ok(Arc::new(table))
}

/// A published table that no model describes any more, or that the program writes about itself: its columns are those
/// of its files, the newest file's first, and then the partition columns.
///
/// # Errors
/// A file cannot be read, or two files disagree on a column's type.
pub fn of_files(table: &str, partition_by: &[String], files: &[PartitionFile]) -> Result<Arc<dyn TableProvider>> {
    let mut fields: Vec<Field> = Vec::new();
    for file in files.iter().rev() {
        for field in file_schema(&file.path)?.fields() {
            if !fields.iter().any(|known| known.name() == field.name()) {
                fields.push(field.as_ref().clone().with_nullable(true));
            }
        }
    }
    for (at, column) in partition_by.iter().enumerate() {
        let is_date =
            |file: &PartitionFile| file.values.get(at).is_some_and(|value| value.parse::<NaiveDate>().is_ok());
        let ty = if files.iter().all(is_date) { DataType::Date32 } else { DataType::Utf8 };
        fields.push(Field::new(column, ty, true));
    }
    let table = PartitionedTable::new(table, Arc::new(Schema::new(fields)), partition_by, files)?;
    Ok(Arc::new(table))
}

fn file_schema(path: &Path) -> Result<SchemaRef> {
    let file = File::open(path).map_err(|e| Error::io("read", path, &e))?;
    let meta = ArrowReaderMetadata::load(&file, ArrowReaderOptions::default())
        .map_err(|e| Error::new(Class::TryAgain, format!("could not read {}", path.display())).caused_by(e))?;
    Ok(Arc::clone(meta.schema()))
}
