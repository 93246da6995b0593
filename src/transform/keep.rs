//! Keeps one model's rows for the models and checks that read them: in memory while small, else as scratch Parquet.

use crate::error::{Error, Result};
use crate::transform::files;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::row::{RowConverter, SortField};
use datafusion::catalog::{MemTable, TableProvider};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A table of at most this size is kept in memory.
const SMALL_TABLE_BYTES: usize = 8 << 20;

/// How much memory all kept tables of a run may take together.
#[derive(Debug)]
pub struct Budget {
    left: AtomicUsize,
}

impl Budget {
    /// A budget of `bytes`.
    pub fn new(bytes: usize) -> Self {
        Budget { left: AtomicUsize::new(bytes) }
    }

    fn take(&self, bytes: usize) -> bool {
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes)).is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.left.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Takes a model's rows as they come.
pub struct Keeper {
    schema: SchemaRef,
    path: PathBuf,
    budget: Arc<Budget>,
    held: Vec<RecordBatch>,
    held_bytes: usize,
    file: Option<ArrowWriter<File>>,
    rows: u64,
}

impl Keeper {
    /// Keeps rows of `schema`; what grows large goes to `path`.
    pub fn new(schema: SchemaRef, path: &Path, budget: &Arc<Budget>) -> Self {
        let (path, budget) = (path.to_owned(), Arc::clone(budget));
        Keeper { schema, path, budget, held: Vec::new(), held_bytes: 0, file: None, rows: 0 }
    }

    /// Takes the next rows.
    ///
    /// # Errors
    /// The scratch volume fails.
    pub fn push(&mut self, batch: RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        if let Some(file) = &mut self.file {
            return file.write(&batch).map_err(|e| broken(&self.path, e));
        }
        let bytes = batch.get_array_memory_size();
        if self.held_bytes + bytes <= SMALL_TABLE_BYTES && self.budget.take(bytes) {
            self.held_bytes += bytes;
            self.held.push(batch);
            return Ok(());
        }
        let mut file = self.create()?;
        for held in self.held.drain(..).chain([batch]) {
            file.write(&held).map_err(|e| broken(&self.path, e))?;
        }
        self.budget.give_back(std::mem::take(&mut self.held_bytes));
        self.file = Some(file);
        Ok(())
    }

    /// All rows are there.
    ///
    /// # Errors
    /// The scratch volume fails.
    pub fn finish(self) -> Result<Kept> {
        let place = match self.file {
            Some(file) => {
                file.close().map_err(|e| broken(&self.path, e))?;
                Place::Scratch(self.path)
            }
            None => Place::Memory(self.held),
        };
        Ok(Kept { schema: self.schema, rows: self.rows, place })
    }

    fn create(&self) -> Result<ArrowWriter<File>> {
        let file = File::create(&self.path).map_err(|e| Error::io("create", &self.path, &e))?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::LZ4_RAW)
            .set_max_row_group_row_count(Some(131_072))
            .build();
        ArrowWriter::try_new(file, Arc::clone(&self.schema), Some(properties)).map_err(|e| broken(&self.path, e))
    }
}

/// A model's rows, in the order of partition and grain.
#[derive(Debug, Clone)]
pub struct Kept {
    schema: SchemaRef,
    rows: u64,
    place: Place,
}

#[derive(Debug, Clone)]
enum Place {
    Memory(Vec<RecordBatch>),
    Scratch(PathBuf),
}

impl Kept {
    /// How many rows there are.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The table as a query reads it.
    ///
    /// # Errors
    /// A bug only: the batches have the schema they were kept with.
    pub fn provider(&self) -> Result<Arc<dyn TableProvider>> {
        match &self.place {
            Place::Memory(batches) => {
                let table = MemTable::try_new(Arc::clone(&self.schema), vec![batches.clone()])
                    .map_err(|e| Error::bug("kept rows do not have their own schema").caused_by(e))?;
                Ok(Arc::new(table))
            }
            Place::Scratch(path) => files::listing(std::slice::from_ref(path), Arc::clone(&self.schema)),
        }
    }

    /// A hash of the rows in their order.
    ///
    /// # Errors
    /// The scratch volume fails.
    pub fn fingerprint(&self) -> Result<String> {
        let broken = |e: arrow::error::ArrowError| Error::bug("rows cannot be compared").caused_by(e);
        let fields = self.schema.fields().iter().map(|field| SortField::new(field.data_type().clone())).collect();
        let converter = RowConverter::new(fields).map_err(broken)?;
        let all: Vec<usize> = (0..self.schema.fields().len()).collect();
        let mut bytes = Vec::new();
        for batch in self.scan(&all)? {
            for row in &converter.convert_columns(batch?.columns()).map_err(broken)? {
                bytes.extend_from_slice(row.as_ref());
            }
        }
        Ok(crate::store::sha256(&bytes))
    }

    /// The rows of some columns, in order.
    ///
    /// # Errors
    /// The scratch volume fails.
    pub fn scan(&self, columns: &[usize]) -> Result<Box<dyn Iterator<Item = Result<RecordBatch>> + '_>> {
        match &self.place {
            Place::Memory(batches) => {
                let columns = columns.to_vec();
                Ok(Box::new(batches.iter().map(move |batch| {
                    batch.project(&columns).map_err(|e| Error::bug("a kept batch lacks a column").caused_by(e))
                })))
            }
            Place::Scratch(path) => {
                let file = File::open(path).map_err(|e| Error::io("read", path, &e))?;
                let reader = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| broken(path, e))?;
                let mask = ProjectionMask::roots(reader.parquet_schema(), columns.iter().copied());
                let reader =
                    reader.with_projection(mask).with_batch_size(8_192).build().map_err(|e| broken(path, e))?;
                Ok(Box::new(reader.map(move |batch| batch.map_err(|e| broken(path, e)))))
            }
        }
    }
}

fn broken(path: &Path, why: impl std::fmt::Display) -> Error {
    Error::new(crate::error::Class::TryAgain, format!("could not use the scratch file {}", path.display()))
        .caused_by(why)
}
