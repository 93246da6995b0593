//! One request and its whole answer: sent with time limits, followed to where it is redirected without taking credentials
//! along, spooled, unpacked from the transport's compression.

use super::auth::Access;
use super::spool::{Body, Spool};
use super::told::Told;
use crate::error::{Class, Error, Result, reasons};
use crate::model::source::access::Limits;
use chrono::{DateTime, Utc};
use flate2::write::MultiGzDecoder;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Response, StatusCode, Url};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Redirects that are followed.
const MOST_REDIRECTS: usize = 5;

/// The time between two words about a slow answer.
const WORD: Duration = Duration::from_secs(10);

/// A request, ready to be sent.
#[derive(Clone)]
pub(super) struct Ready {
    pub method: Method,
    pub url: Url,
    pub headers: Vec<(String, String)>,
    /// A body with its content type.
    pub body: Option<(String, &'static str)>,
    /// Whether credentials may go with it: its host is the system's.
    pub is_trusted: bool,
}

/// A whole answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Body,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers.get(&name.to_ascii_lowercase()).cloned()
    }

    /// The source's clock: what it says, else `now`.
    pub fn clock(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let said = self.headers.get("date").and_then(|text| DateTime::parse_from_rfc2822(text).ok());
        said.map_or(now, |said| said.with_timezone(&Utc))
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Lost {
    /// Another attempt may help: the end of the sentence "the request …".
    Passing(String),
    /// So it may, and the source has not heard this one.
    Unreached(String),
    /// The body was not in the encoding that its header names.
    Encoding(String),
    /// It will not.
    Final(Error),
}

/// Sends requests.
#[derive(Debug, Clone)]
pub(super) struct Sender {
    client: reqwest::Client,
    read_timeout: Duration,
    total_timeout: Duration,
}

impl Sender {
    pub fn new(limits: &Limits) -> Result<Self> {
        // Another part of the program may have chosen the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .user_agent(concat!("tailwater/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(limits.connect_timeout)
            .pool_idle_timeout(Duration::from_secs(30))
            .referer(false)
            .build();
        let client = client.map_err(|error| {
            Error::new(Class::TryAgain, "no HTTP client could be set up")
                .caused_by(reasons(&error))
                .help("are the certificates of the system's authorities installed (ca-certificates)?")
        })?;
        Ok(Sender { client, read_timeout: limits.read_timeout, total_timeout: limits.total_timeout })
    }

    /// Sends a request and takes its whole answer.
    pub async fn send(
        &self,
        ready: &Ready,
        access: &Access,
        takes_gzip: bool,
        scratch: &Path,
        told: &Told,
    ) -> Result<Answer, Lost> {
        match timeout(self.total_timeout, self.exchange(ready, access, takes_gzip, scratch, told)).await {
            Ok(answer) => answer,
            Err(_) => Err(Lost::Passing(format!(
                "was not answered whole within {} (`total_timeout`)",
                super::budget::shown(self.total_timeout)
            ))),
        }
    }

    async fn exchange(
        &self,
        ready: &Ready,
        access: &Access,
        takes_gzip: bool,
        scratch: &Path,
        told: &Told,
    ) -> Result<Answer, Lost> {
        let mut ready = ready.clone();
        for _ in 0..=MOST_REDIRECTS {
            let response = self.respond(&ready, access, takes_gzip, told).await?;
            match redirected(&ready, &response)? {
                Some(next) => ready = next,
                None => return self.take(response, scratch, told).await,
            }
        }
        Err(Lost::Final(Error::new(Class::Unavailable, format!("{} is redirected for ever", told.what()))))
    }

    async fn respond(&self, ready: &Ready, access: &Access, takes_gzip: bool, told: &Told) -> Result<Response, Lost> {
        let mut url = ready.url.clone();
        let mut headers = HeaderMap::new();
        let own = ready.headers.iter();
        let all = own.chain(access.headers.iter().filter(|_| ready.is_trusted));
        for (name, value) in all {
            headers.insert(header_name(name)?, header_value(name, value)?);
        }
        headers.insert("accept-encoding", HeaderValue::from_static(if takes_gzip { "gzip" } else { "identity" }));
        if ready.is_trusted && !access.params.is_empty() {
            url.query_pairs_mut().extend_pairs(&access.params);
        }
        let mut request = self.client.request(ready.method.clone(), url).headers(headers);
        if let Some((body, kind)) = &ready.body {
            request = request.header("content-type", *kind).body(body.clone());
        } else if ready.method == Method::POST {
            request = request.header("content-length", "0");
        }
        let started = Instant::now();
        let mut sending = std::pin::pin!(request.send());
        loop {
            match timeout(WORD.min(self.read_timeout), &mut sending).await {
                Ok(Ok(response)) => return Ok(response),
                Ok(Err(error)) if error.is_connect() => return Err(Lost::Unreached(failure(&error.without_url()))),
                Ok(Err(error)) => return Err(Lost::Passing(failure(&error.without_url()))),
                Err(_) if started.elapsed() >= self.read_timeout => {
                    let limit = super::budget::shown(self.read_timeout);
                    return Err(Lost::Passing(format!("was not answered within {limit} (`read_timeout`)")));
                }
                Err(_) => {
                    let host = ready.url.host_str().unwrap_or("the source");
                    let since = super::budget::shown(started.elapsed());
                    told.waiting(&format!("waiting for an answer from {host} since {since}"), started.elapsed());
                }
            }
        }
    }

    async fn take(&self, mut response: Response, scratch: &Path, told: &Told) -> Result<Answer, Lost> {
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
        let headers: BTreeMap<String, String> = headers.collect();
        let expected = response.content_length();
        let mut into = Intake::new(headers.get("content-encoding").map(String::as_str), scratch)?;
        let began = Instant::now();
        let (mut word, mut came) = (began, 0_u64);
        loop {
            match timeout(self.read_timeout, response.chunk()).await {
                Ok(Ok(Some(chunk))) => {
                    came += chunk.len() as u64;
                    into.write(&chunk)?;
                }
                Ok(Ok(None)) => break,
                Ok(Err(error)) => {
                    let why = failure(&error.without_url());
                    return Err(Lost::Passing(format!("{why} after {came} bytes of the answer")));
                }
                Err(_) => {
                    let limit = super::budget::shown(self.read_timeout);
                    return Err(Lost::Passing(format!(
                        "stood still for {limit} after {came} bytes of the answer (`read_timeout`)"
                    )));
                }
            }
            if word.elapsed() >= WORD {
                word = Instant::now();
                told.waiting(&format!("reading an answer, {came} bytes so far"), began.elapsed());
            }
        }
        if expected.is_some_and(|expected| expected != came) {
            return Err(Lost::Passing(format!("was cut off after {came} bytes of the answer")));
        }
        Ok(Answer { status, headers, body: into.finish()? })
    }
}

/// Where an answer goes, through the transport's compression.
enum Intake<'a> {
    Plain(Spool<'a>),
    Gzip(Box<MultiGzDecoder<Spool<'a>>>),
}

impl<'a> Intake<'a> {
    fn new(encoding: Option<&str>, scratch: &'a Path) -> Result<Self, Lost> {
        match encoding.map(str::trim) {
            None | Some("" | "identity") => Ok(Intake::Plain(Spool::new(scratch))),
            Some("gzip" | "x-gzip") => Ok(Intake::Gzip(Box::new(MultiGzDecoder::new(Spool::new(scratch))))),
            Some(other) => Err(Lost::Encoding(format!("was answered in the encoding {other}, which nobody asked for"))),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Lost> {
        match self {
            Intake::Plain(spool) => spool.write_all(bytes).map_err(disk),
            Intake::Gzip(decoder) => decoder.write_all(bytes).map_err(lie),
        }
    }

    fn finish(self) -> Result<Body, Lost> {
        match self {
            Intake::Plain(spool) => spool.finish().map_err(disk),
            // No byte at all is what some servers send for nothing, whatever they call it.
            Intake::Gzip(decoder) if decoder.get_ref().len() == 0 => {
                let spool = decoder.finish().map_err(lie)?;
                spool.finish().map_err(disk)
            }
            Intake::Gzip(decoder) => decoder.finish().map_err(lie)?.finish().map_err(disk),
        }
    }
}

fn lie(error: std::io::Error) -> Lost {
    if error.raw_os_error().is_some() {
        return disk(error);
    }
    Lost::Encoding(format!("was answered with a body that calls itself gzip and is not ({error})"))
}

fn disk(error: std::io::Error) -> Lost {
    Lost::Final(Error::new(Class::TryAgain, "an answer could not be kept on disk").caused_by(error))
}

/// The request that a redirect asks for; none where the answer is none. Credentials and the description's own headers stay
/// behind where the host changes.
fn redirected(ready: &Ready, response: &Response) -> Result<Option<Ready>, Lost> {
    let status = response.status();
    let keeps_method = matches!(status, StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
    if !keeps_method && !matches!(status, StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER) {
        return Ok(None);
    }
    let Some(location) = response.headers().get("location").and_then(|location| location.to_str().ok()) else {
        return Ok(None);
    };
    let refuse =
        |why: &str| Err(Lost::Final(Error::new(Class::Unavailable, format!("a redirect {why} was not followed"))));
    let Ok(url) = ready.url.join(location) else { return refuse("to something that is no address") };
    if ready.url.scheme() == "https" && url.scheme() != "https" {
        return refuse("away from https");
    }
    let is_same = url.origin() == ready.url.origin();
    if ready.method != Method::GET && !(keeps_method && is_same) {
        return refuse("of a request that is no GET");
    }
    Ok(Some(Ready {
        headers: if is_same { ready.headers.clone() } else { Vec::new() },
        is_trusted: ready.is_trusted && is_same,
        url,
        ..ready.clone()
    }))
}

fn header_name(name: &str) -> Result<HeaderName, Lost> {
    name.parse().map_err(|_| Lost::Final(Error::usage(format!("`{name}` is no name of a header"))))
}

fn header_value(name: &str, value: &str) -> Result<HeaderValue, Lost> {
    let mut parsed = HeaderValue::from_str(value).map_err(|_| {
        Lost::Final(Error::usage(format!("the value of the header {name} has characters that no header may have")))
    })?;
    parsed.set_sensitive(true);
    Ok(parsed)
}

/// What went wrong with a connection, as the end of the sentence "the request …".
fn failure(error: &reqwest::Error) -> String {
    let what = if error.is_connect() {
        "could not reach the source"
    } else if error.is_timeout() {
        "took too long"
    } else {
        "was cut off"
    };
    format!("{what} ({})", reasons(error))
}
