//! How much of a source may be asked at once: one budget a credential, shared by all its streams.

use super::told::Told;
use crate::error::{Class, Error, Result};
use crate::model::source::access::{Limits, ResetUnit};
use chrono::{DateTime, Utc};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// Leave to send one request; the slot is free again when it is dropped.
#[derive(Debug)]
pub(super) struct Permit(#[expect(dead_code, reason = "held for its drop")] OwnedSemaphorePermit);

/// The budget.
#[derive(Debug)]
pub(super) struct Budget {
    slots: Arc<Semaphore>,
    limits: Limits,
    spent: Mutex<Spent>,
}

#[derive(Debug)]
struct Spent {
    /// For each declared rate: when its latest requests were sent. Never more than the rate in any stretch of its time.
    sent: Vec<VecDeque<Instant>>,
    /// Nothing is sent before.
    pause: Option<Instant>,
}

/// The longest wait between two words about it.
const WORD: Duration = Duration::from_secs(10);

impl Budget {
    pub fn new(limits: &Limits) -> Self {
        let sent = limits.rates.iter().map(|_| VecDeque::new()).collect();
        Budget {
            slots: Arc::new(Semaphore::new(limits.concurrency.max(1))),
            limits: limits.clone(),
            spent: Mutex::new(Spent { sent, pause: None }),
        }
    }

    /// Waits until a request for `path` fits.
    ///
    /// # Errors
    /// It would have to wait longer than the source's longest wait (69).
    pub async fn admit(&self, path: &str, told: &Told) -> Result<Permit> {
        loop {
            // The slot is taken last: who waits for the rate holds nobody up.
            let wait = self.wait(path, Instant::now(), false);
            if wait.is_zero() {
                let slot = Arc::clone(&self.slots).acquire_owned().await;
                let slot = slot.map_err(|_| Error::bug("the budget of a source is closed"))?;
                if self.wait(path, Instant::now(), true).is_zero() {
                    return Ok(Permit(slot));
                }
                continue;
            }
            self.check(wait, told)?;
            if wait > Duration::from_secs(1) {
                told.waiting(&format!("waiting {} for the source's rate limit", shown(wait)), wait);
            }
            tokio::time::sleep(wait.min(WORD)).await;
        }
    }

    /// How long a request for `path` must wait; takes its place in the rates where that is nothing and `takes` is set.
    fn wait(&self, path: &str, now: Instant, takes: bool) -> Duration {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let mut wait = spent.pause.map_or(Duration::ZERO, |pause| pause.saturating_duration_since(now));
        let mut fitting = Vec::new();
        for (at, (rate, sent)) in self.limits.rates.iter().zip(&mut spent.sent).enumerate() {
            if !rate.paths.as_deref().is_none_or(|pattern| fits(pattern, path)) {
                continue;
            }
            while sent.front().is_some_and(|first| now.saturating_duration_since(*first) >= rate.per) {
                sent.pop_front();
            }
            if sent.len() >= rate.requests.max(1) as usize
                && let Some(first) = sent.front()
            {
                wait = wait.max((*first + rate.per).saturating_duration_since(now));
            }
            fitting.push(at);
        }
        if takes && wait.is_zero() {
            for at in fitting {
                if let Some(sent) = spent.sent.get_mut(at) {
                    sent.push_back(now);
                }
            }
        }
        wait
    }

    /// Nothing is sent for so long, whoever asks.
    ///
    /// # Errors
    /// It is longer than the source's longest wait (69).
    pub fn pause(&self, wait: Duration, told: &Told) -> Result<()> {
        self.check(wait, told)?;
        let until = Instant::now() + wait;
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        spent.pause = Some(spent.pause.map_or(until, |pause| pause.max(until)));
        Ok(())
    }

    fn check(&self, wait: Duration, told: &Told) -> Result<()> {
        if wait <= self.limits.longest_wait {
            return Ok(());
        }
        let (wait, longest) = (shown(wait), shown(self.limits.longest_wait));
        Err(Error::new(Class::Unavailable, format!("{} wants {wait} of waiting before the next request", told.what()))
            .help(format!("the longest wait that its limits allow is {longest} (`longest_wait`)"))
            .help("run again later: reading goes on at the page where it stopped"))
    }

    /// Takes note of what an answer's headers say about the requests that are left. `now` is the source's clock.
    ///
    /// # Errors
    /// The next request must wait longer than the source's longest wait (69).
    pub fn heed(&self, header: &dyn Fn(&str) -> Option<String>, now: DateTime<Utc>, told: &Told) -> Result<()> {
        for signal in &self.limits.signals {
            let remaining = header(&signal.remaining).and_then(|text| text.trim().parse::<f64>().ok());
            let reset = signal.reset.as_ref().and_then(|name| header(name));
            if let (Some(remaining), Some(reset)) = (remaining, reset)
                && remaining < 1.0
                && let Some(wait) = until_reset(&reset, signal.reset_unit, now)
            {
                self.pause(wait, told)?;
            }
        }
        Ok(())
    }
}

/// How long until a reset time.
fn until_reset(text: &str, unit: ResetUnit, now: DateTime<Utc>) -> Option<Duration> {
    let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite())?;
    let seconds = match unit {
        ResetUnit::Seconds => number,
        ResetUnit::Milliseconds => number / 1_000.0,
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of this century are exact in a double")]
        ResetUnit::Epoch => number - now.timestamp_millis() as f64 / 1_000.0,
    };
    Duration::try_from_secs_f64(seconds.max(0.0)).ok()
}

/// How long `Retry-After` asks to wait (RFC 9110 §10.2.3): seconds, or a date by the source's own clock.
pub(super) fn retry_after(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds.max(0.0)).ok();
    }
    let until = DateTime::parse_from_rfc2822(text).ok()?;
    Some((until.with_timezone(&Utc) - now).to_std().unwrap_or_default())
}

/// Whether `path` is one of those that `pattern` means; `*` stands for anything.
fn fits(pattern: &str, path: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| path.strip_prefix(first)) else { return false };
    let mut pieces = pieces.peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        match rest.split_once(piece) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.is_empty()
}

/// A duration as people say it.
pub(super) fn shown(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{} ms", duration.as_millis()),
        1..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::source::access::Rate;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = DateTime::parse_from_rfc3339("2026-11-23T10:00:00Z").unwrap().with_timezone(&Utc);
        assert_eq!(retry_after(" 30 ", now), Some(Duration::from_secs(30)));
        assert_eq!(retry_after("Mon, 23 Nov 2026 10:01:00 GMT", now), Some(Duration::from_secs(60)));
        assert_eq!(retry_after("Mon, 23 Nov 2026 09:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
        assert_eq!(until_reset("1795428030", ResetUnit::Epoch, now), Some(Duration::from_secs(30)));
        assert_eq!(until_reset("1500", ResetUnit::Milliseconds, now), Some(Duration::from_millis(1500)));
    }

    #[test]
    fn patterns_mean_paths() {
        assert!(fits("/incremental/*", "/incremental/tickets"));
        assert!(fits("*/search", "/crm/v3/objects/search"));
        assert!(fits("/a/*/c/*", "/a/b/c/d"));
        assert!(!fits("/a/*/c", "/a/b/cd"));
        assert!(!fits("/exact", "/exact/more"));
        assert!(fits("/exact", "/exact"));
    }

    #[test]
    fn no_stretch_of_time_holds_more_than_its_rate() {
        let per = Duration::from_secs(60);
        let limits = Limits {
            concurrency: 2,
            rates: vec![Rate { requests: 3, per, paths: Some("/x/*".to_owned()) }],
            signals: Vec::new(),
            attempts: 1,
            connect_timeout: per,
            read_timeout: per,
            total_timeout: per,
            longest_wait: per,
        };
        let budget = Budget::new(&limits);
        let start = Instant::now();
        for second in 0..3 {
            assert!(budget.wait("/x/1", start + Duration::from_secs(second), true).is_zero());
        }
        assert_eq!(budget.wait("/x/1", start + Duration::from_secs(10), true), Duration::from_secs(50));
        assert!(budget.wait("/y", start + Duration::from_secs(10), true).is_zero());
        assert!(budget.wait("/x/1", start + Duration::from_secs(60), true).is_zero());
        assert_eq!(budget.wait("/x/1", start + Duration::from_secs(60), true), Duration::from_secs(1));
        let told = Told::silent("billing.invoice");
        assert!(budget.pause(Duration::from_secs(61), &told).is_err());
        assert!(budget.pause(Duration::from_secs(60), &told).is_ok());
        assert!(!budget.wait("/y", Instant::now(), true).is_zero());
    }
}
