//! `tailwater run JOB`: one run, its progress on standard error and its summary on standard output.

use crate::cli::{JobArguments, output, warehouse};
use crate::error::Result;
use crate::event::{Event, Reporter};
use crate::job::Job;
use crate::observe::paint::Paint;
use crate::observe::summary::{self, Answers, Summary};
use crate::observe::{self, Ledger, Log};
use crate::publish::Manifest;
use crate::run::{self, Done, Request};
use chrono::NaiveDate;
use clap::{Args, ValueEnum};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;
use tokio::signal::unix::{SignalKind, signal};

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    job: JobArguments,
    /// Compute these tables and what they rest on; separated by commas
    #[arg(long, value_name = "TABLES", value_delimiter = ',')]
    select: Vec<String>,
    /// How the run speaks while it works
    #[arg(long, value_enum, default_value_t = LogMode::Auto)]
    log: LogMode,
}

/// How a command speaks while it works.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum LogMode {
    /// Progress on a terminal, log lines elsewhere
    Auto,
    /// One JSON object a line
    Json,
    /// Log lines
    Plain,
}

impl From<LogMode> for Log {
    fn from(mode: LogMode) -> Log {
        match mode {
            LogMode::Auto => Log::Auto,
            LogMode::Json => Log::Json,
            LogMode::Plain => Log::Text,
        }
    }
}

/// Runs the job and prints the summary.
///
/// # Errors
/// Whatever ended the run.
pub async fn run(arguments: Arguments) -> Result<()> {
    let (started, stop) = (Instant::now(), stop_signal());
    let (job, clock, as_of) = arguments.job.load()?;
    let job = Arc::new(job);
    let request = Request::new(as_of, arguments.select, &clock);
    let ledger = Ledger::new();
    let date = as_of.to_string();
    let context = [("job", job.name.as_str()), ("run_id", request.run_id.as_str()), ("as_of_date", date.as_str())];
    let reporter = Reporter::new(vec![Box::new(ledger.clone()), observe::sink(arguments.log.into(), clock, &context)]);
    for warning in &job.warnings {
        reporter.say(Event::Note { text: format!("warning: {warning}") });
    }
    let done = run::run(&job, &request, &clock, (&reporter, &ledger), stop).await?;
    // What is public is public: a summary that cannot be computed takes nothing back.
    let answers = answers(&job, &done, as_of).await.unwrap_or_else(|error| {
        reporter.say(Event::Note { text: format!("warning: everything is published, but not summed up: {error}") });
        Answers::default()
    });
    let summary = Summary {
        job: job.name.clone(),
        run_id: request.run_id,
        as_of,
        currency: job.currency.clone(),
        elapsed: started.elapsed(),
        is_published: true,
        warehouse: done.store.root().to_owned(),
        answers,
        totals: done.totals,
        stale: done.stale,
    };
    match arguments.log {
        LogMode::Json => output::line(summary::json(&summary)),
        _ => output::bytes(summary::render(&summary, Paint::stdout()).as_bytes()),
    }
}

/// Asks the tables that this run published, and nothing else that lies in the warehouse.
async fn answers(job: &Job, done: &Done, as_of: NaiveDate) -> Result<Answers> {
    let mut manifest = Manifest::read(&done.store, &job.name)?;
    let of_this_run: BTreeSet<&str> = done.published.iter().map(|object| object.key.as_str()).collect();
    manifest.objects.retain(|key, _| of_this_run.contains(key.as_str()));
    let session = warehouse::session(job, &done.store, &manifest)?;
    summary::collect(&session, as_of, &job.currency).await
}

/// Resolves with the name of the signal that asks the process to stop; signals count from this call on.
pub(super) fn stop_signal() -> impl Future<Output = &'static str> {
    let streams = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async move {
        let (Ok(mut terminate), Ok(mut interrupt)) = streams else {
            // Without handlers a signal ends the process as it always did, which is safe at any moment.
            return std::future::pending().await;
        };
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    }
}
