//! Delimited text: any delimiter, quotes, comments, a header or declared names, ragged rows set aside.

use super::Receiver;
use super::bytes::{self, Bytes};
use super::rows::{Rows, Seen};
use super::shape::Plan;
use crate::error::{Class, Error, Result};
use crate::job::CsvFormat;
use ::csv::{ByteRecord, Reader, ReaderBuilder, Terminator};
use std::cell::Cell;
use std::io::{BufRead, Read};
use std::rc::Rc;

/// Reads one file; `plan` makes the plan for its column names.
pub(super) fn read(
    mut bytes: Bytes,
    name: &str,
    format: &CsvFormat,
    plan: impl FnOnce(&[String]) -> Result<Plan>,
    seen: &mut Seen,
    receiver: &mut dyn Receiver,
) -> Result<()> {
    bytes::check_text(&mut bytes, name, "CSV")?;
    let ends_in = line_end(&mut bytes, name)?;
    let tally = Rc::new(Tally::default());
    let watched = Watched { bytes, quote: format.quote, tally: Rc::clone(&tally) };
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(format.delimiter)
        .quoting(format.quote.is_some())
        .quote(format.quote.unwrap_or(b'"'))
        .comment(format.comment)
        .terminator(Terminator::Any(ends_in))
        .buffer_capacity(64 * 1024)
        .from_reader(watched);
    let mut record = ByteRecord::new();
    let header = match &format.names {
        Some(names) => names.clone(),
        None => header(&mut reader, &mut record, name)?,
    };
    let plan = plan(&header)?;
    let mut rows = Rows::new(&plan, name, seen);
    let mut last = Last::default();
    let mut line_after = reader.position().line();
    while reader.read_byte_record(&mut record).map_err(|error| unreadable(name, error))? {
        let line_before = std::mem::replace(&mut line_after, reader.position().line());
        if record.len() == 1 && record.get(0).is_some_and(|field| field.trim_ascii().is_empty()) {
            continue;
        }
        let line = if ends_in == b'\r' {
            reader.position().record()
        } else {
            start_line(&record, line_before, line_after, &tally)
        };
        last = Last { line, is_short: record.len() < header.len(), is_open: ends_in_break(&record) };
        let whole = std::str::from_utf8(record.as_slice());
        let texts = |at: usize| {
            let text = whole.ok().and_then(|text| text.get(record.range(at)?))?;
            Some(if at + 1 == record.len() { text.strip_suffix('\r').unwrap_or(text) } else { text })
        };
        let split = (0..record.len()).all(|at| texts(at).is_some());
        if !split {
            let shown = String::from_utf8_lossy(record.as_slice()).into_owned();
            rows.refuse(line, &shown, "is not UTF-8 text".to_owned(), &texts, receiver)?;
        } else if record.len() == header.len() {
            rows.push(line, &texts, receiver)?;
        } else if !(last.is_short && tally.ends_mid_line()) {
            let reason = format!("has {} fields where the header has {}", record.len(), header.len());
            let fields: Vec<&str> = (0..record.len()).filter_map(texts).collect();
            let shown = fields.join(char::from(format.delimiter).encode_utf8(&mut [0; 4]));
            rows.refuse(line, &shown, reason, &texts, receiver)?;
        }
    }
    check_end(&last, &tally, name)?;
    rows.finish(receiver)
}

/// What ends a line. Both kinds that end in a line feed are read as such, a carriage return before it being cut off:
/// so the lines that the reader counts are those an editor counts.
fn line_end(bytes: &mut Bytes, name: &str) -> Result<u8> {
    let head = bytes.fill_buf().map_err(|error| bytes::unreadable(name, &error))?;
    Ok(if head.contains(&b'\r') && !head.contains(&b'\n') { b'\r' } else { b'\n' })
}

/// The line a record starts on; comments and blank lines before it, and breaks inside it, make it differ from the
/// line that the reader was on before.
fn start_line(record: &ByteRecord, before: u64, after: u64, tally: &Tally) -> u64 {
    if after == before + 1 {
        return before;
    }
    let breaks = record.as_slice().iter().filter(|byte| **byte == b'\n').count() as u64;
    let is_endless = tally.ends_mid_line() || (tally.is_at_end.get() && record.as_slice().ends_with(b"\n"));
    after.saturating_sub(breaks + u64::from(!is_endless))
}

fn header(reader: &mut Reader<Watched>, record: &mut ByteRecord, name: &str) -> Result<Vec<String>> {
    if !reader.read_byte_record(record).map_err(|error| unreadable(name, error))? {
        return Err(bytes::empty(name));
    }
    let names = record.iter().map(|field| std::str::from_utf8(field).map(|text| text.trim().to_owned()));
    let names: Vec<String> = names.collect::<Result<_, _>>().map_err(|_| {
        Error::usage(format!("the header of {name} is not UTF-8 text"))
            .help("convert the file, e.g. iconv -f WINDOWS-1252 -t UTF-8")
    })?;
    for (at, column) in names.iter().enumerate() {
        if !column.is_empty() && names.iter().take(at).any(|earlier| earlier == column) {
            return Err(Error::usage(format!("the header of {name} has the column \"{column}\" twice"))
                .help("rename one of them, or give the input its own `names`"));
        }
    }
    Ok(names)
}

/// What is known of the record read last, which tells a whole file from one that was cut off.
#[derive(Default)]
struct Last {
    line: u64,
    is_short: bool,
    is_open: bool,
}

/// A last line that has no end and too few fields, or a quote that never closes, means the rest of the file is
/// missing: rows behind it would be lost without a trace, so the file is refused rather than the row set aside.
fn check_end(last: &Last, tally: &Tally, name: &str) -> Result<()> {
    let what = if last.is_short && tally.ends_mid_line() {
        "the last line has no end and too few fields"
    } else if last.is_open && tally.quotes.get() % 2 == 1 {
        "a quote is opened and never closed"
    } else {
        return Ok(());
    };
    Err(Error::new(Class::Unavailable, format!("{name} is cut off at line {}: {what}", last.line))
        .help("copy or export it again; if the line is meant so, end it with a line break"))
}

fn ends_in_break(record: &ByteRecord) -> bool {
    record.len().checked_sub(1).and_then(|at| record.get(at)).is_some_and(|field| field.contains(&b'\n'))
}

/// What went by on the way to the reader.
#[derive(Default)]
struct Tally {
    quotes: Cell<u64>,
    last: Cell<u8>,
    is_at_end: Cell<bool>,
}

impl Tally {
    /// Whether all bytes were read and the last was not a line's end.
    fn ends_mid_line(&self) -> bool {
        self.is_at_end.get() && !matches!(self.last.get(), b'\n' | b'\r')
    }
}

struct Watched {
    bytes: Bytes,
    quote: Option<u8>,
    tally: Rc<Tally>,
}

impl Read for Watched {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let read = self.bytes.read(into)?;
        let got = into.get(..read).unwrap_or_default();
        if let Some(quote) = self.quote {
            let quotes = got.iter().filter(|byte| **byte == quote).count() as u64;
            self.tally.quotes.set(self.tally.quotes.get() + quotes);
        }
        match got.last() {
            Some(last) => self.tally.last.set(*last),
            None => self.tally.is_at_end.set(true),
        }
        Ok(read)
    }
}

fn unreadable(name: &str, error: ::csv::Error) -> Error {
    match error.into_kind() {
        ::csv::ErrorKind::Io(error) => bytes::unreadable(name, &error),
        kind => Error::usage(format!("{name} is not CSV")).caused_by(format!("{kind:?}")),
    }
}
