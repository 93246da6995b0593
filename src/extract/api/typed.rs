//! Records become typed batches by the columns of a stream's description; a row with one unreadable value is set aside
//! whole.

use super::doc::{Kind, Value};
use super::fields::{Cell, Fields, PathPlan, Trie};
use super::minor;
use crate::error::Result;
use crate::extract::Quarantined;
use crate::extract::batch::{Batch, Fault, KEPT_CHARACTERS, Refused};
use crate::extract::shape::{MAIN_AMOUNTS, MONEY};
use crate::extract::value::{self, Spelling};
use crate::model::contract::ColumnType;
use crate::model::source::stream::{SourceColumn, SourceType, StreamSpec};
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One column, ready to be filled.
pub(super) struct ColumnPlan {
    column: SourceColumn,
    pub paths: Vec<PathPlan>,
    minor_of: Option<PathPlan>,
    spelling: Spelling,
}

/// How the records of one stream become rows.
pub(super) struct RowPlan {
    pub stream: String,
    pub columns: Vec<ColumnPlan>,
    pub trie: Trie,
    schema: SchemaRef,
    money: Vec<usize>,
    currency: Option<usize>,
    only: Vec<(PathPlan, Vec<String>)>,
    minor_digits: BTreeMap<String, u32>,
}

impl RowPlan {
    /// `minor_digits` are the system's exceptions to ISO 4217.
    pub fn new(stream: &StreamSpec, minor_digits: &BTreeMap<String, u32>) -> Self {
        let mut trie = Trie::default();
        let columns: Vec<ColumnPlan> = stream
            .columns
            .iter()
            .map(|column| ColumnPlan {
                paths: column.paths.iter().map(|path| trie.plan(path)).collect(),
                minor_of: column.minor_of.as_ref().map(|path| trie.plan(path)),
                spelling: Spelling { format: column.format.clone(), ..Spelling::default() },
                column: column.clone(),
            })
            .collect();
        let fields = stream.columns.iter().map(|column| Field::new(&column.name, column.ty.landed().arrow(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let position = |name: &str| stream.columns.iter().position(|column| column.name == name);
        let mut money: Vec<usize> = MAIN_AMOUNTS.iter().filter_map(|name| position(name)).collect();
        money.extend((0..stream.columns.len()).filter(|at| {
            stream.columns.get(*at).is_some_and(|column| column.ty.landed() == MONEY || column.minor_of.is_some())
        }));
        money.retain(|at| {
            stream.columns.get(*at).is_some_and(|column| matches!(column.ty.landed(), ColumnType::Decimal { .. }))
        });
        let only = stream.only.iter().map(|(path, texts)| (trie.plan(path), texts.clone())).collect();
        RowPlan {
            stream: stream.name.clone(),
            columns,
            trie,
            schema,
            money,
            currency: position("currency"),
            only,
            minor_digits: minor_digits.clone(),
        }
    }

    /// Whether a record is a row of the stream at all.
    fn wants<'d>(&self, fields: &impl Fields<'d>) -> bool {
        self.only.iter().all(|(path, texts)| {
            let text = match fields.cell(path) {
                Cell::Null => None,
                Cell::Text(text) => Some(text),
                Cell::Value(value) => value.scalar(),
            };
            text.is_some_and(|text| texts.iter().any(|wanted| *wanted == text))
        })
    }

    /// Headers of the answer that columns take values from, lower case.
    pub fn headers(&self) -> impl Iterator<Item = &str> {
        let paths = self.columns.iter().flat_map(|column| column.paths.iter().chain(&column.minor_of));
        paths.filter_map(|path| path.given()?.strip_prefix("header."))
    }
}

/// Takes finished batches and rows set aside.
pub(super) trait Taker {
    fn batch(&mut self, stream: &str, batch: RecordBatch) -> Result<()>;
    fn aside(&mut self, stream: &str, row: Quarantined) -> Result<()>;
}

/// Rows of one stream on their way into a batch.
pub(super) struct Rows {
    pub plan: Arc<RowPlan>,
    batch: Batch,
    shifted: String,
}

impl Rows {
    pub fn new(plan: Arc<RowPlan>) -> Self {
        let types = plan.columns.iter().map(|column| column.column.ty.landed());
        let batch = Batch::new(Arc::clone(&plan.schema), types);
        Rows { plan, batch, shifted: String::new() }
    }

    /// Reads one record, number `line` of the answer that `file` names.
    pub fn push<'d>(&mut self, fields: &impl Fields<'d>, file: &str, line: u64, taker: &mut dyn Taker) -> Result<()> {
        let plan = Arc::clone(&self.plan);
        if !plan.wants(fields) {
            return Ok(());
        }
        let shifted = &mut self.shifted;
        let fault = self.batch.row(|at, builder| {
            let Some(column) = plan.columns.get(at) else { return builder.unknown() };
            match column.cell(fields, &plan.minor_digits, shifted)? {
                Some(text) => {
                    builder.value(&text, &column.spelling).map_err(|reason| (Some(text.into_owned()), reason))
                }
                None if column.column.is_required => Err((None, "is missing".to_owned())),
                None => builder.unknown(),
            }
        });
        self.batch.end_row(fault.is_none());
        if let Some(fault) = fault {
            let (money, currency) = self.money(fields);
            let column = fault.column.and_then(|at| plan.columns.get(at));
            let named = column.map(|column| column.column.name.as_str());
            let row = Quarantined { money, currency, ..fault.aside(file, line, named) };
            taker.aside(&plan.stream, row)?;
        }
        if self.batch.is_full() { self.flush(taker) } else { Ok(()) }
    }

    /// Sets a record aside that cannot be taken apart at all.
    pub fn refuse(&self, whole: &str, reason: String, file: &str, line: u64, taker: &mut dyn Taker) -> Result<()> {
        taker.aside(&self.plan.stream, Fault::whole(whole, reason).aside(file, line, None))
    }

    /// The main amount of a row that is set aside, in units of 0.0001, and its currency.
    fn money<'d>(&mut self, fields: &impl Fields<'d>) -> (Option<i128>, Option<String>) {
        let ColumnType::Decimal { precision, scale } = MONEY else { return (None, None) };
        let plan = Arc::clone(&self.plan);
        let money = plan.money.iter().filter_map(|at| plan.columns.get(*at)).find_map(|column| {
            let text = column.cell(fields, &plan.minor_digits, &mut self.shifted).ok()??;
            value::decimal(&text, precision, scale, &column.spelling).ok()
        });
        let column = plan.currency.and_then(|at| plan.columns.get(at));
        let currency = column.and_then(|column| column.cell(fields, &plan.minor_digits, &mut self.shifted).ok()?);
        let currency = currency.map(|text| text.trim().to_ascii_uppercase());
        let is_code = |text: &String| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase());
        (money, money.and(currency.filter(is_code)))
    }

    /// Hands on what waits.
    pub fn flush(&mut self, taker: &mut dyn Taker) -> Result<()> {
        let batch = self.batch.take(&self.plan.stream)?;
        batch.map_or(Ok(()), |batch| taker.batch(&self.plan.stream, batch))
    }
}

impl ColumnPlan {
    /// The text that fills the column; none for null.
    fn cell<'d>(
        &self,
        fields: &impl Fields<'d>,
        minor_digits: &BTreeMap<String, u32>,
        shifted: &mut String,
    ) -> Result<Option<Cow<'d, str>>, Refused> {
        let mut found = None;
        for path in &self.paths {
            found = self.text(fields.cell(path))?;
            if found.is_some() {
                break;
            }
        }
        let (Some(text), Some(minor_of)) = (&found, &self.minor_of) else { return Ok(found) };
        let currency = match fields.cell(minor_of) {
            Cell::Value(value) => value.scalar(),
            Cell::Text(text) => Some(text),
            Cell::Null => None,
        };
        let Some(currency) = currency.filter(|currency| !currency.trim().is_empty()) else {
            return Err((Some(text.to_string()), "has no currency, so its minor unit is unknown".to_owned()));
        };
        if !minor::shift(text, minor::digits(&currency, minor_digits), shifted) {
            return Err((Some(text.to_string()), "is not a number".to_owned()));
        }
        Ok(Some(Cow::Owned(shifted.clone())))
    }

    fn text<'d>(&self, cell: Cell<'d>) -> Result<Option<Cow<'d, str>>, Refused> {
        let text = match cell {
            Cell::Null => return Ok(None),
            Cell::Text(text) if text.is_empty() && self.column.values.is_empty() => return Ok(None),
            Cell::Text(text) => text,
            Cell::Value(value) => match self.of_value(value)? {
                Some(text) => text,
                None => return Ok(None),
            },
        };
        let text = match self.column.values.get(text.as_ref()) {
            Some(replaced) => Cow::Owned(replaced.clone()),
            None => text,
        };
        Ok(Some(text).filter(|text| !(self.column.empty_is_null && text.trim().is_empty())))
    }

    fn of_value<'d>(&self, value: Value<'d>) -> Result<Option<Cow<'d, str>>, Refused> {
        let shown = || Some(String::from_utf8_lossy(value.json()).chars().take(KEPT_CHARACTERS).collect::<String>());
        let not_text = || (shown(), "is not UTF-8 text".to_owned());
        match (self.column.ty, value.kind()) {
            (_, Kind::Null) => Ok(None),
            (SourceType::Json, _) => {
                std::str::from_utf8(value.json()).map(|text| Some(Cow::Borrowed(text))).map_err(|_| not_text())
            }
            (SourceType::List, Kind::Array) => joined(value.elements()).map(Some).ok_or_else(not_text),
            (SourceType::List, Kind::Object) => {
                joined(value.members().map(|(_, value)| value)).map(Some).ok_or_else(not_text)
            }
            (SourceType::Plain(ty), Kind::Object | Kind::Array) => {
                Err((shown(), format!("is an object or array where the type is {ty}")))
            }
            _ => value.scalar().map(Some).ok_or_else(not_text),
        }
    }
}

/// The texts of a list, joined; nulls are left out.
pub(super) fn joined<'d>(values: impl Iterator<Item = Value<'d>>) -> Option<Cow<'d, str>> {
    let mut all = String::new();
    let mut is_first = true;
    for value in values.filter(|value| !value.is_null()) {
        if !is_first {
            all.push_str("; ");
        }
        is_first = false;
        match value.kind() {
            Kind::Object | Kind::Array => all.push_str(std::str::from_utf8(value.json()).ok()?),
            _ => all.push_str(&value.scalar()?),
        }
    }
    Some(Cow::Owned(all))
}
