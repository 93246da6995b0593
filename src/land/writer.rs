//! Batches become landed Parquet files: invisible until committed, listed only once the stream's state names them.

use super::state::{self, LandedFile, QuarantineFile};
use crate::error::{Error, Result};
use crate::extract::Quarantined;
use crate::store::{Draft, Precondition, Store, short};
use arrow::array::{Decimal128Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Schema, SchemaRef};
use chrono::NaiveDate;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;
use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;

/// Rows of a row group: what a reader holds in memory at least.
pub(super) const ROW_GROUP_ROWS: usize = 65_536;

/// The properties all landed files share.
///
/// zstd 1: landed files are read a few times by us alone, and level 3 costs a third more time for a tenth of the size.
pub(super) fn properties(row_group_rows: usize) -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).unwrap_or_default()))
        .set_max_row_group_row_count(Some(row_group_rows))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_created_by("tailwater".to_owned())
        .set_column_dictionary_enabled(ColumnPath::from("_landed"), false)
        .set_column_encoding(ColumnPath::from("_landed"), Encoding::DELTA_BINARY_PACKED)
}

/// A Parquet file that is being written.
pub(super) struct FileWriter {
    draft: Draft,
    writer: ArrowWriter<File>,
    rows: u64,
}

impl FileWriter {
    pub fn create(store: &Store, prefix: &str, schema: SchemaRef, properties: WriterProperties) -> Result<FileWriter> {
        let draft = store.draft(&format!("{prefix}/draft"))?;
        let writer = ArrowWriter::try_new(draft.file()?, schema, Some(properties))
            .map_err(|error| Error::bug(format!("no file of {prefix} can be written")).caused_by(error))?;
        Ok(FileWriter { draft, writer, rows: 0 })
    }

    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        self.writer.write(batch).map_err(|error| write_failed(&self.draft, &error))
    }

    /// Finishes the file under `<prefix>/<sequence>-<sha8>.parquet`; `part` tells files of one landing apart.
    pub fn finish(self, store: &Store, prefix: &str, sequence: u64, part: &str) -> Result<LandedFile> {
        let FileWriter { draft, writer, rows } = self;
        if let Err(error) = writer.close() {
            return Err(write_failed(&draft, &error));
        }
        let (sha256, bytes) =
            crate::store::sha256_file(draft.path()).map_err(|error| Error::io("read", draft.path(), &error))?;
        let hash = short(&sha256).get(..8).unwrap_or_default();
        let key = format!("{prefix}/{sequence:08}{part}-{hash}.parquet");
        // A file of that name is the same bytes, left by a run that died before its state was written.
        state::remove(store, &key)?;
        draft.commit_as(&key, &Precondition::Absent)?;
        Ok(LandedFile { key, rows, bytes, days: BTreeMap::new() })
    }
}

fn write_failed(draft: &Draft, error: &parquet::errors::ParquetError) -> Error {
    Error::new(crate::error::Class::TryAgain, format!("could not write {}", draft.path().display()))
        .caused_by(error)
        .help("is the disk of the warehouse full?")
}

/// How many quarantined rows are held before they are written.
const QUARANTINE_ROWS: usize = 4_096;

/// Writes the rows of one version that could not be read, in the columns of `run.quarantine`.
pub(super) struct QuarantineWriter {
    store: Store,
    prefix: String,
    source: String,
    entity: String,
    schema: SchemaRef,
    held: Vec<Quarantined>,
    writer: Option<FileWriter>,
    rows: u64,
    money: BTreeMap<String, i128>,
}

impl QuarantineWriter {
    /// `entity` names the entity, or the stream where its rows are none's.
    pub fn new(store: &Store, prefix: &str, source: &str, entity: &str, schema: SchemaRef) -> QuarantineWriter {
        QuarantineWriter {
            store: store.clone(),
            prefix: prefix.to_owned(),
            source: source.to_owned(),
            entity: entity.to_owned(),
            schema,
            held: Vec::new(),
            writer: None,
            rows: 0,
            money: BTreeMap::new(),
        }
    }

    pub fn push(&mut self, row: Quarantined) -> Result<()> {
        self.rows += 1;
        if let Some(money) = row.money {
            let sum = self.money.entry(row.currency.clone().unwrap_or_default()).or_default();
            *sum = sum.saturating_add(money);
        }
        self.held.push(row);
        if self.held.len() >= QUARANTINE_ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        let held = std::mem::take(&mut self.held);
        if held.is_empty() {
            return Ok(());
        }
        let batch = self.batch(&held)?;
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => none.insert(FileWriter::create(
                &self.store,
                &self.prefix,
                Arc::clone(&self.schema),
                properties(ROW_GROUP_ROWS).build(),
            )?),
        };
        writer.write(&batch)
    }

    fn batch(&self, rows: &[Quarantined]) -> Result<RecordBatch> {
        let texts = |text: &dyn Fn(&Quarantined) -> Option<String>| -> StringArray { rows.iter().map(text).collect() };
        let malformed = |error| Error::bug("quarantined rows do not make a batch").caused_by(error);
        let money: Decimal128Array = rows.iter().map(|row| row.money).collect();
        let lines: Int64Array = rows.iter().map(|row| i64::try_from(row.line).ok()).collect();
        let columns: Vec<arrow::array::ArrayRef> = vec![
            Arc::new(texts(&|_| Some(self.source.clone()))),
            Arc::new(texts(&|_| Some(self.entity.clone()))),
            Arc::new(texts(&|row| Some(row.file.clone()))),
            Arc::new(lines),
            Arc::new(texts(&|row| Some(row.column.clone().unwrap_or_default()))),
            Arc::new(texts(&|row| row.value.clone())),
            Arc::new(texts(&|row| Some(row.reason.clone()))),
            Arc::new(money.with_precision_and_scale(18, 4).map_err(malformed)?),
            Arc::new(texts(&|row| row.currency.clone())),
        ];
        RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(malformed)
    }

    pub fn finish(mut self, sequence: u64) -> Result<Option<QuarantineFile>> {
        self.flush()?;
        let Some(writer) = self.writer else { return Ok(None) };
        let file = writer.finish(&self.store, &self.prefix, sequence, "-quarantine")?;
        Ok(Some(QuarantineFile { key: file.key, rows: self.rows, money: self.money }))
    }
}

/// What landing adds to the rows of one version.
#[derive(Debug, Clone)]
pub(super) struct Stamp {
    pub source: String,
    pub seen_from: NaiveDate,
    pub sequence: u64,
}

impl Stamp {
    /// `_landed` of the row with this number within its landing: larger is newer over the whole warehouse, and unique.
    pub fn landed(&self, row: u64) -> Result<i64> {
        let number = (self.sequence << 32) | (row & 0xffff_ffff);
        if row > u64::from(u32::MAX) {
            return Err(Error::usage("one file has more than 4,294,967,295 rows").help("split it"));
        }
        i64::try_from(number).map_err(|_| Error::bug("the landing sequence has run out"))
    }

    /// `batch` with the columns of `schema`: own ones by name, then those that landing fills.
    pub fn complete(&self, batch: &RecordBatch, schema: &SchemaRef, first_row: u64) -> Result<RecordBatch> {
        let rows = batch.num_rows();
        let mut columns: Vec<arrow::array::ArrayRef> = Vec::with_capacity(schema.fields().len());
        for field in schema.fields() {
            let column: arrow::array::ArrayRef = match field.name().as_str() {
                "source" if batch.column_by_name("source").is_none() => {
                    Arc::new(StringArray::from_iter_values(std::iter::repeat_n(&self.source, rows)))
                }
                "_seen_from" => Arc::new(arrow::array::Date32Array::from_value(self.seen_from.to_epoch_days(), rows)),
                "_landed" => {
                    let first = self.landed(first_row)?;
                    self.landed(first_row + rows as u64)?;
                    Arc::new(Int64Array::from_iter_values(first..first + i64::try_from(rows).unwrap_or(0)))
                }
                name => match batch.column_by_name(name) {
                    Some(column) => Arc::clone(column),
                    None => arrow::array::new_null_array(field.data_type(), rows),
                },
            };
            columns.push(column);
        }
        RecordBatch::try_new(Arc::clone(schema), columns)
            .map_err(|error| Error::bug("rows cannot be completed for landing").caused_by(error))
    }
}

/// The schema of a raw stream's landed files: its own columns, then those that order its rows in time.
pub(super) fn raw_schema(own: &Schema) -> SchemaRef {
    use arrow::datatypes::{DataType, Field};
    let mut fields: Vec<Field> = own.fields().iter().map(|field| field.as_ref().clone()).collect();
    fields.push(Field::new("_seen_from", DataType::Date32, true));
    fields.push(Field::new("_landed", DataType::Int64, true));
    Arc::new(Schema::new(fields))
}
