//! Rows of texts become typed batches; a row with one unreadable value is set aside whole.

use super::shape::{Field, MONEY, Origin, Plan};
use super::value::{self, Refusal, Spelling};
use super::{BATCH_ROWS, Quarantined, Receiver};
use crate::error::{Error, Result};
use crate::model::contract::ColumnType;
use arrow::array::{
    ArrayRef, BooleanArray, BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int64Builder,
    StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// How much of an unreadable value is kept.
const SHOWN_CHARACTERS: usize = 500;

/// Builds one column from texts.
pub(super) enum ColumnBuilder {
    Text(StringBuilder),
    Boolean(BooleanBuilder),
    Integer(Int64Builder),
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
    Decimal(Decimal128Builder, u8, i8),
    Float(Float64Builder),
}

impl ColumnBuilder {
    pub(super) fn new(ty: ColumnType, rows: usize) -> Self {
        match ty {
            ColumnType::Text => ColumnBuilder::Text(StringBuilder::with_capacity(rows, rows * 16)),
            ColumnType::Boolean => ColumnBuilder::Boolean(BooleanBuilder::with_capacity(rows)),
            ColumnType::Integer => ColumnBuilder::Integer(Int64Builder::with_capacity(rows)),
            ColumnType::Date => ColumnBuilder::Date(Date32Builder::with_capacity(rows)),
            ColumnType::Timestamp => {
                ColumnBuilder::Timestamp(TimestampMicrosecondBuilder::with_capacity(rows).with_data_type(ty.arrow()))
            }
            ColumnType::Decimal { precision, scale } => ColumnBuilder::Decimal(
                Decimal128Builder::with_capacity(rows).with_data_type(ty.arrow()),
                precision,
                scale,
            ),
            ColumnType::Float => ColumnBuilder::Float(Float64Builder::with_capacity(rows)),
        }
    }

    pub(super) fn null(&mut self) {
        match self {
            ColumnBuilder::Text(builder) => builder.append_null(),
            ColumnBuilder::Boolean(builder) => builder.append_null(),
            ColumnBuilder::Integer(builder) => builder.append_null(),
            ColumnBuilder::Date(builder) => builder.append_null(),
            ColumnBuilder::Timestamp(builder) => builder.append_null(),
            ColumnBuilder::Decimal(builder, ..) => builder.append_null(),
            ColumnBuilder::Float(builder) => builder.append_null(),
        }
    }

    /// Appends the value of `text`, or nothing where it is refused.
    pub(super) fn value(&mut self, text: &str, spelling: &Spelling) -> Result<(), Refusal> {
        match self {
            ColumnBuilder::Text(builder) => builder.append_value(text),
            ColumnBuilder::Boolean(builder) => builder.append_value(value::boolean(text)?),
            ColumnBuilder::Integer(builder) => builder.append_value(value::integer(text, spelling)?),
            ColumnBuilder::Date(builder) => builder.append_value(value::date(text, spelling)?),
            ColumnBuilder::Timestamp(builder) => builder.append_value(value::timestamp(text, spelling)?),
            ColumnBuilder::Decimal(builder, precision, scale) => {
                builder.append_value(value::decimal(text, *precision, *scale, spelling)?);
            }
            ColumnBuilder::Float(builder) => builder.append_value(value::float(text, spelling)?),
        }
        Ok(())
    }

    pub(super) fn finish(&mut self) -> ArrayRef {
        match self {
            ColumnBuilder::Text(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Boolean(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Integer(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Date(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Timestamp(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Decimal(builder, ..) => Arc::new(builder.finish()),
            ColumnBuilder::Float(builder) => Arc::new(builder.finish()),
        }
    }
}

/// Why a row is set aside: the field at fault, its text, the reason.
struct Fault {
    field: Option<usize>,
    value: Option<String>,
    reason: String,
}

/// Types the rows of one file and hands them on in batches.
pub(super) struct Rows<'a> {
    plan: &'a Plan,
    file: &'a str,
    schema: SchemaRef,
    columns: Vec<ColumnBuilder>,
    is_good: Vec<bool>,
    seen: &'a mut Seen,
}

/// Keys seen so far in one landing, by a 128-bit hash, with the line each was first on.
#[derive(Debug, Default)]
pub struct Seen {
    lines: HashMap<u128, u64>,
}

impl Seen {
    /// The line on which this key was seen before; else remembers it.
    pub(super) fn repeated(&mut self, key: &[Option<&str>], line: u64) -> Option<u64> {
        let half = |salt: u8| {
            let mut hasher = DefaultHasher::new();
            (salt, key).hash(&mut hasher);
            u128::from(hasher.finish())
        };
        match self.lines.entry((half(0) << 64) | half(1)) {
            std::collections::hash_map::Entry::Occupied(first) => Some(*first.get()),
            std::collections::hash_map::Entry::Vacant(slot) => {
                slot.insert(line);
                None
            }
        }
    }
}

impl<'a> Rows<'a> {
    pub(super) fn new(plan: &'a Plan, file: &'a str, seen: &'a mut Seen) -> Self {
        let columns = plan.fields.iter().map(|field| ColumnBuilder::new(field.ty, BATCH_ROWS)).collect();
        Rows { plan, file, schema: plan.schema(), columns, is_good: Vec::with_capacity(BATCH_ROWS), seen }
    }

    /// Reads the row that starts on `line`; `texts` gives the file's text at a position of its header.
    pub(super) fn push<'t>(
        &mut self,
        line: u64,
        texts: &impl Fn(usize) -> Option<&'t str>,
        receiver: &mut dyn Receiver,
    ) -> Result<()> {
        let mut fault = None;
        for (at, (field, column)) in self.plan.fields.iter().zip(&mut self.columns).enumerate() {
            if fault.is_some() {
                column.null();
                continue;
            }
            let read = match text_of(field, &self.plan.nulls, texts) {
                Some(text) => column.value(text, &field.spelling).map_err(|reason| (Some(text.to_owned()), reason)),
                None if field.is_required => Err((None, "is missing".to_owned())),
                None => {
                    column.null();
                    Ok(())
                }
            };
            if let Err((value, reason)) = read {
                column.null();
                fault = Some(Fault { field: Some(at), value, reason });
            }
        }
        let fault = fault.or_else(|| self.repeats(line, texts));
        self.is_good.push(fault.is_none());
        if let Some(fault) = fault {
            receiver.quarantine(self.aside(line, fault, texts))?;
        }
        if self.is_good.len() >= BATCH_ROWS { self.flush(receiver) } else { Ok(()) }
    }

    /// Sets a row aside that has no readable fields, or not as many as it should.
    pub(super) fn refuse<'t>(
        &mut self,
        line: u64,
        whole: &str,
        reason: String,
        texts: &impl Fn(usize) -> Option<&'t str>,
        receiver: &mut dyn Receiver,
    ) -> Result<()> {
        let fault = Fault { field: None, value: Some(whole.to_owned()), reason };
        receiver.quarantine(self.aside(line, fault, texts))
    }

    /// Hands on what is left.
    pub(super) fn finish(mut self, receiver: &mut dyn Receiver) -> Result<()> {
        self.flush(receiver)
    }

    fn repeats<'t>(&mut self, line: u64, texts: &impl Fn(usize) -> Option<&'t str>) -> Option<Fault> {
        if self.plan.key.is_empty() {
            return None;
        }
        let fields: Vec<&Field> = self.plan.key.iter().filter_map(|at| self.plan.fields.get(*at)).collect();
        let key: Vec<Option<&str>> = fields.iter().map(|field| text_of(field, &self.plan.nulls, texts)).collect();
        let first = self.seen.repeated(&key, line)?;
        let shown = fields.iter().zip(&key).map(|(field, text)| format!("{} = {}", field.name, text.unwrap_or("null")));
        let reason = format!("repeats key {} of line {first}", shown.collect::<Vec<_>>().join(", "));
        Some(Fault {
            field: self.plan.key.first().copied(),
            value: key.first().copied().flatten().map(str::to_owned),
            reason,
        })
    }

    fn aside<'t>(&self, line: u64, fault: Fault, texts: &impl Fn(usize) -> Option<&'t str>) -> Quarantined {
        let field = fault.field.and_then(|at| self.plan.fields.get(at));
        let (money, currency) = money_of(self.plan, texts);
        Quarantined {
            file: self.file.to_owned(),
            line,
            column: field.map(|field| self.plan.name_in_file(field).to_owned()),
            value: fault.value.map(|text| text.chars().take(SHOWN_CHARACTERS).collect()),
            reason: fault.reason,
            money,
            currency,
        }
    }

    fn flush(&mut self, receiver: &mut dyn Receiver) -> Result<()> {
        let is_good = std::mem::replace(&mut self.is_good, Vec::with_capacity(BATCH_ROWS));
        if is_good.is_empty() {
            return Ok(());
        }
        let arrays = self.columns.iter_mut().map(ColumnBuilder::finish).collect();
        let malformed = |error| Error::bug(format!("rows of {} do not make a batch", self.file)).caused_by(error);
        let mut batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays).map_err(malformed)?;
        if is_good.contains(&false) {
            batch = filter_record_batch(&batch, &BooleanArray::from(is_good)).map_err(malformed)?;
        }
        if batch.num_rows() == 0 { Ok(()) } else { receiver.rows(batch) }
    }
}

/// The text that fills `field` in a row; none where it is null.
fn text_of<'x, 't: 'x>(
    field: &'x Field,
    nulls: &[String],
    texts: &impl Fn(usize) -> Option<&'t str>,
) -> Option<&'x str> {
    let text = match &field.from {
        Origin::At(at) => texts(*at)?,
        Origin::Constant(text) => text.as_str(),
        Origin::Nothing => return None,
    };
    let kept = if field.ty == ColumnType::Text { text } else { text.trim() };
    if kept.is_empty() || nulls.iter().any(|null| null == kept.trim()) {
        return None;
    }
    Some(if field.values.is_empty() { kept } else { field.values.get(kept).map_or(kept, String::as_str) })
}

/// The main amount of a row that is set aside, in units of 0.0001, and its currency.
fn money_of<'t>(plan: &Plan, texts: &impl Fn(usize) -> Option<&'t str>) -> (Option<i128>, Option<String>) {
    let ColumnType::Decimal { precision, scale } = MONEY else { return (None, None) };
    let text = |at: usize| plan.fields.get(at).and_then(|field| Some((field, text_of(field, &plan.nulls, texts)?)));
    let money = plan.money.iter().find_map(|at| {
        let (field, text) = text(*at)?;
        value::decimal(text, precision, scale, &field.spelling).ok()
    });
    let currency = plan.currency.and_then(text).map(|(_, text)| text.trim());
    let is_code = |text: &&str| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase());
    (money, money.and(currency.filter(is_code).map(str::to_owned)))
}
