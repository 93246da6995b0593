//! The leading comment of a SQL file: its contract, in TOML.

use super::contract::{Column, ColumnType, Contract};
use super::document::{Report, Table, parse};
use super::{Expectation, Layer};
use crate::error::Result;
use crate::finding::Severity;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

const OPEN: &str = "/*---";
const CLOSE: &str = "---*/";

/// Everything a header says.
#[derive(Debug, Clone)]
pub struct Header {
    /// One line that names the table.
    pub title: String,
    /// finance, cs or data.
    pub owner: String,
    /// Columns, grain, partitions.
    pub contract: Contract,
    /// Runs once per span of changed days.
    pub each: bool,
    /// The date column whose month the partition is.
    pub month_of: Option<String>,
    /// The result becomes a public table.
    pub publish: bool,
    /// Conditions on every row.
    pub expectations: Vec<Expectation>,
    /// By check name.
    pub check_severity: BTreeMap<String, Severity>,
    /// Of a check's rows.
    pub severity: Severity,
    /// By name.
    pub decisions: BTreeMap<String, String>,
    /// Columns that no source provides.
    pub derived: Vec<String>,
    /// Tables that may not stand upstream, each with its place.
    pub never_reads: Vec<(String, Range<usize>)>,
    /// Where each column is declared, by name.
    pub column_spans: BTreeMap<String, Range<usize>>,
    /// The bytes of the whole comment.
    pub span: Range<usize>,
}

/// Parses the header of `text`, the content of `file`, which defines `table`.
///
/// # Errors
/// Every problem of the header, each with its place in the file.
pub fn read(file: &Path, text: &str, table: &str, layer: Layer) -> Result<Header> {
    let report = Report::new(file, text);
    let header = find(&report, text, "title, owner, grain and [columns]").and_then(|span| {
        let toml = only(text, span.start + OPEN.len()..span.end - CLOSE.len());
        let parsed = parse(&report, &toml)?;
        whole(&Table::root(&report, &parsed), span, table, layer)
    });
    report.finish()?;
    header.ok_or_else(|| crate::error::Error::bug(format!("the header of {} was lost", file.display())))
}

/// The header of a source's query, whose columns are the entity's.
#[derive(Debug, Clone)]
pub struct QueryHeader {
    title: String,
    owner: String,
    decisions: BTreeMap<String, String>,
}

impl QueryHeader {
    /// Parses the header of `text`, the content of `file`.
    ///
    /// # Errors
    /// Every problem of the header, each with its place in the file.
    pub fn read(file: &Path, text: &str) -> Result<Self> {
        let report = Report::new(file, text);
        let header = find(&report, text, "title, owner and [decisions]").and_then(|span| {
            let toml = only(text, span.start + OPEN.len()..span.end - CLOSE.len());
            let parsed = parse(&report, &toml)?;
            let root = Table::root(&report, &parsed);
            let (title, owner) = (root.need_text("title").map(str::to_owned), owner(&root));
            let decisions = decisions(&root);
            root.finish();
            Some(QueryHeader { title: title?, owner: owner?, decisions })
        });
        report.finish()?;
        header.ok_or_else(|| crate::error::Error::bug(format!("the header of {} was lost", file.display())))
    }

    /// The model with what the header says of it.
    pub fn onto(self, model: super::Model) -> super::Model {
        super::Model { title: self.title, owner: self.owner, decisions: self.decisions, ..model }
    }
}

/// `text` with the header (the bytes of `span`) blanked: every line and column of the query stays where it is.
pub fn blanked(text: &str, span: &Range<usize>) -> String {
    only(text, span.end..text.len())
}

fn only(text: &str, keep: Range<usize>) -> String {
    let blank = |part: &str| -> String { part.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect() };
    format!("{}{}{}", blank(&text[..keep.start]), &text[keep.clone()], blank(&text[keep.end..]))
}

fn find(report: &Report, text: &str, content: &str) -> Option<Range<usize>> {
    let start = text.len() - text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).len();
    let first_line = start..text[start..].find('\n').map_or(text.len(), |at| start + at);
    if !text[start..].starts_with(OPEN) {
        report.error_with_help(
            &first_line,
            "the file does not begin with a header",
            format!("begin with /*--- {content} in TOML, then ---*/"),
        );
        return None;
    }
    match text[start..].find(CLOSE) {
        Some(at) => Some(start..start + at + CLOSE.len()),
        None => {
            report.error(&first_line, "the header is not closed by ---*/");
            None
        }
    }
}

fn whole(root: &Table<'_>, span: Range<usize>, table: &str, layer: Layer) -> Option<Header> {
    let title = root.need_text("title").map(str::to_owned);
    let owner = owner(root);
    let grain = if layer == Layer::Check { root.get("grain") } else { root.need("grain") };
    let grain = grain.map(|item| item.texts()).unwrap_or_default();
    let partition_by = root.texts("partition_by");
    let publish = root.boolean("publish").unwrap_or(layer == Layer::Mart);
    if publish && partition_by.is_empty() {
        root.report().error(&(0..0), "the table is published, so its header needs partition_by = [\"as_of_date\"]");
    }
    let (mut columns, column_spans) = columns(root);
    let known = || column_spans.keys().map(String::as_str);
    let derived = root.texts("derived");
    let checks = root.table("checks");
    let not_null = checks.as_ref().map(|checks| checks.texts("not_null")).unwrap_or_default();
    for (name, span) in grain.iter().chain(&partition_by).chain(&derived).chain(&not_null) {
        if !column_spans.contains_key(*name) {
            root.report().unknown(span, "column", name, known());
        }
    }
    for column in &mut columns {
        column.required = not_null.iter().chain(&partition_by).any(|(name, _)| *name == column.name);
    }
    let (expectations, check_severity) = checks.map(|checks| expectations(checks, &columns)).unwrap_or_default();
    let columns_of_dates: Vec<String> = date_columns(&columns);
    let header = Header {
        title: title?,
        owner: owner?,
        contract: Contract {
            table: table.to_owned(),
            columns,
            grain: names(&grain),
            partition_by: names(&partition_by),
        },
        each: each(root, layer),
        month_of: month_of(root, &partition_by, &columns_of_dates),
        publish,
        expectations,
        check_severity,
        severity: own_severity(root, layer),
        decisions: decisions(root),
        derived: names(&derived),
        never_reads: root.texts("never_reads").into_iter().map(|(name, span)| (name.to_owned(), span)).collect(),
        column_spans,
        span,
    };
    root.finish();
    Some(header)
}

/// What a row in a check's answer does; other layers have no such key.
fn own_severity(root: &Table<'_>, layer: Layer) -> Severity {
    let item = if layer == Layer::Check { root.get("severity") } else { None };
    item.and_then(|item| severity(&item)).unwrap_or(Severity::Block)
}

fn names(texts: &[(&str, Range<usize>)]) -> Vec<String> {
    texts.iter().map(|(name, _)| (*name).to_owned()).collect()
}

fn owner(root: &Table<'_>) -> Option<String> {
    const OWNERS: [&str; 3] = ["finance", "cs", "data"];
    let item = root.need("owner")?;
    let owner = item.text()?;
    if !OWNERS.contains(&owner) {
        root.report().unknown(&item.span, "owner", owner, OWNERS);
    }
    Some(owner.to_owned())
}

fn date_columns(columns: &[Column]) -> Vec<String> {
    columns.iter().filter(|column| column.ty == ColumnType::Date).map(|column| column.name.clone()).collect()
}

fn month_of(root: &Table<'_>, partition_by: &[(&str, Range<usize>)], dates: &[String]) -> Option<String> {
    let item = root.get("month_of")?;
    let name = item.text()?;
    if !dates.iter().any(|date| date == name) {
        root.report().unknown(&item.span, "date column", name, dates.iter().map(String::as_str));
    }
    if !matches!(partition_by, [(month, _)] if *month != "as_of_date" && dates.iter().any(|date| date == month)) {
        root.report().error(&item.key_span, "`month_of` says what the one partition column, a date, is the month of");
    }
    Some(name.to_owned())
}

fn each(root: &Table<'_>, layer: Layer) -> bool {
    let Some(item) = root.get("each") else { return false };
    match item.text() {
        Some("usage_date") if layer == Layer::Rollup => true,
        Some("usage_date") => {
            root.report().error(&item.key_span, "`each` is for models in sql/rollups/");
            false
        }
        Some(_) => {
            root.report().error(&item.span, "`each` must be \"usage_date\"");
            false
        }
        None => false,
    }
}

fn columns(root: &Table<'_>) -> (Vec<Column>, BTreeMap<String, Range<usize>>) {
    let mut columns = Vec::new();
    let mut spans = BTreeMap::new();
    let Some(table) = root.need("columns").and_then(|item| item.table()) else { return (columns, spans) };
    for item in table.items() {
        spans.insert(item.key.clone(), item.key_span.clone());
        if !is_snake_case(&item.key) {
            item.report().error(&item.key_span, format!("column name `{}` is not lower snake case", item.key));
        }
        let Some(entry) = item.table() else { continue };
        let ty = entry.need("type").and_then(|ty| column_type(&ty));
        let doc = entry.need_text("doc");
        if doc.is_some_and(|doc| doc.trim().is_empty()) {
            item.report().error(&item.key_span, format!("column `{}` has an empty doc", item.key));
        }
        entry.finish();
        if let (Some(ty), Some(doc)) = (ty, doc) {
            columns.push(Column { name: item.key.clone(), ty, doc: doc.trim().to_owned(), required: false });
        }
    }
    (columns, spans)
}

/// The column type an item spells; reports any other.
pub fn column_type(item: &super::document::Item<'_>) -> Option<ColumnType> {
    const TYPES: [&str; 7] = ["text", "boolean", "integer", "date", "timestamp", "decimal(18,4)", "float"];
    let text = item.text()?;
    let ty = ColumnType::parse(text);
    if ty.is_none() {
        item.report().unknown(&item.span, "type", text, TYPES);
    }
    ty
}

/// Lower-case letters, digits and underscores, beginning with a letter.
pub fn is_snake_case(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn expectations(checks: Table<'_>, columns: &[Column]) -> (Vec<Expectation>, BTreeMap<String, Severity>) {
    let expect = checks.table("expect").map(|table| table.items()).unwrap_or_default();
    let mut severities = BTreeMap::new();
    if let Some(table) = checks.table("severity") {
        let mut known: Vec<String> = vec!["grain".to_owned()];
        known.extend(expect.iter().map(|item| item.key.clone()));
        known.extend(columns.iter().map(|column| format!("not_null.{}", column.name)));
        for item in table.items() {
            if item.key == "not_null"
                && let Some(inner) = item.table()
            {
                for column in inner.items() {
                    if !columns.iter().any(|known| known.name == column.key) {
                        let names = columns.iter().map(|column| column.name.as_str());
                        column.report().unknown(&column.key_span, "column", &column.key, names);
                    }
                    severities.extend(severity(&column).map(|level| (format!("not_null.{}", column.key), level)));
                }
                continue;
            }
            if !known.contains(&item.key) {
                item.report().unknown(&item.key_span, "check", &item.key, known.iter().map(String::as_str));
            }
            severities.extend(severity(&item).map(|level| (item.key.clone(), level)));
        }
    }
    checks.finish();
    let expectations = expect
        .iter()
        .filter_map(|item| {
            Some(Expectation {
                name: item.key.clone(),
                sql: item.text()?.to_owned(),
                severity: severities.get(&item.key).copied().unwrap_or(Severity::Block),
                place: item.report().place(&item.span),
            })
        })
        .collect();
    (expectations, severities)
}

fn severity(item: &super::document::Item<'_>) -> Option<Severity> {
    match item.text()? {
        "block" => Some(Severity::Block),
        "warn" => Some(Severity::Warn),
        other => {
            item.report().unknown(&item.span, "severity", other, ["block", "warn"]);
            None
        }
    }
}

fn decisions(root: &Table<'_>) -> BTreeMap<String, String> {
    let items = root.table("decisions").map(|table| table.items()).unwrap_or_default();
    items.iter().filter_map(|item| item.text().map(|text| (item.key.clone(), text.to_owned()))).collect()
}
