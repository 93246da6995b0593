//! Which past dates are computed.

use crate::backtest::broken;
use crate::error::{Error, Result};
use arrow::array::AsArray;
use arrow::datatypes::Date32Type;
use chrono::{Days, NaiveDate};
use datafusion::prelude::SessionContext;

/// Days before the first decision that are computed: the furthest horizon, and the weeks that a trend rests on.
const BEFORE_FIRST: u64 = 180 + 13 * 7;

/// Days of usage without which no change of use can be told.
const FIRST_WINDOWS: u64 = 56;

/// The tables that tell the dates.
pub(super) const READS: [&str; 2] = ["outcome", "usage_daily"];

/// What was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// Days between two dates; weekly ones let bands wait and trends show, as in nightly runs.
    pub every: u64,
    /// The first date; found from the decisions where it is not given.
    pub from: Option<NaiveDate>,
}

/// The dates before `as_of`, in order and `every` days apart counted back from it, that decisions can be compared with.
///
/// # Errors
/// Nothing was decided, or the dates cannot be told (64).
pub(super) async fn dates(session: &SessionContext, as_of: NaiveDate, asked: &Asked) -> Result<Vec<NaiveDate>> {
    let cut = format!("<= date '{as_of}'");
    let decided = first(session, &format!("select min(decided_date) from outcome where decided_date {cut}")).await?;
    let decided = decided.ok_or_else(|| {
        Error::usage(format!("no outcome is recorded up to {as_of}, so there is nothing to compare the score with"))
            .help("provide the entity outcome: who renewed, who left, and when they decided")
    })?;
    let used = first(session, &format!("select min(usage_date) from usage_daily where usage_date {cut}")).await?;
    let sensible = earlier(decided, BEFORE_FIRST).max(used.map_or(NaiveDate::MIN, |day| later(day, FIRST_WINDOWS)));
    let from = asked.from.unwrap_or(sensible);
    let step = asked.every.max(1);
    let mut dates: Vec<NaiveDate> = Vec::new();
    let mut date = earlier(as_of, step);
    while date >= from {
        dates.push(date);
        date = earlier(date, step);
    }
    if dates.is_empty() {
        return Err(Error::usage(format!("there is no date between {from} and {as_of} to look back on")));
    }
    dates.reverse();
    Ok(dates)
}

fn earlier(date: NaiveDate, days: u64) -> NaiveDate {
    date.checked_sub_days(Days::new(days)).unwrap_or(NaiveDate::MIN)
}

fn later(date: NaiveDate, days: u64) -> NaiveDate {
    date.checked_add_days(Days::new(days)).unwrap_or(NaiveDate::MAX)
}

/// The one date that a query answers with.
async fn first(session: &SessionContext, query: &str) -> Result<Option<NaiveDate>> {
    let failed = |e| broken("could not ask when decisions fell", e);
    let batches = session.sql(query).await.map_err(failed)?.collect().await.map_err(failed)?;
    let column = batches.first().filter(|batch| batch.num_rows() > 0).map(|batch| batch.column(0).clone());
    let dates = column.as_ref().and_then(|column| column.as_primitive_opt::<Date32Type>());
    let day = dates.filter(|dates| arrow::array::Array::is_valid(dates, 0)).map(|dates| dates.value(0));
    Ok(day.and_then(Date32Type::to_naive_date_opt))
}
