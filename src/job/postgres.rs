//! `[sources.<name>]` with `system = "postgres"`: a database whose tables are read, and never written.

use super::EntitySql;
use super::secret::Value;
use crate::model::source::stream::{Personal, SourceType};
use std::collections::BTreeMap;
use std::time::Duration;

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
