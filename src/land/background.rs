//! Landing on a thread of its own, which a run that is stopped waits for.

use super::{Catalog, land_unless};
use crate::error::{Class, Error, Result};
use crate::event::Reporter;
use crate::job::Job;
use crate::store::Store;
use chrono::{DateTime, NaiveDate, Utc};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// A request to end landing early.
#[derive(Debug, Clone, Default)]
pub(super) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Fails once landing was asked to end (75).
    pub fn check(&self) -> Result<()> {
        if self.0.load(Ordering::Relaxed) {
            return Err(Error::new(Class::TryAgain, "landing was stopped before it was complete")
                .help("start the run again: sources are read from where their last landing ended"));
        }
        Ok(())
    }
}

/// [`land`](super::land) while the caller waits without blocking. Dropped before it has finished, it stops landing and
/// waits until its thread is gone: nothing writes once the caller gives up its lease.
#[derive(Debug)]
pub struct Background {
    stop: Stop,
    thread: Option<JoinHandle<()>>,
    landed: oneshot::Receiver<Result<Catalog>>,
}

impl Background {
    /// Starts landing.
    ///
    /// # Errors
    /// The machine has no thread left (75).
    pub fn start(
        store: Store,
        job: Arc<Job>,
        now: DateTime<Utc>,
        as_of: NaiveDate,
        reporter: Reporter,
    ) -> Result<Self> {
        let (send, landed) = oneshot::channel();
        let stop = Stop::default();
        let told = stop.clone();
        let work = move || {
            // Nobody listens any more where the run was stopped.
            let _ = send.send(land_unless(&told, &store, &job, now, as_of, &reporter));
        };
        let thread = std::thread::Builder::new()
            .name("landing".to_owned())
            .spawn(work)
            .map_err(|error| Error::new(Class::TryAgain, "no thread could be started").caused_by(error))?;
        Ok(Background { stop, thread: Some(thread), landed })
    }

    /// What was landed, once it is.
    ///
    /// # Errors
    /// As [`land`](super::land).
    pub async fn finished(mut self) -> Result<Catalog> {
        (&mut self.landed).await.unwrap_or_else(|_| Err(Error::bug("landing failed unexpectedly")))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop.0.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A thread that failed unexpectedly has closed the channel, which says so.
            let _ = thread.join();
        }
    }
}
