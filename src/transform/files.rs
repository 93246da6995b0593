//! Tables over exactly the Parquet files they are given: never a prefix, so that an unlisted file is never read.

use crate::error::{Class, Error, Result};
use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DFSchema, ScalarValue, Statistics, project_schema, stats::Precision};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::object_store::ObjectStoreUrl;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::object_store::ObjectMeta;
use datafusion::object_store::path::Path as ObjectPath;
use datafusion::physical_plan::{ExecutionPlan, empty::EmptyExec};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The rows of `files`, by column name: a column a file lacks is null. No files: an empty table.
///
/// # Errors
/// A path is not absolute, or a file cannot be read.
pub fn listing(files: &[PathBuf], schema: SchemaRef) -> Result<Arc<dyn TableProvider>> {
    let mut rows = 0;
    let mut listed = Vec::with_capacity(files.len());
    for path in files {
        let (metadata, size) = footer(path)?;
        rows += u64::try_from(metadata.metadata().file_metadata().num_rows()).unwrap_or(0);
        listed.push(PartitionedFile::new_from_meta(object(path, size)?));
    }
    let source_schema = TableSchema::builder(Arc::clone(&schema)).build();
    let order = (0..schema.fields().len()).collect();
    Ok(Arc::new(PartitionedTable { schema, source_schema, order, files: listed, rows }))
}

/// One file of a partitioned table and the values its path stands for.
#[derive(Debug, Clone)]
pub struct PartitionFile {
    /// Where it lies.
    pub path: PathBuf,
    /// Rows in it, as the manifest says.
    pub rows: u64,
    /// One value per partition column, as text.
    pub values: Vec<String>,
}

/// A Hive-partitioned table over listed files. The table's columns are those of `schema`, in its order.
#[derive(Debug)]
pub struct PartitionedTable {
    schema: SchemaRef,
    source_schema: TableSchema,
    /// For each column of `schema`, its place among the file's columns followed by the partition columns.
    order: Vec<usize>,
    files: Vec<PartitionedFile>,
    rows: u64,
}

impl PartitionedTable {
    /// A table with the columns `schema`, of which `partition_by` are restored from the files' paths.
    ///
    /// # Errors
    /// A file cannot be read, one of its columns has another type than `schema` says (a changed type), or a path's
    /// value is not of its column's type.
    pub fn new(table: &str, schema: SchemaRef, partition_by: &[String], files: &[PartitionFile]) -> Result<Self> {
        let is_partition = |field: &Field| partition_by.contains(field.name());
        let inside: Vec<FieldRef> = schema.fields().iter().filter(|field| !is_partition(field)).cloned().collect();
        let outside = partition_by
            .iter()
            .map(|name| {
                let field = schema
                    .field_with_name(name)
                    .map_err(|e| Error::bug(format!("{table} lacks {name}")).caused_by(e))?;
                Ok(Arc::new(field.clone()))
            })
            .collect::<Result<Vec<FieldRef>>>()?;
        let mut listed = Vec::with_capacity(files.len());
        for file in files {
            let size = check_types(table, &schema, &file.path)?;
            let mut values = Vec::with_capacity(outside.len());
            for (field, text) in outside.iter().zip(&file.values) {
                values.push(partition_scalar(text, field.data_type()).map_err(|e| unreadable(&file.path, e))?);
            }
            listed.push(PartitionedFile::new_from_meta(object(&file.path, size)?).with_partition_values(values));
        }
        let source_schema =
            TableSchema::builder(Arc::new(Schema::new(inside))).with_table_partition_cols(outside).build();
        let order = schema
            .fields()
            .iter()
            .map(|field| source_schema.table_schema().index_of(field.name()))
            .collect::<std::result::Result<_, _>>()
            .map_err(|e| Error::bug(format!("{table} lost a column")).caused_by(e))?;
        let rows = files.iter().map(|file| file.rows).sum();
        Ok(PartitionedTable { schema, source_schema, order, files: listed, rows })
    }
}

#[async_trait]
impl TableProvider for PartitionedTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> datafusion::common::Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> datafusion::common::Result<Arc<dyn ExecutionPlan>> {
        // A scan of no files has no partition at all, which no join that builds from it could be planned with.
        if self.files.is_empty() {
            return Ok(Arc::new(EmptyExec::new(project_schema(&self.schema, projection)?)));
        }
        let mut source = ParquetSource::new(self.source_schema.clone());
        if let Some(filter) = conjunction(filters.to_vec()) {
            let schema = DFSchema::try_from(Arc::clone(self.source_schema.table_schema()))?;
            source = source.with_predicate(state.create_physical_expr(filter, &schema)?);
        }
        let columns = match projection {
            Some(projection) => projection.iter().filter_map(|&at| self.order.get(at).copied()).collect(),
            None => self.order.clone(),
        };
        let groups = FileGroup::new(self.files.clone()).split_files(state.config().target_partitions());
        // Rows, which decide how tables are joined, but no least and greatest values: the engine compares those of a difference of
        // days with a whole number as if both were durations, and fails.
        let mut statistics = Statistics::new_unknown(self.source_schema.table_schema());
        statistics.num_rows = Precision::Inexact(usize::try_from(self.rows).unwrap_or(usize::MAX));
        let config = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), Arc::new(source))
            .with_file_groups(groups)
            .with_statistics(statistics)
            .with_projection_indices(Some(columns))?
            .with_limit(if filters.is_empty() { limit } else { None })
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

/// The value of a partition column as a path spells it.
///
/// # Errors
/// The text is not a value of that type.
pub fn partition_scalar(text: &str, ty: &DataType) -> datafusion::common::Result<ScalarValue> {
    ScalarValue::Utf8(Some(text.to_owned())).cast_to(ty)
}

/// Compares a file's columns with the contract's; returns the file's size in bytes.
fn check_types(table: &str, schema: &Schema, path: &Path) -> Result<u64> {
    let (meta, size) = footer(path)?;
    for field in meta.schema().fields() {
        let Ok(wanted) = schema.field_with_name(field.name()) else { continue };
        if wanted.data_type() != field.data_type() {
            return Err(Error::usage(format!(
                "{table}.{} was published as {} and is {} in the contract now: a column never changes its type",
                field.name(),
                field.data_type(),
                wanted.data_type()
            ))
            .help(format!(
                "give the new meaning a new name, or remove the old partitions; seen in {}",
                path.display()
            )));
        }
    }
    Ok(size)
}

/// A file's footer and its size in bytes.
fn footer(path: &Path) -> Result<(ArrowReaderMetadata, u64)> {
    let file = File::open(path).map_err(|e| Error::io("read", path, &e))?;
    let size = file.metadata().map_err(|e| Error::io("read", path, &e))?.len();
    let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::default()).map_err(|e| unreadable(path, e))?;
    Ok((metadata, size))
}

/// A file as the engine's reader knows it.
fn object(path: &Path, size: u64) -> Result<ObjectMeta> {
    let location = ObjectPath::from_absolute_path(path).map_err(|e| unreadable(path, e))?;
    Ok(ObjectMeta { location, last_modified: chrono::DateTime::UNIX_EPOCH, size, e_tag: None, version: None })
}

fn unreadable(path: &Path, why: impl std::fmt::Display) -> Error {
    Error::new(Class::TryAgain, format!("could not read {}", path.display())).caused_by(why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::engine::{EngineConfig, session};
    use arrow::array::{Date32Array, Int64Array, RecordBatch};
    use parquet::arrow::ArrowWriter;

    #[tokio::test]
    async fn a_filter_on_a_difference_of_days_failed_on_tables_too_large_for_memory() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.parquet");
        let days = |first: i32| Arc::new(Date32Array::from_iter_values(first..first + 20));
        let limits = Arc::new(Int64Array::from_iter_values((0..20).map(|at| if at < 5 { 30 } else { 31 })));
        let batch = RecordBatch::try_from_iter([
            ("due", days(20_031) as _),
            ("issued", days(20_000) as _),
            ("most", limits as _),
        ])
        .unwrap();
        let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let context = session(&EngineConfig::default()).unwrap();
        context.register_table("invoice", listing(&[path], batch.schema()).unwrap()).unwrap();
        let rows =
            context.sql("select due from invoice where due - issued > most").await.unwrap().count().await.unwrap();
        assert_eq!(rows, 5);
    }
}
