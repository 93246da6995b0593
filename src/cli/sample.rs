//! `tailwater sample DIR`: the made-up company as files in entity shape, with what was planted in it.

use crate::calendar::Clock;
use crate::cli::output;
use crate::error::{Class, Error, Result};
use crate::model::Models;
use crate::model::contract::Contract;
use crate::sample::{Sample, SampleSpec, planted};
use arrow::array::{Array, RecordBatch};
use arrow::datatypes::SchemaRef;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::{Datelike, Days, Months, NaiveDate};
use clap::{Args, ValueEnum};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Arguments of `sample`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The folder to write to; created where it is missing
    dir: PathBuf,
    /// Every number of the company depends on it
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// How many customers it ever has
    #[arg(long, default_value_t = 320)]
    accounts: u32,
    /// Its first day of usage
    #[arg(long, value_name = "DATE", default_value = "2025-01-01")]
    start: NaiveDate,
    /// The last day that is written; yesterday where it is not given
    #[arg(long, value_name = "DATE")]
    to: Option<NaiveDate>,
    /// Usage events as a multiple of the demo's
    #[arg(long, default_value_t = 1.0)]
    usage_scale: f64,
    /// The format of the files
    #[arg(long, value_enum, default_value_t = Format::Parquet)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Apache Parquet
    Parquet,
    /// Comma-separated text with a header line
    Csv,
}

impl Format {
    fn extension(self) -> &'static str {
        match self {
            Format::Parquet => "parquet",
            Format::Csv => "csv",
        }
    }
}

/// Writes the files: one per entity, usage events one per month.
///
/// # Errors
/// An argument is out of range (64) or the folder cannot be written (75).
pub fn run(arguments: &Arguments) -> Result<()> {
    let clock = Clock::from_env()?;
    let to = arguments.to.or_else(|| clock.now().date_naive().pred_opt()).unwrap_or(arguments.start);
    if to < arguments.start {
        return Err(Error::usage(format!("--to {to} lies before --start {}", arguments.start)));
    }
    if !(0.0..=1_000.0).contains(&arguments.usage_scale) {
        return Err(Error::usage("--usage-scale is a number from 0 to 1,000"));
    }
    let usage_permille = SampleSpec::permille(arguments.usage_scale);
    let spec =
        SampleSpec { seed: arguments.seed, accounts: arguments.accounts, start: arguments.start, usage_permille };
    let sample = Sample::new(&spec, to);
    let models = Models::load(None)?;
    let (mut files, mut rows) = (0_u64, 0_u64);
    let mut write = |path: PathBuf, contract: &Contract, batches: &mut dyn Iterator<Item = Result<RecordBatch>>| {
        rows += write_file(&path, arguments.format, contract, batches)?;
        files += 1;
        Ok::<(), Error>(())
    };
    let extension = arguments.format.extension();
    for entity in sample.entities() {
        let contract = own_contract(&models, entity)?;
        let batches = sample.batches(entity, &contract)?;
        write(arguments.dir.join(format!("{entity}.{extension}")), &contract, &mut batches.into_iter().map(Ok))?;
    }
    let events = own_contract(&models, "usage_event")?;
    for month in months(spec.start, to) {
        let next = month.checked_add_months(Months::new(1)).unwrap_or(to);
        let after = to.succ_opt().unwrap_or(to);
        let days = month.max(spec.start)..next.min(after);
        let path = arguments.dir.join("usage_event").join(format!("{}.{extension}", month.format("%Y-%m")));
        write(path, &events, &mut sample.usage_events(days, &events))?;
    }
    let truth = planted::contract();
    let path = arguments.dir.join(format!("{}.{extension}", truth.table));
    write(path, &truth, &mut sample.planted(to)?.into_iter().map(Ok))?;
    output::line(format!("{rows} rows in {files} files under {}", arguments.dir.display()))
}

/// An entity's columns but those that landing adds: a file does not hold them.
fn own_contract(models: &Models, entity: &str) -> Result<Contract> {
    let model =
        models.entity(entity).ok_or_else(|| Error::bug(format!("the sample makes {entity}, which is no entity")))?;
    let mut contract = model.contract.clone();
    contract.columns.retain(|column| {
        !model.derived.contains(&column.name) && column.name != "source" && column.name != "source_id"
    });
    Ok(contract)
}

/// The first days of the months from that of `from` to that of `to`.
fn months(from: NaiveDate, to: NaiveDate) -> Vec<NaiveDate> {
    let first = from.checked_sub_days(Days::new(u64::from(from.day0()))).unwrap_or(from);
    let step = |month: &NaiveDate| month.checked_add_months(Months::new(1));
    std::iter::successors(Some(first), step).take_while(|month| *month <= to).collect()
}

fn write_file(
    path: &Path,
    format: Format,
    contract: &Contract,
    batches: &mut dyn Iterator<Item = Result<RecordBatch>>,
) -> Result<u64> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(|e| Error::io("create", parent, &e))?;
    }
    let failed = |e: String| Error::new(Class::TryAgain, format!("could not write {}", path.display())).caused_by(e);
    let mut out = Out::create(path, format, &contract.schema())?;
    let mut rows = 0;
    for batch in batches {
        let batch = batch?;
        rows += batch.num_rows() as u64;
        out.write(&batch).map_err(failed)?;
    }
    out.close().map_err(failed)?;
    Ok(rows)
}

enum Out {
    Parquet(Box<ArrowWriter<File>>),
    Csv(Box<csv::Writer<File>>),
}

impl Out {
    fn create(path: &Path, format: Format, schema: &SchemaRef) -> Result<Self> {
        let file = File::create(path).map_err(|e| Error::io("create", path, &e))?;
        Ok(match format {
            Format::Parquet => {
                let level = ZstdLevel::try_new(3).map_err(|e| Error::bug("zstd has no level 3").caused_by(e))?;
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(level))
                    .set_max_row_group_row_count(Some(131_072))
                    .build();
                let writer = ArrowWriter::try_new(file, Arc::clone(schema), Some(properties));
                Out::Parquet(Box::new(writer.map_err(|e| Error::bug("the sample cannot be written").caused_by(e))?))
            }
            Format::Csv => {
                let mut writer = csv::Writer::from_writer(file);
                let header = writer.write_record(schema.fields().iter().map(|field| field.name()));
                header.map_err(|e| {
                    Error::new(Class::TryAgain, format!("could not write {}", path.display())).caused_by(e)
                })?;
                Out::Csv(Box::new(writer))
            }
        })
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), String> {
        match self {
            Out::Parquet(writer) => writer.write(batch).map_err(|e| e.to_string()),
            Out::Csv(writer) => {
                let options = FormatOptions::default();
                let formatters = batch
                    .columns()
                    .iter()
                    .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
                    .collect::<std::result::Result<Vec<_>, _>>()
                    .map_err(|e| e.to_string())?;
                for row in 0..batch.num_rows() {
                    let cells = formatters.iter().zip(batch.columns()).map(|(formatter, column)| {
                        if column.is_null(row) { String::new() } else { formatter.value(row).to_string() }
                    });
                    writer.write_record(cells).map_err(|e| e.to_string())?;
                }
                Ok(())
            }
        }
    }

    fn close(self) -> Result<(), String> {
        match self {
            Out::Parquet(writer) => writer.close().map(|_| ()).map_err(|e| e.to_string()),
            Out::Csv(mut writer) => writer.flush().map_err(|e| e.to_string()),
        }
    }
}
