//! One live run per job: a flock held from start to exit, and an object that says what the run has committed.

use super::folder::unlockable;
use super::{ETag, Precondition, Store, keys};
use crate::error::{Class, Error, Result};
use serde::{Deserialize, Serialize};
use std::fs::{File, TryLockError};

/// Who takes a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The job's name.
    pub job: String,
    /// The run's id.
    pub run_id: String,
    /// When the run started, RFC 3339 in UTC, from the run's clock.
    pub started_at: String,
    /// The date it runs for, `2026-11-22`; empty for a holder that has none.
    pub as_of_date: String,
}

/// What the lease object says about its holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Nobody runs.
    Idle,
    /// A run is at work and has committed nothing that is not finished.
    Running,
    /// The commit point has been passed: the journal is only ever rolled forward.
    Committing,
}

/// A run that ended without saying so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadRun {
    /// Its id.
    pub run_id: String,
    /// When it started, RFC 3339 in UTC.
    pub started_at: String,
    /// The date it ran for; empty where it had none.
    pub as_of_date: String,
}

/// The lease object, `_tailwater/locks/<job>.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    job: String,
    phase: Phase,
    /// Fencing token: grows by one with every taking, so that a journal says which taking it belongs to.
    token: u64,
    run: DeadRun,
    /// For people: where to look for the holder.
    process: u32,
    host: String,
    /// The journal that is being rolled forward.
    journal: Option<String>,
    /// Runs that died; they leave the list when they have been cleaned up and recorded.
    dead: Vec<DeadRun>,
}

/// The right to write a job's tables, held by this process until it is dropped.
#[derive(Debug)]
pub struct Lease {
    store: Store,
    record: Record,
    etag: ETag,
    /// The lock itself: closing the file, or the end of the process however it comes, frees it.
    lock: Option<File>,
}

impl Lease {
    /// Takes the lease. A lock that is held is a live run; a free one is nobody's, whatever the object says.
    ///
    /// # Errors
    /// Another live run holds it (73); the warehouse cannot be written or locked (75, 64).
    pub fn acquire(store: &Store, holder: &Holder) -> Result<Lease> {
        for (name, what) in [(&holder.job, "job"), (&holder.run_id, "run")] {
            if !keys::is_name(name) {
                return Err(Error::usage(format!("{name:?} cannot name a {what}"))
                    .help("names are made of letters, digits, `-` and `_`"));
            }
        }
        let (path, lock) = store.folder().open_lock(&holder.job)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held(store, &holder.job)),
            Err(TryLockError::Error(error)) => return Err(unlockable(&path, &error)),
        }
        let key = keys::lease(&holder.job);
        let before: Option<(Record, ETag)> = store.get_json(&key)?;
        let (record, read) = match before {
            None => (Record::first(holder), None),
            Some((before, etag)) => (before.taken_over_by(holder), Some(etag)),
        };
        let etag = store.put_json(&key, &record, &Precondition::unchanged_since(read))?;
        Ok(Lease { store: store.clone(), record, etag, lock: Some(lock) })
    }

    /// The job's name.
    pub fn job(&self) -> &str {
        &self.record.job
    }

    /// This taking's fencing token.
    pub fn token(&self) -> u64 {
        self.record.token
    }

    /// What the lease object says now.
    pub fn phase(&self) -> Phase {
        self.record.phase
    }

    /// The journal past its commit point that is not finished, if there is one.
    pub fn journal(&self) -> Option<&str> {
        self.record.journal.as_deref()
    }

    /// Runs of this job that died and have not been recorded yet, oldest first.
    pub fn dead(&self) -> &[DeadRun] {
        &self.record.dead
    }

    /// **The commit point**: one conditional write after which `journal` is only ever rolled forward.
    ///
    /// # Errors
    /// The lease object was changed by somebody else (73); the write failed (75): nothing is committed in both cases.
    pub fn commit_point(&mut self, journal: &str) -> Result<()> {
        if self.record.phase == Phase::Committing {
            return Err(Error::bug(format!("a commit began before the last one of job {} was finished", self.job())));
        }
        self.replace(Record { phase: Phase::Committing, journal: Some(journal.to_owned()), ..self.record.clone() })
    }

    /// Says that the journal has been rolled forward to its end.
    ///
    /// # Errors
    /// The lease object was changed by somebody else (73); the write failed (75).
    pub fn committed(&mut self) -> Result<()> {
        self.replace(Record { phase: Phase::Running, journal: None, ..self.record.clone() })
    }

    /// Forgets the dead runs: their remains are gone and their records written.
    ///
    /// # Errors
    /// The lease object was changed by somebody else (73); the write failed (75).
    pub fn forget_dead(&mut self) -> Result<()> {
        if self.record.dead.is_empty() {
            return Ok(());
        }
        self.replace(Record { dead: Vec::new(), ..self.record.clone() })
    }

    /// Gives the lease back: what the run staged is removed and the object says idle. A lease that is dropped does the same as far as it can.
    ///
    /// # Errors
    /// The lease object was changed by somebody else (73); the write failed (75).
    pub fn release(mut self) -> Result<()> {
        self.idle()?;
        self.lock = None;
        Ok(())
    }

    fn idle(&mut self) -> Result<()> {
        if self.record.phase != Phase::Running {
            return Ok(());
        }
        // A run that was blocked or failed has staged results that nobody will ask for.
        self.store.remove_tree(&keys::staging(&self.record.run.run_id))?;
        self.replace(Record { phase: Phase::Idle, ..self.record.clone() })
    }

    fn replace(&mut self, record: Record) -> Result<()> {
        let precondition = Precondition::Etag(self.etag.clone());
        self.etag = self.store.put_json(&keys::lease(&self.record.job), &record, &precondition)?;
        self.record = record;
        Ok(())
    }

    /// What the death of the process does: the lock is freed and nothing is said.
    #[cfg(test)]
    pub(crate) fn die(mut self) {
        self.lock = None;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.lock.is_some() {
            // An object that still says running is taken over at once by the next start.
            let _ = self.idle();
        }
    }
}

impl Record {
    fn first(holder: &Holder) -> Record {
        let nobody = DeadRun { run_id: String::new(), started_at: String::new(), as_of_date: String::new() };
        let idle = Record {
            job: holder.job.clone(),
            phase: Phase::Idle,
            token: 0,
            run: nobody,
            process: 0,
            host: String::new(),
            journal: None,
            dead: Vec::new(),
        };
        idle.taken_over_by(holder)
    }

    fn taken_over_by(mut self, holder: &Holder) -> Record {
        if self.phase != Phase::Idle {
            self.dead.push(self.run);
        }
        Record {
            job: holder.job.clone(),
            // A commit that was passed stays passed: whoever takes over finishes it.
            phase: if self.phase == Phase::Committing { Phase::Committing } else { Phase::Running },
            token: self.token + 1,
            run: DeadRun {
                run_id: holder.run_id.clone(),
                started_at: holder.started_at.clone(),
                as_of_date: holder.as_of_date.clone(),
            },
            process: std::process::id(),
            host: host(),
            journal: self.journal,
            dead: self.dead,
        }
    }
}

fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").map(|name| name.trim().to_owned()).unwrap_or_default()
}

fn held(store: &Store, job: &str) -> Error {
    // Between its lock and its write a run has no object yet, or its predecessor's: say less then.
    let by = match store.get_json::<Record>(&keys::lease(job)) {
        Ok(Some((record, _))) if record.phase != Phase::Idle => {
            let on = if record.host.is_empty() { String::new() } else { format!(" on {}", record.host) };
            format!(": run {}, started {}, process {}{on}", record.run.run_id, record.run.started_at, record.process)
        }
        _ => String::new(),
    };
    Error::new(Class::Conflict, format!("job {job} is running already{by}"))
        .help("wait for that run to end and start again; should it hang, stop its process: the lease is free at once")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(run_id: &str) -> Holder {
        Holder {
            job: "nightly".to_owned(),
            run_id: run_id.to_owned(),
            started_at: "2026-11-23T05:00:00Z".to_owned(),
            as_of_date: "2026-11-22".to_owned(),
        }
    }

    #[test]
    fn a_live_run_is_named_and_a_dead_one_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let first = Lease::acquire(&store, &holder("run-1")).unwrap();
        let error = Lease::acquire(&store, &holder("run-2")).unwrap_err();
        assert_eq!(error.class(), Class::Conflict);
        let text = error.to_string();
        assert!(text.contains("job nightly is running already: run run-1"), "{text}");
        assert!(text.contains("help: wait for that run"), "{text}");

        first.die();
        let mut second = Lease::acquire(&store, &holder("run-2")).unwrap();
        assert_eq!(second.token(), 2);
        assert_eq!(second.dead().iter().map(|run| run.run_id.as_str()).collect::<Vec<_>>(), ["run-1"]);
        second.forget_dead().unwrap();
        drop(second);
        let third = Lease::acquire(&store, &holder("run-3")).unwrap();
        assert!(third.dead().is_empty());
        assert_eq!((third.token(), third.phase()), (3, Phase::Running));
    }

    #[test]
    fn a_commit_survives_its_run() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let mut first = Lease::acquire(&store, &holder("run-1")).unwrap();
        first.commit_point("_tailwater/commits/run-1.json").unwrap();
        drop(first);
        let second = Lease::acquire(&store, &holder("run-2")).unwrap();
        assert_eq!(second.phase(), Phase::Committing);
        assert_eq!(second.journal(), Some("_tailwater/commits/run-1.json"));
    }

    #[test]
    fn whoever_replaces_the_lease_object_stops_the_commit() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let mut lease = Lease::acquire(&store, &holder("run-1")).unwrap();
        std::fs::write(store.path(&keys::lease("nightly")).unwrap(), "{}").unwrap();
        let error = lease.commit_point("_tailwater/commits/run-1.json").unwrap_err();
        assert_eq!(error.class(), Class::Conflict);
        assert_eq!(lease.phase(), Phase::Running);
    }
}
