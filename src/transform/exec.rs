//! Plans one model and turns its answer into kept rows and staged files.

use crate::error::{Class, Error, Result};
use crate::event::{Event, Stage};
use crate::model::Model;
use crate::model::contract::Contract;
use crate::transform::Transform;
use crate::transform::conform::{Conform, sql_type};
use crate::transform::keep::{Keeper, Kept};
use crate::transform::months;
use crate::transform::write::{StagedFile, TableWriter};
use arrow::array::RecordBatch;
use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::expr::Sort;
use datafusion::prelude::{SessionContext, ident};
use futures::StreamExt;
use std::time::{Duration, Instant};

const STARVED: &str = "it needs more memory than [engine] memory allows";

/// Whether a model failed for want of memory, so that more room can help.
pub fn is_starved(error: &Error) -> bool {
    error.message().ends_with(STARVED)
}

/// What became of one model.
#[derive(Debug, Clone)]
pub struct TableResult {
    /// The table's contract.
    pub contract: Contract,
    /// Its rows, for whoever checks them; none where the table was not materialised.
    pub rows: Option<Kept>,
    /// Its files, outside every public path; empty for tables that stay inside.
    pub files: Vec<StagedFile>,
    /// How long it took.
    pub elapsed: Duration,
}

/// The model's query over the session's tables, with its parameters bound.
///
/// # Errors
/// The query does not plan; the message names the file.
pub async fn plan(session: &SessionContext, model: &Model, params: &crate::model::params::Params) -> Result<DataFrame> {
    let only_select = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    let frame = session.sql_with_options(&model.sql, only_select).await.map_err(|e| failed(model, "plan", &e))?;
    let values = params.of(model);
    if values.is_empty() {
        return Ok(frame);
    }
    frame.with_param_values(values).map_err(|e| failed(model, "bind the parameters of", &e))
}

/// The order of a table's rows: partition columns, then grain, nulls last.
pub fn order(contract: &Contract) -> Vec<Sort> {
    let partition = contract.partition_by.iter();
    let grain = contract.grain.iter().filter(|name| !contract.partition_by.contains(name));
    partition.chain(grain).map(|name| ident(name).sort(true, false)).collect()
}

/// The query's columns in the contract's order and types, for tables that other queries read in place.
///
/// # Errors
/// A column is missing or could lose something.
pub fn as_contract(model: &Model, frame: DataFrame) -> Result<DataFrame> {
    let schema = frame.schema().as_arrow();
    Conform::new(&model.contract, &schema.clone().into())?;
    let columns = model
        .contract
        .columns
        .iter()
        .map(|column| datafusion::logical_expr::cast(ident(&column.name), column.ty.arrow()).alias(&column.name))
        .collect::<Vec<_>>();
    frame.select(columns).map_err(|e| failed(model, "type the columns of", &e))
}

impl Transform {
    /// Runs one model to its end.
    ///
    /// # Errors
    /// The query fails, a value does not fit the contract, or the disk fails.
    pub(super) async fn build(&self, session: &SessionContext, model: &Model) -> Result<TableResult> {
        let started = Instant::now();
        let contract = &model.contract;
        let frame = plan(session, model, &self.params).await?;
        let conform = Conform::new(contract, &frame.schema().as_arrow().clone().into())
            .map_err(|error| error.help(format!("the contract is the header of {}", model.file.display())))?;
        let mut keeper =
            Keeper::new(contract.schema(), &self.scratch.join(format!("{}.parquet", model.name)), &self.budget);
        let mut writer = if model.publish { Some(self.writer(model)?) } else { None };
        for part in months::parts(session, model, frame).await? {
            let part = part.sort(order(contract)).map_err(|e| failed(model, "sort", &e))?;
            let mut stream = part.execute_stream().await.map_err(|e| failed(model, "run", &e))?;
            while let Some(batch) = stream.next().await {
                let batch = conform.batch(&batch.map_err(|e| failed(model, "run", &e))?)?;
                if let Some(writer) = &mut writer {
                    writer.write(&batch)?;
                }
                keeper.push(batch)?;
            }
        }
        let rows = keeper.finish()?;
        let files = match writer {
            Some(writer) => writer.finish(&self.expected_partitions(contract))?,
            None => Vec::new(),
        };
        self.replaces_own_date_only(&files)?;
        let elapsed = started.elapsed();
        self.reporter.say(Event::Built { table: model.name.clone(), rows: rows.rows(), elapsed });
        Ok(TableResult { contract: contract.clone(), rows: Some(rows), files, elapsed })
    }

    /// A run replaces the partitions of its own date and no other.
    fn replaces_own_date_only(&self, files: &[StagedFile]) -> Result<()> {
        let own = format!("as_of_date={}", self.as_of);
        let foreign = |segment: &&str| segment.starts_with("as_of_date=") && *segment != own;
        match files.iter().find(|file| file.key.split('/').any(|segment| foreign(&segment))) {
            None => Ok(()),
            Some(file) => Err(Error::usage(format!(
                "the run of {own} has rows for {}: a run replaces its own date only",
                file.key
            ))
            .help("select cast($as_of as date) as as_of_date")),
        }
    }

    fn writer<'a>(&self, model: &'a Model) -> Result<TableWriter<'a>> {
        TableWriter::new(&model.contract, &contract_hash(&model.contract), self.as_of, &self.staging)
    }

    /// Stages a table that no query makes: its rows in the contract's order, as a public file.
    ///
    /// # Errors
    /// A row does not fit the contract, or the disk fails.
    pub async fn stage(
        &self,
        session: &SessionContext,
        contract: &Contract,
        rows: Vec<RecordBatch>,
    ) -> Result<Vec<StagedFile>> {
        let broken = |e: DataFusionError| Error::bug(format!("could not stage {}", contract.table)).caused_by(e);
        let mut writer = TableWriter::new(contract, &contract_hash(contract), self.as_of, &self.staging)?;
        let count = rows.iter().map(|batch| batch.num_rows() as u64).sum();
        if let Some(first) = rows.first() {
            let conform = Conform::new(contract, &first.schema())?;
            let frame = session.read_batches(rows).and_then(|frame| frame.sort(order(contract))).map_err(broken)?;
            for batch in frame.collect().await.map_err(broken)? {
                writer.write(&conform.batch(&batch)?)?;
            }
        }
        let files = writer.finish(&self.expected_partitions(contract))?;
        self.reporter.say(Event::Built { table: contract.table.clone(), rows: count, elapsed: Duration::ZERO });
        Ok(files)
    }

    pub(super) fn progress(&self, what: &str, done: u64, total: u64) {
        self.reporter.say(Event::Progress { stage: Stage::Transform, what: what.to_owned(), done, total: Some(total) });
    }
}

/// Identifies a contract's columns, types and keys; comments and queries do not change it.
pub fn contract_hash(contract: &Contract) -> String {
    let mut text = String::new();
    for column in &contract.columns {
        text.push_str(&format!("{} {}\n", column.name, sql_type(column.ty)));
    }
    text.push_str(&format!("grain {}\npartition_by {}\n", contract.grain.join(","), contract.partition_by.join(",")));
    crate::store::sha256(text.as_bytes())
}

/// A failure of the engine in a model, in the words of whoever wrote the SQL file.
pub fn failed(model: &Model, tried: &str, error: &DataFusionError) -> Error {
    let message = format!("could not {tried} {}", model.file.display());
    match error.find_root() {
        DataFusionError::ResourcesExhausted(what) => Error::usage(format!("{message}: {STARVED}"))
            .caused_by(what)
            .help("raise [engine] memory, or lower [engine] partitions so that each part gets more"),
        DataFusionError::IoError(cause) => Error::new(Class::TryAgain, message).caused_by(cause),
        DataFusionError::ObjectStore(cause) => Error::new(Class::TryAgain, message).caused_by(cause),
        DataFusionError::ParquetError(cause) => Error::new(Class::TryAgain, message).caused_by(cause),
        DataFusionError::ExecutionJoin(cause) => Error::bug(message).caused_by(cause),
        DataFusionError::Internal(cause) => Error::bug(message).caused_by(cause),
        root => Error::usage(message).caused_by(root.strip_backtrace()),
    }
}
