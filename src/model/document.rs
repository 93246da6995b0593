//! Reads TOML with the place of every key and value, and gathers every problem of a file instead of the first.

use super::text::nearest;
use crate::error::{Error, Place, Result};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use toml::de::{DeTable, DeValue};

/// A file under examination: what is wrong with it, and what is merely odd.
#[derive(Debug)]
pub struct Report {
    file: PathBuf,
    text: String,
    errors: RefCell<Vec<Error>>,
    warnings: RefCell<Vec<Error>>,
    /// The keys that each table may have, by its name, so that a test can hold a schema against them.
    #[cfg(test)]
    pub known: RefCell<std::collections::BTreeMap<String, BTreeSet<String>>>,
}

impl Report {
    /// Nothing wrong yet with `text`, which is shown as `file`.
    pub fn new(file: &Path, text: &str) -> Self {
        Report {
            file: file.to_owned(),
            text: text.to_owned(),
            errors: RefCell::default(),
            warnings: RefCell::default(),
            #[cfg(test)]
            known: RefCell::default(),
        }
    }

    /// The place of a byte range; the file's first line where the range is empty.
    pub fn place(&self, span: &Range<usize>) -> Place {
        if span.is_empty() {
            return Place { file: self.file.clone(), line: 1, column: 0, text: String::new(), width: 0 };
        }
        Place::in_text(&self.file, &self.text, span.clone())
    }

    /// Something is wrong at `span`.
    pub fn error(&self, span: &Range<usize>, message: impl Into<String>) {
        self.add(Error::usage(message).at(self.place(span)));
    }

    /// Something is wrong at `span`, and there is a way out.
    pub fn error_with_help(&self, span: &Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        self.add(Error::usage(message).at(self.place(span)).help(help));
    }

    /// A name is not known: says so with the nearest known one, or with all of them where none is near.
    pub fn unknown<'n>(&self, span: &Range<usize>, what: &str, name: &str, known: impl IntoIterator<Item = &'n str>) {
        self.error_with_help(span, format!("unknown {what} `{name}`"), suggestion(name, known));
    }

    /// Adds a finished error.
    pub fn add(&self, error: Error) {
        self.errors.borrow_mut().push(error);
    }

    /// Something is legal but probably not meant.
    pub fn warn(&self, span: &Range<usize>, message: impl Into<String>) {
        self.warnings.borrow_mut().push(Error::usage(message).at(self.place(span)));
    }

    /// Whether nothing is wrong so far.
    pub fn is_clean(&self) -> bool {
        self.errors.borrow().is_empty()
    }

    /// All errors, in the order of their places, or the warnings.
    ///
    /// # Errors
    /// Every problem of the file, as one.
    pub fn finish(self) -> Result<Vec<Error>> {
        let mut errors = self.errors.into_inner();
        if errors.is_empty() {
            return Ok(self.warnings.into_inner());
        }
        errors.sort_by_key(|error| error.place().map(|place| (place.file.clone(), place.line, place.column)));
        // A table that several others rest on is read once for each of them.
        errors.dedup_by(|a, b| a.place() == b.place() && a.message() == b.message());
        Err(Error::all(errors))
    }
}

/// As many names as a reader takes in at once.
const MANY: usize = 12;

/// "did you mean `x`?", or the list of what is known.
pub fn suggestion<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "there is none".to_owned(),
        None if known.len() > MANY => format!("known: {} and {} more", known[..MANY].join(", "), known.len() - MANY),
        None => format!("known: {}", known.join(", ")),
    }
}

/// Parses `toml` (which may be `report`'s text with parts blanked, so that spans agree); reports syntax errors.
pub fn parse<'t>(report: &Report, toml: &'t str) -> Option<DeTable<'t>> {
    let (table, errors) = DeTable::parse_recoverable(toml);
    for error in &errors {
        let span = error.span().unwrap_or_default();
        let span = span.start..span.end.max(span.start + 1);
        report.error(&span, format!("not valid TOML: {}", error.message().replace('\n', ", ")));
    }
    errors.is_empty().then(|| table.into_inner())
}

/// A table of a document, remembering which keys somebody asked for.
pub struct Table<'a> {
    report: &'a Report,
    table: &'a DeTable<'a>,
    name: String,
    span: Range<usize>,
    asked: RefCell<BTreeSet<String>>,
    under: Vec<Rc<Table<'a>>>,
}

/// One key with its value.
#[derive(Clone)]
pub struct Item<'a> {
    report: &'a Report,
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub key_span: Range<usize>,
    /// The value.
    pub value: &'a DeValue<'a>,
    /// Where the value stands.
    pub span: Range<usize>,
    /// The same key's values in the tables that this item's table lies over.
    under: Vec<Item<'a>>,
}

impl<'a> Table<'a> {
    /// The document's outermost table.
    pub fn root(report: &'a Report, table: &'a DeTable<'a>) -> Self {
        Table { report, table, name: "the file".to_owned(), span: 0..0, asked: RefCell::default(), under: Vec::new() }
    }

    /// This table, and what lies under it, lying over another: what they do not say is what `under` says, member by
    /// member where both say a table. Each may stand in a file of its own.
    pub fn over(mut self, under: Rc<Table<'a>>) -> Self {
        self.under.push(under);
        self
    }

    /// Where problems go.
    pub fn report(&self) -> &'a Report {
        self.report
    }

    /// Where the table begins.
    pub fn span(&self) -> &Range<usize> {
        &self.span
    }

    /// The entry `key`, which is legal here.
    pub fn get(&self, key: &str) -> Option<Item<'a>> {
        self.asked.borrow_mut().insert(key.to_owned());
        let own = self.table.get_key_value(key).map(|(key, value)| self.item(key, value));
        let mut all = own.into_iter().chain(self.under.iter().filter_map(|under| under.get(key)));
        let mut item = all.next()?;
        item.under.extend(all);
        Some(item)
    }

    fn item(&self, key: &'a toml::Spanned<toml::de::DeString<'a>>, value: &'a toml::Spanned<DeValue<'a>>) -> Item<'a> {
        Item {
            report: self.report,
            key: key.get_ref().to_string(),
            key_span: key.span(),
            value: value.get_ref(),
            span: value.span(),
            under: Vec::new(),
        }
    }

    /// The entry `key`; its absence is a problem.
    pub fn need(&self, key: &str) -> Option<Item<'a>> {
        let item = self.get(key);
        if item.is_none() {
            self.report.error(&self.span, format!("{} lacks `{key}`", self.name));
        }
        item
    }

    /// Every entry in the order written, for tables whose keys are the writer's choice; those of a table under this one
    /// come first, and what this one says takes the place of the same key there.
    pub fn items(&self) -> Vec<Item<'a>> {
        let mut own: Vec<Item<'a>> = self.table.iter().map(|(key, value)| self.item(key, value)).collect();
        own.sort_by_key(|item| item.key_span.start);
        self.asked.borrow_mut().extend(own.iter().map(|item| item.key.clone()));
        let mut items: Vec<Item<'a>> = Vec::new();
        for item in self.under.iter().rev().flat_map(|under| under.items()).chain(own) {
            match items.iter_mut().find(|under| under.key == item.key) {
                Some(under) => *under = item,
                None => items.push(item),
            }
        }
        items
    }

    /// The text at `key`, if there.
    pub fn text(&self, key: &str) -> Option<&'a str> {
        self.get(key)?.text()
    }

    /// The text at `key`; its absence is a problem.
    pub fn need_text(&self, key: &str) -> Option<&'a str> {
        self.need(key)?.text()
    }

    /// The boolean at `key`, if there.
    pub fn boolean(&self, key: &str) -> Option<bool> {
        self.get(key)?.boolean()
    }

    /// The table at `key`, if there.
    pub fn table(&self, key: &str) -> Option<Table<'a>> {
        self.get(key)?.table()
    }

    /// The texts at `key`; empty if absent.
    pub fn texts(&self, key: &str) -> Vec<(&'a str, Range<usize>)> {
        self.get(key).map(|item| item.texts()).unwrap_or_default()
    }

    /// Reports every key that nobody asked for, here and in the table under this one.
    pub fn finish(&self) {
        self.under.iter().for_each(|under| under.finish());
        let asked = self.asked.borrow();
        #[cfg(test)]
        self.report.known.borrow_mut().entry(self.name.clone()).or_default().extend(asked.iter().cloned());
        for key in self.table.keys() {
            if !asked.contains(key.get_ref().as_ref()) {
                self.report.unknown(&key.span(), "key", key.get_ref(), asked.iter().map(String::as_str));
            }
        }
    }
}

impl<'a> Item<'a> {
    /// The value has the wrong type or form.
    pub fn wrong(&self, wanted: &str) {
        self.report.error(&self.span, format!("`{}` must be {wanted}, not {}", self.key, kind(self.value)));
    }

    /// The value as text.
    pub fn text(&self) -> Option<&'a str> {
        match self.value {
            DeValue::String(text) => Some(text.as_ref()),
            _ => {
                self.wrong("text in quotes");
                None
            }
        }
    }

    /// The value as true or false.
    pub fn boolean(&self) -> Option<bool> {
        match self.value {
            DeValue::Boolean(value) => Some(*value),
            _ => {
                self.wrong("true or false");
                None
            }
        }
    }

    /// The value as a whole number from `low` to `high`.
    pub fn integer(&self, low: i64, high: i64) -> Option<i64> {
        let wanted = match (low, high) {
            (_, i64::MAX) => format!("a whole number from {low}"),
            _ => format!("a whole number from {low} to {high}"),
        };
        let DeValue::Integer(digits) = self.value else {
            self.wrong(&wanted);
            return None;
        };
        let value = i64::from_str_radix(&digits.as_str().replace('_', ""), digits.radix()).ok();
        let value = value.filter(|value| (low..=high).contains(value));
        if value.is_none() {
            self.report.error(&self.span, format!("`{}` must be {wanted}", self.key));
        }
        value
    }

    /// The value as a positive number.
    pub fn positive(&self) -> Option<f64> {
        let number: Option<f64> = match self.value {
            DeValue::Float(digits) => digits.as_str().replace('_', "").parse().ok(),
            DeValue::Integer(digits) if digits.radix() == 10 => digits.as_str().replace('_', "").parse().ok(),
            _ => None,
        };
        let number = number.filter(|number| number.is_finite() && *number > 0.0);
        if number.is_none() {
            self.wrong("a number above 0");
        }
        number
    }

    /// The value as a calendar day: `2026-07-01`, with or without quotes.
    pub fn date(&self) -> Option<chrono::NaiveDate> {
        let text = match self.value {
            DeValue::String(text) => text.to_string(),
            DeValue::Datetime(date) => date.to_string(),
            _ => {
                self.wrong("a date such as 2026-07-01");
                return None;
            }
        };
        let date = chrono::NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok();
        if date.is_none() {
            self.report.error(&self.span, format!("`{}` is not a date such as 2026-07-01: {text}", self.key));
        }
        date
    }

    /// The source text of a number, boolean or text: what a typed value is parsed from.
    pub fn scalar_text(&self) -> Option<String> {
        match self.value {
            DeValue::String(text) => Some(text.to_string()),
            DeValue::Integer(digits) if digits.radix() == 10 => Some(digits.as_str().to_owned()),
            DeValue::Float(digits) => Some(digits.as_str().to_owned()),
            DeValue::Boolean(value) => Some(value.to_string()),
            DeValue::Datetime(date) => Some(date.to_string()),
            _ => None,
        }
    }

    /// The value as a table, over the same key's table where this item's table lies over another.
    pub fn table(&self) -> Option<Table<'a>> {
        let under = self.under.iter().filter(|under| matches!(under.value, DeValue::Table(_)));
        let under = under.filter_map(|under| under.table()).map(Rc::new).collect();
        match self.value {
            DeValue::Table(table) => Some(Table {
                report: self.report,
                table,
                name: format!("`{}`", self.key),
                span: self.key_span.clone(),
                asked: RefCell::default(),
                under,
            }),
            _ => {
                self.wrong("a table");
                None
            }
        }
    }

    /// The value as a list; every element is an item under the same key.
    pub fn list(&self) -> Option<Vec<Item<'a>>> {
        let DeValue::Array(elements) = self.value else {
            self.wrong("a list");
            return None;
        };
        let item = |element: &'a toml::Spanned<DeValue<'a>>| Item {
            report: self.report,
            key: self.key.clone(),
            key_span: element.span(),
            value: element.get_ref(),
            span: element.span(),
            under: Vec::new(),
        };
        Some(elements.iter().map(item).collect())
    }

    /// The value as a list of texts, each with its place.
    pub fn texts(&self) -> Vec<(&'a str, Range<usize>)> {
        let elements = self.list().unwrap_or_default();
        elements.iter().filter_map(|element| element.text().map(|text| (text, element.span.clone()))).collect()
    }

    /// Where problems go.
    pub fn report(&self) -> &'a Report {
        self.report
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
