//! The command line: arguments in, exit code out. Nothing below this module knows how it was called.

mod backtest;
mod check;
mod history;
mod init;
mod output;
mod plan;
mod replay;
mod run;
mod sample;
mod show;
mod sql;
mod warehouse;

use crate::calendar::Clock;
use crate::error::{Error, Result};
use crate::job::Job;
use chrono::NaiveDate;
use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Finds revenue leakage and scores account health, as a scheduled job with SQL you can read.
#[derive(Debug, Parser)]
#[command(name = "tailwater", version, max_term_width = 110)]
#[command(
    after_help = "Exit codes: 0 done · 64 the job, a SQL file or an argument is wrong · 65 checks blocked publishing · \
69 a source is unavailable · 70 a bug · 73 another run holds the job · 75 try again later"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a job: read, compute, check, publish
    Run(run::Arguments),
    /// Check a job file and every SQL model, without running anything
    Check(check::Arguments),
    /// Write a job over the systems you name
    Init(init::Arguments),
    /// Show what a run would do, touching nothing
    Plan(plan::Arguments),
    /// Land kept answers of systems again, without asking the systems
    Replay(replay::Arguments),
    /// Measure the health score against what customers decided, publishing nothing
    Backtest(backtest::Arguments),
    /// Show past runs
    History(history::Arguments),
    /// Ask the warehouse
    Sql(sql::Arguments),
    /// Print a table's query, ready to paste into DuckDB
    Show(show::Arguments),
    /// Write the made-up company as files
    Sample(sample::Arguments),
}

/// Which job, and as of which date.
#[derive(Debug, Args)]
struct JobArguments {
    /// The job file
    job: PathBuf,
    /// The business date to compute; the last one the schedule owes where it is not given
    #[arg(long, value_name = "DATE")]
    as_of: Option<NaiveDate>,
}

impl JobArguments {
    fn load(&self) -> Result<(Job, Clock, NaiveDate)> {
        let clock = Clock::from_env()?;
        let job = Job::load(&self.job)?;
        let as_of = crate::dates::as_of(&job, &clock, self.as_of);
        Ok((job, clock, as_of))
    }
}

/// Runs the program; the exit code is that of the failure's class.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return if is_help { ExitCode::SUCCESS } else { ExitCode::from(64) };
        }
    };
    match on_runtime(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A reader that closed the pipe has all it wanted.
            if output::is_broken_pipe(&error) {
                return ExitCode::SUCCESS;
            }
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::from(error.class().exit_code())
        }
    }
}

fn on_runtime(command: Command) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // Plans of wide unions nest deeply.
        .thread_stack_size(16 << 20)
        .build()
        .map_err(|e| Error::new(crate::error::Class::TryAgain, "could not start").caused_by(e))?;
    let done = runtime.block_on(async {
        // The main thread's stack is the system's; a worker's is ours.
        tokio::spawn(dispatch(command)).await
    });
    // A blocking read of a source must not keep an interrupted process alive.
    runtime.shutdown_background();
    done.map_err(|e| Error::bug("the program panicked").caused_by(e))?
}

async fn dispatch(command: Command) -> Result<()> {
    match command {
        Command::Run(arguments) => run::run(arguments).await,
        Command::Check(arguments) => check::run(arguments).await,
        Command::Init(arguments) => init::run(&arguments),
        Command::Plan(arguments) => plan::run(arguments).await,
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Backtest(arguments) => backtest::run(arguments).await,
        Command::History(arguments) => history::run(&arguments),
        Command::Sql(arguments) => sql::run(arguments).await,
        Command::Show(arguments) => show::run(arguments).await,
        Command::Sample(arguments) => sample::run(&arguments),
    }
}
