//! Log lines, for people and for machines: the same fields in both.

use crate::calendar::Clock;
use crate::event::{Event, Sink, Stage};
use crate::finding::Severity;
use chrono::SecondsFormat;
use serde_json::{Map, Value, json};
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Progress is logged at most this often: a log is read afterwards.
const PROGRESS_EVERY: Duration = Duration::from_secs(10);

/// One event as a log says it. Names are part of the program's interface.
struct Line {
    level: &'static str,
    event: &'static str,
    fields: Vec<(&'static str, Value)>,
}

/// The event's line; none for what a log does not say (checks that passed, which `check_result` holds).
fn line(event: &Event) -> Option<Line> {
    let info = |event, fields| Some(Line { level: "info", event, fields });
    match event {
        Event::StageStarted { stage } => info("stage_started", vec![("stage", json!(stage.name()))]),
        Event::StageFinished { stage, elapsed } => {
            info("stage_finished", vec![("stage", json!(stage.name())), ("elapsed_ms", json!(millis(*elapsed)))])
        }
        Event::Progress { stage, what, done, total } => {
            let mut fields = vec![("stage", json!(stage.name())), ("what", json!(what)), ("done", json!(done))];
            fields.extend(total.map(|total| ("total", json!(total))));
            info("progress", fields)
        }
        Event::Landed { source, entity, rows, quarantined, files, unchanged } => {
            let fields = vec![
                ("source", json!(source)),
                ("entity", json!(entity)),
                ("rows", json!(rows)),
                ("quarantined", json!(quarantined)),
                ("files", json!(files)),
                ("unchanged", json!(unchanged)),
            ];
            Some(Line { level: if *quarantined > 0 { "warn" } else { "info" }, event: "landed", fields })
        }
        Event::Built { table, rows, elapsed } => {
            info("built", vec![("table", json!(table)), ("rows", json!(rows)), ("elapsed_ms", json!(millis(*elapsed)))])
        }
        Event::Checked(finding) => {
            let level = match finding.severity {
                Severity::Pass => return None,
                Severity::Warn => "warn",
                Severity::Block => "error",
            };
            let fields = vec![
                ("table", json!(finding.table)),
                ("check", json!(finding.check)),
                ("code", json!(finding.code)),
                ("severity", json!(finding.severity)),
                ("rows", json!(finding.rows)),
                ("observed", json!(finding.observed)),
                ("expected", json!(finding.expected)),
            ];
            Some(Line { level, event: "check_failed", fields })
        }
        Event::Published { table, key, rows, bytes, changed } => info(
            "published",
            vec![
                ("table", json!(table)),
                ("key", json!(key)),
                ("rows", json!(rows)),
                ("bytes", json!(bytes)),
                ("changed", json!(changed)),
            ],
        ),
        Event::Note { text } => info("note", vec![("text", json!(text))]),
    }
}

fn millis(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

/// Where lines go, and how often progress may.
struct Out {
    writer: Box<dyn Write + Send>,
    last_progress: Option<(Stage, Instant)>,
}

impl Out {
    fn new(writer: Box<dyn Write + Send>) -> Mutex<Out> {
        Mutex::new(Out { writer, last_progress: None })
    }

    fn is_due(&mut self, event: &Event) -> bool {
        let Event::Progress { stage, .. } = event else { return true };
        let now = Instant::now();
        match self.last_progress {
            Some((last, at)) if last == *stage && now - at < PROGRESS_EVERY => false,
            // The first word of a stage says nothing yet: wait for the second.
            Some((last, _)) if last == *stage => {
                self.last_progress = Some((*stage, now));
                true
            }
            _ => {
                self.last_progress = Some((*stage, now));
                false
            }
        }
    }

    fn write(&mut self, text: &str) {
        // A log that nobody reads any more must not fail the run.
        let _ = self.writer.write_all(text.as_bytes()).and_then(|()| self.writer.flush());
    }
}

/// Lines for people: `2026-11-22T05:00:01Z info landed source=demo entity=invoice rows=11238`.
pub struct LogLines {
    clock: Clock,
    out: Mutex<Out>,
}

impl LogLines {
    /// Writes to `writer`, with times from `clock`.
    pub fn new(clock: Clock, writer: Box<dyn Write + Send>) -> LogLines {
        LogLines { clock, out: Out::new(writer) }
    }
}

impl Sink for LogLines {
    fn emit(&self, event: &Event) {
        let Some(line) = line(event) else { return };
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        if !out.is_due(event) {
            return;
        }
        let mut text = format!("{} {} {}", now(self.clock), line.level, line.event);
        for (name, value) in &line.fields {
            text.push_str(&format!(" {name}={}", bare(value)));
        }
        text.push('\n');
        out.write(&text);
    }
}

/// One JSON object a line: `time`, `level`, `event`, the run's context, then the event's own fields.
pub struct JsonLog {
    clock: Clock,
    context: Vec<(String, String)>,
    out: Mutex<Out>,
}

impl JsonLog {
    /// Writes to `writer`, with times from `clock`; `context` goes into every line.
    pub fn new(clock: Clock, context: &[(&str, &str)], writer: Box<dyn Write + Send>) -> JsonLog {
        let context = context.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        JsonLog { clock, context, out: Out::new(writer) }
    }
}

impl Sink for JsonLog {
    fn emit(&self, event: &Event) {
        let Some(line) = line(event) else { return };
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        if !out.is_due(event) {
            return;
        }
        let mut object = Map::new();
        object.insert("time".to_owned(), json!(now(self.clock)));
        object.insert("level".to_owned(), json!(line.level));
        object.insert("event".to_owned(), json!(line.event));
        object.extend(self.context.iter().map(|(name, value)| (name.clone(), json!(value))));
        object.extend(line.fields.into_iter().map(|(name, value)| (name.to_owned(), value)));
        out.write(&format!("{}\n", Value::Object(object)));
    }
}

fn now(clock: Clock) -> String {
    clock.now().to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A value as a log line shows it: text that could be taken for more than one word is quoted.
fn bare(value: &Value) -> String {
    match value {
        Value::String(text) if !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || "\"=".contains(c)) => {
            text.clone()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, Utc};
    use std::sync::Arc;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Page {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    fn clock() -> Clock {
        Clock::fixed("2026-11-22T05:00:01Z".parse::<DateTime<Utc>>().unwrap())
    }

    fn events() -> Vec<Event> {
        vec![
            Event::Landed {
                source: "demo".to_owned(),
                entity: "invoice".to_owned(),
                rows: 11_238,
                quarantined: 0,
                files: 1,
                unchanged: false,
            },
            Event::Progress { stage: Stage::Land, what: "usage_event".to_owned(), done: 1, total: None },
            Event::Note { text: "finished the commit of run a=b".to_owned() },
        ]
    }

    #[test]
    fn lines_for_people() {
        let page = Page::default();
        let log = LogLines::new(clock(), Box::new(page.clone()));
        events().iter().for_each(|event| log.emit(event));
        assert_eq!(
            page.text(),
            "2026-11-22T05:00:01Z info landed source=demo entity=invoice rows=11238 quarantined=0 files=1 unchanged=false\n\
             2026-11-22T05:00:01Z info note text=\"finished the commit of run a=b\"\n"
        );
    }

    #[test]
    fn lines_for_machines() {
        let page = Page::default();
        let log = JsonLog::new(clock(), &[("job", "demo"), ("run_id", "r1")], Box::new(page.clone()));
        events().iter().for_each(|event| log.emit(event));
        let text = page.text();
        let first: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(
            first.to_string(),
            r#"{"time":"2026-11-22T05:00:01Z","level":"info","event":"landed","job":"demo","run_id":"r1","source":"demo","entity":"invoice","rows":11238,"quarantined":0,"files":1,"unchanged":false}"#
        );
        assert_eq!(text.lines().count(), 2);
    }
}
