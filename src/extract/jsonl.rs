//! JSON lines: one object a line, nested members by dotted path.

use super::Receiver;
use super::bytes::{self, Bytes};
use super::json::{self, Value};
use super::rows::{Rows, Seen};
use super::shape::{Origin, Plan};
use crate::error::{Class, Error, Result};
use std::borrow::Cow;
use std::collections::HashMap;
use std::io::BufRead;

/// A line longer than this is no row; reading it would break the promise of constant memory.
const LONGEST_LINE: usize = 32 << 20;

/// More members than this means that keys are data.
const MOST_MEMBERS: usize = 4_096;

/// The dotted paths of all members of all lines that hold no object, in order of first appearance.
pub(super) fn paths(mut bytes: Bytes, name: &str) -> Result<Vec<String>> {
    bytes::check_text(&mut bytes, name, "JSON lines")?;
    let mut lines = Lines::new(bytes, name);
    let mut found: Vec<String> = Vec::new();
    let mut known: HashMap<String, ()> = HashMap::new();
    while let Some(line) = lines.next()? {
        let Ok(text) = std::str::from_utf8(line.bytes) else { continue };
        // A malformed line is reported when it is read for its values.
        let _ = json::walk(text, &mut |path, value| {
            let is_object = matches!(value, Value::Whole(whole) if whole.starts_with('{'));
            if !is_object && !known.contains_key(path) {
                known.insert(path.to_owned(), ());
                found.push(path.to_owned());
            }
        });
        if found.len() > MOST_MEMBERS {
            return Err(Error::usage(format!(
                "{name} has more than {MOST_MEMBERS} different members by line {}",
                line.number
            ))
            .help("name the ones you need: give the input an `entity` with a `map`"));
        }
    }
    Ok(found)
}

/// Reads one file; the plan's header holds the paths.
pub(super) fn read(
    mut bytes: Bytes,
    name: &str,
    plan: &Plan,
    seen: &mut Seen,
    receiver: &mut dyn Receiver,
) -> Result<()> {
    bytes::check_text(&mut bytes, name, "JSON lines")?;
    let positions: HashMap<&str, usize> =
        plan.header.iter().enumerate().map(|(at, path)| (path.as_str(), at)).collect();
    let mut is_known = vec![false; plan.header.len()];
    let mut rows = Rows::new(plan, name, seen);
    let mut lines = Lines::new(bytes, name);
    let mut read = 0_u64;
    while let Some(line) = lines.next()? {
        let mut texts: Vec<Option<Cow<'_, str>>> = vec![None; plan.header.len()];
        let parsed = std::str::from_utf8(line.bytes).map_err(|_| "is not UTF-8 text".to_owned()).and_then(|text| {
            json::walk(text, &mut |path, value| {
                let Some(at) = positions.get(path) else { return };
                if let (Some(slot), Some(known)) = (texts.get_mut(*at), is_known.get_mut(*at)) {
                    *known = true;
                    *slot = match value {
                        Value::Null => None,
                        Value::Text(text) => Some(text),
                        Value::Literal(text) | Value::Whole(text) => Some(Cow::Borrowed(text)),
                    };
                }
            })
            .map_err(|malformed| format!("{} (character {})", malformed.why, malformed.at + 1))
        });
        read += 1;
        let text = |at: usize| texts.get(at).and_then(Option::as_deref);
        match parsed {
            Ok(()) => rows.push(line.number, &text, receiver)?,
            Err(_) if line.is_cut => return Err(cut(name, line.number)),
            Err(reason) if read == 1 => return Err(not_lines(name, line.bytes, &reason)),
            Err(reason) => {
                let whole = String::from_utf8_lossy(line.bytes);
                rows.refuse(line.number, &whole, reason, &|_| None, receiver)?;
            }
        }
    }
    if read == 0 {
        return Err(bytes::empty(name));
    }
    check_known(plan, &is_known, name)?;
    rows.finish(receiver)
}

/// A member that is mapped or required and on no line is a wrong name rather than bad rows.
fn check_known(plan: &Plan, is_known: &[bool], name: &str) -> Result<()> {
    for field in plan.fields.iter().filter(|field| field.is_required) {
        let Origin::At(at) = field.from else { continue };
        if is_known.get(at) == Some(&false) {
            let path = plan.name_in_file(field);
            return Err(Error::usage(format!(
                "no line of {name} has the member \"{path}\", which {} needs",
                field.name
            ))
            .help(format!(
                "map it: [sources.<name>.inputs.map] {} = \"<path>\" or {{ value = \"<constant>\" }}",
                field.name
            )));
        }
    }
    Ok(())
}

/// The first line already fails: the file is something else.
fn not_lines(name: &str, line: &[u8], reason: &str) -> Error {
    let error = Error::usage(format!("{name} is not JSON lines: its first line {reason}"));
    if line.trim_ascii_start().starts_with(b"[") {
        return error.help("it is a JSON array; write one object a line, e.g. with jq -c '.[]'");
    }
    error.help("every line must be one whole object; set `format` for this input if it is something else")
}

fn cut(name: &str, line: u64) -> Error {
    Error::new(Class::Unavailable, format!("{name} is cut off at line {line}: the last line has no end"))
        .help("copy or export it again; if the line is meant so, end it with a line break")
}

struct Line<'a> {
    number: u64,
    bytes: &'a [u8],
    is_cut: bool,
}

/// The lines of a file that are not blank.
struct Lines<'a> {
    bytes: Bytes,
    name: &'a str,
    line: Vec<u8>,
    number: u64,
}

impl<'a> Lines<'a> {
    fn new(bytes: Bytes, name: &'a str) -> Self {
        Lines { bytes, name, line: Vec::new(), number: 0 }
    }

    fn next(&mut self) -> Result<Option<Line<'_>>> {
        loop {
            self.line.clear();
            if !self.fill()? {
                return Ok(None);
            }
            self.number += 1;
            if self.number == 1 && self.line.starts_with(&[0xef, 0xbb, 0xbf]) {
                self.line.drain(..3);
            }
            if !self.line.trim_ascii().is_empty() {
                break;
            }
        }
        let is_cut = self.line.last() != Some(&b'\n');
        Ok(Some(Line { number: self.number, bytes: self.line.trim_ascii(), is_cut }))
    }

    /// Reads to the end of the line; false at the end of the file.
    fn fill(&mut self) -> Result<bool> {
        loop {
            let chunk = self.bytes.fill_buf().map_err(|error| bytes::unreadable(self.name, &error))?;
            if chunk.is_empty() {
                return Ok(!self.line.is_empty());
            }
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(chunk.len(), |at| at + 1);
            self.line.extend_from_slice(chunk.get(..taken).unwrap_or_default());
            self.bytes.consume(taken);
            if end.is_some() {
                return Ok(true);
            }
            if self.line.len() > LONGEST_LINE {
                return Err(Error::usage(format!("line {} of {} is longer than 32 MiB", self.number + 1, self.name))
                    .help("JSON lines has one object a line; is the file one JSON array? Try jq -c '.[]'"));
            }
        }
    }
}
