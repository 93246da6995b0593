//! Rows by their hashes: which key a row has, and whether it says what was landed last.
//!
//! A hash is the sum of two 64-bit xxHashes per value that is not null, seeded by the column: columns may come in any
//! order, and a column that was added later and is null changes nothing. The hashes compare a source's rows with its
//! own earlier ones; they protect against chance, not against somebody who constructs collisions.

use crate::error::{Error, Result};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use std::fmt::Write;
use twox_hash::XxHash64;

/// The seed of the first key column; further ones count up.
const KEY_SEED: u64 = 0x6b65_7900;

/// How many bits of a row's hash are kept.
const ROW_BITS: u128 = (1 << 96) - 1;

/// The hash of a row that is gone.
pub(super) const GONE: u128 = 0;

/// The hash of every row's key: of the key columns' texts, so that an id is the same whether it is read as a number or
/// as a text. Rows of a stream without a key are told apart by all they say.
///
/// # Errors
/// The batch lacks a key column, or a value cannot be written out: a bug (70).
pub(super) fn keys(batch: &RecordBatch, key: &[String]) -> Result<Vec<u128>> {
    if key.is_empty() {
        return rows(batch);
    }
    let mut hashes = vec![0_u128; batch.num_rows()];
    for (seed, name) in (KEY_SEED..).zip(key) {
        let column =
            batch.column_by_name(name).ok_or_else(|| Error::bug(format!("rows lack their key column {name}")))?;
        add_texts(column, seed, &mut hashes)?;
    }
    Ok(hashes)
}

/// The hash of what every row says, in 96 bits; never [`GONE`].
///
/// # Errors
/// A column has a type that is not landed: a bug (70).
pub(super) fn rows(batch: &RecordBatch) -> Result<Vec<u128>> {
    let mut hashes = vec![0_u128; batch.num_rows()];
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        add_values(column, seed_of(field.name()), &mut hashes)?;
    }
    for hash in &mut hashes {
        *hash &= ROW_BITS;
        if *hash == GONE {
            *hash = 1;
        }
    }
    Ok(hashes)
}

fn seed_of(name: &str) -> u64 {
    XxHash64::oneshot(0, name.as_bytes())
}

fn add(hash: &mut u128, seed: u64, bytes: &[u8]) {
    let (high, low) = (XxHash64::oneshot(seed, bytes), XxHash64::oneshot(!seed, bytes));
    *hash = hash.wrapping_add((u128::from(high) << 64) | u128::from(low));
}

fn add_texts(column: &ArrayRef, seed: u64, hashes: &mut [u128]) -> Result<()> {
    if let Some(texts) = column.as_string_opt::<i32>() {
        for (hash, text) in hashes.iter_mut().zip(texts) {
            if let Some(text) = text {
                add(hash, seed, text.as_bytes());
            }
        }
        return Ok(());
    }
    let broken = |error: &dyn std::fmt::Display| Error::bug("a key cannot be written out").caused_by(error);
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(column.as_ref(), &options).map_err(|error| broken(&error))?;
    let mut text = String::new();
    for (row, hash) in hashes.iter_mut().enumerate() {
        if column.is_valid(row) {
            text.clear();
            write!(text, "{}", formatter.value(row)).map_err(|error| broken(&error))?;
            add(hash, seed, text.as_bytes());
        }
    }
    Ok(())
}

fn add_values(column: &ArrayRef, seed: u64, hashes: &mut [u128]) -> Result<()> {
    macro_rules! numbers {
        ($ty:ty) => {
            for (hash, value) in hashes.iter_mut().zip(column.as_primitive::<$ty>()) {
                if let Some(value) = value {
                    add(hash, seed, &value.to_le_bytes());
                }
            }
        };
    }
    match column.data_type() {
        DataType::Utf8 => {
            for (hash, text) in hashes.iter_mut().zip(column.as_string::<i32>()) {
                if let Some(text) = text {
                    add(hash, seed, text.as_bytes());
                }
            }
        }
        DataType::Boolean => {
            for (hash, value) in hashes.iter_mut().zip(column.as_boolean()) {
                if let Some(value) = value {
                    add(hash, seed, &[u8::from(value)]);
                }
            }
        }
        DataType::Int64 => numbers!(Int64Type),
        DataType::Date32 => numbers!(Date32Type),
        DataType::Timestamp(..) => numbers!(TimestampMicrosecondType),
        DataType::Float64 => numbers!(Float64Type),
        DataType::Decimal128(..) => numbers!(Decimal128Type),
        DataType::Null => {}
        other => return Err(Error::bug(format!("a column of type {other} is never landed"))),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int64Array, StringArray};
    use std::sync::Arc;

    #[test]
    fn an_added_null_column_changes_no_row_and_ids_are_the_same_as_number_and_text() {
        let text: ArrayRef = Arc::new(StringArray::from(vec![Some("7"), None]));
        let number: ArrayRef = Arc::new(Int64Array::from(vec![Some(7), None]));
        let nothing: ArrayRef = Arc::new(StringArray::from(vec![None::<&str>, Some("x")]));
        let before = RecordBatch::try_from_iter([("id", Arc::clone(&text))]).unwrap();
        let after = RecordBatch::try_from_iter([("more", nothing), ("id", text)]).unwrap();
        let as_number = RecordBatch::try_from_iter([("id", number)]).unwrap();
        let (old, new) = (rows(&before).unwrap(), rows(&after).unwrap());
        assert_eq!(old[0], new[0]);
        assert_ne!(old[1], new[1]);
        assert_ne!(old[1], GONE, "a row without any value is not a row that is gone");
        let key = ["id".to_owned()];
        assert_eq!(keys(&before, &key).unwrap()[0], keys(&as_number, &key).unwrap()[0]);
    }
}
