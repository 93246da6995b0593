//! The contract of a table: its columns, their types and meaning, its key and its partitions.

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use std::fmt;
use std::sync::Arc;

/// The types a column of ours can have: those every reader of Parquet agrees on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColumnType {
    /// UTF-8 text.
    Text,
    /// True or false.
    Boolean,
    /// 64-bit signed whole number.
    Integer,
    /// Calendar day.
    Date,
    /// Instant in microseconds, UTC.
    Timestamp,
    /// Exact decimal with `precision` digits, `scale` of them behind the point.
    Decimal {
        /// All digits, at most 38; money and prices stay within 18.
        precision: u8,
        /// Digits behind the point.
        scale: i8,
    },
    /// 64-bit float; never money, never aggregated.
    Float,
}

impl ColumnType {
    /// Parses the spelling of headers: `text`, `boolean`, `integer`, `date`, `timestamp`, `float`, `decimal(p,s)`.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text.trim() {
            "text" => ColumnType::Text,
            "boolean" => ColumnType::Boolean,
            "integer" => ColumnType::Integer,
            "date" => ColumnType::Date,
            "timestamp" => ColumnType::Timestamp,
            "float" => ColumnType::Float,
            other => {
                let (precision, scale) = other.strip_prefix("decimal(")?.strip_suffix(')')?.split_once(',')?;
                let precision: u8 = precision.trim().parse().ok()?;
                let scale: i8 = scale.trim().parse().ok()?;
                if precision == 0 || precision > 38 || scale < 0 || scale.unsigned_abs() > precision {
                    return None;
                }
                ColumnType::Decimal { precision, scale }
            }
        })
    }

    /// The Arrow type the writer produces.
    pub fn arrow(self) -> DataType {
        match self {
            ColumnType::Text => DataType::Utf8,
            ColumnType::Boolean => DataType::Boolean,
            ColumnType::Integer => DataType::Int64,
            ColumnType::Date => DataType::Date32,
            ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            ColumnType::Decimal { precision, scale } => DataType::Decimal128(precision, scale),
            ColumnType::Float => DataType::Float64,
        }
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ColumnType::Text => f.write_str("text"),
            ColumnType::Boolean => f.write_str("boolean"),
            ColumnType::Integer => f.write_str("integer"),
            ColumnType::Date => f.write_str("date"),
            ColumnType::Timestamp => f.write_str("timestamp"),
            ColumnType::Decimal { precision, scale } => write!(f, "decimal({precision},{scale})"),
            ColumnType::Float => f.write_str("float"),
        }
    }
}

/// One column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Lower snake case, as published.
    pub name: String,
    /// Its type.
    pub ty: ColumnType,
    /// What it means, with unit.
    pub doc: String,
    /// Whether a null in it fails the table's checks: the header's `not_null`, and every partition column. A grain
    /// column may be null; a null is then one value of the key.
    pub required: bool,
}

/// The contract of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// The table's name.
    pub table: String,
    /// Columns in the order they are published.
    pub columns: Vec<Column>,
    /// The columns that identify a row.
    pub grain: Vec<String>,
    /// The columns that become Hive path segments and are left out of the file; empty for tables that stay inside.
    pub partition_by: Vec<String>,
}

impl Contract {
    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The Arrow schema of all columns, every one nullable: requiredness is a check, so that failing rows can be shown.
    pub fn schema(&self) -> SchemaRef {
        let fields: Vec<Field> =
            self.columns.iter().map(|column| Field::new(&column.name, column.ty.arrow(), true)).collect();
        Arc::new(Schema::new(fields))
    }
}
