//! Questions and their answers: tried again where that is safe and may help, judged by the description's rules.

use super::auth::{Access, Authority, TokenAnswer, TokenDesk, TokenRequest};
use super::budget::{self, Budget};
use super::build::{self, Asking};
use super::http::{Answer, Lost, Ready, Sender};
use super::inspect::{self, Broken, Inspected};
use super::page::PagePlan;
use super::rules;
use super::told::Told;
use crate::error::{Class, Error, Result};
use crate::extract::scrub::Scrub;
use crate::model::source::SourceSpec;
use crate::model::source::access::{ErrorAction, ErrorRule};
use crate::model::source::path::JsonPath;
use chrono::{DateTime, Utc};
use reqwest::{Method, Url};
use ring::rand::{SecureRandom, SystemRandom};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// A refresh token to keep, and who waits for it to be kept.
pub(super) type Keeping = (String, oneshot::Sender<Result<()>>);

/// Asks one source.
pub(super) struct Asker {
    pub spec: Arc<SourceSpec>,
    pub sender: Sender,
    pub budget: Budget,
    pub authority: Authority,
    pub scrub: Scrub,
    pub scratch: PathBuf,
    pub now: DateTime<Utc>,
    pub started: Instant,
    pub keeper: mpsc::UnboundedSender<Keeping>,
    /// For what is asked on nobody's behalf: tokens.
    pub told: Told,
}

/// One question.
#[derive(Clone)]
pub(super) struct Question<'a> {
    pub asking: Asking<'a>,
    /// What the answer must be; none where anything will do.
    pub plan: Option<&'a PagePlan>,
    /// Where the next page's token stands in the last record.
    pub last: Option<&'a JsonPath>,
    /// Whether it may be asked again when nobody knows whether it was heard.
    pub is_safe: bool,
    pub is_optional: bool,
    pub told: &'a Told,
}

/// A good answer.
pub(super) struct Page {
    pub answer: Answer,
    /// None where nothing was expected of it.
    pub inspected: Option<Inspected>,
    /// The request as it may be shown.
    pub request: String,
}

/// What came of a question.
pub(super) enum Fetched {
    Page(Box<Page>),
    /// There is nothing.
    Empty,
    SkipStream(String),
    SkipSlice(String),
    Restart(String),
    Halve(String),
    /// The request is refused as it is, and why.
    Refused(Error),
}

/// What to do about one attempt.
enum Verdict {
    Done(Fetched),
    Renew(String),
    Again { why: String, after: Option<Duration>, is_unheard: bool },
    Fail(Error),
}

impl Asker {
    /// The source's time, as far as it is known.
    pub fn clock(&self) -> DateTime<Utc> {
        self.now + chrono::TimeDelta::from_std(self.started.elapsed()).unwrap_or_default()
    }

    /// Asks until there is an answer that means something.
    ///
    /// # Errors
    /// Whatever was tried failed (69), or trying on makes no sense; the error says what was tried and why it failed.
    pub async fn ask(&self, question: &Question<'_>) -> Result<Fetched> {
        let attempts = self.spec.limits.attempts.max(1);
        let (mut refused, mut takes_gzip, mut attempt) = (None, true, 0);
        let mut reasons: Vec<String> = Vec::new();
        loop {
            attempt += 1;
            let access = self.authority.access(self, refused.take()).await?;
            let ready = build::ready(&self.spec, &question.asking, &access)?;
            let permit = self.budget.admit(ready.url.path(), question.told).await?;
            let sent = self.sender.send(&ready, &access, takes_gzip, &self.scratch, question.told).await;
            drop(permit);
            let verdict = match sent {
                Ok(answer) => self.judge(question, &ready, answer)?,
                Err(Lost::Passing(why)) => Verdict::Again { why, after: None, is_unheard: false },
                Err(Lost::Unreached(why)) => Verdict::Again { why, after: None, is_unheard: true },
                Err(Lost::Encoding(why)) => {
                    takes_gzip = false;
                    Verdict::Again { why, after: None, is_unheard: false }
                }
                Err(Lost::Final(error)) => Verdict::Fail(error),
            };
            let (why, after, is_unheard) = match verdict {
                Verdict::Done(fetched) => return Ok(fetched),
                Verdict::Fail(error) => return Err(error),
                Verdict::Renew(why) if access.generation > 0 && !reasons.contains(&why) => {
                    refused = Some(access.generation);
                    reasons.push(why);
                    continue;
                }
                Verdict::Renew(why) => return Err(self.failed(question, &ready, attempt, &[why])),
                Verdict::Again { why, after, is_unheard } => (why, after, is_unheard),
            };
            reasons.push(why);
            if attempt >= attempts || !(question.is_safe || is_unheard) {
                return Err(self.failed(question, &ready, attempt, &reasons));
            }
            let wait = after.unwrap_or_default() + jitter(attempt, after.is_some());
            let why = reasons.last().map(String::as_str).unwrap_or_default();
            let what = format!("before attempt {} of {attempts}: the last one {why}", attempt + 1);
            rest(wait, question.told, &what).await;
        }
    }

    fn judge(&self, question: &Question<'_>, ready: &Ready, answer: Answer) -> Result<Verdict> {
        let clock = answer.clock(self.clock());
        let told = question.told;
        self.budget.heed(&|name| answer.header(name), clock, told)?;
        let after = answer.header("retry-after").and_then(|text| budget::retry_after(&text, clock));
        let is_good = (200..300).contains(&answer.status);
        let inspected = match question.plan {
            Some(plan) if is_good => Some(inspected(&answer, plan, question.last)),
            _ => None,
        };
        if let Some(rule) =
            rules::first(&self.spec.errors, &answer, inspected.as_ref().and_then(|found| found.as_ref().ok()))
        {
            return self.ruled(rule, question, ready, &answer, after);
        }
        let request = self.shown(ready);
        match (answer.status, inspected) {
            (200..=299, Some(Err(broken))) => Ok(self.broken(&broken, &answer)),
            (200..=299, inspected) => {
                let inspected = inspected.transpose().unwrap_or_default();
                let page = Page { answer, inspected, request };
                Ok(Verdict::Done(Fetched::Page(Box::new(page))))
            }
            (401, _) => Ok(Verdict::Renew(self.said("was refused with status 401", &answer))),
            (status @ (403 | 404), _) if question.is_optional => {
                Ok(Verdict::Done(Fetched::SkipStream(self.said(&format!("answered {status} to {request}"), &answer))))
            }
            (status @ (408 | 425 | 429 | 500 | 502 | 503 | 504), _) => {
                if let (429 | 503, Some(wait)) = (status, after) {
                    self.budget.pause(wait, told)?;
                }
                let why = self.said(&format!("was answered with status {status}"), &answer);
                let is_unheard = status == 429 || (status == 503 && after.is_some());
                Ok(Verdict::Again { why, after, is_unheard })
            }
            (status, _) => {
                let why = self.said(&format!("was answered with status {status}"), &answer);
                Ok(Verdict::Done(Fetched::Refused(self.failed(question, ready, 1, &[why]))))
            }
        }
    }

    fn ruled(
        &self,
        rule: &ErrorRule,
        question: &Question<'_>,
        ready: &Ready,
        answer: &Answer,
        after: Option<Duration>,
    ) -> Result<Verdict> {
        let said = self.said(&format!("was answered with status {}", answer.status), answer);
        let why = rule.message.clone().map_or_else(|| said.clone(), |message| format!("{said} ({message})"));
        Ok(match rule.action {
            ErrorAction::Retry => {
                if let Some(wait) = after {
                    self.budget.pause(wait, question.told)?;
                }
                Verdict::Again { why, after, is_unheard: true }
            }
            ErrorAction::Empty => Verdict::Done(Fetched::Empty),
            // A rule is about all streams; one that must be there is not left out quietly.
            ErrorAction::SkipStream if !question.is_optional => Verdict::Fail(self.failed(question, ready, 1, &[why])),
            ErrorAction::SkipStream => Verdict::Done(Fetched::SkipStream(rule.message.clone().unwrap_or(said))),
            ErrorAction::SkipSlice => Verdict::Done(Fetched::SkipSlice(rule.message.clone().unwrap_or(said))),
            ErrorAction::Restart => Verdict::Done(Fetched::Restart(why)),
            ErrorAction::Halve => Verdict::Done(Fetched::Halve(why)),
            ErrorAction::RefreshToken => Verdict::Renew(why),
            ErrorAction::Fail => Verdict::Fail(self.failed(question, ready, 1, &[why])),
        })
    }

    /// A sentence with the first words of an answer, without secrets.
    fn said(&self, sentence: &str, answer: &Answer) -> String {
        with_body(sentence, answer, &self.scrub)
    }

    fn broken(&self, broken: &Broken, answer: &Answer) -> Verdict {
        let place = broken.at.map(|at| format!(" at byte {}", at + 1)).unwrap_or_default();
        let sentence = format!("was answered with status {} and a body that {}{place}", answer.status, broken.why);
        // A page of records that ends too soon holds what customers are called; an error page holds why it came instead.
        let head = answer.body.head(1).unwrap_or_default();
        let why = if matches!(head.first(), Some(b'{' | b'[')) { sentence } else { self.said(&sentence, answer) };
        Verdict::Again { why, after: None, is_unheard: false }
    }

    /// The request as it may be shown.
    pub fn shown(&self, ready: &Ready) -> String {
        self.scrub.clean(&format!("{} {}", ready.method, ready.url))
    }

    fn failed(&self, question: &Question<'_>, ready: &Ready, attempts: u32, reasons: &[String]) -> Error {
        let times = if attempts == 1 { "once".to_owned() } else { format!("{attempts} times") };
        let message = format!("{}: {} was tried {times} and failed", question.told.what(), self.shown(ready));
        let mut error = Error::new(Class::Unavailable, message);
        let mut told: Vec<&String> = Vec::new();
        for why in reasons.iter().rev() {
            if !told.contains(&why) && told.len() < 3 {
                told.push(why);
                error = error.caused_by(self.scrub.clean(&format!("it {why}")));
            }
        }
        if !question.is_safe && attempts == 1 {
            error = error.help("it was not tried again, because it may have been heard; the next run asks anew");
        }
        let is_refused = reasons.last().is_some_and(|why| why.contains("status 401") || why.contains("status 403"));
        error.help(if is_refused {
            "check the credentials and what they may read: tailwater check JOB --connect"
        } else {
            "what was landed stays landed; the next run goes on at this page"
        })
    }
}

/// An answer that was looked at; a large or packed one is looked at without holding the other requests up.
fn inspected(answer: &Answer, plan: &PagePlan, last: Option<&JsonPath>) -> Result<Inspected, Broken> {
    let look = || inspect::inspect(&answer.body, plan, last);
    let found = if answer.body.len() > 64 << 10 { tokio::task::block_in_place(look) } else { look() };
    // An answer that speaks of an error where records should be is no list without records.
    match found {
        Ok(found) if found.count == 0 && rules::speaks_of_error(&found, plan) => {
            Err(Broken::new("speaks of an error where its records should be"))
        }
        found => found,
    }
}

/// A sentence with the first words of an answer, where it has any that can be read.
fn with_body(sentence: &str, answer: &Answer, scrub: &Scrub) -> String {
    let head = answer.body.head(inspect::SHOWN_CHARACTERS * 4).unwrap_or_default();
    let text = String::from_utf8_lossy(&head);
    let is_text = text.chars().filter(|c| c.is_control() && !c.is_whitespace()).count() * 20 <= text.len();
    // Before it is cut: half a secret is not recognised.
    let words = scrub.clean(&text).split_whitespace().collect::<Vec<_>>().join(" ");
    let shown: String = words.chars().take(inspect::SHOWN_CHARACTERS).collect();
    if shown.is_empty() || !is_text { sentence.to_owned() } else { format!("{sentence}: {shown}") }
}

/// Waits, and says so from time to time.
async fn rest(wait: Duration, told: &Told, what: &str) {
    const WORD: Duration = Duration::from_secs(10);
    let until = Instant::now() + wait;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        told.waiting(&format!("waiting {} {what}", budget::shown(left)), wait);
        tokio::time::sleep(left.min(WORD)).await;
    }
}

/// Full jitter: anything up to half a second doubled with every attempt, at most a minute; a little where the source said
/// how long to wait, so that not everybody comes back at once.
fn jitter(attempt: u32, is_told: bool) -> Duration {
    let mut bytes = [0; 4];
    let share = match SystemRandom::new().fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 0.5,
    };
    let most = if is_told { 0.25 } else { (0.5 * f64::from(2_u32.pow(attempt.saturating_sub(1).min(7)))).min(60.0) };
    Duration::from_secs_f64(most * share)
}

impl TokenDesk for Asker {
    async fn ask(&self, request: TokenRequest) -> Result<TokenAnswer> {
        let url = Url::parse(&request.url)
            .map_err(|error| Error::usage("the address of the token endpoint is wrong").caused_by(error))?;
        let mut headers = vec![("Accept".to_owned(), "application/json".to_owned())];
        if let Some((user, password)) = &request.basic {
            use base64::Engine as _;
            let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
            self.scrub.hide(&pair);
            headers.push(("Authorization".to_owned(), format!("Basic {pair}")));
        }
        let body = Some((build::form_text(&request.form), "application/x-www-form-urlencoded"));
        let ready = Ready { method: Method::POST, url, headers, body, is_trusted: true };
        let mut reasons = Vec::new();
        for attempt in 1..=self.spec.limits.attempts.max(1) {
            let sent = self.sender.send(&ready, &Access::default(), false, &self.scratch, &self.told).await;
            match sent {
                Ok(answer) if !matches!(answer.status, 408 | 425 | 429 | 500..=599) => {
                    let body = answer.body.in_memory().map(<[u8]>::to_vec).unwrap_or_default();
                    return Ok(TokenAnswer { status: answer.status, body });
                }
                Ok(answer) => {
                    if let Some(wait) =
                        answer.header("retry-after").and_then(|text| budget::retry_after(&text, self.clock()))
                    {
                        self.budget.pause(wait, &self.told)?;
                        tokio::time::sleep(wait).await;
                    }
                    reasons.push(format!("was answered with status {}", answer.status));
                }
                Err(Lost::Passing(why) | Lost::Unreached(why) | Lost::Encoding(why)) => reasons.push(why),
                Err(Lost::Final(error)) => return Err(error),
            }
            tokio::time::sleep(jitter(attempt, false)).await;
        }
        let host = ready.url.host_str().unwrap_or("the token endpoint").to_owned();
        let message = format!("{}: no token could be had from {host}", self.told.what());
        let why = self.scrub.clean(&reasons.last().map(|why| format!("the request {why}")).unwrap_or_default());
        Err(Error::new(Class::Unavailable, message).caused_by(why).help("run again when the source answers"))
    }

    async fn keep(&self, sealed: String) -> Result<()> {
        let (told, kept) = oneshot::channel();
        let gone = || Error::bug("nobody keeps the source's credentials");
        self.keeper.send((sealed, told)).map_err(|_| gone())?;
        kept.await.map_err(|_| gone())?
    }
}
