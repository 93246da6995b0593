//! Remembers what a run said, for its records and its summary.

use crate::event::{Event, Sink, Stage};
use crate::finding::{Finding, Severity};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What became of one table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TableTotal {
    /// Rows of the result.
    pub rows: u64,
    /// How long it took to compute.
    pub elapsed: Duration,
    /// Partitions that are public now; 0 for tables that stay inside and for runs that published nothing.
    pub partitions: u64,
    /// Partitions whose bytes this run wrote.
    pub changed: u64,
    /// Size of its public partitions.
    pub bytes: u64,
}

/// What a run has said so far.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    /// How long each finished stage took; a stage that ran twice counts once with the sum.
    pub stages: BTreeMap<Stage, Duration>,
    /// Rows that were landed.
    pub landed_rows: u64,
    /// Rows that went to quarantine.
    pub quarantined_rows: u64,
    /// Tables that were computed or published.
    pub tables: BTreeMap<String, TableTotal>,
    /// What checks found, passes included, in the order they spoke.
    pub findings: Vec<Finding>,
    /// Notes, in order.
    pub notes: Vec<String>,
}

impl Totals {
    /// How many checks ended with `severity`.
    pub fn checks(&self, severity: Severity) -> u64 {
        self.findings.iter().filter(|finding| finding.severity == severity).count() as u64
    }

    /// Rows of all published partitions.
    pub fn published_rows(&self) -> u64 {
        self.tables.values().filter(|table| table.partitions > 0).map(|table| table.rows).sum()
    }

    fn add(&mut self, event: &Event) {
        match event {
            Event::StageFinished { stage, elapsed } => *self.stages.entry(*stage).or_default() += *elapsed,
            // What an earlier run landed is not landed again.
            Event::Landed { unchanged: true, .. } => {}
            Event::Landed { rows, quarantined, .. } => {
                self.landed_rows += rows;
                self.quarantined_rows += quarantined;
            }
            Event::Built { table, rows, elapsed } => {
                let total = self.tables.entry(table.clone()).or_default();
                total.rows = *rows;
                total.elapsed += *elapsed;
            }
            Event::Checked(finding) => self.findings.push(finding.clone()),
            Event::Published { table, rows, bytes, changed, .. } => {
                let total = self.tables.entry(table.clone()).or_default();
                // The rows of the files are those of the table, and known for tables that were copied too.
                total.rows = if total.partitions == 0 { *rows } else { total.rows + rows };
                total.partitions += 1;
                total.changed += u64::from(*changed);
                total.bytes += bytes;
            }
            Event::Note { text } => self.notes.push(text.clone()),
            Event::StageStarted { .. } | Event::Progress { .. } => {}
        }
    }
}

/// A sink that remembers. Cheap to clone; all clones share one memory.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    totals: Arc<Mutex<Totals>>,
}

impl Ledger {
    /// An empty one.
    pub fn new() -> Ledger {
        Ledger::default()
    }

    /// What was said so far.
    pub fn totals(&self) -> Totals {
        self.totals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Sink for Ledger {
    fn emit(&self, event: &Event) {
        self.totals.lock().unwrap_or_else(PoisonError::into_inner).add(event);
    }
}
