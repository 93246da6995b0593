//! What a run can say while it works: one vocabulary, rendered by `observe` for terminals, logs and records.

use crate::finding::Finding;
use std::sync::Arc;
use std::time::Duration;

/// The stages of a run, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Recovering a dead run's commit and taking the lease.
    Lease,
    /// Reading sources.
    Extract,
    /// Writing what was read to the landing area.
    Land,
    /// Running the SQL models.
    Transform,
    /// Contracts, expectations and SQL checks.
    Check,
    /// Making the results public.
    Publish,
    /// Writing the run's own records.
    Record,
}

impl Stage {
    /// Lower-case name, as logs and records spell it.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Lease => "lease",
            Stage::Extract => "extract",
            Stage::Land => "land",
            Stage::Transform => "transform",
            Stage::Check => "check",
            Stage::Publish => "publish",
            Stage::Record => "record",
        }
    }
}

/// One thing that happened.
#[expect(missing_docs, reason = "each variant's sentence says what its fields are")]
#[derive(Debug, Clone)]
pub enum Event {
    /// A stage began.
    StageStarted { stage: Stage },
    /// A stage ended.
    StageFinished { stage: Stage, elapsed: Duration },
    /// Long work moved on; `total` is unknown for streams.
    Progress { stage: Stage, what: String, done: u64, total: Option<u64> },
    /// One stream of a source was landed completely.
    Landed { source: String, entity: String, rows: u64, quarantined: u64, files: u64, unchanged: bool },
    /// One model was computed.
    Built { table: String, rows: u64, elapsed: Duration },
    /// One check has spoken (passes included).
    Checked(Finding),
    /// One partition is public; `changed` is false where its bytes were already there.
    Published { table: String, key: String, rows: u64, bytes: u64, changed: bool },
    /// Anything else worth a line, e.g. that a dead run's commit was rolled forward.
    Note { text: String },
}

/// Receives events. Implementations must be quick: they are called from the work itself.
pub trait Sink: Send + Sync {
    /// Takes one event.
    fn emit(&self, event: &Event);
}

/// A cheap handle on the run's sinks, passed down to whoever has something to say.
#[derive(Clone)]
pub struct Reporter {
    sinks: Arc<Vec<Box<dyn Sink>>>,
}

impl Reporter {
    /// Speaks to all of `sinks`.
    pub fn new(sinks: Vec<Box<dyn Sink>>) -> Self {
        Reporter { sinks: Arc::new(sinks) }
    }

    /// Speaks to nobody.
    pub fn silent() -> Self {
        Reporter::new(Vec::new())
    }

    /// Says one thing to every sink.
    pub fn say(&self, event: Event) {
        for sink in self.sinks.iter() {
            sink.emit(&event);
        }
    }
}
