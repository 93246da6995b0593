//! The parameters of a run's queries: `$as_of` and its kin, and every threshold.

use super::Model;
use super::contract::ColumnType;
use super::policy::Policy;
use chrono::{DateTime, NaiveDate, Utc};
use datafusion::scalar::ScalarValue;
use std::collections::BTreeMap;

/// Parameters that every run has, beside the policy: name and type.
pub const BUILT_IN: [(&str, ColumnType); 5] = [
    ("as_of", ColumnType::Date),
    ("as_of_end", ColumnType::Timestamp),
    ("reporting_currency", ColumnType::Text),
    ("span_start", ColumnType::Date),
    ("span_end", ColumnType::Date),
];

/// The values of one run, by parameter name.
#[derive(Debug, Clone)]
pub struct Params {
    values: BTreeMap<String, ScalarValue>,
}

impl Params {
    /// The values of a run for `as_of`; `as_of_end` is the exclusive end of that day in the job's zone.
    /// The span (`$span_start`, `$span_end`) is all time until [`Params::with_span`] narrows it.
    pub fn new(policy: &Policy, as_of: NaiveDate, as_of_end: DateTime<Utc>, reporting_currency: &str) -> Self {
        let mut values: BTreeMap<String, ScalarValue> =
            policy.iter().map(|(name, value)| (name.to_owned(), value.scalar())).collect();
        values.insert("as_of".to_owned(), date(as_of));
        values.insert(
            "as_of_end".to_owned(),
            ScalarValue::TimestampMicrosecond(Some(as_of_end.timestamp_micros()), None),
        );
        values.insert("reporting_currency".to_owned(), ScalarValue::Utf8(Some(reporting_currency.to_owned())));
        let all = Params { values };
        all.with_span(NaiveDate::default(), as_of.succ_opt().unwrap_or(as_of))
    }

    /// The same values for roll-ups of the days `[start, end)`.
    #[must_use]
    pub fn with_span(&self, start: NaiveDate, end: NaiveDate) -> Self {
        let mut values = self.values.clone();
        values.insert("span_start".to_owned(), date(start));
        values.insert("span_end".to_owned(), date(end));
        Params { values }
    }

    /// What `model` mentions, as `DataFrame::with_param_values` takes it.
    pub fn of(&self, model: &Model) -> Vec<(String, ScalarValue)> {
        model
            .parameters
            .iter()
            .filter_map(|name| self.values.get(name).map(|value| (name.clone(), value.clone())))
            .collect()
    }

    /// The value of one parameter.
    pub fn get(&self, name: &str) -> Option<&ScalarValue> {
        self.values.get(name)
    }

    /// Every (name, value), by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ScalarValue)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// `sql` with every `$name` written out as a literal that DataFusion and DuckDB both read; text in quotes and
    /// comments stays as it is, names without a value too.
    pub fn write_out(&self, sql: &str) -> String {
        let mut out = String::with_capacity(sql.len());
        let mut at = 0;
        for found in mentions(sql) {
            let Some(value) = self.values.get(found.name) else { continue };
            out.push_str(&sql[at..found.start]);
            out.push_str(&literal(value));
            at = found.start + 1 + found.name.len();
        }
        out.push_str(&sql[at..]);
        out
    }
}

fn date(day: NaiveDate) -> ScalarValue {
    ScalarValue::Date32(Some(arrow::datatypes::Date32Type::from_naive_date(day)))
}

/// A value as a SQL literal.
pub fn literal(value: &ScalarValue) -> String {
    match value {
        ScalarValue::Utf8(Some(text)) => format!("'{}'", text.replace('\'', "''")),
        ScalarValue::Date32(Some(_)) => format!("date '{value}'"),
        ScalarValue::TimestampMicrosecond(Some(micros), _) => {
            let instant = DateTime::<Utc>::from_timestamp_micros(*micros).unwrap_or_default();
            format!("timestamp '{}'", instant.format("%Y-%m-%d %H:%M:%S%.6f"))
        }
        ScalarValue::Decimal128(Some(unscaled), _, scale) => super::policy::format_decimal(*unscaled, *scale),
        other => other.to_string(),
    }
}

/// One `$name` in a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mention<'a> {
    /// Byte offset of the `$`.
    pub start: usize,
    /// The name behind it.
    pub name: &'a str,
}

/// Every `$name` outside quotes and comments, in order.
pub fn mentions(sql: &str) -> Vec<Mention<'_>> {
    let code = super::text::code_only(sql);
    let mut found = Vec::new();
    for (start, _) in code.match_indices('$') {
        let rest = &code[start + 1..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        if end > 0 {
            found.push(Mention { start, name: &sql[start + 1..start + 1 + end] });
        }
    }
    found
}
