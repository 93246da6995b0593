//! `tailwater backtest JOB`: what the score would have said before every decision, and what became of it.

use crate::backtest::{self, Asked, Page};
use crate::cli::run::{LogMode, stop_signal};
use crate::cli::{JobArguments, output};
use crate::error::{Class, Error, Result};
use crate::event::{Event, Reporter};
use crate::job::Job;
use crate::observe::{self, paint::Paint};
use crate::run::Request;
use chrono::NaiveDate;
use clap::Args;
use datafusion::scalar::ScalarValue;
use std::sync::Arc;
use std::time::Instant;

/// Arguments of `backtest`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    job: JobArguments,
    /// Days between two computed dates; bands and trends of nightly runs rest on weekly ones
    #[arg(long, value_name = "DAYS", default_value_t = 7, value_parser = clap::value_parser!(u64).range(1..=28))]
    every: u64,
    /// The first date to compute; found from decisions and usage where it is not given
    #[arg(long, value_name = "DATE")]
    from: Option<NaiveDate>,
    /// How the command speaks while it works
    #[arg(long, value_enum, default_value_t = LogMode::Auto)]
    log: LogMode,
}

/// Computes the past and prints the report.
///
/// # Errors
/// Whatever ended the work; nothing is published in any case.
pub async fn run(arguments: Arguments) -> Result<()> {
    let (started, stop) = (Instant::now(), stop_signal());
    let (job, clock, as_of) = arguments.job.load()?;
    let job = Arc::new(job);
    let request = Request::new(as_of, Vec::new(), &clock);
    let date = as_of.to_string();
    let context = [("job", job.name.as_str()), ("run_id", request.run_id.as_str()), ("as_of_date", date.as_str())];
    let reporter = Reporter::new(vec![observe::sink(arguments.log.into(), clock, &context)]);
    for warning in &job.warnings {
        reporter.say(Event::Note { text: format!("warning: {warning}") });
    }
    let asked = Asked { every: arguments.every, from: arguments.from };
    let measured = tokio::select! {
        measured = backtest::measure(&job, &request, &asked, &clock, &reporter) => measured?,
        signal = stop => return Err(Error::new(Class::TryAgain, format!("stopped by {signal}"))),
    };
    let report = backtest::collect(&measured.session, horizon_days(&job, as_of)).await?;
    let page = Page { job: job.name.clone(), as_of, dates: measured.dates, elapsed: started.elapsed() };
    output::bytes(backtest::render(&page, &report, Paint::stdout()).as_bytes())
}

/// How early people want to know, as the policy says.
fn horizon_days(job: &Job, as_of: NaiveDate) -> i64 {
    match job.params(as_of).get("backtest_horizon_days") {
        Some(ScalarValue::Int64(Some(days))) => *days,
        _ => 90,
    }
}
