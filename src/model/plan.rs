//! Compares every query's plan with its contract before a byte is read.

use super::contract::ColumnType;
use super::engine::{EngineConfig, session};
use super::params::Params;
use super::{Input, Layer, Model, Models, graph, locate, reproducible};
use crate::error::{Error, Place, Result};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::datasource::empty::EmptyTable;
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use futures::FutureExt;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// The column that landing stamps although no source provides it: (entity, column).
const STAMPED: (&str, &str) = ("usage_event", "usage_date");

/// What `provided.<entity>` holds: the contract's columns but derived ones, then `source`, `source_id`, `_seen_from`
/// (the day since which the row is known) and `_landed` (landing sequence and row; larger is newer).
pub fn provided_schema(entity: &Model) -> SchemaRef {
    let own = entity.contract.columns.iter().filter(|column| {
        let stamped = (entity.name.as_str(), column.name.as_str()) == STAMPED;
        stamped || !(entity.derived.contains(&column.name) || ["source", "source_id"].contains(&column.name.as_str()))
    });
    let mut fields: Vec<Field> = own.map(|column| Field::new(&column.name, column.ty.arrow(), true)).collect();
    for (name, ty) in [
        ("source", ColumnType::Text),
        ("source_id", ColumnType::Text),
        ("_seen_from", ColumnType::Date),
        ("_landed", ColumnType::Integer),
    ] {
        fields.push(Field::new(name, ty.arrow(), true));
    }
    Arc::new(Schema::new(fields))
}

/// What `run.landed` and `run.quarantine` hold.
pub fn run_schema(table: &str) -> Option<SchemaRef> {
    let money = ColumnType::Decimal { precision: 18, scale: 4 };
    let columns: &[(&str, ColumnType)] = match table {
        "landed" => &[
            ("source", ColumnType::Text),
            ("entity", ColumnType::Text),
            ("landed_rows", ColumnType::Integer),
            ("landed_files", ColumnType::Integer),
            ("quarantined_rows", ColumnType::Integer),
            ("quarantined_money", money),
            ("quarantined_currency", ColumnType::Text),
            ("landed_date", ColumnType::Date),
            ("is_backdated", ColumnType::Boolean),
        ],
        "quarantine" => &[
            ("source", ColumnType::Text),
            ("entity", ColumnType::Text),
            ("file_name", ColumnType::Text),
            ("line_number", ColumnType::Integer),
            ("column_name", ColumnType::Text),
            ("raw_value", ColumnType::Text),
            ("reason", ColumnType::Text),
            ("money", money),
            ("currency", ColumnType::Text),
        ],
        _ => return None,
    };
    let fields: Vec<Field> = columns.iter().map(|(name, ty)| Field::new(*name, ty.arrow(), true)).collect();
    Some(Arc::new(Schema::new(fields)))
}

/// Plans every model over empty typed tables and compares the result with its contract.
///
/// # Errors
/// Every problem of every model, each pointing into its SQL file.
pub fn check(models: &Models, params: &Params) -> Result<()> {
    let context = session(&EngineConfig { partitions: 1, ..EngineConfig::default() })?;
    for model in models.iter() {
        if model.layer == Layer::Entity {
            register(&context, &format!("provided.{}", model.name), provided_schema(model))?;
        }
        if model.publish {
            register(&context, &format!("published.{}", model.name), model.contract.schema())?;
        }
    }
    for table in graph::RUN_TABLES {
        if let Some(schema) = run_schema(table) {
            register(&context, &format!("run.{table}"), schema)?;
        }
    }
    for model in models.iter() {
        register(&context, &model.name, model.contract.schema())?;
    }
    let errors = all_disagreements(&context.state(), &models.in_order(), params);
    if errors.is_empty() { Ok(()) } else { Err(Error::all(errors)) }
}

/// Every model against its contract, on all cores: what a model reads has its contract's columns, whatever its own
/// query gives, so the order does not matter.
fn all_disagreements(state: &SessionState, models: &[&Model], params: &Params) -> Vec<Error> {
    let workers = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let share = models.len().div_ceil(workers).max(1);
    let work = |share: &[&Model]| -> Vec<Error> {
        share.iter().flat_map(|model| disagreements_of(state, model, params)).collect()
    };
    std::thread::scope(|scope| {
        let running: Vec<_> = models.chunks(share).map(|share| scope.spawn(move || work(share))).collect();
        let crashed = || vec![Error::bug("comparing the queries with their contracts crashed")];
        running.into_iter().flat_map(|worker| worker.join().unwrap_or_else(|_| crashed())).collect()
    })
}

fn disagreements_of(state: &SessionState, model: &Model, params: &Params) -> Vec<Error> {
    let mut errors = match analyzed(state, model, params) {
        Ok(plan) => disagreements(model, &plan),
        Err(error) => vec![error],
    };
    errors.extend(wrong_expectations(state, model, params));
    errors
}

/// Compares a user's query for an entity with the entity's contract, once the columns of the raw inputs it reads are
/// known: columns go by name, missing ones are null, others are errors.
///
/// # Errors
/// Every problem of the query, each pointing into its file.
pub fn check_source(query: &Model, landed: &BTreeMap<String, SchemaRef>, params: &Params) -> Result<()> {
    let context = session(&EngineConfig { partitions: 1, ..EngineConfig::default() })?;
    for input in &query.inputs {
        if let Input::Landed(name) = input
            && let Some(schema) = landed.get(name)
        {
            register(&context, &format!("landed.{name}"), schema.clone())?;
        }
    }
    let plan = analyzed(&context.state(), query, params)?;
    let errors = disagreements(query, &plan);
    if errors.is_empty() { Ok(()) } else { Err(Error::all(errors)) }
}

fn register(context: &SessionContext, table: &str, schema: SchemaRef) -> Result<()> {
    let registered = context.register_table(table, Arc::new(EmptyTable::new(schema)));
    registered.map(|_| ()).map_err(|error| Error::bug(format!("could not register {table}")).caused_by(error))
}

/// The plan of a model's query with values bound and types settled.
fn analyzed(state: &SessionState, model: &Model, params: &Params) -> Result<LogicalPlan> {
    plan(state, &model.sql, params.of(model)).map_err(|error| locate::planning_error(model, &error))
}

fn plan(
    state: &SessionState,
    sql: &str,
    values: Vec<(String, datafusion::scalar::ScalarValue)>,
) -> Result<LogicalPlan, DataFusionError> {
    // Every table is in memory, so planning never waits.
    let planned = state.create_logical_plan(sql).now_or_never();
    let planned = planned.ok_or_else(|| DataFusionError::Internal("planning waited for a table".to_owned()))??;
    let bound = if values.is_empty() { planned } else { planned.with_param_values(values)? };
    state.analyzer().execute_and_check(bound, state.config_options(), |_, _| {})
}

/// Where a plan breaks the contract or the rules for reproducible results.
fn disagreements(model: &Model, plan: &LogicalPlan) -> Vec<Error> {
    let mut errors = wrong_columns(model, plan.schema().as_arrow());
    match reproducible::breaches(plan) {
        Ok(breaches) => errors.extend(
            breaches
                .into_iter()
                .map(|(word, why)| Error::usage(format!("`{word}` {why}")).at(locate::place_of_word(model, &word))),
        ),
        Err(error) => errors.push(locate::planning_error(model, &error)),
    }
    errors
}

fn wrong_columns(model: &Model, planned: &Schema) -> Vec<Error> {
    let mut errors = Vec::new();
    let contract = &model.contract;
    for field in planned.fields() {
        let Some(column) = contract.column(field.name()) else {
            let known = contract.columns.iter().map(|column| column.name.as_str());
            let mut error = Error::usage(format!("the query gives a column `{}` that {}", field.name(), of(model)))
                .at(locate::place_of_output(model, field.name()));
            if let Some(near) = super::text::nearest(field.name(), known) {
                error = error.help(format!("did you mean `{near}`?"));
            }
            errors.push(error);
            continue;
        };
        if !fits(field.data_type(), column.ty, model.layer) {
            let told = format!(
                "column `{}` is {} in the query and {} in the contract",
                column.name,
                type_name(field.data_type()),
                column.ty
            );
            let help = format!("write cast(… as {})", super::query::sql_type(column.ty));
            errors.push(Error::usage(told).at(locate::place_of_output(model, &column.name)).help(help));
        }
    }
    if model.layer != Layer::Source {
        for column in contract.columns.iter().filter(|column| planned.field_with_name(&column.name).is_err()) {
            let told = format!("the contract has a column `{}` that the query does not give", column.name);
            errors.push(Error::usage(told).at(locate::place_in_header(model, &column.name)));
        }
    }
    errors
}

fn of(model: &Model) -> &'static str {
    if model.layer == Layer::Source { "the entity does not have" } else { "the header does not document" }
}

/// Whether the writer can turn `from` into `to` without losing anything; that a decimal or an unsigned number fits is
/// checked by the writer, value by value.
pub fn fits(from: &DataType, to: ColumnType, layer: Layer) -> bool {
    match (from, to) {
        (DataType::Null, _) => true,
        (DataType::Dictionary(_, inner), _) => fits(inner, to, layer),
        (DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View, ColumnType::Text)
        | (DataType::Boolean, ColumnType::Boolean)
        | (DataType::Date32, ColumnType::Date)
        | (DataType::Float32 | DataType::Float64, ColumnType::Float) => true,
        (from, ColumnType::Integer) => from.is_integer(),
        (DataType::Timestamp(_, zone), ColumnType::Timestamp) => {
            zone.as_deref().is_none_or(|zone| zone == "UTC" || zone == "+00:00")
        }
        (DataType::Decimal128(_, have) | DataType::Decimal256(_, have), ColumnType::Decimal { scale, .. }) => {
            *have <= scale
        }
        // A file's whole numbers are as good as decimals; our own SQL says what it means.
        (from, ColumnType::Decimal { .. }) => layer == Layer::Source && from.is_integer(),
        _ => false,
    }
}

/// An Arrow type in the words of the headers.
fn type_name(ty: &DataType) -> String {
    match ty {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Date32 | DataType::Date64 => "date".to_owned(),
        DataType::Float16 | DataType::Float32 | DataType::Float64 => "float".to_owned(),
        DataType::Timestamp(TimeUnit::Microsecond | TimeUnit::Nanosecond, None) => "timestamp".to_owned(),
        DataType::Timestamp(_, Some(zone)) => format!("timestamp in {zone}"),
        DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => {
            format!("decimal({precision},{scale})")
        }
        other if other.is_integer() => "integer".to_owned(),
        other => other.to_string(),
    }
}

/// Expectations that are not a boolean over one row of the table.
fn wrong_expectations(state: &SessionState, model: &Model, params: &Params) -> Vec<Error> {
    let conditions: Vec<&str> = model.expectations.iter().map(|expectation| expectation.sql.as_str()).collect();
    // All at once where they are right, as they mostly are; one by one to tell which is wrong.
    if conditions.is_empty() || asked(state, model, &conditions, params).is_ok() {
        return Vec::new();
    }
    let mut errors = Vec::new();
    for expectation in &model.expectations {
        if let Err(told) = asked(state, model, &[&expectation.sql], params) {
            errors.push(at(format!("the expectation `{}` {told}", expectation.name), &expectation.place));
        }
    }
    errors
}

/// Plans conditions over one row of the model's table; says what is wrong with them.
fn asked(state: &SessionState, model: &Model, conditions: &[&str], params: &Params) -> Result<(), String> {
    let columns: Vec<String> = conditions.iter().enumerate().map(|(at, sql)| format!("({sql}) as c{at}")).collect();
    let sql = format!("select {} from {}", columns.join(", "), model.name);
    let names = super::params::mentions(&sql);
    let values = params
        .iter()
        .filter(|(name, _)| names.iter().any(|mention| mention.name == *name))
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect();
    match plan(state, &sql, values) {
        Ok(plan) if plan.schema().fields().iter().all(|field| field.data_type() == &DataType::Boolean) => Ok(()),
        Ok(_) => Err("is not true or false".to_owned()),
        Err(error) => Err(format!("cannot be asked: {}", locate::plain(&error))),
    }
}

fn at(message: String, place: &Place) -> Error {
    Error::usage(message).at(place.clone())
}
