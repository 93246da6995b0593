//! Gives a query's result the representation its contract states, without losing anything.
//!
//! An engine may answer with string views, nanoseconds, narrower integers or wider decimals. Those are differences of
//! representation. Anything else (a float where money is due, text where a date is due) is an error that names the column.

use crate::error::{Error, Result};
use crate::model::contract::{ColumnType, Contract};
use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, RecordBatch};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Decimal128Type, SchemaRef, TimeUnit};
use std::sync::Arc;

/// Casts the batches of one query to one contract.
#[derive(Debug, Clone)]
pub struct Conform {
    table: String,
    schema: SchemaRef,
    /// For each contract column, its place in the query's result.
    from: Vec<usize>,
}

impl Conform {
    /// Matches the result's columns with the contract's by name.
    ///
    /// # Errors
    /// A column is missing, or its type could lose something on the way into the contract's.
    pub fn new(contract: &Contract, result: &SchemaRef) -> Result<Self> {
        let mut from = Vec::with_capacity(contract.columns.len());
        for column in &contract.columns {
            let (at, field) = result.column_with_name(&column.name).ok_or_else(|| {
                Error::usage(format!("{} does not produce its column {}", contract.table, column.name))
            })?;
            if !is_representation(field.data_type(), column.ty) {
                return Err(Error::usage(format!(
                    "{}.{} is {} in the contract, but the query gives {}",
                    contract.table,
                    column.name,
                    column.ty,
                    field.data_type()
                ))
                .help(format!("write cast(… as {}) in the final select", sql_type(column.ty))));
            }
            from.push(at);
        }
        Ok(Conform { table: contract.table.clone(), schema: contract.schema(), from })
    }

    /// The schema of the conformed batches: the contract's.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The same rows in the contract's representation.
    ///
    /// # Errors
    /// A value does not fit, e.g. a decimal with more digits than the contract has room for.
    pub fn batch(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let mut columns = Vec::with_capacity(self.from.len());
        for (field, at) in self.schema.fields().iter().zip(&self.from) {
            let column = batch.column(*at);
            let cast = exact(column, field.data_type()).map_err(|why| {
                Error::usage(format!(
                    "a value of {}.{} does not fit {}: {why}",
                    self.table,
                    field.name(),
                    field.data_type()
                ))
                .help("round it to the contract's digits in the query, or widen the contract")
            })?;
            columns.push(cast);
        }
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
            .map_err(|e| Error::bug(format!("conformed columns of {} do not fit together", self.table)).caused_by(e))
    }
}

/// Whether every value of `from` that fits is the same value as `to`.
pub fn is_representation(from: &DataType, to: ColumnType) -> bool {
    if let DataType::Dictionary(_, value) = from {
        return is_representation(value, to);
    }
    let is_integer = from.is_integer();
    match to {
        _ if *from == DataType::Null => true,
        ColumnType::Text => matches!(from, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View),
        ColumnType::Boolean => *from == DataType::Boolean,
        ColumnType::Integer => is_integer,
        ColumnType::Date => *from == DataType::Date32,
        ColumnType::Timestamp => matches!(from, DataType::Timestamp(_, zone) if is_utc(zone.as_deref())),
        ColumnType::Decimal { .. } => {
            is_integer || matches!(from, DataType::Decimal128(..) | DataType::Decimal32(..) | DataType::Decimal64(..))
        }
        ColumnType::Float => matches!(from, DataType::Float64 | DataType::Float32),
    }
}

/// How the common dialect spells a contract type in a cast.
pub fn sql_type(ty: ColumnType) -> String {
    match ty {
        ColumnType::Text => "varchar".to_owned(),
        ColumnType::Integer => "bigint".to_owned(),
        ColumnType::Float => "double".to_owned(),
        other => other.to_string(),
    }
}

fn is_utc(zone: Option<&str>) -> bool {
    matches!(zone, None | Some("UTC" | "+00:00" | "Etc/UTC"))
}

/// Casts and refuses to lose: what overflows is an error, and so is what would be rounded.
fn exact(column: &ArrayRef, to: &DataType) -> Result<ArrayRef, String> {
    if column.data_type() == to {
        return Ok(Arc::clone(column));
    }
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let cast = cast_with_options(column, to, &strict).map_err(|e| e.to_string())?;
    let loses = match (column.data_type(), to) {
        (DataType::Decimal128(_, from), DataType::Decimal128(_, to)) if from > to => {
            rounded(column.as_primitive::<Decimal128Type>(), cast.as_primitive::<Decimal128Type>(), *from - *to)
        }
        (DataType::Timestamp(TimeUnit::Nanosecond, _), DataType::Timestamp(TimeUnit::Microsecond, _)) => {
            truncated(column, &cast, &strict)?
        }
        _ => None,
    };
    match loses {
        Some(value) => Err(format!("{value} would lose digits")),
        None => Ok(cast),
    }
}

/// The first value of `from` that is not exactly its counterpart in `to`, which has `dropped` fewer digits.
fn rounded(from: &Decimal128Array, to: &Decimal128Array, dropped: i8) -> Option<String> {
    let factor = 10_i128.checked_pow(u32::from(dropped.unsigned_abs()))?;
    let at =
        (0..from.len()).find(|&row| from.is_valid(row) && from.value(row) != to.value(row).wrapping_mul(factor))?;
    Some(from.value_as_string(at))
}

/// The first nanosecond value that has no microsecond counterpart.
fn truncated(from: &ArrayRef, to: &ArrayRef, strict: &CastOptions<'_>) -> Result<Option<String>, String> {
    let back = cast_with_options(to, from.data_type(), strict).map_err(|e| e.to_string())?;
    let same = arrow::compute::kernels::cmp::not_distinct(from, &back).map_err(|e| e.to_string())?;
    let Some(at) = (0..same.len()).find(|&row| !same.value(row)) else { return Ok(None) };
    arrow::util::display::array_value_to_string(from, at).map(Some).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::contract::Column;
    use arrow::array::{Int32Array, StringViewArray};
    use arrow::datatypes::{Field, Schema};

    fn contract(ty: ColumnType) -> Contract {
        let column = Column { name: "x".into(), ty, doc: String::new(), required: false };
        Contract { table: "t".into(), columns: vec![column], grain: vec![], partition_by: vec![] }
    }

    fn through(ty: ColumnType, column: ArrayRef) -> Result<RecordBatch> {
        let schema = Arc::new(Schema::new(vec![Field::new("x", column.data_type().clone(), true)]));
        let conform = Conform::new(&contract(ty), &schema)?;
        conform.batch(&RecordBatch::try_new(schema, vec![column]).unwrap())
    }

    #[test]
    fn representation_changes_and_nothing_else() {
        let text = through(ColumnType::Text, Arc::new(StringViewArray::from(vec![Some("a"), None]))).unwrap();
        assert_eq!(text.column(0).data_type(), &DataType::Utf8);
        let whole = through(ColumnType::Integer, Arc::new(Int32Array::from(vec![1, 2]))).unwrap();
        assert_eq!(whole.column(0).data_type(), &DataType::Int64);
        assert!(through(ColumnType::Date, Arc::new(Int32Array::from(vec![1]))).is_err());
    }

    #[test]
    fn a_decimal_keeps_every_digit_or_fails() {
        let money = ColumnType::Decimal { precision: 18, scale: 2 };
        let wide = |value: i128| {
            Arc::new(Decimal128Array::from(vec![Some(value), None]).with_precision_and_scale(38, 4).unwrap())
                as ArrayRef
        };
        let kept = through(money, wide(12_3400)).unwrap();
        assert_eq!(kept.column(0).as_primitive::<Decimal128Type>().value(0), 12_34);
        let error = through(money, wide(12_3456)).unwrap_err().to_string();
        assert!(error.contains("t.x") && error.contains("12.3456"), "{error}");
    }
}
