//! The columns of a tap's stream, from its JSON schema.

use crate::extract::shape::landed_name;
use crate::job::singer::TapSource;
use crate::model::contract::ColumnType;
use crate::model::source::path::JsonPath;
use crate::model::source::stream::{BodyFormat, Origin, Personal, SourceColumn, SourceType, StreamSpec};
use serde_json::Value;
use std::collections::BTreeMap;

/// The key of streams that have none: the record itself, so that the same record is one row.
const RECORD_HASH: &str = "record_hash";

/// The boolean that stands for [`DELETED_AT`].
const IS_DELETED: &str = "sdc_is_deleted";

/// The member in which log-based taps give the instant of a deletion.
pub(super) const DELETED_AT: &str = "_sdc_deleted_at";

/// What fills a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Filled {
    /// The record's member of this name.
    Member(String),
    /// The whole record's hash.
    RecordHash,
    /// Whether the record has an instant of deletion.
    IsDeleted,
}

/// A stream and what fills its columns, in their order.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub stream: StreamSpec,
    pub members: Vec<Filled>,
}

/// What a SCHEMA message says about `stream`, with the columns of `before`, which is its shape so far: a schema that lacks a
/// column leaves it null.
pub(super) fn shape(source: &TapSource, stream: &str, schema: &Value, key: &[String], before: Option<&Shape>) -> Shape {
    let name = landed_name(stream);
    let properties = schema.get("properties").and_then(Value::as_object);
    let mut columns: Vec<SourceColumn> = Vec::new();
    let mut members: Vec<Filled> = Vec::new();
    for (member, schema) in properties.into_iter().flatten() {
        let column = landed_name(member);
        if column.is_empty() || columns.iter().any(|known| known.name == column) {
            continue;
        }
        let ty = source.types.get(&name).and_then(|types| types.get(&column)).copied();
        let personal = source.personal.get(&name).and_then(|kept| kept.get(&column)).copied();
        columns.push(plain(&column, ty.unwrap_or_else(|| natural(schema)), personal.unwrap_or_default()));
        members.push(Filled::Member(member.clone()));
    }
    let mut key: Vec<String> = key.iter().map(|member| landed_name(member)).collect();
    key.retain(|name| columns.iter().any(|column| column.name == *name));
    if key.is_empty() {
        columns.push(plain(RECORD_HASH, SourceType::Plain(ColumnType::Text), Personal::Keep));
        members.push(Filled::RecordHash);
        key.push(RECORD_HASH.to_owned());
    }
    if properties.is_some_and(|properties| properties.contains_key(DELETED_AT)) {
        columns.push(plain(IS_DELETED, SourceType::Plain(ColumnType::Boolean), Personal::Keep));
        members.push(Filled::IsDeleted);
    }
    if let Some(before) = before {
        for (column, member) in before.stream.columns.iter().zip(&before.members) {
            if !columns.iter().any(|known| known.name == column.name) {
                columns.push(column.clone());
                members.push(member.clone());
            }
        }
    }
    let stream = StreamSpec {
        name,
        origin: Origin::Pushed,
        records: JsonPath::default(),
        format: BodyFormat::JsonLines,
        key,
        deleted_flag: columns.iter().any(|column| column.name == IS_DELETED).then(|| IS_DELETED.to_owned()),
        only: Vec::new(),
        columns,
        full_scan_days: None,
        deleted_by: None,
        is_optional: false,
        fields_under: None,
    };
    Shape { stream, members }
}

fn plain(name: &str, ty: SourceType, personal: Personal) -> SourceColumn {
    SourceColumn {
        name: name.to_owned(),
        ty,
        paths: Vec::new(),
        format: None,
        minor_of: None,
        is_required: false,
        values: BTreeMap::new(),
        empty_is_null: false,
        personal,
    }
}

/// The type that a JSON schema means; what may be several things is kept as it stands.
fn natural(schema: &Value) -> SourceType {
    let mut found: Vec<SourceType> = Vec::new();
    kinds(schema, &mut found);
    found.dedup();
    match found.as_slice() {
        [one] => *one,
        // "A date-time, or a text or null" is how taps say that an instant may be missing.
        _ if found.iter().all(|ty| matches!(ty, SourceType::Plain(_))) && !found.is_empty() => {
            let is_number =
                |ty: &SourceType| matches!(ty, SourceType::Plain(ColumnType::Integer | ColumnType::Decimal { .. }));
            if found.iter().all(is_number) {
                return SourceType::Plain(NUMBER);
            }
            let instant = SourceType::Plain(ColumnType::Timestamp);
            if found.contains(&instant) { instant } else { SourceType::Plain(ColumnType::Text) }
        }
        _ => SourceType::Json,
    }
}

/// Numbers without a declared step keep ten decimals.
const NUMBER: ColumnType = ColumnType::Decimal { precision: 38, scale: 10 };

fn kinds(schema: &Value, found: &mut Vec<SourceType>) {
    for name in ["anyOf", "oneOf"] {
        for choice in schema.get(name).and_then(Value::as_array).into_iter().flatten() {
            kinds(choice, found);
        }
    }
    let types: Vec<&str> = match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let format = schema.get("format").and_then(Value::as_str);
    for ty in types {
        let ty = match (ty, format) {
            ("null", _) => continue,
            ("string", Some("date-time")) => SourceType::Plain(ColumnType::Timestamp),
            ("string", Some("date")) => SourceType::Plain(ColumnType::Date),
            ("string", Some("singer.decimal")) => SourceType::Plain(NUMBER),
            ("string", _) => SourceType::Plain(ColumnType::Text),
            ("integer", _) => SourceType::Plain(ColumnType::Integer),
            ("number", _) => SourceType::Plain(decimal(schema)),
            ("boolean", _) => SourceType::Plain(ColumnType::Boolean),
            _ => SourceType::Json,
        };
        if !found.contains(&ty) {
            found.push(ty);
        }
    }
}

/// `multipleOf: 0.01` says how many decimals there are.
fn decimal(schema: &Value) -> ColumnType {
    let step = schema.get("multipleOf").map(Value::to_string).unwrap_or_default();
    let scale = match step.split_once('.') {
        Some((_, fraction)) => i8::try_from(fraction.len()).ok(),
        None => step.strip_prefix("1e-").and_then(|digits| digits.parse().ok()),
    };
    match scale {
        Some(scale @ 0..=30) => ColumnType::Decimal { precision: 38, scale },
        _ => NUMBER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn schemas_become_types_that_lose_nothing() {
        let plain = SourceType::Plain;
        let told = [
            (json!({"type": ["null", "integer"]}), plain(ColumnType::Integer)),
            (json!({"type": "number", "multipleOf": 0.01}), plain(ColumnType::Decimal { precision: 38, scale: 2 })),
            (json!({"type": ["null", "number"]}), plain(NUMBER)),
            (json!({"type": "string", "format": "date-time"}), plain(ColumnType::Timestamp)),
            (
                json!({"anyOf": [{"type": "string", "format": "date-time"}, {"type": ["string", "null"]}]}),
                plain(ColumnType::Timestamp),
            ),
            (json!({"type": ["null", "object"], "properties": {}}), SourceType::Json),
            (json!({"type": ["integer", "string", "null"]}), plain(ColumnType::Text)),
            (json!({}), SourceType::Json),
        ];
        for (schema, ty) in told {
            assert_eq!(natural(&schema), ty, "{schema}");
        }
    }
}
