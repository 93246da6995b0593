//! Rows of texts become typed batches; a row with one unreadable value is set aside whole.

use super::batch::{Batch, Fault};
use super::shape::{Field, MONEY, Origin, Plan};
use super::value;
use super::{Quarantined, Receiver};
use crate::error::Result;
use crate::model::contract::ColumnType;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Types the rows of one file and hands them on in batches.
pub(super) struct Rows<'a> {
    plan: &'a Plan,
    file: &'a str,
    batch: Batch,
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
        let batch = Batch::new(plan.schema(), plan.fields.iter().map(|field| field.ty));
        Rows { plan, file, batch, seen }
    }

    /// Reads the row that starts on `line`; `texts` gives the file's text at a position of its header.
    pub(super) fn push<'t>(
        &mut self,
        line: u64,
        texts: &impl Fn(usize) -> Option<&'t str>,
        receiver: &mut dyn Receiver,
    ) -> Result<()> {
        let plan = self.plan;
        let fault = self.batch.row(|at, column| {
            let Some(field) = plan.fields.get(at) else { return column.unknown() };
            match text_of(field, &plan.nulls, texts) {
                Some(text) => column.value(text, &field.spelling).map_err(|reason| (Some(text.to_owned()), reason)),
                None if field.is_required => Err((None, "is missing".to_owned())),
                None => column.unknown(),
            }
        });
        let fault = fault.or_else(|| self.repeats(line, texts));
        self.batch.end_row(fault.is_none());
        if let Some(fault) = fault {
            receiver.quarantine(self.aside(line, fault, texts))?;
        }
        if self.batch.is_full() { self.flush(receiver) } else { Ok(()) }
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
        receiver.quarantine(self.aside(line, Fault::whole(whole, reason), texts))
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
            column: self.plan.key.first().copied(),
            value: key.first().copied().flatten().map(str::to_owned),
            reason,
        })
    }

    fn aside<'t>(&self, line: u64, fault: Fault, texts: &impl Fn(usize) -> Option<&'t str>) -> Quarantined {
        let field = fault.column.and_then(|at| self.plan.fields.get(at));
        let (money, currency) = money_of(self.plan, texts);
        let named = field.map(|field| self.plan.name_in_file(field));
        Quarantined { money, currency, ..fault.aside(self.file, line, named) }
    }

    fn flush(&mut self, receiver: &mut dyn Receiver) -> Result<()> {
        self.batch.take(self.file)?.map_or(Ok(()), |batch| receiver.rows(batch))
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
