//! Streams that stand in files: those that were not read yet, each taken apart like an answer.

use super::fill::Scope;
use super::inspect::{self, Broken};
use super::mark::pass_id;
use super::page::{PagePlan, Taking};
use super::pass::{Around, Hands};
use super::told::Told;
use super::{Body, OpenPass, Outcome, PageHead, PassEnd};
use crate::error::{Class, Error, Result};
use crate::model::source::stream::{FileListing, StreamSpec};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, UNIX_EPOCH};

/// Time between two checkpoints.
const CHECKPOINT_TIME: Duration = Duration::from_secs(1);

/// A stream's files.
pub(super) struct Folder<'a> {
    pub listing: &'a FileListing,
    pub plan: PagePlan,
    pub scope: Scope,
    pub told: Told,
}

/// Reads the files of a stream that are new or were replaced.
pub(super) fn read(
    around: Around<'_>,
    stream: &StreamSpec,
    shapes: &[&StreamSpec],
    folder: &Folder<'_>,
) -> Result<Outcome> {
    let Folder { listing: files, plan, scope, told } = folder;
    let root = PathBuf::from(scope.need(&files.root)?);
    let found = listing(&root, &files.pattern, told)?;
    let (mut progress, mut sink) = around.destination.open(stream)?;
    for shape in shapes {
        sink.declare(shape)?;
    }
    let mut hands = Hands { sink, marks: super::mark::Marks::nothing(), rows: 0 };
    let mut rows = plan.rows();
    let mut pass = progress.pass.take().unwrap_or_else(|| OpenPass { id: pass_id(around.now), ..OpenPass::default() });
    let mut since = Instant::now();
    for (name, path) in found {
        (around.stop)()?;
        let stamp = stamp(&path)?;
        if progress.files.get(&name) == Some(&stamp) {
            continue;
        }
        let body = Body::file(&path)?;
        let broken = |broken: Broken| unreadable(told, &name, &broken);
        let inspected = inspect::inspect(&body, plan, None).map_err(broken)?;
        pass.pages += 1;
        let given = BTreeMap::from([("file".to_owned(), name.clone())]);
        let head = PageHead { stream: stream.name.clone(), number: pass.pages, request: name.clone(), given };
        Taking { plan, head: &head, rows: &mut rows, taker: &mut hands }.all(&inspected.seen)?;
        if self::stamp(&path)? != stamp {
            return Err(Error::new(Class::Unavailable, format!("{}: {name} changed while it was read", told.what()))
                .help("run again when it is written"));
        }
        progress.files.insert(name, stamp);
        if since.elapsed() >= CHECKPOINT_TIME {
            since = Instant::now();
            rows.iter_mut().try_for_each(|rows| rows.flush(&mut hands))?;
            progress.pass = Some(pass.clone());
            told.rows(hands.rows);
            hands.sink.checkpoint(&progress)?;
        }
    }
    rows.iter_mut().try_for_each(|rows| rows.flush(&mut hands))?;
    told.rows(hands.rows);
    progress.pass = None;
    hands.sink.finish(&progress, PassEnd::Incremental)?;
    Ok(Outcome::Read)
}

/// The files below `root` that fit the pattern, by name.
pub(super) fn listing(root: &Path, pattern: &str, told: &Told) -> Result<BTreeMap<String, PathBuf>> {
    let missing = |why: &dyn std::fmt::Display| {
        Error::new(Class::Unavailable, format!("{}: the folder {} cannot be listed", told.what(), root.display()))
            .caused_by(why)
            .help("check the path, and that this user may read it")
    };
    if let Err(error) = std::fs::read_dir(root) {
        return Err(missing(&error));
    }
    let escaped = glob::Pattern::escape(&root.to_string_lossy());
    let whole = format!("{}/{pattern}", escaped.trim_end_matches('/'));
    let paths =
        glob::glob(&whole).map_err(|error| Error::usage(format!("the pattern {pattern} is wrong")).caused_by(error))?;
    let mut found = BTreeMap::new();
    for path in paths {
        let path = path.map_err(|error| missing(&error))?;
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
        // What begins with a dot is being written.
        let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_file() && !is_hidden {
            found.insert(name, path);
        }
    }
    Ok(found)
}

/// Size and time of change: another stamp is another file.
fn stamp(path: &Path) -> Result<String> {
    let metadata = std::fs::metadata(path).map_err(|error| {
        Error::new(Class::Unavailable, format!("{} could not be read", path.display())).caused_by(error)
    })?;
    let changed = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    Ok(format!("{}:{}", metadata.len(), changed.as_micros()))
}

fn unreadable(told: &Told, name: &str, broken: &Broken) -> Error {
    let place = broken.at.map(|at| format!(" at byte {}", at + 1)).unwrap_or_default();
    Error::new(Class::Unavailable, format!("{}: the file {name} {}{place}", told.what(), broken.why))
        .help("copy it again; files that are whole are landed")
}
