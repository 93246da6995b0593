//! Exports: made, waited for, fetched as pages, taken away.

use super::ask::{Fetched, Question};
use super::build::Asking;
use super::doc::Index;
use super::fetch::{Asked, Item};
use super::fill::Scope;
use super::http::Answer;
use super::walk;
use super::{budget, inspect};
use crate::error::{Class, Error, Result};
use crate::model::source::path::JsonPath;
use crate::model::source::stream::{Export, Request};
use std::collections::BTreeMap;
use std::io::Read;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Values of an export for templates: `job.<name>`.
pub(super) type Job = BTreeMap<String, String>;

/// The longest wait between two questions about an export.
const SLOWEST: Duration = Duration::from_secs(60);

/// Answers to the questions how an export is that may be no JSON, one after the other.
const MOST_UNREADABLE: u32 = 3;

fn question<'a>(asked: &'a Asked, request: &'a Request, scope: &'a Scope, is_safe: bool) -> Question<'a> {
    Question {
        asking: Asking { request, scope, token: None, address: None, is_delete: false },
        plan: None,
        last: None,
        is_safe,
        is_optional: asked.stream.is_optional,
        told: &asked.told,
    }
}

/// What came of making an export.
pub(super) enum Made {
    Ready(Job),
    /// There is none to be had.
    Nothing(Item),
    Restart(String),
    Halve(String),
}

/// Makes an export and waits until it is ready.
pub(super) async fn make(asked: &Asked, export: &Export, scope: &Scope) -> Result<Made> {
    let answer = match fetched(asked.asker.ask(&question(asked, &export.create, scope, false)).await?)? {
        Ok(answer) => answer,
        Err(made) => return Ok(made),
    };
    let mut job = Job::new();
    take(&answer, &export.values, &mut job);
    if let Some((name, _)) = export.values.iter().find(|(name, _)| !job.contains_key(&format!("job.{name}"))) {
        return Err(failed(asked, &format!("the answer to its making has no `{name}`"), &answer));
    }
    let (started, mut wait, mut unreadable) = (Instant::now(), export.wait.max(Duration::from_millis(1)), 0);
    loop {
        sleep(wait).await;
        let scope = scope.with(job.clone());
        let answer = match fetched(asked.asker.ask(&question(asked, &export.poll, &scope, true)).await?)? {
            Ok(answer) => answer,
            Err(made) => return Ok(made),
        };
        let state = values(&answer, std::slice::from_ref(&("status".to_owned(), export.status.clone())));
        match state.get("job.status") {
            Some(state) if export.done.contains(state) => {
                take(&answer, &export.poll_values, &mut job);
                return Ok(Made::Ready(job));
            }
            Some(state) if export.failed.contains(state) => {
                return Err(failed(asked, &format!("the source says {state}"), &answer));
            }
            Some(_) => unreadable = 0,
            None => unreadable += 1,
        }
        if unreadable >= MOST_UNREADABLE {
            return Err(failed(asked, "the source does not say how it is", &answer));
        }
        if started.elapsed() >= export.timeout {
            let why = format!("it was not ready after {}", budget::shown(export.timeout));
            return Err(failed(asked, &why, &answer));
        }
        let since = budget::shown(started.elapsed());
        asked.told.waiting(&format!("waiting for an export since {since}"), started.elapsed());
        wait = (wait * 3 / 2).min(SLOWEST);
    }
}

/// Takes an export away; that it cannot be is no failure, as sources forget their exports anyway.
pub(super) async fn remove(asked: &Asked, export: &Export, scope: &Scope) {
    let Some(request) = &export.delete else { return };
    let mut question = question(asked, request, scope, true);
    question.asking.is_delete = true;
    if let Err(error) = asked.asker.ask(&question).await {
        asked.told.note(&format!("the export could not be taken away: {}", error.message()));
    }
}

fn fetched(fetched: Fetched) -> Result<Result<Answer, Made>> {
    Ok(match fetched {
        Fetched::Page(page) => Ok(page.answer),
        Fetched::Empty => Err(Made::Nothing(Item::End)),
        Fetched::SkipStream(why) => Err(Made::Nothing(Item::Skip(why))),
        Fetched::SkipSlice(why) => Err(Made::Nothing(Item::Gap(why))),
        Fetched::Restart(why) => Err(Made::Restart(why)),
        Fetched::Halve(why) => Err(Made::Halve(why)),
        Fetched::Refused(error) => return Err(error),
    })
}

fn values(answer: &Answer, wanted: &[(String, JsonPath)]) -> Job {
    let mut text = Vec::new();
    let read = answer.body.open().ok().and_then(|bytes| bytes.take(8 << 20).read_to_end(&mut text).ok());
    let mut index = Index::default();
    let Some(root) = read.and_then(|_| index.parse(&text).ok()) else { return Job::new() };
    let found = wanted.iter().filter_map(|(name, path)| {
        let value = walk::first(root, &path.steps)?.scalar()?;
        Some((format!("job.{name}"), value.into_owned()))
    });
    found.collect()
}

fn take(answer: &Answer, wanted: &[(String, JsonPath)], job: &mut Job) {
    job.extend(values(answer, wanted));
}

fn failed(asked: &Asked, why: &str, answer: &Answer) -> Error {
    let head = answer.body.head(inspect::SHOWN_CHARACTERS).unwrap_or_default();
    let message = format!("{}: the export failed: {why}", asked.told.what());
    Error::new(Class::Unavailable, message)
        .caused_by(asked.asker.scrub.clean(&format!("the source answered {}", String::from_utf8_lossy(&head))))
        .help("the next run makes a new one")
}
