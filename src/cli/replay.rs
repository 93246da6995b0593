//! `tailwater replay JOB`: kept answers of systems are landed again, without the systems.

use crate::calendar::Clock;
use crate::cli::output;
use crate::cli::run::LogMode;
use crate::error::{Error, Result};
use crate::event::Reporter;
use crate::job::Job;
use crate::land::ReplayOf;
use crate::{observe, run};
use chrono::NaiveDate;
use clap::Args;
use std::path::PathBuf;

/// Arguments of `replay`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The job file
    job: PathBuf,
    /// This source alone
    #[arg(long, value_name = "SOURCE")]
    source: Option<String>,
    /// This stream alone
    #[arg(long, value_name = "STREAM")]
    stream: Option<String>,
    /// Only answers that came on this day (UTC) or later
    #[arg(long, value_name = "DATE")]
    since: Option<NaiveDate>,
    /// Forget what was landed of the stream, kept answers included: the next run reads it from its beginning
    #[arg(long, requires = "stream", conflicts_with = "since")]
    anew: bool,
    /// How it speaks while it works
    #[arg(long, value_enum, default_value_t = LogMode::Auto)]
    log: LogMode,
}

/// Lands kept answers again and says what changed.
///
/// # Errors
/// The job is wrong or has no such stream (64), another run holds the job (73), the warehouse fails (75).
pub fn run(arguments: &Arguments) -> Result<()> {
    let clock = Clock::from_env()?;
    let job = Job::load(&arguments.job)?;
    if arguments.anew && arguments.source.is_none() {
        return Err(Error::usage("--anew needs --source as well: it takes back what was landed"));
    }
    let asked = ReplayOf { source: arguments.source.clone(), stream: arguments.stream.clone(), since: arguments.since };
    let reporter = Reporter::new(vec![observe::sink(arguments.log.into(), clock, &[("job", job.name.as_str())])]);
    let replayed = run::replay(&job, &asked, arguments.anew, &clock, &reporter)?;
    let mut text = String::new();
    for stream in &replayed {
        let name = format!("{}.{}", stream.source, stream.stream);
        match stream.oldest {
            Some(oldest) => {
                text.push_str(&format!(
                    "{name}: {} answers since {oldest}, {} rows changed\n",
                    stream.pages, stream.rows
                ));
            }
            None => text.push_str(&format!("{name}: no answers are kept\n")),
        }
    }
    if arguments.anew {
        text.push_str("forgotten: the next run reads it from its beginning\n");
    }
    output::bytes(text.as_bytes())
}
