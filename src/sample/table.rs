//! Rows of the made-up company become record batches in an entity contract's column order.

use crate::error::{Error, Result};
use crate::model::contract::{Column, ColumnType, Contract};
use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use chrono::{NaiveDate, NaiveDateTime};
use std::sync::Arc;

/// Rows of one batch; small enough to keep a batch of any entity in a few megabytes.
const BATCH_ROWS: usize = 16_384;

/// One value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Unknown.
    Null,
    /// Text.
    Text(String),
    /// True or false.
    Bool(bool),
    /// Whole number.
    Int(i64),
    /// Calendar day.
    Date(NaiveDate),
    /// Instant, UTC.
    Timestamp(NaiveDateTime),
    /// Exact decimal: the digits as a whole number, and how many of them stand behind the point.
    Decimal(i128, u32),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Cell::Text(text.to_owned())
    }
}
impl From<&String> for Cell {
    fn from(text: &String) -> Self {
        Cell::Text(text.clone())
    }
}
impl From<String> for Cell {
    fn from(text: String) -> Self {
        Cell::Text(text)
    }
}
impl From<bool> for Cell {
    fn from(value: bool) -> Self {
        Cell::Bool(value)
    }
}
impl From<i64> for Cell {
    fn from(value: i64) -> Self {
        Cell::Int(value)
    }
}
impl From<u32> for Cell {
    fn from(value: u32) -> Self {
        Cell::Int(i64::from(value))
    }
}
impl From<i32> for Cell {
    fn from(value: i32) -> Self {
        Cell::Int(i64::from(value))
    }
}
impl From<NaiveDate> for Cell {
    fn from(value: NaiveDate) -> Self {
        Cell::Date(value)
    }
}
impl From<NaiveDateTime> for Cell {
    fn from(value: NaiveDateTime) -> Self {
        Cell::Timestamp(value)
    }
}
impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Cell::Null, Into::into)
    }
}

/// Rows under one fixed header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows<const N: usize> {
    columns: [&'static str; N],
    rows: Vec<[Cell; N]>,
}

impl<const N: usize> Rows<N> {
    /// No rows yet, under `columns`.
    pub fn new(columns: [&'static str; N]) -> Self {
        Rows { columns, rows: Vec::new() }
    }

    /// Adds one row, in the header's order.
    pub fn push(&mut self, row: [Cell; N]) {
        self.rows.push(row);
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows in the contract's columns and types; contract columns the header lacks are null.
    ///
    /// # Errors
    /// A bug where the header names a column the contract lacks, or a value does not fit its column's type.
    pub fn batches(&self, contract: &Contract) -> Result<Vec<RecordBatch>> {
        for name in self.columns {
            if contract.column(name).is_none() {
                return Err(Error::bug(format!(
                    "the sample gives {}.{name}, which its contract lacks",
                    contract.table
                )));
            }
        }
        self.rows.chunks(BATCH_ROWS).map(|rows| self.batch(rows, contract)).collect()
    }

    fn batch(&self, rows: &[[Cell; N]], contract: &Contract) -> Result<RecordBatch> {
        let arrays = contract
            .columns
            .iter()
            .map(|column| {
                let at = self.columns.iter().position(|name| *name == column.name);
                let cells = rows.iter().map(|row| at.and_then(|at| row.get(at)).unwrap_or(&Cell::Null));
                array(column, cells).map_err(|_| {
                    Error::bug(format!("a sample value of {}.{} is no {}", contract.table, column.name, column.ty))
                })
            })
            .collect::<Result<Vec<_>>>()?;
        RecordBatch::try_new(contract.schema(), arrays)
            .map_err(|source| Error::bug(format!("the sample's {} is malformed", contract.table)).caused_by(source))
    }
}

/// The value has another type than its column.
struct Misfit;

fn array<'a>(column: &Column, cells: impl Iterator<Item = &'a Cell>) -> Result<ArrayRef, Misfit> {
    Ok(match column.ty {
        ColumnType::Text => Arc::new(collect(cells, text)?.into_iter().collect::<StringArray>()),
        ColumnType::Boolean => Arc::new(collect(cells, boolean)?.into_iter().collect::<BooleanArray>()),
        ColumnType::Integer => Arc::new(collect(cells, integer)?.into_iter().collect::<Int64Array>()),
        ColumnType::Date => Arc::new(collect(cells, date)?.into_iter().collect::<Date32Array>()),
        ColumnType::Timestamp => {
            let values: TimestampMicrosecondArray = collect(cells, timestamp)?.into_iter().collect();
            Arc::new(values.with_timezone("UTC"))
        }
        ColumnType::Decimal { precision, scale } => {
            let scaled = collect(cells, |cell| decimal(cell, scale))?;
            let values: Decimal128Array = scaled.into_iter().collect();
            Arc::new(values.with_precision_and_scale(precision, scale).map_err(|_| Misfit)?)
        }
        ColumnType::Float => Arc::new(collect(cells, |_| Err(Misfit))?.into_iter().collect::<Float64Array>()),
    })
}

fn collect<'a, T>(
    cells: impl Iterator<Item = &'a Cell>,
    convert: impl Fn(&'a Cell) -> Result<T, Misfit>,
) -> Result<Vec<Option<T>>, Misfit> {
    cells.map(|cell| if *cell == Cell::Null { Ok(None) } else { convert(cell).map(Some) }).collect()
}

fn text(cell: &Cell) -> Result<&str, Misfit> {
    if let Cell::Text(value) = cell { Ok(value) } else { Err(Misfit) }
}

fn boolean(cell: &Cell) -> Result<bool, Misfit> {
    if let Cell::Bool(value) = cell { Ok(*value) } else { Err(Misfit) }
}

fn integer(cell: &Cell) -> Result<i64, Misfit> {
    if let Cell::Int(value) = cell { Ok(*value) } else { Err(Misfit) }
}

fn date(cell: &Cell) -> Result<i32, Misfit> {
    if let Cell::Date(value) = cell { Ok(value.to_epoch_days()) } else { Err(Misfit) }
}

fn timestamp(cell: &Cell) -> Result<i64, Misfit> {
    if let Cell::Timestamp(value) = cell { Ok(value.and_utc().timestamp_micros()) } else { Err(Misfit) }
}

/// The digits at the column's scale; digits are added but never lost.
fn decimal(cell: &Cell, scale: i8) -> Result<i128, Misfit> {
    let (digits, from) = match cell {
        Cell::Decimal(digits, from) => (*digits, *from),
        Cell::Int(value) => (i128::from(*value), 0),
        _ => return Err(Misfit),
    };
    let to = u32::try_from(scale).map_err(|_| Misfit)?;
    if to >= from {
        return 10_i128.checked_pow(to - from).and_then(|factor| digits.checked_mul(factor)).ok_or(Misfit);
    }
    let factor = 10_i128.checked_pow(from - to).ok_or(Misfit)?;
    if digits % factor == 0 { Ok(digits / factor) } else { Err(Misfit) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contract() -> Contract {
        let column = |name: &str, ty| Column { name: name.into(), ty, doc: String::new(), required: false };
        Contract {
            table: "thing".into(),
            columns: vec![
                column("amount", ColumnType::Decimal { precision: 18, scale: 4 }),
                column("missing", ColumnType::Text),
                column("name", ColumnType::Text),
            ],
            grain: vec!["name".into()],
            partition_by: Vec::new(),
        }
    }

    #[test]
    fn rows_come_out_in_contract_order_with_nulls_for_what_is_missing() {
        let mut rows = Rows::new(["name", "amount"]);
        rows.push(["a".into(), Cell::Decimal(1250, 2)]);
        let batches = rows.batches(&contract()).unwrap();
        let text = arrow::util::pretty::pretty_format_batches(&batches).unwrap().to_string();
        assert!(text.contains("| 12.5000 |         | a    |"), "{text}");
    }

    #[test]
    fn a_column_the_contract_lacks_and_a_lost_digit_are_bugs() {
        let mut rows = Rows::new(["nome"]);
        rows.push(["a".into()]);
        assert!(rows.batches(&contract()).is_err());
        let mut rows = Rows::new(["amount"]);
        rows.push([Cell::Decimal(123_456, 5)]);
        assert!(rows.batches(&contract()).is_err());
    }
}
