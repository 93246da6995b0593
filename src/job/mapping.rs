//! How columns of a file become columns of an entity, and how values are written.

use super::{ColumnMapping, MappedFrom, ValueFormat};
use crate::model::Model;
use crate::model::contract::ColumnType;
use crate::model::document::{Item, Table};
use crate::model::policy::Value;
use crate::model::text::is_time_pattern;
use chrono::DateTime;
use std::collections::BTreeMap;
use toml::de::DeValue;

/// `[…inputs.map]`: one entry per column of the entity that does not come from the equally named column of the file.
pub(super) fn columns(table: &Table<'_>, entity: &Model) -> Vec<ColumnMapping> {
    let fillable = |name: &str| name != "source" && !entity.derived.iter().any(|derived| derived == name);
    let mut mapping = Vec::new();
    for item in table.items() {
        let column = entity.contract.column(&item.key).filter(|column| fillable(&column.name));
        let Some(column) = column else {
            let known = entity.contract.columns.iter().map(|column| column.name.as_str()).filter(|name| fillable(name));
            item.report().unknown(&item.key_span, &format!("column of `{}`:", entity.name), &item.key, known);
            continue;
        };
        mapping.extend(column_mapping(&item, column.ty));
    }
    mapping
}

/// `"name in the file"`, `{ value = "…" }`, or `{ column = "…", format = …, decimal = …, thousands = …, values = … }`.
fn column_mapping(item: &Item<'_>, ty: ColumnType) -> Option<ColumnMapping> {
    let column = item.key.clone();
    if let DeValue::String(_) = item.value {
        let from = MappedFrom::Column(item.text()?.to_owned());
        return Some(ColumnMapping { column, ty, from, format: ValueFormat::default() });
    }
    if !matches!(item.value, DeValue::Table(_)) {
        item.wrong("a column of the file in quotes, { value = … } or { column = … }");
        return None;
    }
    let table = item.table()?;
    let from = match (table.get("column"), table.get("value")) {
        (Some(name), None) => name.text().map(|name| MappedFrom::Column(name.to_owned())),
        (None, Some(value)) => constant(&value, ty).map(MappedFrom::Constant),
        (None, None) => Some(MappedFrom::Column(column.clone())),
        (Some(_), Some(value)) => {
            item.report().error(&value.key_span, "a column comes from a `column` or is a `value`, not both");
            None
        }
    };
    let format = format(&table, Some(ty));
    table.finish();
    Some(ColumnMapping { column, ty, from: from?, format })
}

/// A constant that its column can hold, as text.
fn constant(item: &Item<'_>, ty: ColumnType) -> Option<String> {
    let Some(text) = item.scalar_text() else {
        item.wrong("one value");
        return None;
    };
    let fits = match ty {
        ColumnType::Timestamp => DateTime::parse_from_rfc3339(&text).is_ok(),
        ColumnType::Float => text.parse::<f64>().is_ok(),
        other => Value::parse(&text, other).is_some(),
    };
    if !fits {
        item.report().error(&item.span, format!("`{text}` does not fit a column of type {ty}"));
    }
    fits.then_some(text)
}

/// `date_format`, `decimal` and `thousands` of a whole input.
pub(super) fn defaults(table: &Table<'_>) -> ValueFormat {
    ValueFormat {
        date: table.get("date_format").and_then(|item| date_format(&item)),
        decimal: table.get("decimal").and_then(|item| separator(&item)),
        thousands: table.get("thousands").and_then(|item| separator(&item)),
        values: BTreeMap::new(),
    }
}

/// `format`, `decimal`, `thousands` and `values` of one column; what cannot matter for its type is a warning.
pub(super) fn format(table: &Table<'_>, ty: Option<ColumnType>) -> ValueFormat {
    let items = [table.get("format"), table.get("decimal"), table.get("thousands")];
    let dated = matches!(ty, None | Some(ColumnType::Date | ColumnType::Timestamp));
    let numbered = matches!(ty, None | Some(ColumnType::Decimal { .. } | ColumnType::Integer | ColumnType::Float));
    for (item, matters) in items.iter().zip([dated, numbered, numbered]) {
        if let (Some(item), false, Some(ty)) = (item, matters, ty) {
            item.report().warn(&item.key_span, format!("`{}` means nothing for a column of type {ty}", item.key));
        }
    }
    let [date, decimal, thousands] = items;
    let values = table.table("values").map(|table| table.items()).unwrap_or_default();
    ValueFormat {
        date: date.and_then(|item| date_format(&item)),
        decimal: decimal.and_then(|item| separator(&item)),
        thousands: thousands.and_then(|item| separator(&item)),
        values: values.iter().filter_map(|item| Some((item.key.clone(), replacement(item)?))).collect(),
    }
}

fn replacement(item: &Item<'_>) -> Option<String> {
    let text = item.scalar_text();
    if text.is_none() {
        item.wrong("one value");
    }
    text
}

fn date_format(item: &Item<'_>) -> Option<String> {
    let text = item.text()?;
    // Seconds or milliseconds since 1970: what many an API exports.
    if matches!(text, "unix" | "unix_ms") {
        return Some(text.to_owned());
    }
    if !is_time_pattern(text) {
        let told = format!("`{text}` is not a date format");
        item.report().error_with_help(
            &item.span,
            told,
            "write %Y, %m, %d, %H, %M, %S, as in %d.%m.%Y; or unix, or unix_ms",
        );
        return None;
    }
    Some(text.to_owned())
}

fn separator(item: &Item<'_>) -> Option<char> {
    let text = item.text()?;
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) if !c.is_ascii_alphanumeric() => Some(c),
        _ => {
            item.report().error(&item.span, format!("`{}` must be one character that is no letter or digit", item.key));
            None
        }
    }
}
