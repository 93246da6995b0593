//! Writes a table's sorted rows as Hive-partitioned Parquet, one partition open at a time.
//!
//! The bytes depend on the rows and the contract alone: rows arrive sorted, are cut into batches of 8,192 and row
//! groups of 131,072, and the metadata names model, contract and date but no run and no clock.

use crate::error::{Class, Error, Result};
use crate::model::contract::Contract;
use crate::store::hex;
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::{BatchCoalescer, partition};
use arrow::datatypes::{DataType, Date32Type, Int64Type, Schema, SchemaRef};
use chrono::{NaiveDate, TimeDelta};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows handed to the Parquet writer at a time; fixed, because page boundaries follow it.
pub const BATCH_ROWS: usize = 8_192;
/// Rows per row group: small enough for flat writer memory, large enough for scans.
const ROW_GROUP_ROWS: usize = 131_072;

/// One finished file that waits outside every public path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedFile {
    /// The public key it is meant for, e.g. `contract_drift/as_of_date=2026-07-01/part-0.parquet`.
    pub key: String,
    /// Where it lies now.
    pub path: PathBuf,
    /// Rows in it.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// Lower-case hex SHA-256 of its bytes.
    pub sha256: String,
}

/// Writes one table into `root/<table>/<column>=<value>/part-0.parquet`.
pub struct TableWriter<'a> {
    contract: &'a Contract,
    root: PathBuf,
    schema: SchemaRef,
    /// Places of the file's columns in a full row.
    kept: Vec<usize>,
    /// Places of the partition columns in a full row.
    partition: Vec<usize>,
    properties: WriterProperties,
    open: Option<Open>,
    done: Vec<StagedFile>,
}

struct Open {
    folder: String,
    path: PathBuf,
    rows: u64,
    batches: BatchCoalescer,
    writer: ArrowWriter<HashingFile>,
}

impl<'a> TableWriter<'a> {
    /// A writer for `contract`'s rows as of `as_of`, below `root`.
    ///
    /// # Errors
    /// A partition column is not a column of the contract.
    pub fn new(contract: &'a Contract, contract_hash: &str, as_of: NaiveDate, root: &Path) -> Result<Self> {
        let full = contract.schema();
        let partition = contract
            .partition_by
            .iter()
            .map(|name| {
                full.index_of(name).map_err(|_| {
                    Error::usage(format!("{} is partitioned by {name}, which it does not have", contract.table))
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let kept: Vec<usize> = (0..full.fields().len()).filter(|at| !partition.contains(at)).collect();
        let fields: Vec<_> = kept.iter().map(|&at| Arc::clone(&full.fields()[at])).collect();
        let schema = Arc::new(Schema::new(fields));
        let properties = properties(contract, &schema, contract_hash, as_of)?;
        let root = root.to_owned();
        Ok(TableWriter { contract, root, schema, kept, partition, properties, open: None, done: Vec::new() })
    }

    /// Takes conformed rows in the order of partition and grain.
    ///
    /// # Errors
    /// A partition value is null or would need escaping in a path, a partition comes back after it was closed, or the disk fails.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let values: Vec<_> = self.partition.iter().map(|&at| Arc::clone(batch.column(at))).collect();
        // Without a partition column the whole batch goes to the one file.
        let ranges = if values.is_empty() {
            std::iter::once(0..batch.num_rows()).collect()
        } else {
            partition(&values).map_err(|e| self.broken(e))?.ranges()
        };
        for range in ranges.into_iter().filter(|range| !range.is_empty()) {
            let folder = self.folder(batch, range.start)?;
            self.append(&folder, &batch.slice(range.start, range.len()))?;
        }
        Ok(())
    }

    /// Closes the last partition and writes a zero-row file for each of `expected` that received no row.
    ///
    /// # Errors
    /// The disk fails.
    pub fn finish(mut self, expected: &[String]) -> Result<Vec<StagedFile>> {
        self.close()?;
        for folder in expected {
            let key = key(&self.contract.table, folder);
            if !self.done.iter().any(|file| file.key == key) {
                self.open(folder)?;
                self.close()?;
            }
        }
        self.done.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(self.done)
    }

    fn append(&mut self, folder: &str, rows: &RecordBatch) -> Result<()> {
        if self.open.as_ref().is_none_or(|open| open.folder != folder) {
            self.close()?;
            self.open(folder)?;
        }
        let rows = rows.project(&self.kept).map_err(|e| self.broken(e))?;
        let Some(open) = &mut self.open else { return Ok(()) };
        open.rows += rows.num_rows() as u64;
        let pushed = open.batches.push_batch(rows);
        let mut failed = pushed.err().map(|e| e.to_string());
        while failed.is_none() {
            let Some(full) = open.batches.next_completed_batch() else { return Ok(()) };
            failed = open.writer.write(&full).err().map(|e| e.to_string());
        }
        Err(self.broken(failed.unwrap_or_default()))
    }

    fn open(&mut self, folder: &str) -> Result<()> {
        let key = key(&self.contract.table, folder);
        if self.done.iter().any(|file| file.key == key) {
            return Err(Error::bug(format!(
                "rows of {} did not arrive sorted by partition: {folder} came twice",
                self.contract.table
            )));
        }
        let path = self.root.join(&key);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|e| Error::io("create", parent, &e))?;
        }
        let file = HashingFile::create(&path).map_err(|e| Error::io("create", &path, &e))?;
        let options = ArrowWriterOptions::new().with_properties(self.properties.clone());
        let writer =
            ArrowWriter::try_new_with_options(file, Arc::clone(&self.schema), options).map_err(|e| self.broken(e))?;
        let batches = BatchCoalescer::new(Arc::clone(&self.schema), BATCH_ROWS);
        self.open = Some(Open { folder: folder.to_owned(), path, rows: 0, batches, writer });
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        let Some(mut open) = self.open.take() else { return Ok(()) };
        open.batches.finish_buffered_batch().map_err(|e| self.broken(e))?;
        while let Some(last) = open.batches.next_completed_batch() {
            open.writer.write(&last).map_err(|e| self.broken(e))?;
        }
        let file = open.writer.into_inner().map_err(|e| self.broken(e))?;
        let (bytes, sha256) = file.close().map_err(|e| Error::io("write", &open.path, &e))?;
        let key = key(&self.contract.table, &open.folder);
        self.done.push(StagedFile { key, path: open.path, rows: open.rows, bytes, sha256 });
        Ok(())
    }

    fn folder(&self, batch: &RecordBatch, row: usize) -> Result<String> {
        let mut folder = String::new();
        for (&at, name) in self.partition.iter().zip(&self.contract.partition_by) {
            let value = partition_value(batch.column(at).as_ref(), row).ok_or_else(|| {
                Error::usage(format!(
                    "{}.{name} cannot be part of a path: it is null or has other characters than A-Z a-z 0-9 . _ -",
                    self.contract.table
                ))
            })?;
            if !folder.is_empty() {
                folder.push('/');
            }
            folder.push_str(&format!("{name}={value}"));
        }
        Ok(folder)
    }

    // The rows fit the schema already, so what is left to fail is the disk.
    fn broken(&self, why: impl std::fmt::Display) -> Error {
        Error::new(Class::TryAgain, format!("could not write the Parquet file of {}", self.contract.table))
            .caused_by(why)
    }
}

fn key(table: &str, folder: &str) -> String {
    if folder.is_empty() { format!("{table}/part-0.parquet") } else { format!("{table}/{folder}/part-0.parquet") }
}

/// A partition value as it stands in a path: readers disagree on escaping, so only values that need none are allowed.
fn partition_value(column: &dyn Array, row: usize) -> Option<String> {
    if column.is_null(row) {
        return None;
    }
    let text = match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Date32 => {
            let days = i64::from(column.as_primitive::<Date32Type>().value(row));
            let date = NaiveDate::default().checked_add_signed(TimeDelta::try_days(days)?)?;
            date.format("%Y-%m-%d").to_string()
        }
        DataType::Boolean => column.as_boolean().value(row).to_string(),
        _ => return None,
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (!text.is_empty() && text.chars().all(plain)).then_some(text)
}

fn properties(contract: &Contract, schema: &Schema, contract_hash: &str, as_of: NaiveDate) -> Result<WriterProperties> {
    let text = |key: &str, value: &str| KeyValue::new(key.to_owned(), value.to_owned());
    let sorted = contract
        .grain
        .iter()
        .filter_map(|name| schema.index_of(name).ok())
        .filter_map(|at| i32::try_from(at).ok())
        .map(|column_idx| SortingColumn { column_idx, descending: false, nulls_first: false })
        .collect::<Vec<_>>();
    let level = ZstdLevel::try_new(3).map_err(|e| Error::bug("zstd has no level 3").caused_by(e))?;
    Ok(WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_sorting_columns((!sorted.is_empty()).then_some(sorted))
        .set_key_value_metadata(Some(vec![
            text("tailwater.model", &contract.table),
            text("tailwater.contract", contract_hash),
            text("tailwater.as_of", &as_of.to_string()),
        ]))
        .build())
}

/// A file that is hashed while it is written, so that it need not be read again.
struct HashingFile {
    out: BufWriter<File>,
    hash: Sha256,
    bytes: u64,
}

impl HashingFile {
    fn create(path: &Path) -> std::io::Result<Self> {
        Ok(HashingFile { out: BufWriter::with_capacity(1 << 16, File::create(path)?), hash: Sha256::new(), bytes: 0 })
    }

    /// Makes the bytes durable; their number and hash.
    fn close(self) -> std::io::Result<(u64, String)> {
        let file = self.out.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok((self.bytes, hex(&self.hash.finalize())))
    }
}

impl Write for HashingFile {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        let taken = self.out.write(buf)?;
        self.hash.update(&buf[..taken]);
        self.bytes += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}
