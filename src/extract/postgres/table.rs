//! One table as the database describes it, and the query that reads it.

use crate::error::{Class, Error, Result};
use crate::job::postgres::PostgresTable;
use crate::model::contract::ColumnType;
use crate::model::source::path::JsonPath;
use crate::model::source::stream::{BodyFormat, Origin, Personal, SourceColumn, SourceType, StreamSpec};
use crate::model::text::nearest;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use tokio_postgres::Client;

/// A column as the catalogue of the database has it.
#[derive(Debug, Clone)]
struct Described {
    name: String,
    /// The name of the type below domains, e.g. `numeric`.
    base: String,
    is_array: bool,
    /// `numeric`'s digits, as the catalogue packs them; -1 for none.
    modifier: i32,
}

/// A table that can be read.
#[derive(Debug, Clone)]
pub(super) struct Table {
    /// Its stream.
    pub stream: StreamSpec,
    /// `"schema"."table"`.
    from: String,
    /// An expression for each column of the stream.
    expressions: Vec<String>,
    /// The position of the cursor among the columns, and its type.
    pub cursor: Option<(usize, CursorType)>,
    filter: Option<String>,
}

/// What a cursor counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CursorType {
    /// Instants with a zone.
    TimestampTz,
    /// Instants without.
    Timestamp,
    /// Days.
    Date,
    /// Whole numbers.
    Integer,
}

impl CursorType {
    fn sql(self) -> &'static str {
        match self {
            CursorType::TimestampTz => "timestamptz",
            CursorType::Timestamp => "timestamp",
            CursorType::Date => "date",
            CursorType::Integer => "bigint",
        }
    }
}

/// `name` as an SQL identifier.
fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `text` as an SQL literal.
fn literal(text: &str) -> String {
    // Backslashes mean themselves: the server's standard_conforming_strings has been on since 9.1.
    format!("'{}'", text.replace('\'', "''"))
}

impl Table {
    /// Asks the database what `asked` looks like.
    ///
    /// # Errors
    /// It has no such table or column, the table has no key, or the cursor does not grow (64); the database does not answer (69).
    pub async fn describe(client: &Client, asked: &PostgresTable) -> Result<Table> {
        let from = match &asked.schema {
            Some(schema) => format!("{}.{}", identifier(schema), identifier(&asked.table)),
            None => identifier(&asked.table),
        };
        let described = columns(client, asked, &from).await?;
        let key = if asked.key.is_empty() { primary_key(client, &from).await? } else { asked.key.clone() };
        if key.is_empty() {
            return Err(Error::usage(format!("{} has no primary key", shown(asked)))
                .help("say which columns tell its rows from each other: key = [\"…\"]"));
        }
        let named = key.iter().chain(&asked.cursor).chain(&asked.deleted_flag).chain(&asked.columns);
        for name in named.chain(asked.types.keys()).chain(asked.personal.keys()) {
            if !described.iter().any(|column| column.name == *name) {
                let error = Error::usage(format!("{} has no column \"{name}\"", shown(asked)));
                let near = nearest(name, described.iter().map(|column| column.name.as_str()));
                return Err(match near {
                    Some(near) => error.help(format!("did you mean \"{near}\"?")),
                    None => error,
                });
            }
        }
        let is_wanted = |column: &&Described| {
            asked.columns.is_empty()
                || [&asked.columns, &key].iter().any(|names| names.contains(&column.name))
                || [&asked.cursor, &asked.deleted_flag].iter().any(|name| name.as_ref() == Some(&column.name))
        };
        let wanted: Vec<&Described> = described.iter().filter(is_wanted).collect();
        let columns: Vec<SourceColumn> = wanted.iter().map(|column| source_column(column, asked)).collect();
        let cursor = match &asked.cursor {
            None => None,
            Some(name) => wanted
                .iter()
                .position(|column| column.name == *name)
                .map(|at| Ok((at, cursor_type(wanted.get(at).copied(), asked)?)))
                .transpose()?,
        };
        let stream = StreamSpec {
            name: asked.name.clone(),
            origin: Origin::Pushed,
            records: JsonPath::default(),
            format: BodyFormat::Json,
            key,
            columns,
            deleted_flag: asked.deleted_flag.clone(),
            only: Vec::new(),
            full_scan_days: asked.full_scan_days,
            deleted_by: None,
            is_optional: false,
            fields_under: None,
        };
        let expressions = wanted.iter().map(|column| expression(column)).collect();
        Ok(Table { stream, from, expressions, cursor, filter: asked.filter.clone() })
    }

    /// A query that needs the same rights and reads no row.
    pub fn probe(&self) -> String {
        format!("select {} from {} limit 0", self.expressions.join(", "), self.from)
    }

    /// The COPY that reads what is at or after `since` less `lookback_seconds`, in the cursor's order; rows without a cursor
    /// value come each time, since nothing tells whether they changed.
    pub fn copy(&self, since: Option<&str>, lookback_seconds: u64) -> String {
        let mut query = format!("copy (select {} from {}", self.expressions.join(", "), self.from);
        let mut conditions: Vec<String> = self.filter.iter().map(|filter| format!("({filter})")).collect();
        if let Some((at, ty)) = self.cursor {
            let column = self.stream.columns.get(at).map(|column| identifier(&column.name)).unwrap_or_default();
            if let Some(since) = since {
                let bound = match ty {
                    CursorType::Integer => format!("{}::bigint", literal(since)),
                    _ => format!("{}::{} - interval '{lookback_seconds} seconds'", literal(since), ty.sql()),
                };
                conditions.push(format!("({column} >= {bound} or {column} is null)"));
            }
        }
        if !conditions.is_empty() {
            let _ = write!(query, " where {}", conditions.join(" and "));
        }
        if let Some((at, _)) = self.cursor {
            let column = self.stream.columns.get(at).map(|column| identifier(&column.name)).unwrap_or_default();
            let _ = write!(query, " order by {column} nulls first");
        }
        query.push_str(") to stdout");
        query
    }
}

async fn columns(client: &Client, asked: &PostgresTable, from: &str) -> Result<Vec<Described>> {
    let query = "select a.attname::text, b.typname::text, t.typcategory = 'A',
            case when t.typtype = 'd' then t.typtypmod else a.atttypmod end
        from pg_attribute a
        join pg_type t on t.oid = a.atttypid
        join pg_type b on b.oid = case when t.typtype = 'd' then t.typbasetype else t.oid end
        where a.attrelid = $1::text::regclass and a.attnum > 0 and not a.attisdropped
        order by a.attnum";
    let rows = client.query(query, &[&from]).await.map_err(|error| unreadable(asked, &error))?;
    let described = rows.iter().map(|row| {
        Ok(Described {
            name: row.try_get(0)?,
            base: row.try_get(1)?,
            is_array: row.try_get(2)?,
            modifier: row.try_get(3)?,
        })
    });
    described.collect::<std::result::Result<_, tokio_postgres::Error>>().map_err(|error| unreadable(asked, &error))
}

async fn primary_key(client: &Client, from: &str) -> Result<Vec<String>> {
    let query = "select a.attname::text
        from pg_index i
        join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
        where i.indrelid = $1::text::regclass and i.indisprimary
        order by array_position(i.indkey::int2[], a.attnum)";
    let told = |error: &tokio_postgres::Error| {
        Error::new(Class::Unavailable, format!("the key of {from} could not be read")).caused_by(error)
    };
    let rows = client.query(query, &[&from]).await.map_err(|error| told(&error))?;
    rows.iter().map(|row| row.try_get(0).map_err(|error| told(&error))).collect()
}

fn shown(asked: &PostgresTable) -> String {
    match &asked.schema {
        Some(schema) => format!("table {schema}.{}", asked.table),
        None => format!("table {}", asked.table),
    }
}

/// What the database said about a table, as something that somebody can act on.
pub(super) fn unreadable(asked: &PostgresTable, error: &tokio_postgres::Error) -> Error {
    let told = format!("{} could not be read", shown(asked));
    match error.as_db_error() {
        // Class 42: the name or the right is wrong, and trying again does not help.
        Some(db) if db.code().code().starts_with("42") => {
            let error = Error::usage(told).caused_by(db.message());
            match db.code().code() {
                "42501" => error.help("grant this user the right to select from it"),
                _ => error.help("check `from`, `columns` and `where` of this table in the job"),
            }
        }
        Some(db) => Error::new(Class::Unavailable, told).caused_by(db.message()),
        None => Error::new(Class::Unavailable, told).caused_by(error),
    }
}

fn source_column(column: &Described, asked: &PostgresTable) -> SourceColumn {
    SourceColumn {
        name: column.name.clone(),
        ty: asked.types.get(&column.name).copied().unwrap_or_else(|| natural(column)),
        paths: Vec::new(),
        format: None,
        minor_of: None,
        is_required: false,
        values: BTreeMap::new(),
        empty_is_null: false,
        personal: asked.personal.get(&column.name).copied().unwrap_or(Personal::Keep),
    }
}

/// The type a column of the database lands in.
fn natural(column: &Described) -> SourceType {
    if column.is_array {
        return SourceType::Json;
    }
    let plain = match column.base.as_str() {
        "int2" | "int4" | "int8" => ColumnType::Integer,
        "bool" => ColumnType::Boolean,
        "date" => ColumnType::Date,
        "timestamp" | "timestamptz" => ColumnType::Timestamp,
        "float4" | "float8" => ColumnType::Float,
        "money" => ColumnType::Decimal { precision: 18, scale: 4 },
        "numeric" => numeric(column.modifier),
        "json" | "jsonb" => return SourceType::Json,
        _ => ColumnType::Text,
    };
    SourceType::Plain(plain)
}

/// `numeric(p,s)` as it is; without digits, or with more than 38, ten decimals.
fn numeric(modifier: i32) -> ColumnType {
    let packed = modifier - 4;
    let (precision, scale) = (u8::try_from((packed >> 16) & 0xffff), i8::try_from(packed & 0x7ff));
    match (precision, scale) {
        (Ok(precision @ 1..=38), Ok(scale)) if modifier >= 4 && i16::from(scale) <= i16::from(precision) => {
            ColumnType::Decimal { precision, scale }
        }
        _ => ColumnType::Decimal { precision: 38, scale: 10 },
    }
}

fn cursor_type(column: Option<&Described>, asked: &PostgresTable) -> Result<CursorType> {
    let base = column.map(|column| column.base.as_str()).unwrap_or_default();
    match base {
        "timestamptz" => Ok(CursorType::TimestampTz),
        "timestamp" => Ok(CursorType::Timestamp),
        "date" => Ok(CursorType::Date),
        "int2" | "int4" | "int8" => Ok(CursorType::Integer),
        other => {
            let name = asked.cursor.as_deref().unwrap_or_default();
            let told = format!("the cursor {name} of {} is of type {other}", shown(asked));
            Err(Error::usage(told)
                .help("a cursor is a timestamp, a date or a whole number that grows with every change"))
        }
    }
}

/// How COPY writes a column, so that its text is a value of its type.
fn expression(column: &Described) -> String {
    let name = identifier(&column.name);
    match column.base.as_str() {
        _ if column.is_array => format!("to_json({name})::text"),
        "money" => format!("{name}::numeric"),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numerics_keep_their_digits_and_names_cannot_break_out() {
        let packed = |precision: i32, scale: i32| ((precision << 16) | scale) + 4;
        assert_eq!(numeric(packed(18, 4)), ColumnType::Decimal { precision: 18, scale: 4 });
        assert_eq!(numeric(-1), ColumnType::Decimal { precision: 38, scale: 10 });
        assert_eq!(numeric(packed(100, 2)), ColumnType::Decimal { precision: 38, scale: 10 });
        assert_eq!(identifier("a\"; drop"), "\"a\"\"; drop\"");
        assert_eq!(literal("o'clock"), "'o''clock'");
    }
}
