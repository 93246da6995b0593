//! How many rows of a stream could not be read, against the most the job accepts.

use super::catalog::{Catalog, StreamView};
use crate::error::{Class, Error, Result};
use crate::finding::{Finding, Severity};
use crate::model::policy::{Policy, format_decimal};
use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::NaiveDate;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::File;
use std::path::Path;

/// The policy value that says how many percent of a stream's rows may be unreadable.
const MOST: &str = "quarantine_max_share_pct";

/// How many failing rows a finding shows.
const SHOWN_ROWS: usize = 10;

/// One finding a stream: `quarantine-share` blocks above the policy's share, warns below it, passes at nothing.
///
/// # Errors
/// The policy lacks the share (70), or landed quarantine cannot be read (75).
pub fn quarantine_findings(catalog: &Catalog, as_of: NaiveDate, policy: &Policy) -> Result<Vec<Finding>> {
    let (most, scale) = policy.decimal(MOST).ok_or_else(|| Error::bug(format!("the policy has no decimal {MOST}")))?;
    catalog.view(as_of)?.iter().map(|view| finding(view, most, scale)).collect()
}

fn finding(view: &StreamView, most: i128, scale: i8) -> Result<Finding> {
    let read = i128::from(view.rows) + i128::from(view.quarantined);
    let unit = 10_i128.pow(u32::from(scale.unsigned_abs()));
    // quarantined / read * 100 > most / unit, without a division that rounds.
    let is_over = i128::from(view.quarantined) * 100 * unit > most * read;
    let severity = match view.quarantined {
        0 => Severity::Pass,
        _ if is_over => Severity::Block,
        _ => Severity::Warn,
    };
    let hundredths = (i128::from(view.quarantined) * 10_000).checked_div(read).unwrap_or(0);
    let money = money(view);
    Ok(Finding {
        code: "quarantine-share".to_owned(),
        severity,
        table: view.entity.clone().unwrap_or_else(|| view.stream.clone()),
        check: format!("{}.{}", view.source, view.stream),
        observed: format!(
            "{} of {read} rows could not be read ({} %){money}",
            view.quarantined,
            format_decimal(hundredths, 2)
        ),
        expected: format!("at most {} % ({MOST})", format_decimal(most, scale)),
        rows: view.quarantined,
        sample: sample(view)?,
    })
}

fn money(view: &StreamView) -> String {
    let sums = view.quarantined_money.iter().filter(|(_, sum)| **sum != 0);
    let shown: Vec<String> = sums
        .map(|(currency, sum)| {
            let code = if currency.is_empty() { "in an unknown currency" } else { currency };
            format!("{} {code}", format_decimal(*sum, 4))
        })
        .collect();
    if shown.is_empty() { String::new() } else { format!(", with {} in them", shown.join(" and ")) }
}

/// The first rows in quarantine, as a person finds them: file, line, column, value, reason, money.
fn sample(view: &StreamView) -> Result<Vec<Vec<(String, String)>>> {
    let mut rows = Vec::new();
    for path in &view.quarantine_files {
        let broken = |error: &dyn std::fmt::Display| {
            Error::new(Class::TryAgain, format!("could not read {}", path.display())).caused_by(error)
        };
        for batch in open(path)? {
            let batch = batch.map_err(|error| broken(&error))?;
            for row in 0..batch.num_rows() {
                if rows.len() == SHOWN_ROWS {
                    return Ok(rows);
                }
                rows.push(shown(&batch, row).map_err(|error| broken(&error))?);
            }
        }
    }
    Ok(rows)
}

fn open(path: &Path) -> Result<parquet::arrow::arrow_reader::ParquetRecordBatchReader> {
    let file = File::open(path).map_err(|error| Error::io("open", path, &error))?;
    ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(|builder| builder.with_batch_size(SHOWN_ROWS).build())
        .map_err(|error| Error::new(Class::TryAgain, format!("could not read {}", path.display())).caused_by(error))
}

fn shown(batch: &RecordBatch, row: usize) -> Result<Vec<(String, String)>, arrow::error::ArrowError> {
    let schema = batch.schema();
    let columns = schema
        .fields()
        .iter()
        .zip(batch.columns())
        .filter(|(field, column)| !["source", "entity"].contains(&field.name().as_str()) && column.is_valid(row));
    columns
        .map(|(field, column)| {
            let value = ArrayFormatter::try_new(column, &FormatOptions::default())?.value(row).to_string();
            Ok((field.name().clone(), value))
        })
        .filter(|pair| !matches!(pair, Ok((_, value)) if value.is_empty()))
        .collect()
}
