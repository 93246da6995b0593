//! `tailwater sql JOB "select …"`: asks the warehouse.

use crate::check::text_table;
use crate::cli::{output, warehouse};
use crate::error::{Error, Result};
use crate::job::Job;
use arrow::array::{Array, RecordBatch};
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use clap::{Args, ValueEnum};
use datafusion::execution::context::SQLOptions;
use datafusion::prelude::SessionContext;
use serde_json::{Map, Value};
use std::path::PathBuf;

/// Arguments of `sql`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The job file
    job: PathBuf,
    /// A select. `<table>` is every published partition, `latest.<table>` the newest date alone
    query: String,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// A header line and one line a row
    Csv,
    /// One JSON object a row
    Json,
}

/// Runs the query and prints the answer.
///
/// # Errors
/// The query is wrong (64) or a public file cannot be read.
pub async fn run(arguments: Arguments) -> Result<()> {
    let job = Job::read(&arguments.job)?;
    let (store, manifest) = warehouse::open(&job)?;
    let session = warehouse::session(&job, &store, &manifest)?;
    let batches = ask(&session, &arguments.query).await?;
    output::bytes(render(&batches, arguments.format)?.as_bytes())
}

/// Asks a session one select.
///
/// # Errors
/// The query is wrong (64).
pub async fn ask(session: &SessionContext, query: &str) -> Result<Vec<RecordBatch>> {
    let only_select = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    let wrong = |e: datafusion::error::DataFusionError| {
        Error::usage("could not answer the query").caused_by(e.strip_backtrace())
    };
    let frame = session.sql_with_options(query, only_select).await.map_err(wrong)?;
    let schema = frame.schema().as_arrow().clone();
    let mut batches = frame.collect().await.map_err(wrong)?;
    if batches.is_empty() {
        batches.push(RecordBatch::new_empty(schema.into()));
    }
    Ok(batches)
}

fn render(batches: &[RecordBatch], format: Format) -> Result<String> {
    let Some(first) = batches.first() else { return Ok(String::new()) };
    let schema = first.schema();
    let header: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let mut rows: Vec<Vec<Option<String>>> = Vec::new();
    for batch in batches {
        cells(batch, &mut rows)?;
    }
    Ok(match format {
        Format::Table => {
            let null = "";
            let rows: Vec<Vec<&str>> =
                rows.iter().map(|row| row.iter().map(|cell| cell.as_deref().unwrap_or(null)).collect()).collect();
            let count = if rows.len() == 1 { "1 row".to_owned() } else { format!("{} rows", rows.len()) };
            format!("{}{count}\n", text_table(&header, &rows))
        }
        Format::Csv => {
            let mut text = csv_line(header.iter().copied());
            for row in &rows {
                text.push_str(&csv_line(row.iter().map(|cell| cell.as_deref().unwrap_or(""))));
            }
            text
        }
        Format::Json => {
            let types: Vec<DataType> = schema.fields().iter().map(|field| field.data_type().clone()).collect();
            let mut text = String::new();
            for row in &rows {
                let cells = header.iter().zip(&types).zip(row);
                let object: Map<String, Value> =
                    cells.map(|((name, ty), cell)| ((*name).to_owned(), json(cell.as_deref(), ty))).collect();
                text.push_str(&Value::Object(object).to_string());
                text.push('\n');
            }
            text
        }
    })
}

fn cells(batch: &RecordBatch, rows: &mut Vec<Vec<Option<String>>>) -> Result<()> {
    let options = FormatOptions::default();
    let formatters = batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(|e| Error::usage("a column of the answer has a type that cannot be shown").caused_by(e))?;
    for row in 0..batch.num_rows() {
        let cell = |(formatter, column): (&ArrayFormatter<'_>, &arrow::array::ArrayRef)| {
            column.is_valid(row).then(|| formatter.value(row).to_string())
        };
        rows.push(formatters.iter().zip(batch.columns()).map(cell).collect());
    }
    Ok(())
}

/// Whole numbers and truth values as such; decimals as text, because a JSON reader may make floats of them.
fn json(cell: Option<&str>, ty: &DataType) -> Value {
    match cell {
        None => Value::Null,
        Some(text) if ty.is_integer() || ty.is_floating() || *ty == DataType::Boolean => {
            serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
        }
        Some(text) => Value::String(text.to_owned()),
    }
}

fn csv_line<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = cells
        .map(|cell| {
            if cell.contains([',', '"', '\n', '\r']) {
                format!("\"{}\"", cell.replace('"', "\"\""))
            } else {
                cell.to_owned()
            }
        })
        .collect();
    format!("{}\n", quoted.join(","))
}
