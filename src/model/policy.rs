//! Thresholds: typed in `sql/policy.toml`, overridden by a job's `[policy]`, bound to queries as parameters.

use super::contract::ColumnType;
use super::document::{self, Item, Report, Table};
use super::header;
use crate::error::{Place, Result};
use datafusion::scalar::ScalarValue;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use toml::de::DeValue;

/// One value of a threshold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text.
    Text(String),
    /// True or false.
    Boolean(bool),
    /// Whole number.
    Integer(i64),
    /// Calendar day.
    Date(chrono::NaiveDate),
    /// Exact decimal: `unscaled` times ten to the minus `scale`.
    Decimal {
        /// The digits without the point.
        unscaled: i128,
        /// All digits of the type.
        precision: u8,
        /// Digits behind the point.
        scale: i8,
    },
}

impl Value {
    /// Parses the text of a value as `ty`; none where it does not fit exactly.
    pub fn parse(text: &str, ty: ColumnType) -> Option<Self> {
        Some(match ty {
            ColumnType::Text => Value::Text(text.to_owned()),
            ColumnType::Boolean => Value::Boolean(text.parse().ok()?),
            ColumnType::Integer => Value::Integer(text.replace('_', "").parse().ok()?),
            ColumnType::Date => Value::Date(chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?),
            ColumnType::Decimal { precision, scale } => {
                Value::Decimal { unscaled: parse_decimal(text, precision, scale)?, precision, scale }
            }
            ColumnType::Timestamp | ColumnType::Float => return None,
        })
    }

    /// The value as DataFusion's literal.
    pub fn scalar(&self) -> ScalarValue {
        match self {
            Value::Text(text) => ScalarValue::Utf8(Some(text.clone())),
            Value::Boolean(value) => ScalarValue::Boolean(Some(*value)),
            Value::Integer(value) => ScalarValue::Int64(Some(*value)),
            Value::Date(date) => ScalarValue::Date32(Some(arrow::datatypes::Date32Type::from_naive_date(*date))),
            Value::Decimal { unscaled, precision, scale } => {
                ScalarValue::Decimal128(Some(*unscaled), *precision, *scale)
            }
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Text(text) => f.write_str(text),
            Value::Boolean(value) => write!(f, "{value}"),
            Value::Integer(value) => write!(f, "{value}"),
            Value::Date(date) => write!(f, "{date}"),
            Value::Decimal { unscaled, scale, .. } => f.write_str(&format_decimal(*unscaled, *scale)),
        }
    }
}

/// The digits of a plain decimal number at `scale`; none where it has more digits than `precision`, more places than
/// `scale`, or is not a plain number.
pub fn parse_decimal(text: &str, precision: u8, scale: i8) -> Option<i128> {
    let text = text.trim().replace('_', "");
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(&text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    let places = usize::from(scale.unsigned_abs());
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !plain(whole) || !plain(fraction) || fraction.len() > places {
        return None;
    }
    let padded = format!("{whole}{fraction}{}", "0".repeat(places - fraction.len()));
    let significant = padded.trim_start_matches('0');
    if significant.len() > usize::from(precision) {
        return None;
    }
    let value: i128 = if significant.is_empty() { 0 } else { significant.parse().ok()? };
    Some(if negative { -value } else { value })
}

/// `unscaled` with its point, without trailing zeros behind it.
pub fn format_decimal(unscaled: i128, scale: i8) -> String {
    let places = usize::from(scale.unsigned_abs());
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let fraction = fraction.trim_end_matches('0');
    let sign = if unscaled < 0 { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// One threshold as `sql/policy.toml` declares it.
#[derive(Debug, Clone)]
pub struct PolicyEntry {
    /// Its type, which every `cast($name as …)` agrees with.
    pub ty: ColumnType,
    /// What holds where a job says nothing.
    pub default: Value,
    /// What it means, with unit.
    pub doc: String,
    /// Where it is declared.
    pub place: Place,
}

/// Every threshold there is.
#[derive(Debug, Clone, Default)]
pub struct PolicySpec {
    /// By name.
    pub entries: BTreeMap<String, PolicyEntry>,
}

impl PolicySpec {
    /// Reads `text`, the content of `file`: one table per threshold with type, default and doc. A name that is declared
    /// already is an error.
    ///
    /// # Errors
    /// Every problem of the file.
    pub fn extend(&mut self, file: &Path, text: &str) -> Result<()> {
        let report = Report::new(file, text);
        if let Some(parsed) = document::parse(&report, text) {
            for item in Table::root(&report, &parsed).items() {
                self.declare(&item);
            }
        }
        report.finish().map(|_| ())
    }

    fn declare(&mut self, item: &Item<'_>) {
        if let Some(earlier) = self.entries.get(&item.key) {
            item.report().error_with_help(
                &item.key_span,
                format!("`{}` is declared already in {}", item.key, earlier.place.file.display()),
                "give it another value in the job's [policy]",
            );
            return;
        }
        let Some(entry) = item.table() else { return };
        let ty = entry.need("type").and_then(|ty| header::column_type(&ty));
        let default = entry.need("default");
        let doc = entry.need_text("doc");
        entry.finish();
        let (Some(ty), Some(default), Some(doc)) = (ty, default, doc) else { return };
        let Some(default) = value(&default, ty) else { return };
        let place = item.report().place(&item.key_span);
        self.entries.insert(item.key.clone(), PolicyEntry { ty, default, doc: doc.to_owned(), place });
    }

    /// The overrides that a job's `[policy]` table makes; reports unknown names and values of the wrong type.
    pub fn overrides(&self, table: &Table<'_>) -> BTreeMap<String, Value> {
        let mut values = BTreeMap::new();
        for item in table.items() {
            match self.entries.get(&item.key) {
                Some(entry) => values.extend(value(&item, entry.ty).map(|value| (item.key.clone(), value))),
                None => {
                    let known = self.entries.keys().map(String::as_str);
                    item.report().unknown(&item.key_span, "policy name", &item.key, known);
                }
            }
        }
        values
    }
}

/// The value an item gives a threshold of type `ty`; reports what does not fit.
fn value(item: &Item<'_>, ty: ColumnType) -> Option<Value> {
    let is_text = matches!(item.value, DeValue::String(_));
    let right_kind = match ty {
        ColumnType::Text => is_text,
        ColumnType::Date => matches!(item.value, DeValue::String(_) | DeValue::Datetime(_)),
        ColumnType::Boolean => matches!(item.value, DeValue::Boolean(_)),
        ColumnType::Integer => matches!(item.value, DeValue::Integer(_)),
        ColumnType::Decimal { .. } => matches!(item.value, DeValue::Integer(_) | DeValue::Float(_)),
        ColumnType::Timestamp | ColumnType::Float => {
            item.report().error(&item.span, format!("a threshold cannot be a {ty}"));
            return None;
        }
    };
    if !right_kind {
        item.wrong(&format!("{} {ty}", if ty == ColumnType::Integer { "an" } else { "a" }));
        return None;
    }
    let text = item.scalar_text()?;
    let value = Value::parse(&text, ty);
    if value.is_none() {
        item.report().error(&item.span, format!("`{}` is {text}, which does not fit {ty}", item.key));
    }
    value
}

/// The thresholds of one run: every name of the spec with its value.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    values: BTreeMap<String, Value>,
}

impl Policy {
    /// The defaults of `spec` with `overrides` on top.
    pub fn new(spec: &PolicySpec, overrides: BTreeMap<String, Value>) -> Self {
        let mut values: BTreeMap<String, Value> =
            spec.entries.iter().map(|(name, entry)| (name.clone(), entry.default.clone())).collect();
        values.extend(overrides.into_iter().filter(|(name, _)| spec.entries.contains_key(name)));
        Policy { values }
    }

    /// The value of `name`.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// The value of `name` as DataFusion's literal.
    pub fn scalar(&self, name: &str) -> Option<ScalarValue> {
        self.get(name).map(Value::scalar)
    }

    /// The value of an integer threshold.
    pub fn integer(&self, name: &str) -> Option<i64> {
        match self.get(name)? {
            Value::Integer(value) => Some(*value),
            _ => None,
        }
    }

    /// The value of a decimal threshold as (unscaled, scale).
    pub fn decimal(&self, name: &str) -> Option<(i128, i8)> {
        match self.get(name)? {
            Value::Decimal { unscaled, scale, .. } => Some((*unscaled, *scale)),
            _ => None,
        }
    }

    /// The value of a boolean threshold.
    pub fn boolean(&self, name: &str) -> Option<bool> {
        match self.get(name)? {
            Value::Boolean(value) => Some(*value),
            _ => None,
        }
    }

    /// The value of a text threshold.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Every (name, value), by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value))
    }
}
