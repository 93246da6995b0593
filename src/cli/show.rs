//! `tailwater show TABLE JOB --dialect duckdb`: a query with its values filled in and views over its inputs.
//!
//! The text stands alone: pasted into DuckDB it computes the same rows from the same landed files. `show --all` creates
//! every table of the run that way; a second engine checks our numbers with it.

use crate::cli::{JobArguments, output};
use crate::error::{Error, Result};
use crate::job::Job;
use crate::land::{Catalog, Files};
use crate::model::contract::{ColumnType, Contract};
use crate::model::params::Params;
use crate::model::text::nearest;
use crate::model::{Input, Layer, Model, plan};
use crate::publish::Manifest;
use crate::store::Store;
use crate::transform::{Landed, Raw, conform::sql_type, inputs};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use clap::{Args, ValueEnum};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::PathBuf;

/// Arguments of `show`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The table, and the job file; the job file alone with --all
    #[arg(value_name = "TABLE] [JOB", num_args = 1..=2, required = true)]
    names: Vec<String>,
    /// Every table of the run, as `create table` statements in order
    #[arg(long)]
    all: bool,
    /// Whose SQL
    #[arg(long, value_enum, default_value_t = Dialect::Duckdb)]
    dialect: Dialect,
    /// The business date; the last one the schedule owes where it is not given
    #[arg(long, value_name = "DATE")]
    as_of: Option<chrono::NaiveDate>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Dialect {
    /// DuckDB
    Duckdb,
}

/// Prints the script.
///
/// # Errors
/// The job is wrong or has no such table (64).
pub async fn run(arguments: Arguments) -> Result<()> {
    let (table, job) = match (&arguments.names[..], arguments.all) {
        ([job], true) => (None, job),
        ([table, job], false) => (Some(table), job),
        (_, true) => return Err(Error::usage("--all takes the job file alone")),
        (_, false) => return Err(Error::usage("show takes a table and a job file").help("or --all and a job file")),
    };
    let asked = JobArguments { job: PathBuf::from(job), as_of: arguments.as_of };
    let (job, _, as_of) = asked.load()?;
    let models = match table {
        Some(table) if job.models.get(table).is_some() => job.models.closure(std::slice::from_ref(table)),
        Some(table) => {
            let mut error = Error::usage(format!("{} has no table {table}", job.name));
            if let Some(near) = nearest(table, job.models.iter().map(|model| model.name.as_str())) {
                error = error.help(format!("did you mean {near}?"));
            }
            return Err(error);
        }
        None => job.models.in_order().into_iter().filter(|model| model.layer != Layer::Check).collect(),
    };
    let script = Script::new(&job, as_of)?;
    output::bytes(script.write(&models, table.map(String::as_str))?.as_bytes())
}

/// What a script is written from.
struct Script<'a> {
    job: &'a Job,
    as_of: chrono::NaiveDate,
    params: Params,
    landed: Landed,
    run_landed: Option<arrow::array::RecordBatch>,
    warehouse: Option<(Store, Manifest)>,
}

impl<'a> Script<'a> {
    fn new(job: &'a Job, as_of: chrono::NaiveDate) -> Result<Self> {
        let store = Store::open_existing(&job.warehouse);
        let (mut landed, mut run_landed) = (Landed::of(job, None, as_of)?, None);
        let mut warehouse = None;
        if let Some(store) = store {
            let catalog = Catalog::read(&store, job)?;
            landed = Landed::of(job, Some(&catalog), as_of)?;
            run_landed = Some(catalog.run_landed(as_of)?);
            let manifest = Manifest::read(&store, &job.name)?;
            warehouse = Some((store, manifest));
        }
        Ok(Script { job, as_of, params: job.params(as_of), landed, run_landed, warehouse })
    }

    fn write(&self, models: &[&Model], only: Option<&str>) -> Result<String> {
        let mut text = format!(
            "-- {} as of {}, written by tailwater {} for DuckDB\nset timezone = 'UTC';\n\
             create or replace macro regexp_like(text, pattern) as regexp_matches(text, pattern);\n",
            only.map_or_else(|| format!("every table of {}", self.job.name), str::to_owned),
            self.as_of,
            env!("CARGO_PKG_VERSION")
        );
        for schema in crate::model::engine::SCHEMAS {
            let _ = writeln!(text, "create schema if not exists {schema};");
        }
        let wanted: BTreeSet<&Input> = models.iter().flat_map(|model| &model.inputs).collect();
        for input in wanted {
            text.push_str(&self.input(input)?);
        }
        for model in models {
            let kind = if only.is_some() { "view" } else { "table" };
            if only == Some(model.name.as_str()) {
                let _ = writeln!(text, "\n-- {}\n{};", model.title, self.query(model));
            } else {
                let name = &model.name;
                let _ = writeln!(
                    text,
                    "\n-- {}: {}\ncreate {kind} \"{name}\" as\nselect {}\nfrom (\n{}\n);",
                    model.file.display(),
                    model.title,
                    typed_columns(&model.contract),
                    self.query(model)
                );
            }
        }
        Ok(text)
    }

    /// A model's query with its values written out.
    fn query(&self, model: &Model) -> String {
        self.params.write_out(model.sql.trim()).trim_end_matches(';').to_owned()
    }

    fn input(&self, input: &Input) -> Result<String> {
        Ok(match input {
            Input::Model(_) => String::new(),
            Input::Provided(entity) => self.provided(entity),
            Input::Landed(name) => {
                let raw = self.landed.raw.iter().find(|((_, input), _)| input == name);
                raw.map_or_else(String::new, |(_, raw)| landed_view(name, raw))
            }
            Input::Published(table) => self.published(table)?,
            Input::Run(name) => match &self.run_landed {
                Some(batch) if name == "landed" => values(name, batch)?,
                _ => view("run", name, &inputs::columns_of(&*inputs::run_schema(name)?), &self.landed.quarantine),
            },
        })
    }

    fn provided(&self, entity: &str) -> String {
        let Some(model) = self.job.models.entity(entity) else { return String::new() };
        let columns = inputs::columns_of(&plan::provided_schema(model));
        let files = self.landed.entities.get(entity).map(Vec::as_slice).unwrap_or_default();
        let Some(queries) = self.landed.queries.get(entity) else { return view("provided", entity, &columns, files) };
        let mut text = String::new();
        let mut parts = vec![select_files(&columns, files)];
        for (at, (source, query)) in queries.iter().enumerate() {
            for ((_, input), raw) in self.landed.raw.iter().filter(|((of, _), _)| of == source) {
                text.push_str(&landed_view(input, raw));
            }
            let part = format!("\"{entity}_{at}\"");
            // A key that comes twice is settled by the order of all columns, as in the run.
            let _ = writeln!(
                text,
                "create or replace table provided.{part} as\nwith query as (\n{}\n),\nshaped as (\n    {}\n    union all by name\n    select * from query\n)\n\
                 select * replace ({}) from shaped;",
                self.query(&query.model),
                empty(&columns),
                filled(source, self.as_of, &columns)
            );
            let names: Vec<String> = columns.iter().map(|(name, ty)| cast_column(name, *ty)).collect();
            parts.push(format!("select {} from provided.{part}", names.join(", ")));
        }
        let _ =
            writeln!(text, "create or replace view provided.\"{entity}\" as\n{};", parts.join("\nunion all by name\n"));
        text
    }

    fn published(&self, table: &str) -> Result<String> {
        let Some(model) = self.job.models.get(table) else { return Ok(String::new()) };
        let columns: Vec<(String, ColumnType)> =
            model.contract.columns.iter().map(|column| (column.name.clone(), column.ty)).collect();
        let mut parts = vec![empty(&columns)];
        if let Some((store, manifest)) = &self.warehouse {
            for partition in manifest.published(store, table, self.as_of)? {
                let restored: Vec<String> = partition
                    .values
                    .iter()
                    .map(|(column, value)| format!("'{}' as \"{column}\"", sql_text(value)))
                    .collect();
                parts.push(format!(
                    "select *, {} from read_parquet('{}', hive_partitioning = false)",
                    restored.join(", "),
                    sql_text(&partition.path.to_string_lossy())
                ));
            }
        }
        let names: Vec<String> = columns.iter().map(|(name, ty)| cast_column(name, *ty)).collect();
        Ok(format!(
            "create or replace view published.\"{table}\" as\nselect {} from (\n{}\n);\n",
            names.join(", "),
            parts.join("\nunion all by name\n")
        ))
    }
}

fn view(schema: &str, name: &str, columns: &[(String, ColumnType)], files: &[PathBuf]) -> String {
    format!("create or replace view {schema}.\"{name}\" as\n{};\n", select_files(columns, files))
}

/// A landed stream: its files, or the view over its versions.
fn landed_view(name: &str, raw: &Raw) -> String {
    let Some(versions) = &raw.versions else {
        return view("landed", name, &inputs::columns_of(&raw.schema), &raw.files);
    };
    let rows = |files: &Files| format!("(\n{}\n)", select_files(&inputs::columns_of(&files.schema), &files.paths));
    let sql = versions.sql(&rows(&versions.base), &rows(&versions.deltas), &rows(&versions.history));
    format!("create or replace view landed.\"{name}\" as\n{sql};\n")
}

/// The columns of listed files; a column that a file lacks is null.
fn select_files(columns: &[(String, ColumnType)], files: &[PathBuf]) -> String {
    let names: Vec<String> = columns.iter().map(|(name, ty)| cast_column(name, *ty)).collect();
    if files.is_empty() {
        return empty(columns);
    }
    let list: Vec<String> = files.iter().map(|file| format!("'{}'", sql_text(&file.to_string_lossy()))).collect();
    format!(
        "select {} from (\n    {}\n    union all by name\n    select * from read_parquet([{}], union_by_name = true, hive_partitioning = false)\n)",
        names.join(", "),
        empty(columns),
        list.join(", ")
    )
}

/// No row, every column typed.
fn empty(columns: &[(String, ColumnType)]) -> String {
    let nulls: Vec<String> =
        columns.iter().map(|(name, ty)| format!("cast(null as {}) as \"{name}\"", duckdb_type(*ty))).collect();
    format!("select {} where false", nulls.join(", "))
}

fn typed_columns(contract: &Contract) -> String {
    let columns: Vec<String> = contract.columns.iter().map(|column| cast_column(&column.name, column.ty)).collect();
    columns.join(", ")
}

fn cast_column(name: &str, ty: ColumnType) -> String {
    format!("cast(\"{name}\" as {}) as \"{name}\"", duckdb_type(ty))
}

/// Instants are UTC without a zone on both sides: the models compare them with `$as_of_end`, which has none.
fn duckdb_type(ty: ColumnType) -> String {
    sql_type(ty)
}

/// What the run fills into the rows of a user's query: where it is null.
fn filled(source: &str, as_of: chrono::NaiveDate, columns: &[(String, ColumnType)]) -> String {
    let order: Vec<String> = columns
        .iter()
        .filter(|(name, _)| name != "_landed")
        .map(|(name, _)| format!("\"{name}\" nulls last"))
        .collect();
    format!(
        "coalesce(source, '{}') as source, coalesce(_seen_from, date '{as_of}') as _seen_from, \
         row_number() over (order by {}) - 1 as _landed",
        sql_text(source),
        order.join(", ")
    )
}

/// A small table written out.
fn values(name: &str, batch: &arrow::array::RecordBatch) -> Result<String> {
    let columns = inputs::columns_of(&batch.schema());
    let options = FormatOptions::default();
    let formatters = batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(|e| Error::bug("a column cannot be shown").caused_by(e))?;
    let mut parts = vec![empty(&columns)];
    for row in 0..batch.num_rows() {
        let cells = columns.iter().zip(&formatters).zip(batch.columns()).map(|(((name, ty), formatter), column)| {
            let value = match arrow::array::Array::is_null(column.as_ref(), row) {
                true => "null".to_owned(),
                false => format!("'{}'", sql_text(&formatter.value(row).to_string())),
            };
            format!("cast({value} as {}) as \"{name}\"", duckdb_type(*ty))
        });
        parts.push(format!("select {}", cells.collect::<Vec<_>>().join(", ")));
    }
    Ok(format!("create or replace view run.\"{name}\" as\n{};\n", parts.join("\nunion all\n")))
}

fn sql_text(text: &str) -> String {
    text.replace('\'', "''")
}
