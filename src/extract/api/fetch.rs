//! The pages of one slice, fetched ahead of the one who takes them apart.

use super::ask::{Asker, Fetched, Page, Question};
use super::build::Asking;
use super::export::{self, Made};
use super::fill::Scope;
use super::inspect::Inspected;
use super::page::PagePlan;
use super::paging::{self, After, Guard};
use super::slices::{Slice, times};
use super::told::Told;
use super::window;
use super::{Body, OpenPass, PageAt, PageHead};
use crate::error::{Class, Error, Result};
use crate::model::source::stream::{Requests, StreamSpec};
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::mpsc::Sender;

/// Everything that asking for one stream needs.
pub(super) struct Asked {
    pub asker: Arc<Asker>,
    pub stream: StreamSpec,
    pub requests: Requests,
    pub plan: PagePlan,
    /// Names that every request of the stream may use: settings, `today`, `fields`.
    pub scope: Scope,
    pub told: Told,
}

/// What a slice brings, in order; nothing comes after `End`.
pub(super) enum Item {
    Page(Box<FetchedPage>),
    /// The slice is left out, and why.
    Gap(String),
    /// The stream is left out, and why.
    Skip(String),
    End,
}

/// A page that came whole.
pub(super) struct FetchedPage {
    pub head: PageHead,
    pub body: Body,
    pub inspected: Inspected,
    /// The page after it in the same slice.
    pub after: Option<PageAt>,
    /// The token that came with it.
    pub token: Option<String>,
}

/// Fetches a slice from `resume` on, or from its beginning.
pub(super) async fn slice(
    asked: Arc<Asked>,
    pass: OpenPass,
    slice: Slice,
    resume: Option<PageAt>,
    send: Sender<Result<Item>>,
) {
    let mut fetch = Fetch { asked: &asked, pass, slice, send: &send, restarts: 0 };
    let last = match fetch.all(resume).await {
        Ok(last) => Ok(last),
        Err(Stopped::Failed(error)) => Err(error),
        Err(Stopped::Unwanted) => return,
    };
    // Nobody listens any more where the stream has failed meanwhile.
    let _ = send.send(last).await;
}

enum Stopped {
    Failed(Error),
    /// Nobody takes pages any more.
    Unwanted,
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Stopped::Failed(error)
    }
}

struct Fetch<'a> {
    asked: &'a Asked,
    pass: OpenPass,
    slice: Slice,
    send: &'a Sender<Result<Item>>,
    restarts: u32,
}

/// How the pages of one stretch of time ended.
enum Ended {
    Done,
    Last(Item),
    Restart,
    Halve(String),
}

type Stretch = Option<(i64, i64)>;

impl Fetch<'_> {
    async fn all(&mut self, resume: Option<PageAt>) -> Result<Item, Stopped> {
        let mut open: VecDeque<Stretch> = VecDeque::new();
        match resume.as_ref().and_then(|page| page.window) {
            Some((start, end)) => {
                open.push_back(Some((start, end)));
                let whole = self.slice.window.map_or(end, |(_, end)| end);
                open.extend((end < whole).then_some(Some((end, whole))));
            }
            None => open.push_back(self.slice.window),
        }
        let mut resume = resume.filter(|page| !page.token.is_empty());
        while let Some(stretch) = open.pop_front() {
            match self.stretch(stretch, resume.take(), &open).await? {
                Ended::Done => {}
                Ended::Last(item) => return Ok(item),
                Ended::Restart => open.push_front(stretch),
                Ended::Halve(why) => {
                    let halves = stretch.zip(self.asked.requests.window.as_ref());
                    let halves = halves.and_then(|(stretch, window)| window::halves(stretch, window));
                    let Some(halves) = halves else {
                        let what = self.asked.told.what();
                        let error = Error::new(
                            Class::Unavailable,
                            format!(
                                "{what}: the source wants to be asked for less at once, and a slice cannot be halved further"
                            ),
                        );
                        return Err(error.caused_by(why).help("make `window.least` smaller").into());
                    };
                    halves.into_iter().rev().for_each(|half| open.push_front(Some(half)));
                }
            }
        }
        Ok(Item::End)
    }

    /// The names that requests for a stretch of time may use.
    fn scope(&self, stretch: Stretch, is_continued: bool) -> Scope {
        let mut scope = self.asked.scope.with(self.slice.local.clone());
        scope.lists.extend(self.slice.lists.clone());
        // A stream that its token continues was told where to begin by its first request.
        if !is_continued {
            scope.local.extend(times(&self.asked.requests, &self.pass, stretch));
        }
        scope
    }

    async fn stretch(
        &mut self,
        stretch: Stretch,
        resume: Option<PageAt>,
        rest: &VecDeque<Stretch>,
    ) -> Result<Ended, Stopped> {
        let asked = self.asked;
        let is_token = asked.requests.cursor.as_ref().is_some_and(|cursor| cursor.is_token);
        let kept = resume.as_ref().map(|page| page.token.clone()).or_else(|| self.pass.token.clone());
        let mut is_resumed = kept.is_some();
        let mut token = kept.or_else(|| paging::first(&asked.requests.paging));
        let mut job = resume.map(|page| page.job).unwrap_or_default();
        if let Some(export) = &asked.requests.export
            && job.is_empty()
        {
            match export::make(asked, export, &self.scope(stretch, false)).await? {
                Made::Ready(made) => job = made,
                // A stretch of time without anything says nothing about the next one.
                Made::Nothing(Item::End) => return Ok(Ended::Done),
                Made::Nothing(item) => return Ok(Ended::Last(item)),
                Made::Restart(why) => return self.restart(&why, None),
                Made::Halve(why) => return Ok(Ended::Halve(why)),
            }
        }
        let mut guard = Guard::default();
        loop {
            let mut scope = self.scope(stretch, is_token && token.is_some());
            scope.local.extend(job.clone());
            let fetched = self.ask(&scope, token.as_deref()).await?;
            let page = match fetched {
                Fetched::Page(page) => page,
                Fetched::Empty => break,
                Fetched::SkipStream(why) => return Ok(Ended::Last(Item::Skip(why))),
                Fetched::SkipSlice(why) => return Ok(Ended::Last(Item::Gap(why))),
                Fetched::Halve(why) => return Ok(Ended::Halve(why)),
                Fetched::Restart(why) => return self.restart(&why, None),
                Fetched::Refused(error) if is_resumed => {
                    return self.restart("the source no longer knows the page it was left at", Some(error));
                }
                Fetched::Refused(error) => return Err(error.into()),
            };
            is_resumed = false;
            let after = self.after(&page, token.as_deref());
            let first = page.inspected.as_ref().and_then(|inspected| inspected.first.as_deref());
            let goes_on = guard.passes(&asked.requests.paging, first, after.next.as_deref(), asked.told.what())?;
            let next = after.next.filter(|_| goes_on);
            let page_after = match &next {
                Some(token) => Some(PageAt { token: token.clone(), window: stretch, job: job.clone() }),
                None => rest.front().map(|stretch| PageAt { window: *stretch, ..PageAt::default() }),
            };
            self.hand_on(*page, &scope, page_after, after.token).await?;
            match next {
                Some(next) => token = Some(next),
                None => break,
            }
        }
        if let Some(export) = &asked.requests.export {
            let mut scope = self.scope(stretch, false);
            scope.local.extend(job);
            export::remove(asked, export, &scope).await;
        }
        Ok(Ended::Done)
    }

    /// What comes after a page, without the key that the source may repeat in an address.
    fn after(&self, page: &Page, token: Option<&str>) -> After {
        let paging = &self.asked.requests.paging;
        let after = paging::after(paging, page, token);
        match self.asked.asker.authority.key_param() {
            Some(name) if paging::target(paging).is_none() => after.without(name),
            _ => after,
        }
    }

    /// Begins the stretch again without the token that is worth nothing any more.
    fn restart(&mut self, why: &str, error: Option<Error>) -> Result<Ended, Stopped> {
        self.restarts += 1;
        self.pass.token = None;
        if self.restarts > 2 {
            let what = self.asked.told.what();
            let error = error.unwrap_or_else(|| {
                Error::new(
                    Class::Unavailable,
                    format!("{what}: the source wanted its pages to be begun again three times"),
                )
                .caused_by(why)
            });
            return Err(error.into());
        }
        self.asked.told.note(&format!("begun again: {why}"));
        Ok(Ended::Restart)
    }

    async fn ask(&self, scope: &Scope, token: Option<&str>) -> Result<Fetched> {
        let asked = self.asked;
        let paging = &asked.requests.paging;
        let target = paging::target(paging);
        let question = Question {
            asking: Asking {
                request: &asked.requests.request,
                scope,
                token: target.zip(token),
                address: token.filter(|_| target.is_none()),
                is_delete: false,
            },
            plan: Some(&asked.plan),
            last: paging::last(paging),
            is_safe: true,
            is_optional: asked.stream.is_optional,
            told: &asked.told,
        };
        asked.asker.ask(&question).await
    }

    async fn hand_on(
        &self,
        page: Page,
        scope: &Scope,
        after: Option<PageAt>,
        token: Option<String>,
    ) -> Result<(), Stopped> {
        let Page { answer, inspected, request } = page;
        let Some(inspected) = inspected else {
            return Err(Error::bug("a page was fetched and not looked at").into());
        };
        let wanted = ["parent.", "window.", "slice", "job."];
        let mut given: super::fields::Given = scope
            .local
            .iter()
            .filter(|(name, _)| wanted.iter().any(|start| name.starts_with(start)))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        for (plan, _) in &self.asked.plan.streams {
            for name in plan.headers() {
                if let Some(value) = answer.header(name) {
                    given.insert(format!("header.{name}"), value);
                }
            }
        }
        let head = PageHead { stream: self.asked.stream.name.clone(), number: 0, request, given };
        let page = FetchedPage { head, body: answer.body, inspected, after, token };
        self.send.send(Ok(Item::Page(Box::new(page)))).await.map_err(|_| Stopped::Unwanted)
    }
}
