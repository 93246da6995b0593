//! The measures as a customer success lead reads them: first whether to trust the score, then what to change.

use crate::backtest::broken;
use crate::error::Result;
use crate::observe::format::{counted, date, duration, wrap};
use crate::observe::paint::{Ink, Paint};
use arrow::array::Array;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::NaiveDate;
use datafusion::prelude::SessionContext;
use std::time::Duration;

/// Columns that the text fits into.
const WIDTH: usize = 92;

/// Where the sentences begin.
const INDENT: usize = 12;

/// Behaviours that are named as those that separate; people can watch three or four.
const NAMED: usize = 4;

/// What stands around the measures.
#[derive(Debug, Clone)]
pub struct Page {
    /// The job.
    pub job: String,
    /// Decisions up to this day are looked at.
    pub as_of: NaiveDate,
    /// The dates for which health was computed.
    pub dates: Vec<NaiveDate>,
    /// How long it took.
    pub elapsed: Duration,
}

/// The measures of one look back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Days before the decision that people want to know it.
    pub horizon: String,
    /// Rows of `health_backtest`.
    pub measures: Vec<Measure>,
    /// Rows of `signal_evidence`, those that separate first.
    pub signals: Vec<Signal>,
}

/// One row of `health_backtest`, as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Measure {
    measure: String,
    bucket: String,
    horizon: String,
    value: String,
    losses: String,
    renewals: String,
    verdict: String,
    is_matched: bool,
    reading: String,
}

/// One row of `signal_evidence`, as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signal {
    signal: String,
    is_component: bool,
    separates: bool,
    weight_now: String,
    weight_suggested: String,
    reading: String,
}

/// Reads the measures out of a session.
///
/// # Errors
/// A table lacks a column: a bug (70).
pub async fn collect(session: &SessionContext, horizon_days: i64) -> Result<Report> {
    let horizon = horizon_days.to_string();
    let measures = rows(
        session,
        "select measure, bucket, horizon_days, value, losses, renewals, verdict, is_matched, reading
        from health_backtest order by horizon_days desc, measure, bucket",
    )
    .await?;
    let signals = rows(
        session,
        &format!(
            "select signal, kind = 'component', separates, cast(weight_now as decimal(9,1)), cast(weight_suggested as decimal(9,1)), reading
            from signal_evidence where horizon_days = {horizon} order by rank nulls last, auc desc nulls last, signal"
        ),
    )
    .await?;
    let measure = |row: &Vec<String>| {
        let [measure, bucket, horizon, value, losses, renewals, verdict, is_matched, reading] = &row[..] else {
            return Measure::default();
        };
        Measure {
            measure: measure.clone(),
            bucket: bucket.clone(),
            horizon: horizon.clone(),
            value: value.clone(),
            losses: losses.clone(),
            renewals: renewals.clone(),
            verdict: verdict.clone(),
            is_matched: is_matched == "true",
            reading: reading.clone(),
        }
    };
    let signal = |row: &Vec<String>| {
        let [signal, is_component, separates, weight_now, weight_suggested, reading] = &row[..] else {
            return Signal::default();
        };
        Signal {
            signal: signal.clone(),
            is_component: is_component == "true",
            separates: separates == "true",
            weight_now: weight_now.clone(),
            weight_suggested: weight_suggested.clone(),
            reading: reading.clone(),
        }
    };
    Ok(Report {
        horizon,
        measures: measures.iter().map(measure).collect(),
        signals: signals.iter().map(signal).collect(),
    })
}

/// A query's rows as text; null is empty.
async fn rows(session: &SessionContext, query: &str) -> Result<Vec<Vec<String>>> {
    let failed = |e| broken("could not read the measures", e);
    let options = FormatOptions::default();
    let mut rows = Vec::new();
    for batch in session.sql(query).await.map_err(failed)?.collect().await.map_err(failed)? {
        let columns = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
            .collect::<std::result::Result<Vec<_>, _>>()
            .map_err(|e| broken("could not show the measures", e))?;
        for row in 0..batch.num_rows() {
            let cell = |(formatter, column): (&ArrayFormatter<'_>, &arrow::array::ArrayRef)| {
                if column.is_valid(row) { formatter.value(row).to_string() } else { String::new() }
            };
            rows.push(columns.iter().zip(batch.columns()).map(cell).collect());
        }
    }
    Ok(rows)
}

/// The report as text, ending with a line feed.
pub fn render(page: &Page, report: &Report, paint: Paint) -> String {
    let mut text = Text { text: String::new(), paint };
    text.title(page);
    text.verdict(report);
    text.decisions(report);
    text.at_horizon(report);
    text.lead_time(report);
    text.how_early(report);
    text.separates(report);
    text.weights(report);
    text.by_score(report);
    text.text
}

struct Text {
    text: String,
    paint: Paint,
}

impl Text {
    fn line(&mut self, text: &str) {
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }

    fn heading(&mut self, name: &str, rest: &str) {
        let (name, rest) = (self.paint.ink(Ink::Bold, &name.to_uppercase()), self.paint.ink(Ink::Dim, rest));
        self.line("");
        self.line(&format!("{name}  {rest}"));
    }

    /// A sentence behind a word that judges or names it.
    fn item(&mut self, word: &str, sentence: &str) {
        let ink = match word {
            "good" => Ink::Green,
            "weak" => Ink::Yellow,
            "useless" => Ink::Red,
            _ => Ink::Dim,
        };
        let shown = self.paint.ink(ink, &format!("{:<width$}", word.replace('_', " "), width = INDENT - 2));
        for (at, line) in wrap(sentence, WIDTH - INDENT).iter().enumerate() {
            let first = if at == 0 { shown.clone() } else { " ".repeat(INDENT - 2) };
            self.line(&format!("  {first}{line}"));
        }
    }

    fn title(&mut self, page: &Page) {
        let left = format!("{} as of {}: the health score looked back on", page.job, date(page.as_of));
        let right = format!("in {}", duration(page.elapsed));
        let gap = WIDTH.saturating_sub(left.chars().count() + right.chars().count()).max(2);
        let left = self.paint.ink(Ink::Bold, &left);
        self.line(&format!("{left}{}{right}", " ".repeat(gap)));
        if let (Some(first), Some(last)) = (page.dates.first(), page.dates.last()) {
            let dates = counted(page.dates.len() as u64, "date");
            self.line(&format!(
                "health computed for {dates} from {} to {}; nothing was published",
                date(*first),
                date(*last)
            ));
        }
    }

    fn verdict(&mut self, report: &Report) {
        let days = &report.horizon;
        let found = report.at(days).find(|measure| measure.measure == "auc" && measure.bucket == "lost");
        let sentence = match found.map(|measure| (measure.verdict.as_str(), measure)) {
            Some(("good", _)) => format!("Yes: {days} days before a decision the score tells who will leave."),
            Some(("weak", _)) => {
                format!("In part: {days} days before a decision the score is better than chance, not yet good.")
            }
            Some(("useless", _)) => format!("No: {days} days before a decision the score hardly tells who will leave."),
            Some((_, few)) => format!(
                "Not known: only {} losses and {} renewals have a score {days} days before the decision.",
                few.losses, few.renewals
            ),
            None => format!("Not known: no loss and renewal have a score {days} days before the decision."),
        };
        self.heading("does it see losses coming?", "");
        let sentence = self.paint.ink(Ink::Bold, &sentence);
        self.line(&format!("  {sentence}"));
        if report.measures.iter().any(|measure| measure.is_matched) {
            self.item(
                "note",
                "No renewal is recorded: losses are compared with customers who stayed, on the same days.",
            );
        }
    }

    fn decisions(&mut self, report: &Report) {
        self.heading("decisions", "labelled on the day they fell");
        for bucket in ["lost", "kept", "stayed", "reduced", "involuntary", "censored"] {
            for row in report.measures.iter().filter(|row| row.measure == "decisions" && row.bucket == bucket) {
                self.item("", &row.reading);
            }
        }
        for row in report
            .at(&report.horizon)
            .filter(|row| ["thin", "unscored"].contains(&row.measure.as_str()) && !row.value.starts_with("0."))
        {
            self.item("", &row.reading);
        }
    }

    fn at_horizon(&mut self, report: &Report) {
        self.heading(&format!("{} days before", report.horizon), "what the score said then");
        for measure in [
            "auc",
            "lift_top_decile",
            "precision_at_capacity",
            "recall_at_capacity",
            "red_ratio",
            "missed",
            "green_share",
            "band_monotonicity",
        ] {
            for row in report.at(&report.horizon).filter(|row| row.measure == measure) {
                self.item(&row.verdict, &row.sentence(&report.horizon));
            }
        }
        for band in ["red", "yellow", "green", "insufficient_data"] {
            for row in report.at(&report.horizon).filter(|row| row.measure == "band" && row.bucket == band) {
                self.item("", &row.sentence(&report.horizon));
            }
        }
    }

    fn lead_time(&mut self, report: &Report) {
        self.heading(
            "lead time",
            "from the first alert since the account was last green; an alert is red, or yellow and worsening",
        );
        for bucket in ["median_days", "p90_days", "share_90_days", "alerted", "false_alarm"] {
            for row in report.measures.iter().filter(|row| row.measure == "lead_time" && row.bucket == bucket) {
                self.item("", &row.reading);
            }
        }
    }

    fn how_early(&mut self, report: &Report) {
        self.heading("how early", "the score alone, losses against renewals");
        let lost = |row: &&Measure| row.measure == "auc" && row.bucket == "lost";
        for row in report.measures.iter().filter(lost) {
            self.item(&row.verdict, &row.reading);
        }
    }

    fn separates(&mut self, report: &Report) {
        let days = &report.horizon;
        self.heading("what separates losses from renewals", &format!("{days} days before"));
        let components = || report.signals.iter().filter(|signal| signal.is_component);
        for (at, signal) in components().filter(|signal| signal.separates).take(NAMED).enumerate() {
            self.item(&format!("{}.", at + 1), &signal.sentence(days));
        }
        if components().all(|signal| !signal.separates) {
            self.item("", "Nothing that is measured does.");
        }
        for signal in components().filter(|signal| signal.separates).skip(NAMED) {
            self.item("also", &signal.sentence(days));
        }
        for signal in components().filter(|signal| !signal.separates) {
            self.item("not", &signal.sentence(days));
        }
        for signal in report.signals.iter().filter(|signal| !signal.is_component && signal.signal != "score") {
            self.item(if signal.separates { "also" } else { "not" }, &signal.sentence(days));
        }
    }

    fn weights(&mut self, report: &Report) {
        let mut weighed: Vec<&Signal> =
            report.signals.iter().filter(|signal| !signal.weight_suggested.is_empty()).collect();
        if weighed.is_empty() {
            return;
        }
        let number = |text: &str| text.parse::<f64>().unwrap_or_default();
        weighed.sort_by(|a, b| number(&b.weight_suggested).total_cmp(&number(&a.weight_suggested)));
        self.heading("weights that follow", "share of 100; the policy's own weights count as much as its prior losses");
        for signal in weighed {
            let (now, new) = (number(&signal.weight_now), number(&signal.weight_suggested));
            let way = if new > now + 1.0 {
                "more"
            } else if new < now - 1.0 {
                "less"
            } else {
                ""
            };
            self.line(&format!(
                "    {:<20}{:>6} now {:>6} suggested  {way}",
                signal.signal, signal.weight_now, signal.weight_suggested
            ));
        }
    }

    fn by_score(&mut self, report: &Report) {
        let days = &report.horizon;
        self.heading("by score", &format!("tenths of the decisions, {days} days before, lowest scores first"));
        for row in report.at(days).filter(|row| row.measure == "reliability") {
            self.item("", &row.sentence(days));
        }
    }
}

impl Report {
    fn at<'a>(&'a self, horizon: &'a str) -> impl Iterator<Item = &'a Measure> {
        self.measures.iter().filter(move |measure| measure.horizon == horizon)
    }
}

impl Measure {
    /// The sentence without the horizon that the heading names.
    fn sentence(&self, horizon: &str) -> String {
        without(&self.reading, &format!("{horizon} days before, "))
    }
}

impl Signal {
    fn sentence(&self, horizon: &str) -> String {
        let named = format!("{} {horizon} days before: ", self.signal);
        format!("{}: {}", self.signal.replace('_', " "), self.reading.strip_prefix(&named).unwrap_or(&self.reading))
    }
}

fn without(text: &str, prefix: &str) -> String {
    text.strip_prefix(prefix).unwrap_or(text).to_owned()
}
