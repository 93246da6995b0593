//! `[sources.<name>]` with `system = "postgres"`: a database whose tables are read, and never written.

use super::secret::{self, Value};
use super::{EntitySql, files};
use crate::model::Models;
use crate::model::document::{Item, Table};
use crate::model::header::is_snake_case;
use crate::model::source::stream::{Personal, SourceType};
use crate::model::source::{duration_or, personal, source_type};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// How far before its cursor a table is read again, where the job does not say.
const LOOKBACK: Duration = Duration::from_secs(600);

/// A PostgreSQL database.
#[derive(Debug, Clone)]
pub struct PostgresSource {
    /// Its address, `postgres://user:password@host:port/database?sslmode=verify-full`.
    pub url: Value,
    /// What is read.
    pub tables: Vec<PostgresTable>,
    /// How many days old landed data may be while the database is down; none where that stops the run.
    pub max_age_days: Option<u32>,
    /// The queries that turn its tables into entities.
    pub entities: Vec<EntitySql>,
}

/// One table or view, read as the stream of its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresTable {
    /// The stream's name: `landed.<name>`.
    pub name: String,
    /// The schema; the search path decides where none.
    pub schema: Option<String>,
    /// The table or view.
    pub table: String,
    /// The columns that tell its rows from each other; its primary key where empty.
    pub key: Vec<String>,
    /// The column that grows with every change of a row, an instant or a whole number; none where the whole table is read each time.
    pub cursor: Option<String>,
    /// How far before the greatest value seen is read again: rows become visible when their transaction ends, not when it wrote them.
    pub lookback: Duration,
    /// The columns that are read; all where empty.
    pub columns: Vec<String>,
    /// Types of columns, where the database's own are not what is wanted.
    pub types: BTreeMap<String, SourceType>,
    /// What landing keeps of columns with personal values.
    pub personal: BTreeMap<String, Personal>,
    /// A boolean column that says that a row is gone.
    pub deleted_flag: Option<String>,
    /// How many days may pass until the whole table is read again to see which keys are gone; none for never.
    pub full_scan_days: Option<u32>,
    /// A condition on the rows, as SQL.
    pub filter: Option<String>,
}

/// Reads a `postgres` source; problems go to the table's report.
pub(super) fn source(table: &Table<'_>, models: &Models, here: &Path) -> Option<PostgresSource> {
    let url = table.need("url").and_then(|item| reference(&item, here));
    let tables = table.need("tables").and_then(|item| item.table());
    let tables: Vec<PostgresTable> =
        tables.map(|tables| tables.items()).unwrap_or_default().iter().filter_map(one_table).collect();
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    let entities = entities(table, models, here, Some(&names));
    Some(PostgresSource { url: url?, tables, max_age_days: max_age_days(table), entities })
}

/// An address holds a password, so it is referred to.
fn reference(item: &Item<'_>, here: &Path) -> Option<Value> {
    let value = secret::value(item, here)?;
    if let Value::Text(text) = &value
        && text
            .split_once("://")
            .is_some_and(|(_, rest)| rest.split_once('@').is_some_and(|(user, _)| user.contains(':')))
    {
        let help = "write { env = \"DATABASE_URL\" } or { file = \"path\" }";
        item.report().error_with_help(&item.span, "an address with a password in it does not belong into a job", help);
        return None;
    }
    Some(value)
}

fn one_table(item: &Item<'_>) -> Option<PostgresTable> {
    if !is_snake_case(&item.key) {
        item.report()
            .error(&item.key_span, format!("the name `{}` must be lower-case letters, digits and _", item.key));
    }
    let table = item.table()?;
    let from = table.text("from").unwrap_or(&item.key);
    let (schema, name) = match from.split_once('.') {
        Some((schema, name)) => (Some(schema.to_owned()), name),
        None => (None, from),
    };
    let texts = |key: &str| table.texts(key).into_iter().map(|(text, _)| text.to_owned()).collect::<Vec<_>>();
    let days = table.get("full_scan_days").and_then(|item| item.integer(0, 36_500));
    let read = PostgresTable {
        name: item.key.clone(),
        schema,
        table: name.to_owned(),
        key: texts("key"),
        cursor: table.text("cursor").map(str::to_owned),
        lookback: duration_or(&table, "lookback", LOOKBACK),
        columns: texts("columns"),
        types: types(&table, "types"),
        personal: kept(&table, "personal"),
        deleted_flag: table.text("deleted_flag").map(str::to_owned),
        full_scan_days: days.and_then(|days| u32::try_from(days).ok()),
        filter: table.text("where").map(str::to_owned),
    };
    table.finish();
    Some(read)
}

/// Types of columns by name.
pub(super) fn types(table: &Table<'_>, key: &str) -> BTreeMap<String, SourceType> {
    let items = table.table(key).map(|table| table.items()).unwrap_or_default();
    items.iter().filter_map(|item| Some((item.key.clone(), source_type(item)?))).collect()
}

/// What is kept of columns by name.
pub(super) fn kept(table: &Table<'_>, key: &str) -> BTreeMap<String, Personal> {
    let items = table.table(key).map(|table| table.items()).unwrap_or_default();
    items.iter().filter_map(|item| Some((item.key.clone(), personal(item, None)?))).collect()
}

/// How old landed data may be while the source is down.
pub(super) fn max_age_days(table: &Table<'_>) -> Option<u32> {
    let days = table.get("max_age_days").and_then(|item| item.integer(0, 36_500));
    days.and_then(|days| u32::try_from(days).ok())
}

/// The queries of a source whose streams are `known`; what a tap has is only known when it runs.
pub(super) fn entities(table: &Table<'_>, models: &Models, here: &Path, known: Option<&[&str]>) -> Vec<EntitySql> {
    let entities = table.table("entities").map(|table| files::entities(&table, models, here)).unwrap_or_default();
    if let Some(known) = known {
        files::check_streams(table, known, &entities);
    }
    entities
}
