//! Large tables that are partitioned by month are computed month by month, so that memory and spilled rows do not grow with
//! history.

use crate::error::Result;
use crate::model::{Input, Model};
use crate::transform::exec::failed;
use arrow::array::{Array, AsArray};
use arrow::datatypes::{Date32Type, Int64Type};
use chrono::{Datelike, Months, NaiveDate};
use datafusion::common::TableReference;
use datafusion::dataframe::DataFrame;
use datafusion::functions_aggregate::expr_fn::{count, max, min};
use datafusion::prelude::{Expr, SessionContext, ident, lit};
use datafusion::scalar::ScalarValue;
use std::ops::Range;

/// Tables of fewer input rows are computed at once: each part is planned anew.
const LARGE_ROWS: i64 = 2_000_000;

/// The query of `model` in parts whose rows follow each other in the order of its partitions: one a month where it is large
/// and says what its partition is the month of (`month_of`), else the whole.
///
/// # Errors
/// The inputs cannot be asked for their dates.
pub(super) async fn parts(session: &SessionContext, model: &Model, frame: DataFrame) -> Result<Vec<DataFrame>> {
    let Some(column) = &model.month_of else { return Ok(vec![frame]) };
    let Some(dates) = large_range(session, model, column).await? else { return Ok(vec![frame]) };
    let mut parts = Vec::new();
    for month in months(&dates) {
        let within = ident(column).gt_eq(day(month.start)).and(ident(column).lt(day(month.end)));
        parts.push(frame.clone().filter(within).map_err(|e| failed(model, "split", &e))?);
    }
    // A row without a date is in no month; the check of the contract must see it.
    parts.push(frame.filter(ident(column).is_null()).map_err(|e| failed(model, "split", &e))?);
    Ok(parts)
}

/// The first and the last date of the inputs that have the column; none where they are few rows together.
async fn large_range(session: &SessionContext, model: &Model, column: &str) -> Result<Option<(NaiveDate, NaiveDate)>> {
    let asked = |e| failed(model, "ask for the dates of", &e);
    let (mut rows, mut range) = (0, None::<(NaiveDate, NaiveDate)>);
    for input in &model.inputs {
        let name = match input {
            Input::Model(name) => TableReference::bare(name.as_str()),
            Input::Provided(name) => TableReference::partial("provided", name.as_str()),
            Input::Published(_) | Input::Landed(_) | Input::Run(_) => continue,
        };
        let table = session.table(name).await.map_err(asked)?;
        if table.schema().field_with_unqualified_name(column).is_err() {
            continue;
        }
        let figures = vec![count(lit(1_i64)), min(ident(column)), max(ident(column))];
        let found = table.aggregate(vec![], figures).map_err(asked)?.collect().await.map_err(asked)?;
        let Some(batch) = found.first().filter(|batch| batch.num_rows() == 1) else { continue };
        rows += batch.column(0).as_primitive_opt::<Int64Type>().map_or(0, |counted| counted.value(0));
        let date = |at: usize| {
            let dates = batch.column(at).as_primitive_opt::<Date32Type>()?;
            if dates.is_null(0) { None } else { Date32Type::to_naive_date_opt(dates.value(0)) }
        };
        if let (Some(first), Some(last)) = (date(1), date(2)) {
            range = Some(range.map_or((first, last), |(from, to)| (from.min(first), to.max(last))));
        }
    }
    Ok(range.filter(|_| rows >= LARGE_ROWS))
}

/// The months from that of the first date to that of the last, each with the first of the next.
fn months((first, last): &(NaiveDate, NaiveDate)) -> Vec<Range<NaiveDate>> {
    let mut months = Vec::new();
    let mut start = first.with_day(1).unwrap_or(*first);
    while start <= *last {
        let Some(end) = start.checked_add_months(Months::new(1)) else { break };
        months.push(start..end);
        start = end;
    }
    months
}

fn day(date: NaiveDate) -> Expr {
    lit(ScalarValue::Date32(Some(Date32Type::from_naive_date(date))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn months_cover_both_ends() {
        let found = months(&(date("2025-12-31"), date("2026-02-01")));
        let expected = [("2025-12-01", "2026-01-01"), ("2026-01-01", "2026-02-01"), ("2026-02-01", "2026-03-01")];
        assert_eq!(found, expected.map(|(from, to)| date(from)..date(to)));
    }
}
