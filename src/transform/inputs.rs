//! What models read that no model computes: `provided`, `published`, `landed` and `run`.

use crate::error::{Error, Result};
use crate::job::{EntitySql, Job};
use crate::land::Catalog;
use crate::model::contract::ColumnType;
use crate::model::{Input, Model, plan};
use crate::transform::conform::is_representation;
use crate::transform::exec::{self, failed};
use crate::transform::keep::{Keeper, Kept};
use crate::transform::landed::Raw;
use crate::transform::{Transform, files, published, register};
use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Date32Type, Field, Schema, SchemaRef};
use chrono::NaiveDate;
use datafusion::catalog::{MemTable, TableProvider};
use datafusion::common::{ScalarValue, TableReference};
use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::{Expr, cast, lit};
use datafusion::prelude::{SessionContext, ident};
use futures::StreamExt;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// The columns of a schema, in the words of contracts.
pub fn columns_of(schema: &Schema) -> Vec<(String, ColumnType)> {
    schema.fields().iter().map(|field| (field.name().clone(), column_type(field.data_type()))).collect()
}

/// The Arrow schema of named columns, all nullable.
pub(super) fn schema_of(columns: &[(String, ColumnType)]) -> SchemaRef {
    let fields: Vec<Field> = columns.iter().map(|(name, ty)| Field::new(name, ty.arrow(), true)).collect();
    Arc::new(Schema::new(fields))
}

/// What was landed, as of a date, by table.
#[derive(Debug, Default, Clone)]
pub struct Landed {
    /// By entity: the files in entity shape.
    pub entities: BTreeMap<String, Vec<PathBuf>>,
    /// By (source, input): what its queries read.
    pub raw: BTreeMap<(String, String), Raw>,
    /// The queries that turn raw inputs into entities, by entity: (source, query).
    pub queries: BTreeMap<String, Vec<(String, EntitySql)>>,
    /// The rows that could not be read.
    pub quarantine: Vec<PathBuf>,
}

impl Landed {
    /// What `catalog` holds for `as_of`, and the job's own queries over it.
    pub fn of(job: &Job, catalog: Option<&Catalog>, as_of: NaiveDate) -> Result<Self> {
        let mut landed = Landed::default();
        if let Some(catalog) = catalog {
            landed.quarantine = catalog.quarantine_files(as_of)?;
        }
        for view in catalog.map(|catalog| catalog.view(as_of)).transpose()?.unwrap_or_default() {
            match view.entity {
                Some(entity) => landed.entities.entry(entity).or_default().extend(view.files),
                None => {
                    let raw = Raw { files: view.files, schema: view.schema, versions: view.versions };
                    landed.raw.insert((view.source, view.stream), raw);
                }
            }
        }
        for source in &job.sources {
            // A system's usage events are landed like any others.
            let is_landed = |entity: &str| source.kind.is_streamed() && entity == "usage_event";
            for query in source.kind.queries().iter().filter(|query| !is_landed(&query.entity)) {
                landed.queries.entry(query.entity.clone()).or_default().push((source.name.clone(), query.clone()));
            }
        }
        Ok(landed)
    }
}

impl Transform {
    /// Registers everything that `models` read and no model computes.
    pub(super) async fn register_inputs(&self, session: &SessionContext, models: &[&Model]) -> Result<()> {
        let wanted: BTreeSet<&Input> = models.iter().flat_map(|model| &model.inputs).collect();
        let landed = Landed::of(&self.job, Some(&self.catalog), self.seen)?;
        for input in wanted {
            match input {
                Input::Provided(entity) => self.register_provided(session, entity, &landed).await?,
                Input::Published(table) => self.register_published(session, table)?,
                Input::Landed(name) => {
                    let raw = landed.raw.iter().find(|((_, input), _)| input == name);
                    let table = match raw {
                        Some((_, raw)) => raw.table(session).await?,
                        None => files::listing(&[], schema_of(&[]))?,
                    };
                    register(session, TableReference::partial("landed", name.as_str()), table)?;
                }
                Input::Run(name) => {
                    let table = match name.as_str() {
                        "quarantine" => files::listing(&landed.quarantine, run_schema(name)?)?,
                        _ => in_memory(self.catalog.run_landed(self.seen)?)?,
                    };
                    register(session, TableReference::partial("run", name.as_str()), table)?;
                }
                Input::Model(_) => {}
            }
        }
        Ok(())
    }

    fn register_published(&self, session: &SessionContext, table: &str) -> Result<()> {
        let model =
            self.job.models.get(table).ok_or_else(|| Error::usage(format!("published.{table} is no model's table")))?;
        let files = self.public.earlier.get(table).map(Vec::as_slice).unwrap_or_default();
        register(session, TableReference::partial("published", table), published::of_contract(&model.contract, files)?)
    }

    async fn register_provided(&self, session: &SessionContext, entity: &str, landed: &Landed) -> Result<()> {
        let model =
            self.job.models.entity(entity).ok_or_else(|| Error::usage(format!("provided.{entity} is no entity")))?;
        let schema = plan::provided_schema(model);
        let columns = columns_of(&schema);
        let files = landed.entities.get(entity).map(Vec::as_slice).unwrap_or_default();
        let name = TableReference::partial("provided", entity);
        let Some(queries) = landed.queries.get(entity) else {
            return register(session, name, files::listing(files, schema)?);
        };
        let mut parts = vec![files::listing(files, Arc::clone(&schema))?];
        for (at, (source, query)) in queries.iter().enumerate() {
            let kept = self.ask_source(session, source, query, &columns, landed, at).await?;
            parts.push(kept.provider()?);
        }
        register(session, name, union(session, parts)?)
    }

    /// Runs a user's query over its source's raw inputs, once. Its rows are numbered in the order of all their columns,
    /// so that a key that comes twice is settled the same way on every machine.
    async fn ask_source(
        &self,
        session: &SessionContext,
        source: &str,
        query: &EntitySql,
        columns: &[(String, ColumnType)],
        landed: &Landed,
        part: usize,
    ) -> Result<Kept> {
        let model = &query.model;
        let mut registered = Vec::new();
        let mut schemas = BTreeMap::new();
        let is_read =
            |stream: &str| model.inputs.iter().any(|input| matches!(input, Input::Landed(name) if name == stream));
        for ((_, input), raw) in landed.raw.iter().filter(|((of, input), _)| of == source && is_read(input)) {
            schemas.insert(input.clone(), Arc::clone(&raw.schema));
            let name = TableReference::partial("landed", input.as_str());
            let _ = session.deregister_table(name.clone());
            register(session, name.clone(), raw.table(session).await?)?;
            registered.push(name);
        }
        plan::check_source(model, &schemas, &self.params)?;
        let frame = exec::plan(session, model, &self.params).await?;
        let frame = in_entity_shape(model, frame, columns, source, self.seen)?;
        let order = columns.iter().filter(|(name, _)| name != "_landed").map(|(name, _)| ident(name).sort(true, false));
        let frame = frame.sort(order.collect()).map_err(|e| failed(model, "sort", &e))?;
        let mut stream = frame.execute_stream().await.map_err(|e| failed(model, "run", &e))?;
        let path = self.scratch.join(format!("provided-{}-{part}.parquet", query.entity));
        let mut keeper = Keeper::new(schema_of(columns), &path, &self.budget);
        // Numbers of different queries never meet, so that a key two of them give is settled the same way every time.
        let mut number = i64::try_from(part + 1).unwrap_or(i64::MAX >> 40) << 40;
        while let Some(batch) = stream.next().await {
            let batch = batch.map_err(|e| failed(model, "run", &e))?;
            keeper.push(numbered(&batch, columns, &mut number)?)?;
        }
        for name in registered {
            let _ = session.deregister_table(name);
        }
        keeper.finish()
    }
}

/// Columns by name: missing ones are null, surplus ones an error.
pub(super) fn in_entity_shape(
    model: &Model,
    frame: DataFrame,
    columns: &[(String, ColumnType)],
    source: &str,
    as_of: NaiveDate,
) -> Result<DataFrame> {
    let given = frame.schema().as_arrow().clone();
    if let Some(surplus) = given.fields().iter().find(|field| !columns.iter().any(|(name, _)| name == field.name())) {
        let known: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        let mut error = Error::usage(format!(
            "{} gives {}, which {} does not have",
            model.file.display(),
            surplus.name(),
            model.name
        ));
        if let Some(near) = crate::model::text::nearest(surplus.name(), known.iter().copied()) {
            error = error.help(format!("did you mean {near}?"));
        }
        return Err(error);
    }
    let mut shaped = Vec::with_capacity(columns.len());
    for (name, ty) in columns {
        let column: Expr = match given.field_with_name(name) {
            Ok(field) if is_representation(field.data_type(), *ty) => cast(ident(name), ty.arrow()),
            Ok(field) => {
                return Err(Error::usage(format!(
                    "{} gives {name} as {}, and {name} is {ty}",
                    model.file.display(),
                    field.data_type()
                ))
                .help(format!("write cast(… as {})", crate::transform::conform::sql_type(*ty))));
            }
            Err(_) => match name.as_str() {
                "source" => lit(source),
                "_seen_from" => lit(ScalarValue::Date32(Some(Date32Type::from_naive_date(as_of)))),
                _ => cast(lit(ScalarValue::Null), ty.arrow()),
            },
        };
        shaped.push(column.alias(name));
    }
    frame.select(shaped).map_err(|e| failed(model, "shape", &e))
}

/// The batch with `_landed` counted up from `number`.
fn numbered(batch: &RecordBatch, columns: &[(String, ColumnType)], number: &mut i64) -> Result<RecordBatch> {
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(columns.len());
    for (at, (name, ty)) in columns.iter().enumerate() {
        if name == "_landed" {
            let next = *number + i64::try_from(batch.num_rows()).unwrap_or(0);
            arrays.push(Arc::new((*number..next).collect::<Int64Array>()));
            *number = next;
        } else {
            let same = arrow::compute::cast(batch.column(at), &ty.arrow());
            arrays.push(same.map_err(|e| Error::bug(format!("{name} could not be represented")).caused_by(e))?);
        }
    }
    RecordBatch::try_new(schema_of(columns), arrays)
        .map_err(|e| Error::bug("provided columns do not fit together").caused_by(e))
}

fn union(session: &SessionContext, parts: Vec<Arc<dyn TableProvider>>) -> Result<Arc<dyn TableProvider>> {
    let broken = |e: datafusion::error::DataFusionError| Error::bug("could not unite what is provided").caused_by(e);
    let mut whole: Option<DataFrame> = None;
    for part in parts {
        let part = session.read_table(part).map_err(broken)?;
        whole = Some(match whole {
            Some(whole) => whole.union(part).map_err(broken)?,
            None => part,
        });
    }
    whole.map(DataFrame::into_view).ok_or_else(|| Error::bug("nothing to unite"))
}

/// The columns of `run.landed` and `run.quarantine`.
///
/// # Errors
/// There is no such table (64).
pub fn run_schema(table: &str) -> Result<SchemaRef> {
    plan::run_schema(table).ok_or_else(|| Error::usage(format!("there is no run.{table}")))
}

/// A small table that lives for the run.
pub(super) fn in_memory(batch: RecordBatch) -> Result<Arc<dyn TableProvider>> {
    let table = MemTable::try_new(batch.schema(), vec![vec![batch]]);
    Ok(Arc::new(table.map_err(|e| Error::bug("could not keep a table").caused_by(e))?))
}

/// The type a reader of ours would give a column of an Arrow type; text where there is none.
pub fn column_type(ty: &DataType) -> ColumnType {
    match ty {
        DataType::Boolean => ColumnType::Boolean,
        DataType::Date32 => ColumnType::Date,
        DataType::Timestamp(..) => ColumnType::Timestamp,
        DataType::Decimal128(precision, scale) => ColumnType::Decimal { precision: *precision, scale: *scale },
        DataType::Float64 => ColumnType::Float,
        integer if integer.is_integer() => ColumnType::Integer,
        _ => ColumnType::Text,
    }
}
