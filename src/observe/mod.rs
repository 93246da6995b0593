//! What people see of a run: progress, log lines, its records and its summary.

pub mod contracts;
pub mod format;
pub mod history;
mod ledger;
mod lines;
pub mod paint;
pub mod records;
pub mod summary;
mod terminal;

pub use history::{RunRow, history};
pub use ledger::{Ledger, TableTotal, Totals};
pub use lines::{JsonLog, LogLines};
pub use terminal::Terminal;

use crate::calendar::Clock;
use crate::event::Sink;
use std::io::IsTerminal;

/// How a run speaks while it works, on standard error; standard output is kept for its summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Log {
    /// Progress where standard error is a terminal, log lines elsewhere.
    #[default]
    Auto,
    /// `2026-11-22T05:00:01Z info landed source=demo entity=invoice rows=11238`.
    Text,
    /// One JSON object a line.
    Json,
}

/// The sink that `log` asks for. `context` (job, run_id, as_of_date) goes into every JSON line.
pub fn sink(log: Log, clock: Clock, context: &[(&str, &str)]) -> Box<dyn Sink> {
    match log {
        Log::Auto if std::io::stderr().is_terminal() => Box::new(Terminal::new()),
        Log::Auto | Log::Text => Box::new(LogLines::new(clock, Box::new(std::io::stderr()))),
        Log::Json => Box::new(JsonLog::new(clock, context, Box::new(std::io::stderr()))),
    }
}

#[cfg(test)]
mod tests;
