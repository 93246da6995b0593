//! An answer taken apart: rows of the stream that asked and of those inside it.

use super::doc::{Index, Value};
use super::fields::{Given, JsonFields, TextFields};
use super::inspect::{Broken, Lines, Seen, root};
use super::scan::{self, Target};
use super::typed::{RowPlan, Rows, Taker};
use super::unpack::Part;
use super::walk::{self, Record, Records};
use super::{PageHead, doc::Kind};
use crate::error::{Class, Error, Result};
use crate::model::source::path::{PathStart, Step};
use crate::model::source::stream::{BodyFormat, Origin, StreamSpec};
use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::sync::Arc;

/// How the answers of one stream are taken apart.
pub(super) struct PagePlan {
    pub format: BodyFormat,
    /// The stream that asks, then those inside its answers.
    pub streams: Vec<(Arc<RowPlan>, Records)>,
    /// Where the key of the asking stream stands in its records.
    key: Vec<Vec<Step>>,
}

impl PagePlan {
    /// `stream` and the streams inside it.
    pub fn new(stream: &StreamSpec, all: &[&StreamSpec], minor_digits: &BTreeMap<String, u32>) -> Self {
        let inside = all.iter().filter(|other| matches!(&other.origin, Origin::Inside(outer) if *outer == stream.name));
        let mut streams =
            vec![(Arc::new(RowPlan::new(stream, minor_digits)), Records::new(&stream.records.steps, None))];
        streams.extend(inside.map(|other| {
            let records = Records::new(&other.records.steps, Some(&stream.records.steps));
            (Arc::new(RowPlan::new(other, minor_digits)), records)
        }));
        let key_columns = stream.columns.iter().filter(|column| stream.key.contains(&column.name));
        let key = key_columns
            .filter_map(|column| column.paths.first().filter(|path| path.start == PathStart::Here))
            .map(|path| path.steps.clone())
            .collect();
        PagePlan { format: stream.format.clone(), streams, key }
    }

    /// Rows that are filled by this plan, one for each stream.
    pub fn rows(&self) -> Vec<Rows> {
        self.streams.iter().map(|(plan, _)| Rows::new(Arc::clone(plan))).collect()
    }

    /// Where the asking stream's records stand.
    pub fn own(&self) -> &Records {
        // A plan is never made without the asking stream.
        static NOWHERE: std::sync::LazyLock<Records> = std::sync::LazyLock::new(|| Records::new(&[], None));
        self.streams.first().map_or(&NOWHERE, |(_, records)| records)
    }

    /// What tells a record from others: its key, else all of it.
    pub fn identity(&self, record: Value<'_>) -> String {
        let mut text = String::new();
        for path in &self.key {
            if let Some(value) = walk::first(record, path) {
                text.push_str(&String::from_utf8_lossy(value.json()));
                text.push('\u{1f}');
            }
        }
        if text.is_empty() { String::from_utf8_lossy(record.json()).into_owned() } else { text }
    }

    /// The arrays that are taken apart as a document passes by; none where one of them cannot be reached by names.
    pub fn targets(&self) -> Option<Vec<Target<'_>>> {
        let mut targets: Vec<Target<'_>> = Vec::new();
        for (_, records) in &self.streams {
            let names = records.names()?;
            match targets.iter_mut().find(|target| target.names == names) {
                Some(target) => target.takes_members |= records.takes_members(),
                None => targets.push(Target { names, takes_members: records.takes_members() }),
            }
        }
        Some(targets)
    }

    /// Which target the asking stream's records come from.
    pub fn own_target(&self, targets: &[Target<'_>]) -> usize {
        target_of(self.own(), targets)
    }

    /// Whether the whole document is one record, so that it cannot pass by.
    pub fn is_whole(&self, part: &Part) -> Result<bool, Broken> {
        let is_root = self.streams.iter().any(|(_, records)| records.names().is_some_and(|names| names.is_empty()));
        if !is_root {
            return Ok(false);
        }
        let mut head = Vec::new();
        part.open()?.take(64).read_to_end(&mut head).map_err(|error| Broken::unreadable(0, &error))?;
        Ok(head.trim_ascii_start().first() == Some(&b'{') && !self.own().takes_members())
    }
}

fn target_of(records: &Records, targets: &[Target<'_>]) -> usize {
    let names = records.names();
    targets.iter().position(|target| Some(&target.names) == names.as_ref()).unwrap_or(usize::MAX)
}

/// Takes an answer apart that was looked at.
pub(super) struct Taking<'a> {
    pub plan: &'a PagePlan,
    pub head: &'a PageHead,
    pub rows: &'a mut [Rows],
    pub taker: &'a mut dyn Taker,
}

impl Taking<'_> {
    /// Reads every row of `seen`.
    pub fn all(&mut self, seen: &[Seen]) -> Result<()> {
        for document in seen {
            match document {
                Seen::Document { text, index } => self.document(index.root(text.in_memory().unwrap_or_default()))?,
                Seen::Passing { part, .. } => self.passing(part, document)?,
                Seen::Lines(part) => self.lines(part)?,
                Seen::Fields(part) => self.fields(part)?,
            }
        }
        Ok(())
    }

    /// Names of the elements, where records are arrays.
    fn names(&self, root: Option<Value<'_>>) -> Option<HashMap<String, usize>> {
        let BodyFormat::JsonRows { names } = &self.plan.format else { return None };
        let list = walk::first(root?, &names.steps);
        let texts = list.into_iter().flat_map(Value::elements).map(|name| match name.kind() {
            // Some systems describe each column in an object.
            Kind::Object => name.member("name").and_then(|name| name.scalar()),
            _ => name.scalar(),
        });
        Some(texts.enumerate().filter_map(|(at, name)| Some((name?.into_owned(), at))).collect())
    }

    fn document(&mut self, root: Value<'_>) -> Result<()> {
        let names = self.names(Some(root));
        let mut found = Vec::new();
        for ((plan, records), rows) in self.plan.streams.iter().zip(self.rows.iter_mut()) {
            let mut number = 0;
            records.walk::<Error>(root, &mut |record| {
                number += 1;
                plan.trie.find(record.value, &mut found);
                let fields = JsonFields { record, found: &found, given: &self.head.given, names: names.as_ref() };
                rows.push(&fields, &self.head.request, number, self.taker)
            })?;
        }
        Ok(())
    }

    fn passing(&mut self, part: &Part, document: &Seen) -> Result<()> {
        let root = root(document).ok_or_else(|| Error::bug("a document that passes by has no outline"))?;
        let names = self.names(Some(root));
        let targets = self.plan.targets().unwrap_or_default();
        let mut numbers = vec![0_u64; self.rows.len()];
        let mut found = Vec::new();
        let mut failed = None;
        let (mut index, mut key_index) = (Index::default(), Index::default());
        let opened = part.open().map_err(|broken| changed(&self.head.request, &broken))?;
        let scanned = scan::scan(opened, &targets, &mut |element| {
            let value = index.parse(element.text)?;
            let key = element.key.map(|key| key_index.parse(key)).transpose()?;
            let streams = self.plan.streams.iter().zip(self.rows.iter_mut()).zip(&mut numbers);
            for (((plan, records), rows), number) in streams {
                if target_of(records, &targets) != element.target {
                    continue;
                }
                // The outline lives longer than the element; both are looked at for the length of one record.
                let visit: &mut dyn FnMut(Record<'_, '_>) -> Result<()> = &mut |record| {
                    *number += 1;
                    plan.trie.find(record.value, &mut found);
                    let fields = JsonFields { record, found: &found, given: &self.head.given, names: names.as_ref() };
                    rows.push(&fields, &self.head.request, *number, self.taker)
                };
                if let Err(error) = records.walk_element(value, root, element.position, key, visit) {
                    failed = Some(error);
                    return Err(Broken::new("was left"));
                }
            }
            Ok(())
        });
        match (failed, scanned) {
            (Some(error), _) => Err(error),
            (None, Err(broken)) => Err(changed(&self.head.request, &broken)),
            (None, Ok(_)) => Ok(()),
        }
    }

    fn lines(&mut self, part: &Part) -> Result<()> {
        let broken = |broken: Broken| changed(&self.head.request, &broken);
        let mut lines = Lines::new(part.open().map_err(broken)?);
        let (mut index, mut found) = (Index::default(), Vec::new());
        while let Some(line) = lines.next().map_err(broken)? {
            match index.parse(line.text) {
                Ok(root) => {
                    for ((plan, records), rows) in self.plan.streams.iter().zip(self.rows.iter_mut()) {
                        records.walk::<Error>(root, &mut |record| {
                            plan.trie.find(record.value, &mut found);
                            let fields = JsonFields { record, found: &found, given: &self.head.given, names: None };
                            rows.push(&fields, &self.head.request, line.number, self.taker)
                        })?;
                    }
                }
                Err(malformed) => {
                    let reason = format!("{} (character {})", malformed.why, malformed.at + 1);
                    let whole = String::from_utf8_lossy(line.text);
                    if let Some(rows) = self.rows.first() {
                        rows.refuse(&whole, reason, &self.head.request, line.number, self.taker)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn fields(&mut self, part: &Part) -> Result<()> {
        let opened = part.open().map_err(|broken| changed(&self.head.request, &broken))?;
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(opened);
        let mut record = csv::ByteRecord::new();
        let broken = |error: csv::Error| changed(&self.head.request, &Broken::new(error.to_string()));
        let (mut names, mut number): (HashMap<String, usize>, u64) = (HashMap::new(), 0);
        let mut width = 0;
        let Some(rows) = self.rows.first_mut() else { return Ok(()) };
        let given: &Given = &self.head.given;
        while reader.read_byte_record(&mut record).map_err(broken)? {
            if width == 0 {
                width = record.len();
                names = header(&record);
                continue;
            }
            number += 1;
            let texts: std::result::Result<Vec<&str>, _> = record.iter().map(std::str::from_utf8).collect();
            match texts {
                Ok(texts) if texts.len() == width => {
                    let fields = TextFields { texts: &texts, names: &names, number, given };
                    rows.push(&fields, &self.head.request, number, self.taker)?;
                }
                texts => {
                    let whole = String::from_utf8_lossy(record.as_slice()).into_owned();
                    let reason = match texts {
                        Ok(texts) => format!("has {} fields where the header has {width}", texts.len()),
                        Err(_) => "is not UTF-8 text".to_owned(),
                    };
                    rows.refuse(&whole, reason, &self.head.request, number, self.taker)?;
                }
            }
        }
        Ok(())
    }
}

fn header(record: &csv::ByteRecord) -> HashMap<String, usize> {
    let names = record.iter().map(|name| {
        let name = name.strip_prefix(b"\xef\xbb\xbf").unwrap_or(name);
        String::from_utf8_lossy(name).trim().to_owned()
    });
    names.enumerate().map(|(at, name)| (name, at)).collect()
}

/// An answer that was whole at the first look and is not at the second.
fn changed(request: &str, broken: &Broken) -> Error {
    Error::new(Class::TryAgain, format!("the kept answer to {request} {}", broken.why))
        .help("is the disk full, or did somebody remove files below the warehouse's _tailwater folder?")
}
