//! How far a stream was read: the greatest value of its cursor, and where the next pass begins.

use super::window;
use super::{Mark, Progress};
use crate::model::source::stream::{Requests, StreamSpec};
use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Date32Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, SecondsFormat, Utc};
use ring::rand::{SecureRandom, SystemRandom};

/// Watches a stream's cursor column.
pub(super) struct Marks {
    stream: String,
    column: Option<String>,
    /// The greatest value so far.
    pub greatest: Option<Mark>,
}

impl Marks {
    pub fn new(stream: &StreamSpec, requests: &Requests) -> Self {
        let column = requests.cursor.as_ref().and_then(|cursor| cursor.column.clone());
        Marks { stream: stream.name.clone(), column, greatest: None }
    }

    /// Watches nothing.
    pub fn nothing() -> Self {
        Marks { stream: String::new(), column: None, greatest: None }
    }

    /// Looks at rows that are handed on.
    pub fn see(&mut self, stream: &str, batch: &RecordBatch) {
        let column = self.column.as_ref().filter(|_| stream == self.stream);
        let Some(values) = column.and_then(|name| batch.column_by_name(name)) else { return };
        let seen = match values.data_type() {
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                values.as_primitive::<TimestampMicrosecondType>().iter().flatten().max().map(Mark::Instant)
            }
            DataType::Date32 => {
                let day = values.as_primitive::<Date32Type>().iter().flatten().max();
                day.map(|day| Mark::Instant(i64::from(day) * crate::extract::value::DAY_MICROS))
            }
            DataType::Int64 => values.as_primitive::<Int64Type>().iter().flatten().max().map(Mark::Number),
            DataType::Utf8 => values.as_string::<i32>().iter().flatten().max().map(|text| Mark::Text(text.to_owned())),
            _ => None,
        };
        // A greatest value never becomes smaller: a source whose cursor goes backwards loses nothing.
        self.greatest = self.greatest.take().max(seen);
    }

    /// The greatest value, no later than what was asked for: a row from the future must not hide those before it.
    pub fn reached(&self, end: i64) -> Option<Mark> {
        match &self.greatest {
            Some(Mark::Instant(instant)) => Some(Mark::Instant(*instant.min(&end))),
            other => other.clone(),
        }
    }
}

/// What a new pass asks for.
pub(super) struct Bounds {
    pub start: i64,
    pub end: i64,
    /// The lower bound where the cursor is no instant.
    pub from: Option<String>,
    pub is_too_old: bool,
}

/// The bounds of a new pass: from the cursor less the look-back to now less the lag; from the job's start where there is no
/// cursor, where it is too old, or where everything is wanted.
pub(super) fn of_progress(
    progress: &Progress,
    requests: &Requests,
    first: i64,
    now: DateTime<Utc>,
    is_whole: bool,
) -> Bounds {
    let now = now.timestamp_micros();
    let Some(cursor) = &requests.cursor else {
        return Bounds { start: first.min(now), end: now, from: None, is_too_old: false };
    };
    let first = cursor.first.map_or(first, |first| first.timestamp_micros());
    let end = now - window::micros(cursor.lag);
    let known = progress.cursor.as_ref().filter(|_| !is_whole);
    let mut bounds = Bounds { start: first.min(end), end, from: None, is_too_old: false };
    match known {
        Some(Mark::Instant(instant)) => {
            bounds.is_too_old = cursor.retention.is_some_and(|kept| *instant < now - window::micros(kept));
            if !bounds.is_too_old {
                bounds.start = (instant - window::micros(cursor.lookback)).min(end);
            }
        }
        Some(Mark::Number(number)) => {
            bounds.from = Some(if cursor.is_inclusive { *number } else { number.saturating_sub(1) }.to_string());
        }
        Some(Mark::Text(text)) => bounds.from = Some(text.clone()),
        None => {}
    }
    bounds
}

/// A name for a new pass that no other has.
pub(super) fn pass_id(now: DateTime<Utc>) -> String {
    let mut bytes = [0; 4];
    // Where the system has no random numbers the instant must do.
    let _ = SystemRandom::new().fill(&mut bytes);
    format!("{}-{:08x}", now.to_rfc3339_opts(SecondsFormat::Secs, true), u32::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::source::stream::{Cursor, Paging, Request, TimeFormat};
    use std::time::Duration;

    fn requests(is_inclusive: bool, retention: Option<u64>) -> Requests {
        Requests {
            request: Request::default(),
            paging: Paging::None,
            window: None,
            cursor: Some(Cursor {
                column: Some("updated_at".to_owned()),
                first: None,
                is_token: false,
                is_inclusive,
                lookback: Duration::from_secs(600),
                lag: Duration::from_secs(60),
                format: TimeFormat::Unix,
                is_ordered: false,
                retention: retention.map(Duration::from_secs),
            }),
            parent: None,
            values: Vec::new(),
            export: None,
        }
    }

    #[test]
    fn a_pass_begins_at_the_cursor_less_the_look_back() {
        let now = DateTime::from_timestamp(1_000_000, 0).unwrap();
        let at = |mark: Option<Mark>, retention: Option<u64>, is_whole: bool| {
            let progress = Progress { cursor: mark, ..Progress::default() };
            let bounds = of_progress(&progress, &requests(false, retention), 5_000_000, now, is_whole);
            (bounds.start / 1_000_000, bounds.end / 1_000_000, bounds.from, bounds.is_too_old)
        };
        let mark = || Some(Mark::Instant(900_000_000_000));
        assert_eq!(at(None, None, false), (5, 999_940, None, false));
        assert_eq!(at(mark(), None, false), (899_400, 999_940, None, false));
        assert_eq!(at(mark(), None, true), (5, 999_940, None, false));
        assert_eq!(at(mark(), Some(50_000), false), (5, 999_940, None, true));
        assert_eq!(at(Some(Mark::Number(7)), None, false).2.as_deref(), Some("6"));
        let future = Some(Mark::Instant(2_000_000_000_000));
        assert_eq!(at(future, None, false).0, 999_940);
    }

    #[test]
    fn a_cursor_stays_within_what_was_asked_for() {
        let stream = crate::extract::api::tests::stream("x", &[]);
        let mut marks = Marks::new(&stream, &requests(true, None));
        marks.greatest = Some(Mark::Instant(50));
        assert_eq!(marks.reached(40), Some(Mark::Instant(40)));
        assert_eq!(marks.reached(60), Some(Mark::Instant(50)));
    }
}
