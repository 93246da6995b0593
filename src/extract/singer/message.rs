//! Lines of a tap: SCHEMA, RECORD, STATE, ACTIVATE_VERSION (Singer specification 0.3.0).

use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// One line.
#[derive(Debug)]
pub(super) enum Message<'l> {
    /// A stream's shape, before its records; again where it changes.
    Schema { stream: Cow<'l, str>, schema: serde_json::Value, key: Vec<String> },
    /// A record, its members as they were written.
    Record { stream: Cow<'l, str>, record: BTreeMap<Cow<'l, str>, &'l RawValue>, whole: &'l str, version: Option<i64> },
    /// Everything before it may be committed with it.
    State { value: serde_json::Value },
    /// Records of the stream with another version are gone.
    ActivateVersion { stream: Cow<'l, str>, version: i64 },
    /// Files instead of records, which is not read here.
    Batch,
    /// A kind that this protocol's readers pass over.
    Other,
}

#[derive(Deserialize)]
struct Line<'l> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'l, str>,
    #[serde(default, borrow)]
    stream: Cow<'l, str>,
    #[serde(default, borrow)]
    schema: Option<&'l RawValue>,
    #[serde(default)]
    key_properties: Option<Vec<String>>,
    #[serde(default, borrow)]
    record: Option<&'l RawValue>,
    #[serde(default)]
    version: Option<i64>,
    #[serde(default, borrow)]
    value: Option<&'l RawValue>,
}

/// Reads a line.
///
/// # Errors
/// It is no JSON object with a type, or lacks what its type needs: why, as the end of the sentence "the line …".
pub(super) fn parse(line: &str) -> Result<Message<'_>, String> {
    let malformed = |error: serde_json::Error| format!("is no message ({error})");
    let parsed: Line<'_> = serde_json::from_str(line).map_err(malformed)?;
    let missing = |what: &str| format!("has no {what}");
    let stream = |parsed: &Line<'_>| if parsed.stream.is_empty() { Err(missing("stream")) } else { Ok(()) };
    match parsed.kind.to_ascii_uppercase().as_str() {
        "SCHEMA" => {
            stream(&parsed)?;
            let schema = parsed.schema.ok_or_else(|| missing("schema"))?;
            let schema = serde_json::from_str(schema.get()).map_err(malformed)?;
            Ok(Message::Schema { stream: parsed.stream, schema, key: parsed.key_properties.unwrap_or_default() })
        }
        "RECORD" => {
            stream(&parsed)?;
            let whole = parsed.record.ok_or_else(|| missing("record"))?.get();
            let record = serde_json::from_str(whole).map_err(malformed)?;
            Ok(Message::Record { stream: parsed.stream, record, whole, version: parsed.version })
        }
        "STATE" => {
            let value = parsed.value.ok_or_else(|| missing("value"))?;
            Ok(Message::State { value: serde_json::from_str(value.get()).map_err(malformed)? })
        }
        "ACTIVATE_VERSION" => {
            stream(&parsed)?;
            Ok(Message::ActivateVersion {
                stream: parsed.stream,
                version: parsed.version.ok_or_else(|| missing("version"))?,
            })
        }
        "BATCH" => Ok(Message::Batch),
        _ => Ok(Message::Other),
    }
}

/// A member's text: a string's content, anything else as it was written; none for null.
pub(super) fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    let written = value.get();
    if written == "null" {
        return None;
    }
    if !written.starts_with('"') {
        return Some(Cow::Borrowed(written));
    }
    // A string without escapes borrows; one with them is written anew. It was parsed once already.
    #[derive(Deserialize)]
    struct Text<'t>(#[serde(borrow)] Cow<'t, str>);
    serde_json::from_str::<Text<'_>>(written).map(|text| text.0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_digits_and_texts_their_characters() {
        let line = r#"{"type":"Record","stream":"s","record":{"id":9007199254740993,"a":"x\n\u00e9","d":0.10000000000000000001,"n":null,"o":{"b":1}}}"#;
        let Ok(Message::Record { record, .. }) = parse(line) else { panic!("no record") };
        let told = |name: &str| text(record[name]).map(Cow::into_owned);
        assert_eq!(told("id").as_deref(), Some("9007199254740993"));
        assert_eq!(told("a").as_deref(), Some("x\né"));
        assert_eq!(told("d").as_deref(), Some("0.10000000000000000001"));
        assert_eq!(told("n"), None);
        assert_eq!(told("o").as_deref(), Some(r#"{"b":1}"#));
    }

    #[test]
    fn what_is_no_message_says_why() {
        assert!(parse("INFO starting").unwrap_err().contains("no message"));
        assert_eq!(parse(r#"{"type":"RECORD","record":{}}"#).unwrap_err(), "has no stream");
        assert!(matches!(parse(r#"{"type":"HEARTBEAT"}"#), Ok(Message::Other)));
    }
}
