//! Business dates, cron ticks and the one clock of the program.
//!
//! Nothing else reads the wall clock: results are a function of the run's date and of what was landed.

use crate::error::{Error, Result};
use chrono::{DateTime, Days, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use std::str::FromStr;

/// The environment variable that replaces the wall clock by a fixed instant (RFC 3339), for tests and rehearsals.
pub const NOW_VARIABLE: &str = "TAILWATER_NOW";

/// The one clock. It reads the machine's time, or stands still where [`NOW_VARIABLE`] or a test says so.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    fixed: Option<DateTime<Utc>>,
}

impl Clock {
    /// The machine's clock, or the instant in [`NOW_VARIABLE`].
    ///
    /// # Errors
    /// When the variable is set and not an RFC 3339 instant.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock's environment variable")]
    pub fn from_env() -> Result<Self> {
        match std::env::var(NOW_VARIABLE) {
            Ok(text) => DateTime::parse_from_rfc3339(text.trim())
                .map(|instant| Clock::fixed(instant.with_timezone(&Utc)))
                .map_err(|_| Error::usage(format!("{NOW_VARIABLE} is not an RFC 3339 instant: {text}"))),
            Err(_) => Ok(Clock { fixed: None }),
        }
    }

    /// A clock that stands still.
    pub fn fixed(instant: DateTime<Utc>) -> Self {
        Clock { fixed: Some(instant) }
    }

    /// Now.
    #[expect(clippy::disallowed_methods, reason = "this is the one clock")]
    pub fn now(&self) -> DateTime<Utc> {
        self.fixed.unwrap_or_else(Utc::now)
    }
}

/// A cron schedule of five fields with Kubernetes' meaning: minute, hour, day of month, month, day of week with
/// Sunday = 0 or 7; where both day fields are restricted, either may match.
#[derive(Debug, Clone)]
pub struct Schedule {
    text: String,
    either: Vec<cron::Schedule>,
}

impl Schedule {
    /// Parses five fields, or one of `@hourly`, `@daily`, `@midnight`, `@weekly`, `@monthly`, `@yearly`, `@annually`.
    ///
    /// # Errors
    /// A sentence that says which field is wrong and what it may hold.
    pub fn parse(text: &str) -> Result<Self, String> {
        let expanded = expand_macro(text.trim())?;
        let fields: Vec<&str> = expanded.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else {
            return Err(format!(
                "a schedule has five fields (minute, hour, day of month, month, day of week), this one has {}",
                fields.len()
            ));
        };
        check_field("minute", minute, 0, 59, &[])?;
        check_field("hour", hour, 0, 23, &[])?;
        check_field("day of month", day, 1, 31, &[])?;
        check_field("month", month, 1, 12, &MONTHS)?;
        check_field("day of week", weekday, 0, 7, &WEEKDAYS)?;
        let day = day.replace('?', "*");
        let weekday = translate_weekdays(&weekday.replace('?', "*"))?;
        let whole = |day: &str, weekday: &str| {
            cron::Schedule::from_str(&format!("0 {minute} {hour} {day} {month} {weekday}"))
                .map_err(|error| format!("not a cron schedule: {error}"))
        };
        let either = if day.starts_with('*') || weekday.starts_with('*') {
            vec![whole(&day, &weekday)?]
        } else {
            vec![whole(&day, "*")?, whole("*", &weekday)?]
        };
        Ok(Schedule { text: text.trim().to_owned(), either })
    }

    /// The schedule as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The last tick at or before `now`, in the job's time zone; none where the schedule never ticks before `now`.
    pub fn last_tick(&self, now: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let just_after = now.with_timezone(&zone) + TimeDelta::seconds(1);
        self.either
            .iter()
            // Where an hour comes twice, the later of two ticks comes first and may lie ahead of `now`.
            .flat_map(|schedule| schedule.after(&just_after).rev().take(3).collect::<Vec<_>>())
            .map(|tick| tick.with_timezone(&Utc))
            .filter(|tick| *tick <= now)
            .max()
    }
}

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

fn expand_macro(text: &str) -> Result<&str, String> {
    Ok(match text {
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@monthly" => "0 0 1 * *",
        "@weekly" => "0 0 * * 0",
        "@daily" | "@midnight" => "0 0 * * *",
        "@hourly" => "0 * * * *",
        other if other.starts_with('@') => return Err(format!("unknown schedule {other}")),
        other => other,
    })
}

/// One cron field is a comma-separated list of `*`, `n`, `a-b`, each with an optional `/step`.
fn check_field(field: &str, text: &str, low: u32, high: u32, names: &[&str]) -> Result<(), String> {
    let wrong = || format!("{field} field \"{text}\" is not {low}-{high}, *, a list, a range or a step");
    for part in text.split(',') {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        if step.is_some_and(|step| step.parse::<u32>().map_or(true, |step| step == 0)) {
            return Err(wrong());
        }
        if range == "*" || range == "?" {
            continue;
        }
        let (from, to) = range.split_once('-').unwrap_or((range, range));
        let from = field_number(from, names, low).ok_or_else(wrong)?;
        let to = field_number(to, names, low).ok_or_else(wrong)?;
        if from < low || to > high || from > to {
            return Err(wrong());
        }
    }
    Ok(())
}

fn field_number(text: &str, names: &[&str], low: u32) -> Option<u32> {
    if let Some(at) = names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
        return u32::try_from(at).ok().map(|at| at + low);
    }
    text.parse().ok()
}

/// Spells every weekday by name: the `cron` crate counts Sunday as 1, Kubernetes as 0 (and 7).
fn translate_weekdays(text: &str) -> Result<String, String> {
    let mut days = [false; 7];
    for part in text.split(',') {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        if range == "*" && step.is_none() {
            return Ok("*".to_owned());
        }
        let wrong = || format!("day of week field \"{text}\" is not 0-7 or SUN-SAT");
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (0, 6),
            Some((from, to)) => {
                (field_number(from, &WEEKDAYS, 0).ok_or_else(wrong)?, field_number(to, &WEEKDAYS, 0).ok_or_else(wrong)?)
            }
            None => {
                let day = field_number(range, &WEEKDAYS, 0).ok_or_else(wrong)?;
                (day, if step.is_some() { 6 } else { day })
            }
        };
        let step: usize = step.map_or(Ok(1), str::parse).map_err(|_| wrong())?;
        for day in (from..=to).step_by(step.max(1)) {
            if let Some(set) = days.get_mut(day as usize % 7) {
                *set = true;
            }
        }
    }
    let names: Vec<&str> = WEEKDAYS.iter().zip(days).filter_map(|(name, set)| set.then_some(*name)).collect();
    Ok(names.join(","))
}

/// The last calendar day of `zone` that has fully ended at `tick`.
pub fn as_of_for_tick(tick: DateTime<Utc>, zone: Tz) -> NaiveDate {
    let today = tick.with_timezone(&zone).date_naive();
    today.checked_sub_days(Days::new(1)).unwrap_or(NaiveDate::MIN)
}

/// The exclusive end of `date` in `zone` as an instant: the first instant of the next day, also where a change of
/// the clocks skips or repeats midnight.
pub fn day_end(date: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let next = date.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX);
    first_instant(next.and_time(NaiveTime::MIN), zone)
}

fn first_instant(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    // A gap is at most a day long (a zone that crossed the date line) and its length is a whole number of minutes.
    let mut at = local;
    for _ in 0..=24 * 60 {
        match zone.from_local_datetime(&at) {
            LocalResult::Single(instant) | LocalResult::Ambiguous(instant, _) => return instant.with_timezone(&Utc),
            LocalResult::None => at += TimeDelta::minutes(1),
        }
    }
    Utc.from_utc_datetime(&local)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc)
    }

    fn last(schedule: &str, now: &str, zone: &str) -> String {
        let tick = Schedule::parse(schedule).unwrap().last_tick(instant(now), zone.parse().unwrap());
        tick.map_or_else(|| "never".to_owned(), |tick| tick.to_rfc3339())
    }

    #[test]
    fn ticks_are_those_of_kubernetes() {
        // 2026-11-22 is a Sunday.
        for (schedule, now, zone, tick) in [
            ("0 5 * * *", "2026-11-23T05:00:00Z", "Etc/UTC", "2026-11-23T05:00:00+00:00"),
            ("0 5 * * *", "2026-11-23T04:59:59Z", "Etc/UTC", "2026-11-22T05:00:00+00:00"),
            ("0 5 * * *", "2026-11-23T05:00:59Z", "Etc/UTC", "2026-11-23T05:00:00+00:00"),
            ("0 3 * * 0", "2026-11-25T00:00:00Z", "Etc/UTC", "2026-11-22T03:00:00+00:00"),
            ("0 3 * * 7", "2026-11-25T00:00:00Z", "Etc/UTC", "2026-11-22T03:00:00+00:00"),
            ("0 3 * * 1", "2026-11-25T00:00:00Z", "Etc/UTC", "2026-11-23T03:00:00+00:00"),
            ("0 3 * * SUN", "2026-11-25T00:00:00Z", "Etc/UTC", "2026-11-22T03:00:00+00:00"),
            ("0 3 * * mon-fri", "2026-11-22T23:00:00Z", "Etc/UTC", "2026-11-20T03:00:00+00:00"),
            ("0 3 * * 5-7", "2026-11-25T00:00:00Z", "Etc/UTC", "2026-11-22T03:00:00+00:00"),
            ("0 3 * * 1-5/2", "2026-11-27T00:00:00Z", "Etc/UTC", "2026-11-25T03:00:00+00:00"),
            ("*/15 * * * *", "2026-11-25T10:44:00Z", "Etc/UTC", "2026-11-25T10:30:00+00:00"),
            ("0 0 1 JAN *", "2026-11-25T10:44:00Z", "Etc/UTC", "2026-01-01T00:00:00+00:00"),
            ("@weekly", "2026-11-25T10:44:00Z", "Etc/UTC", "2026-11-22T00:00:00+00:00"),
            // Both day fields restricted: either matches, the 13th or a Friday.
            ("0 0 13 * 5", "2026-11-19T00:00:00Z", "Etc/UTC", "2026-11-13T00:00:00+00:00"),
            ("0 0 13 * 5", "2026-12-16T00:00:00Z", "Etc/UTC", "2026-12-13T00:00:00+00:00"),
            // In a zone: 05:00 in Berlin is 04:00 UTC in winter and 03:00 UTC in summer.
            ("0 5 * * *", "2026-11-23T12:00:00Z", "Europe/Berlin", "2026-11-23T04:00:00+00:00"),
            ("0 5 * * *", "2026-07-23T12:00:00Z", "Europe/Berlin", "2026-07-23T03:00:00+00:00"),
            // 02:30 does not exist on 2026-03-29 in Berlin: the last tick is the day before's.
            ("30 2 * * *", "2026-03-29T12:00:00Z", "Europe/Berlin", "2026-03-28T01:30:00+00:00"),
            // 02:30 comes twice on 2026-10-25: both are ticks of the same date.
            ("30 2 * * *", "2026-10-25T00:45:00Z", "Europe/Berlin", "2026-10-25T00:30:00+00:00"),
            ("30 2 * * *", "2026-10-25T12:00:00Z", "Europe/Berlin", "2026-10-25T01:30:00+00:00"),
        ] {
            assert_eq!(last(schedule, now, zone), tick, "{schedule} at {now} in {zone}");
        }
    }

    #[test]
    fn a_wrong_schedule_is_told_field_by_field() {
        for (schedule, told) in [
            ("0 5 * *", "a schedule has five fields (minute, hour, day of month, month, day of week), this one has 4"),
            ("0 25 * * *", "hour field \"25\" is not 0-23, *, a list, a range or a step"),
            ("0 5 * * 8", "day of week field \"8\" is not 0-7, *, a list, a range or a step"),
            ("0 5 * * MOO", "day of week field \"MOO\" is not 0-7, *, a list, a range or a step"),
            ("*/0 5 * * *", "minute field \"*/0\" is not 0-59, *, a list, a range or a step"),
            (
                "TZ=UTC 0 5 * * *",
                "a schedule has five fields (minute, hour, day of month, month, day of week), this one has 6",
            ),
            ("@reboot", "unknown schedule @reboot"),
        ] {
            assert_eq!(Schedule::parse(schedule).map(|_| ()), Err(told.to_owned()));
        }
    }

    #[test]
    fn as_of_is_the_last_day_that_has_ended() {
        let berlin: Tz = "Europe/Berlin".parse().unwrap();
        let day = |text: &str| NaiveDate::parse_from_str(text, "%Y-%m-%d").unwrap();
        assert_eq!(as_of_for_tick(instant("2026-11-23T05:00:00Z"), Tz::Etc__UTC), day("2026-11-22"));
        assert_eq!(as_of_for_tick(instant("2026-11-23T00:00:00Z"), Tz::Etc__UTC), day("2026-11-22"));
        assert_eq!(as_of_for_tick(instant("2026-11-22T23:30:00Z"), berlin), day("2026-11-22"));
        assert_eq!(as_of_for_tick(instant("2026-11-22T22:30:00Z"), berlin), day("2026-11-21"));
    }

    #[test]
    fn a_day_ends_where_the_next_begins() {
        let end = |day: &str, zone: &str| {
            day_end(NaiveDate::parse_from_str(day, "%Y-%m-%d").unwrap(), zone.parse().unwrap()).to_rfc3339()
        };
        assert_eq!(end("2026-11-22", "Etc/UTC"), "2026-11-23T00:00:00+00:00");
        assert_eq!(end("2026-03-29", "Europe/Berlin"), "2026-03-29T22:00:00+00:00");
        // Midnight of 2018-11-04 does not exist in Sao Paulo; the day begins at 01:00.
        assert_eq!(end("2018-11-03", "America/Sao_Paulo"), "2018-11-04T03:00:00+00:00");
        // Midnight of 2018-02-18 is no instant twice: 23:00-24:00 of the 17th is; Samoa skipped 2011-12-30 altogether.
        assert_eq!(end("2011-12-29", "Pacific/Apia"), "2011-12-30T10:00:00+00:00");
    }
}
