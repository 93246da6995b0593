//! Instants as systems write them, and stretches of time cut into slices.

use crate::model::source::stream::{TimeFormat, Window};
use chrono::{DateTime, Utc};
use std::time::Duration;

/// Microseconds of a duration.
pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// An instant, in microseconds since 1970-01-01 UTC, as a system writes it; what is finer than the format is cut.
pub(super) fn written(instant: i64, format: &TimeFormat) -> String {
    let time = || DateTime::<Utc>::from_timestamp_micros(instant).unwrap_or_default();
    match format {
        TimeFormat::Iso { has_millis: false } => time().format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        TimeFormat::Iso { has_millis: true } => time().format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        TimeFormat::Unix => instant.div_euclid(1_000_000).to_string(),
        TimeFormat::UnixMillis => instant.div_euclid(1_000).to_string(),
        TimeFormat::Pattern(pattern) => {
            use std::fmt::Write as _;
            let mut text = String::new();
            // A pattern that chrono does not know writes nothing rather than something wrong.
            match write!(text, "{}", time().format(pattern)) {
                Ok(()) => text,
                Err(_) => String::new(),
            }
        }
    }
}

/// The smallest step that a format can write, in microseconds.
pub(super) fn unit(format: &TimeFormat) -> i64 {
    const SECOND: i64 = 1_000_000;
    match format {
        TimeFormat::Iso { has_millis: false } | TimeFormat::Unix => SECOND,
        TimeFormat::Iso { has_millis: true } | TimeFormat::UnixMillis => 1_000,
        TimeFormat::Pattern(pattern) => {
            let has = |specifiers: &[&str]| specifiers.iter().any(|specifier| pattern.contains(specifier));
            if has(&["%f", "%.f", "%.6f", "%6f"]) {
                1
            } else if has(&["%.3f", "%3f"]) {
                1_000
            } else if has(&["%S", "%T", "%s", "%X", "%c", "%+"]) {
                SECOND
            } else if has(&["%M", "%R"]) {
                60 * SECOND
            } else if has(&["%H", "%I", "%k", "%l"]) {
                3_600 * SECOND
            } else {
                86_400 * SECOND
            }
        }
    }
}

/// A cursor's value as the lower bound of a question that brings rows at that value again: where the source compares with
/// "greater than", one step lower.
pub(super) fn lower_bound(instant: i64, format: &TimeFormat, is_inclusive: bool) -> i64 {
    let unit = unit(format);
    if is_inclusive || instant.rem_euclid(unit) != 0 { instant } else { instant - unit }
}

/// The last multiple of the window's alignment up to `instant`.
pub(super) fn aligned(instant: i64, window: &Window) -> i64 {
    match window.align.map(micros) {
        Some(align) if align > 0 => instant - instant.rem_euclid(align),
        _ => instant,
    }
}

/// The slice that begins at `start`, of a pass that ends at `end`; none where there is nothing left.
pub(super) fn slice(start: i64, end: i64, window: &Window) -> Option<(i64, i64)> {
    let step = micros(window.step).max(1);
    (start < end).then(|| (start, start.saturating_add(step).min(end)))
}

/// A slice in two halves; none where that would be shorter than the window's least.
pub(super) fn halves((start, end): (i64, i64), window: &Window) -> Option<[(i64, i64); 2]> {
    let least = micros(window.least).max(1);
    let middle = aligned(start + (end - start) / 2, window);
    (middle - start >= least && end - middle >= least).then_some([(start, middle), (middle, end)])
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000;

    fn hours(hours: u64) -> Duration {
        Duration::from_secs(hours * 3_600)
    }

    #[test]
    fn instants_are_written_as_systems_want_them() {
        let instant = 1_795_428_000_123_456;
        let pattern = |text: &str| TimeFormat::Pattern(text.to_owned());
        assert_eq!(written(instant, &TimeFormat::Iso { has_millis: false }), "2026-11-23T10:00:00Z");
        assert_eq!(written(instant, &TimeFormat::Iso { has_millis: true }), "2026-11-23T10:00:00.123Z");
        assert_eq!(written(instant, &TimeFormat::Unix), "1795428000");
        assert_eq!(written(instant, &TimeFormat::UnixMillis), "1795428000123");
        assert_eq!(written(instant, &pattern("%Y%m%dT%H")), "20261123T10");
        assert_eq!(written(instant, &pattern("%Q")), "");
        assert_eq!(unit(&pattern("%Y%m%dT%H")), HOUR);
        assert_eq!(unit(&pattern("%Y-%m-%d")), 24 * HOUR);
        assert_eq!(lower_bound(5_000_000, &TimeFormat::Unix, false), 4_000_000);
        assert_eq!(lower_bound(5_000_001, &TimeFormat::Unix, false), 5_000_001);
        assert_eq!(lower_bound(5_000_000, &TimeFormat::Unix, true), 5_000_000);
    }

    #[test]
    fn slices_leave_nothing_out_and_halve_down_to_the_least() {
        let window = Window {
            step: hours(24),
            format: TimeFormat::Unix,
            end_gap: Duration::ZERO,
            align: Some(hours(1)),
            least: hours(6),
        };
        let (mut at, end) = (aligned(HOUR + 5, &window), 50 * HOUR);
        let mut slices = Vec::new();
        while let Some((start, stop)) = slice(at, end, &window) {
            slices.push((start / HOUR, stop / HOUR));
            at = stop;
        }
        assert_eq!(slices, [(1, 25), (25, 49), (49, 50)]);
        let halved = halves((HOUR, 25 * HOUR), &window).unwrap();
        assert_eq!(halved, [(HOUR, 13 * HOUR), (13 * HOUR, 25 * HOUR)]);
        assert!(halves((HOUR, 12 * HOUR), &window).is_none());
    }
}
