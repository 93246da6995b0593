//! The commit, one step at a time.

use super::journal::Journal;
use super::{Published, Staged};
use crate::error::{Error, Result};
use crate::event::{Event, Reporter, Stage};
use crate::store::{Lease, Precondition, Store, keys};

/// Where a commit stands: the step that [`Commit::advance`] takes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The journal lies there; the lease object is replaced by one that names it.
    CommitPoint,
    /// This object of the journal is renamed into place.
    Complete(usize),
    /// The manifest is swapped.
    Manifest,
    /// What was staged is removed.
    Staging,
    /// The lease object says that the commit is finished.
    Lease,
    /// The journal is removed.
    Journal,
    /// Nothing is left to do.
    Done,
}

/// A commit on its way. Stopped after any step, it is undone or finished by [`super::recover`].
#[derive(Debug)]
pub struct Commit<'a> {
    store: &'a Store,
    lease: &'a mut Lease,
    journal: Journal,
    step: Step,
}

impl<'a> Commit<'a> {
    /// Compares what is public with the manifest, makes the staged files durable and writes the journal.
    ///
    /// # Errors
    /// A public file is not what the job wrote (73), a result was staged twice (70), or the disk failed (75). Nothing
    /// public has changed.
    pub fn prepare(store: &'a Store, lease: &'a mut Lease, commit: &str, staged: &[Staged]) -> Result<Commit<'a>> {
        if !keys::is_name(commit) {
            return Err(Error::bug(format!("{commit:?} cannot name a commit")));
        }
        let journal = Journal::plan(store, lease.job(), lease.token(), commit, staged)?;
        let waiting: Vec<&str> = journal.objects.iter().filter_map(|entry| entry.staged.as_deref()).collect();
        store.sync_all(&waiting)?;
        store.put_json(&journal.key(), &journal, &Precondition::Absent)?;
        Ok(Commit { store, lease, journal, step: Step::CommitPoint })
    }

    /// A commit that another run took past its commit point.
    pub(super) fn resume(store: &'a Store, lease: &'a mut Lease, journal: Journal) -> Commit<'a> {
        let mut commit = Commit { store, lease, journal, step: Step::CommitPoint };
        commit.step = commit.after(Step::CommitPoint);
        commit
    }

    /// The step that comes next.
    pub fn step(&self) -> Step {
        self.step
    }

    /// Takes the next step; false when none is left.
    ///
    /// # Errors
    /// Somebody else changed what the step was about to replace (73), or the disk failed (75).
    pub fn advance(&mut self) -> Result<bool> {
        let journal = &self.journal;
        match self.step {
            Step::CommitPoint => self.lease.commit_point(&journal.key())?,
            Step::Complete(at) => {
                if let Some(entry) = journal.objects.get(at) {
                    journal.complete(self.store, entry)?;
                }
            }
            Step::Manifest => journal.swap_manifest(self.store)?,
            Step::Staging => self.store.remove_tree(&keys::staging(&journal.commit))?,
            Step::Lease => self.lease.committed()?,
            Step::Journal => {
                let key = journal.key();
                let found = self.store.etag(&key)?;
                self.store.delete(&key, &Precondition::unchanged_since(found))?;
            }
            Step::Done => return Ok(false),
        }
        self.step = self.after(self.step);
        Ok(true)
    }

    /// What the commit changes, by key.
    pub fn published(&self) -> Vec<Published> {
        self.journal.published()
    }

    fn after(&self, step: Step) -> Step {
        let complete = |at: usize| if at < self.journal.objects.len() { Step::Complete(at) } else { Step::Manifest };
        match step {
            Step::CommitPoint => complete(0),
            Step::Complete(at) => complete(at + 1),
            Step::Manifest => Step::Staging,
            Step::Staging => Step::Lease,
            Step::Lease => Step::Journal,
            Step::Journal | Step::Done => Step::Done,
        }
    }
}

/// Makes `staged` public as one commit named `commit` (the run's id) and says what became of each object. Objects whose
/// bytes are public already are listed and not rewritten. An empty commit is fine: nothing changes.
///
/// # Errors
/// As [`Commit::prepare`] and [`Commit::advance`]; before the commit point nothing public has changed, after it the
/// next start finishes the commit.
pub fn commit(
    store: &Store,
    lease: &mut Lease,
    commit: &str,
    staged: &[Staged],
    reporter: &Reporter,
) -> Result<Vec<Published>> {
    let mut commit = Commit::prepare(store, lease, commit, staged)?;
    let published = commit.published();
    let total = Some(published.len() as u64);
    loop {
        if let Step::Complete(at) = commit.step() {
            let what = published.get(at).map(|object| object.table.clone()).unwrap_or_default();
            reporter.say(Event::Progress { stage: Stage::Publish, what, done: at as u64, total });
        }
        if !commit.advance()? {
            break;
        }
    }
    for object in &published {
        reporter.say(Event::Published {
            table: object.table.clone(),
            key: object.key.clone(),
            rows: object.rows,
            bytes: object.bytes,
            changed: object.changed,
        });
    }
    Ok(published)
}
