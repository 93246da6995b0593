//! What every start does first: finish what a dead run committed, remove what it did not.

use super::commit::Commit;
use super::journal::Journal;
use super::manifest::{Manifest, Object};
use super::{Published, Step};
use crate::error::{Error, Result};
use crate::event::{Event, Reporter};
use crate::store::{DeadRun, Lease, Phase, Precondition, Store, keys};

/// How a run that died left the public tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadOutcome {
    /// The run.
    pub run: DeadRun,
    /// Whether its results are public: it had passed its commit point.
    pub is_committed: bool,
    /// What its commit holds: all of it where it was finished just now, what it wrote where it had been finished before.
    pub published: Vec<Published>,
}

/// What recovery found and did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovery {
    /// Runs that died and have no record yet, oldest first. Whoever has written their records calls
    /// [`Lease::forget_dead`].
    pub dead: Vec<DeadOutcome>,
}

/// Brings the warehouse into a whole state. Runs at every start, under the lease; doing it twice is harmless.
///
/// # Errors
/// Somebody else changed what a commit was about to replace (73): nothing is overwritten, and every start says so until
/// it is settled. Or the disk failed (75).
pub fn recover(store: &Store, lease: &mut Lease, reporter: &Reporter) -> Result<Recovery> {
    let finished = if lease.phase() == Phase::Committing { Some(roll_forward(store, lease, reporter)?) } else { None };
    undo(store, lease.job(), reporter)?;
    let manifest = Manifest::read(store, lease.job())?;
    let mut recovery = Recovery::default();
    for run in lease.dead() {
        store.remove_tree(&keys::staging(&run.run_id))?;
        // The last commit may have been finished and its run have died before it could say so: then the manifest knows
        // what it wrote.
        let is_committed = manifest.commit == run.run_id;
        let published = match &finished {
            Some((commit, published)) if *commit == run.run_id => published.clone(),
            _ if is_committed => written_by(&manifest, &run.run_id),
            _ => Vec::new(),
        };
        recovery.dead.push(DeadOutcome { run: run.clone(), is_committed, published });
    }
    store.sweep_temporaries()?;
    Ok(recovery)
}

fn written_by(manifest: &Manifest, commit: &str) -> Vec<Published> {
    let of_commit = manifest.objects.iter().filter(|(_, object)| object.commit == commit);
    let published = |(key, object): (&String, &Object)| Published {
        table: object.table.clone(),
        key: key.clone(),
        rows: object.rows,
        bytes: object.bytes,
        sha256: object.sha256.clone(),
        changed: true,
    };
    of_commit.map(published).collect()
}

fn roll_forward(store: &Store, lease: &mut Lease, reporter: &Reporter) -> Result<(String, Vec<Published>)> {
    let Some(key) = lease.journal().map(str::to_owned) else {
        return Err(Error::bug(format!("the lease of job {} says committing and names no journal", lease.job())));
    };
    let Some((journal, _)) = store.get_json::<Journal>(&key)? else {
        return Err(Error::bug(format!("the journal {key} of a commit past its commit point is gone"))
            .help("restore it from a backup of the warehouse: without it nobody knows which objects belong together"));
    };
    let name = journal.commit.clone();
    let mut commit = Commit::resume(store, lease, journal);
    let published = commit.published();
    while commit.step() != Step::Done {
        commit.advance()?;
    }
    let count = published.len();
    reporter.say(Event::Note { text: format!("finished the commit of run {name}, which had died: {count} objects") });
    Ok((name, published))
}

/// Removes journals, and what they staged, that never reached their commit point or were finished to their last step.
fn undo(store: &Store, job: &str, reporter: &Reporter) -> Result<()> {
    for listed in store.list(&format!("{}/commits", keys::INTERNAL))? {
        let Some((journal, etag)) = store.get_json::<Journal>(&listed.key)? else { continue };
        if journal.job != job {
            continue;
        }
        store.remove_tree(&keys::staging(&journal.commit))?;
        store.delete(&listed.key, &Precondition::Etag(etag))?;
        if Manifest::read(store, job)?.commit != journal.commit {
            let text = format!("removed what run {} had staged and not committed before it died", journal.commit);
            reporter.say(Event::Note { text });
        }
    }
    Ok(())
}
