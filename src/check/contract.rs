//! What every table promises: a unique grain, values where they are required, its own expectations.
//!
//! Grain and nulls are read in one pass over the sorted rows; all expectations of a table share one scan.

use crate::check::{SAMPLE_ROWS, show};
use crate::error::{Error, Result};
use crate::finding::{Finding, Severity};
use crate::model::params::Params;
use crate::model::text::{code_only, find_word};
use crate::model::{Expectation, Model};
use crate::transform::{Kept, failed};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use arrow::row::{OwnedRow, RowConverter, SortField};
use datafusion::prelude::SessionContext;

/// Checks the rows of one table, which is registered in `session` under its name. Grain and nulls need the rows in
/// order; for tables that are kept by day (roll-ups) there are none, and their grain is that of their `group by`.
///
/// # Errors
/// An expectation is no boolean expression over the table's columns, or the scratch volume fails.
pub async fn contract(
    session: &SessionContext,
    model: &Model,
    rows: Option<&Kept>,
    params: &Params,
) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    if let Some(rows) = rows {
        let seen = pass(model, rows)?;
        if !model.contract.grain.is_empty() {
            findings.push(grain_unique(model, seen.duplicates, seen.repeated));
        }
        for (column, nulls) in seen.nulls {
            findings.push(not_null(session, model, &column, nulls).await?);
        }
    }
    findings.extend(expectations(session, model, params).await?);
    Ok(findings)
}

fn grain_unique(model: &Model, duplicates: u64, repeated: Vec<Vec<(String, String)>>) -> Finding {
    Finding {
        code: "grain-unique".to_owned(),
        severity: if duplicates == 0 { Severity::Pass } else { severity_of(model, "grain") },
        table: model.name.clone(),
        check: "grain".to_owned(),
        observed: plural(duplicates, "row repeats", "rows repeat") + " an earlier row's key",
        expected: format!("one row per {}", model.contract.grain.join(", ")),
        rows: duplicates,
        sample: repeated,
    }
}

/// What one pass over the sorted rows sees.
struct Seen {
    duplicates: u64,
    repeated: Vec<Vec<(String, String)>>,
    nulls: Vec<(String, u64)>,
}

fn pass(model: &Model, rows: &Kept) -> Result<Seen> {
    let contract = &model.contract;
    let watched: Vec<usize> = (0..contract.columns.len())
        .filter(|&at| contract.columns[at].required || contract.grain.contains(&contract.columns[at].name))
        .collect();
    let is_key: Vec<bool> = watched.iter().map(|&at| contract.grain.contains(&contract.columns[at].name)).collect();
    let schema = contract.schema();
    let fields = watched.iter().zip(&is_key).filter(|(_, key)| **key);
    let fields = fields.map(|(&at, _)| SortField::new(schema.field(at).data_type().clone())).collect();
    let converter =
        RowConverter::new(fields).map_err(|e| Error::bug("a grain column cannot be compared").caused_by(e))?;
    let mut seen = Seen { duplicates: 0, repeated: Vec::new(), nulls: Vec::new() };
    let mut nulls = vec![0_u64; watched.len()];
    let mut last: Option<OwnedRow> = None;
    for batch in rows.scan(&watched)? {
        let batch = batch?;
        for (count, column) in nulls.iter_mut().zip(batch.columns()) {
            *count += column.null_count() as u64;
        }
        let keys: Vec<usize> = (0..watched.len()).filter(|&at| is_key[at]).collect();
        if !keys.is_empty() {
            let keys = batch.project(&keys).map_err(|e| Error::bug("a kept batch lacks a column").caused_by(e))?;
            last = repeats(&converter, &keys, last, &mut seen)?;
        }
    }
    // A grain column may be null where the header does not say otherwise: a null is one value of the key.
    let required = watched.iter().zip(nulls).filter(|(at, _)| contract.columns[**at].required);
    seen.nulls = required.map(|(&at, count)| (contract.columns[at].name.clone(), count)).collect();
    Ok(seen)
}

/// Counts rows whose key is that of the row before; equal keys are neighbours because the rows are sorted by them.
fn repeats(
    converter: &RowConverter,
    keys: &RecordBatch,
    last: Option<OwnedRow>,
    seen: &mut Seen,
) -> Result<Option<OwnedRow>> {
    let rows =
        converter.convert_columns(keys.columns()).map_err(|e| Error::bug("a key cannot be compared").caused_by(e))?;
    for at in 0..rows.num_rows() {
        let repeated = match at {
            0 => last.as_ref().is_some_and(|last| last.row() == rows.row(0)),
            _ => rows.row(at - 1) == rows.row(at),
        };
        if repeated {
            seen.duplicates += 1;
            if seen.repeated.len() < SAMPLE_ROWS {
                seen.repeated.extend(show::rows(&[keys.slice(at, 1)])?);
            }
        }
    }
    Ok(if rows.num_rows() == 0 { last } else { Some(rows.row(rows.num_rows() - 1).owned()) })
}

async fn not_null(session: &SessionContext, model: &Model, column: &str, nulls: u64) -> Result<Finding> {
    let mut finding = Finding {
        code: "not-null".to_owned(),
        severity: Severity::Pass,
        table: model.name.clone(),
        check: column.to_owned(),
        observed: plural(nulls, "row has", "rows have") + " no value",
        expected: format!("a value of {column} in every row"),
        rows: nulls,
        sample: Vec::new(),
    };
    if nulls > 0 {
        finding.severity = severity_of(model, &format!("not_null.{column}"));
        let shown = shown_columns(model, column);
        finding.sample = sample(session, model, &shown, &format!("{} is null", quoted(column))).await?;
    }
    Ok(finding)
}

/// All expectations in one scan: how many rows make each false. Null counts as met, as in a check constraint.
async fn expectations(session: &SessionContext, model: &Model, params: &Params) -> Result<Vec<Finding>> {
    if model.expectations.is_empty() {
        return Ok(Vec::new());
    }
    let counts: Vec<String> = model
        .expectations
        .iter()
        .enumerate()
        .map(|(at, expectation)| {
            format!("count(*) filter (where ({}) is false) as failing_{at}", params.write_out(&expectation.sql))
        })
        .collect();
    let sql = format!("select {} from {}", counts.join(", "), quoted(&model.name));
    let batches = ask(session, &sql).await.map_err(|e| failed(model, "check the expectations of", &e))?;
    let mut findings = Vec::new();
    for (at, expectation) in model.expectations.iter().enumerate() {
        let failing = batches.iter().find(|batch| batch.num_rows() > 0).map_or(0, |batch| {
            let column = batch.column(at).as_primitive::<Int64Type>();
            u64::try_from(column.value(0)).unwrap_or(0)
        });
        findings.push(expectation_finding(session, model, expectation, failing, params).await?);
    }
    Ok(findings)
}

async fn expectation_finding(
    session: &SessionContext,
    model: &Model,
    expectation: &Expectation,
    failing: u64,
    params: &Params,
) -> Result<Finding> {
    let mut finding = Finding {
        code: "expect".to_owned(),
        severity: Severity::Pass,
        table: model.name.clone(),
        check: expectation.name.clone(),
        observed: plural(failing, "row fails", "rows fail"),
        expected: expectation.sql.clone(),
        rows: failing,
        sample: Vec::new(),
    };
    if failing > 0 {
        finding.severity = expectation.severity;
        let shown = shown_columns(model, &expectation.sql);
        finding.sample =
            sample(session, model, &shown, &format!("({}) is false", params.write_out(&expectation.sql))).await?;
    }
    Ok(finding)
}

/// The key and the columns that an expression mentions.
fn shown_columns(model: &Model, expression: &str) -> Vec<String> {
    let code = code_only(expression);
    let contract = &model.contract;
    let mentioned = |name: &str| find_word(&code, name).is_some();
    let columns = contract.columns.iter().map(|column| &column.name);
    columns.filter(|name| contract.grain.contains(name) || mentioned(name)).cloned().collect()
}

async fn sample(
    session: &SessionContext,
    model: &Model,
    columns: &[String],
    condition: &str,
) -> Result<Vec<Vec<(String, String)>>> {
    let list = |names: &[String]| names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
    let shown = if columns.is_empty() { "*".to_owned() } else { list(columns) };
    let order = if model.contract.grain.is_empty() {
        String::new()
    } else {
        format!("order by {}", list(&model.contract.grain))
    };
    let sql = format!("select {shown} from {} where {condition} {order} limit {SAMPLE_ROWS}", quoted(&model.name));
    let batches = ask(session, &sql).await.map_err(|e| failed(model, "show failing rows of", &e))?;
    show::rows(&batches)
}

async fn ask(session: &SessionContext, sql: &str) -> datafusion::error::Result<Vec<RecordBatch>> {
    session.sql(sql).await?.collect().await
}

fn severity_of(model: &Model, check: &str) -> Severity {
    model.check_severity.get(check).copied().unwrap_or(Severity::Block)
}

fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

fn plural(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
