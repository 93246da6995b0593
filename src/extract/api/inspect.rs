//! A first look at a whole answer, before any row of it is used: is it what it should be, to its last byte, and what does
//! it say about the pages after it?

use super::Body;
use super::doc::{Index, Value};
use super::page::PagePlan;
use super::scan::{self, Target};
use super::unpack::{self, Part};
use super::walk::{self, Record};
use crate::model::source::path::JsonPath;
use crate::model::source::stream::BodyFormat;
use std::borrow::Cow;
use std::io::{BufRead, BufReader, Read};

/// Unpacked JSON up to this size is read in memory; what is larger passes by record by record.
const MOST_AS_DOCUMENT: u64 = 2 << 20;

/// A document that cannot pass by, because the record is the whole of it, is held up to this size.
const LARGEST_DOCUMENT: u64 = 256 << 20;

/// A line longer than this is no row.
const LONGEST_LINE: usize = 64 << 20;

/// How much of a broken answer is shown.
pub(super) const SHOWN_CHARACTERS: usize = 200;

/// Why an answer is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broken {
    /// The byte at fault, from 0, where one is.
    pub at: Option<u64>,
    /// The end of the sentence "the answer …".
    pub why: String,
}

impl Broken {
    pub fn new(why: impl Into<String>) -> Self {
        Broken { at: None, why: why.into() }
    }

    pub fn at(at: u64, why: &str) -> Self {
        Broken { at: Some(at), why: why.to_owned() }
    }

    /// The same, where what was read began `start` bytes into the answer.
    pub fn after(mut self, start: u64) -> Self {
        self.at = self.at.map(|at| at + start);
        self
    }

    pub fn unreadable(at: u64, error: &std::io::Error) -> Self {
        Broken::at(at, &format!("cannot be unpacked ({error})"))
    }
}

impl From<super::doc::Malformed> for Broken {
    fn from(malformed: super::doc::Malformed) -> Self {
        Broken::at(malformed.at as u64, malformed.why)
    }
}

/// One document of an answer after the first look.
pub(super) enum Seen {
    /// A JSON document in memory, with its index.
    Document { text: Body, index: Index },
    /// A JSON document that passes by, and what it holds beside its records.
    Passing { part: Part, outline: Vec<u8>, index: Index },
    /// Lines of JSON.
    Lines(Part),
    /// Lines of fields.
    Fields(Part),
}

/// What the first look found.
pub(super) struct Inspected {
    pub seen: Vec<Seen>,
    /// Records of the requesting stream.
    pub count: u64,
    /// What tells the first record from others.
    pub first: Option<String>,
    /// The last record's value at the path asked for.
    pub last: Option<String>,
}

impl Inspected {
    /// The value at a path that starts at the answer's root.
    pub fn value(&self, path: &JsonPath) -> Option<String> {
        self.seen.iter().rev().find_map(|seen| {
            let root = root(seen)?;
            walk::first(root, &path.steps).and_then(|value| value.scalar()).map(Cow::into_owned)
        })
    }
}

/// The root of a document, where it has one.
pub(super) fn root(seen: &Seen) -> Option<Value<'_>> {
    match seen {
        Seen::Document { text, index } => Some(index.root(text.in_memory()?)),
        Seen::Passing { outline, index, .. } => Some(index.root(outline)),
        Seen::Lines(_) | Seen::Fields(_) => None,
    }
}

/// Looks at a whole answer; `last` is the path whose value in the last record the next page is asked with.
pub(super) fn inspect(body: &Body, plan: &PagePlan, last: Option<&JsonPath>) -> Result<Inspected, Broken> {
    let mut inspected = Inspected { seen: Vec::new(), count: 0, first: None, last: None };
    if body.is_empty() {
        return match plan.format {
            BodyFormat::Json | BodyFormat::JsonRows { .. } => Err(Broken::new("is empty")),
            BodyFormat::JsonLines | BodyFormat::Csv => Ok(inspected),
        };
    }
    for part in unpack::parts(body)? {
        let mut notes = Notes { plan, last, inspected: &mut inspected };
        let seen = match plan.format {
            BodyFormat::Json | BodyFormat::JsonRows { .. } => notes.json(part)?,
            BodyFormat::JsonLines => notes.lines(part)?,
            BodyFormat::Csv => notes.fields(part)?,
        };
        inspected.seen.push(seen);
    }
    Ok(inspected)
}

struct Notes<'a> {
    plan: &'a PagePlan,
    last: Option<&'a JsonPath>,
    inspected: &'a mut Inspected,
}

impl Notes<'_> {
    fn record(&mut self, record: &Record<'_, '_>) {
        let found = &mut *self.inspected;
        found.count += 1;
        if found.first.is_none() {
            found.first = Some(self.plan.identity(record.value));
        }
    }

    fn last(&mut self, value: Value<'_>) {
        if let Some(path) = self.last {
            self.inspected.last = walk::first(value, &path.steps).and_then(|value| value.scalar()).map(Cow::into_owned);
        }
    }

    fn json(&mut self, part: Part) -> Result<Seen, Broken> {
        let text = match part.plain().filter(|body| body.len() <= MOST_AS_DOCUMENT) {
            Some(body) => Some(body.clone()),
            None => unpacked(&part, MOST_AS_DOCUMENT)?,
        };
        if let Some(text) = text {
            return self.document(text);
        }
        match self.plan.targets() {
            Some(targets) if !self.plan.is_whole(&part)? => self.passing(part, &targets),
            _ => match unpacked(&part, LARGEST_DOCUMENT)? {
                Some(text) => self.document(text),
                None => Err(Broken::new("is one record of more than 256 MiB")),
            },
        }
    }

    fn document(&mut self, text: Body) -> Result<Seen, Broken> {
        let mut index = Index::default();
        let root = index.parse(text.in_memory().unwrap_or_default())?;
        let plan = self.plan;
        let mut latest = None;
        plan.own().walk::<Broken>(root, &mut |record| {
            self.record(&record);
            latest = Some(record.value);
            Ok(())
        })?;
        if let Some(value) = latest {
            self.last(value);
        }
        Ok(Seen::Document { text, index })
    }

    fn passing(&mut self, part: Part, targets: &[Target<'_>]) -> Result<Seen, Broken> {
        let mut element_index = Index::default();
        let plan = self.plan;
        let own = plan.own_target(targets);
        let outline = scan::scan(part.open()?, targets, &mut |element| {
            let value = element_index.parse(element.text)?;
            if element.target == own {
                let mut latest = None;
                plan.own().walk_element::<Broken>(value, value, element.position, None, &mut |record| {
                    self.record(&record);
                    latest = Some(record.value);
                    Ok(())
                })?;
                if let Some(value) = latest {
                    self.last(value);
                }
            }
            Ok(())
        })?;
        let mut index = Index::default();
        index.parse(&outline).map_err(|malformed| Broken::new(malformed.why))?;
        Ok(Seen::Passing { part, outline, index })
    }

    /// The first line must be an object, and the last one must have come whole; what is between is judged row by row.
    fn lines(&mut self, part: Part) -> Result<Seen, Broken> {
        let mut lines = Lines::new(part.open()?);
        let (mut index, mut previous, mut is_first) = (Index::default(), Vec::new(), true);
        let mut is_whole = true;
        while let Some(line) = lines.next()? {
            is_whole = line.is_whole;
            if is_first {
                match index.parse(line.text) {
                    Ok(value) => {
                        self.inspected.first.get_or_insert_with(|| self.plan.identity(value));
                    }
                    // What does not even begin as an object is another kind of answer.
                    Err(malformed) if !line.text.starts_with(b"{") => return Err(malformed.into()),
                    Err(_) => {}
                }
                is_first = false;
            }
            previous.clear();
            previous.extend_from_slice(line.text);
            self.inspected.count += 1;
        }
        if !previous.is_empty() {
            match index.parse(&previous) {
                Ok(value) => self.last(value),
                Err(malformed) if !is_whole => {
                    let why = format!("is cut off in its last line, which {}", malformed.why);
                    return Err(Broken::at(lines.passed, &why));
                }
                Err(_) => {}
            }
        }
        Ok(Seen::Lines(part))
    }

    fn fields(&mut self, part: Part) -> Result<Seen, Broken> {
        let ended = Ended { bytes: part.open()?, last: b'\n' };
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(ended);
        let mut record = csv::ByteRecord::new();
        let (mut width, mut count, mut is_short) = (0, 0_u64, false);
        let broken = |error: csv::Error| Broken::new(format!("is no CSV ({error})"));
        while reader.read_byte_record(&mut record).map_err(broken)? {
            if count == 0 {
                width = record.len();
                if record.get(0).is_some_and(|field| field.trim_ascii_start().starts_with(b"<")) {
                    return Err(Broken::at(0, "is no CSV"));
                }
            }
            if count == 1 && self.inspected.first.is_none() {
                self.inspected.first = Some(String::from_utf8_lossy(record.as_slice()).into_owned());
            }
            is_short = record.len() < width;
            count += 1;
        }
        if is_short && reader.get_ref().last != b'\n' {
            return Err(Broken::new("is cut off in its last line"));
        }
        self.inspected.count += count.saturating_sub(1);
        Ok(Seen::Fields(part))
    }
}

/// Remembers the last byte.
struct Ended {
    bytes: Box<dyn Read + Send>,
    last: u8,
}

impl Read for Ended {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let read = self.bytes.read(into)?;
        if let Some(last) = into.get(..read).and_then(<[u8]>::last) {
            self.last = *last;
        }
        Ok(read)
    }
}

/// The unpacked bytes of a part, where they are no more than `most`.
fn unpacked(part: &Part, most: u64) -> Result<Option<Body>, Broken> {
    let mut text = Vec::new();
    let mut reader = part.open()?.take(most + 1);
    reader.read_to_end(&mut text).map_err(|error| Broken::unreadable(text.len() as u64, &error))?;
    Ok((text.len() as u64 <= most).then(|| Body::of(text)))
}

/// The lines of a document that are not blank.
pub(super) struct Lines {
    bytes: BufReader<Box<dyn Read + Send>>,
    line: Vec<u8>,
    /// Bytes that were read.
    pub passed: u64,
    number: u64,
}

/// One of them.
pub(super) struct Line<'l> {
    /// From 1.
    pub number: u64,
    pub text: &'l [u8],
    /// Whether it has an end.
    pub is_whole: bool,
}

impl Lines {
    pub fn new(bytes: Box<dyn Read + Send>) -> Self {
        Lines { bytes: BufReader::with_capacity(128 << 10, bytes), line: Vec::new(), passed: 0, number: 0 }
    }

    pub fn next(&mut self) -> Result<Option<Line<'_>>, Broken> {
        loop {
            self.line.clear();
            let mut bytes = self.bytes.by_ref().take(LONGEST_LINE as u64);
            let read = bytes.read_until(b'\n', &mut self.line);
            let read = read.map_err(|error| Broken::unreadable(self.passed, &error))?;
            if read == 0 {
                return Ok(None);
            }
            if read >= LONGEST_LINE {
                return Err(Broken::at(self.passed, "has a line that is longer than 64 MiB"));
            }
            self.passed += read as u64;
            self.number += 1;
            if !self.line.trim_ascii().is_empty() {
                break;
            }
        }
        let is_whole = self.line.ends_with(b"\n");
        let text = self.line.trim_ascii();
        Ok(Some(Line { number: self.number, text, is_whole }))
    }
}
