//! The files a tap is started with: configuration, catalogue, state. They hold secrets, so nobody else may read them.

use crate::error::{Class, Error, Result};
use crate::extract::scrub::Scrub;
use crate::job::singer::TapValue;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The configuration with its references resolved; the texts that came from references are hidden.
///
/// # Errors
/// A reference leads nowhere (64).
pub(super) fn resolved(value: &TapValue, scrub: &Scrub) -> Result<Value> {
    Ok(match value {
        TapValue::Plain(value) => value.clone(),
        TapValue::Text(text) => {
            let resolved = text.resolve()?;
            if !matches!(text, crate::job::secret::Value::Text(_)) {
                scrub.hide(resolved.reveal());
            }
            Value::String(resolved.reveal().to_owned())
        }
        TapValue::List(list) => Value::Array(list.iter().map(|item| resolved(item, scrub)).collect::<Result<_>>()?),
        TapValue::Table(table) => {
            let members = table.iter().map(|(name, value)| Ok((name.clone(), resolved(value, scrub)?)));
            Value::Object(members.collect::<Result<Map<String, Value>>>()?)
        }
    })
}

/// Writes `value` where only this user can read it.
///
/// # Errors
/// The disk fails (75).
pub(super) fn write(folder: &Path, name: &str, value: &Value) -> Result<PathBuf> {
    let path = folder.join(name);
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)
        .map_err(|error| Error::io("write", &path, &error))?;
    file.write_all(value.to_string().as_bytes()).map_err(|error| Error::io("write", &path, &error))?;
    Ok(path)
}

/// Selects the streams that are wanted, all where `wanted` is empty, in the two ways that taps know.
///
/// # Errors
/// The catalogue has no streams, or lacks one that is wanted (64).
pub(super) fn select(mut catalog: Value, wanted: &BTreeSet<String>) -> Result<Value> {
    let Some(streams) = catalog.get_mut("streams").and_then(Value::as_array_mut) else {
        return Err(Error::new(Class::Usage, "the tap's catalogue has no `streams`"));
    };
    let named = |stream: &Value| {
        let name = stream.get("stream").or_else(|| stream.get("tap_stream_id"));
        name.and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let known: BTreeSet<String> = streams.iter().map(named).collect();
    if let Some(missing) = wanted.iter().find(|name| !known.contains(*name)) {
        let shown: Vec<&str> = known.iter().map(String::as_str).collect();
        return Err(
            Error::usage(format!("the tap has no stream \"{missing}\"")).help(format!("it has: {}", shown.join(", ")))
        );
    }
    for stream in streams {
        let is_wanted = wanted.is_empty() || wanted.contains(&named(stream));
        select_stream(stream, is_wanted);
    }
    Ok(catalog)
}

fn select_stream(stream: &mut Value, is_wanted: bool) {
    if let Some(schema) = stream.get_mut("schema").and_then(Value::as_object_mut) {
        schema.insert("selected".to_owned(), Value::Bool(is_wanted));
    }
    let Some(stream) = stream.as_object_mut() else { return };
    let metadata = stream.entry("metadata").or_insert_with(|| Value::Array(Vec::new()));
    let Some(metadata) = metadata.as_array_mut() else { return };
    let is_root = |entry: &Value| entry.get("breadcrumb").and_then(Value::as_array).is_some_and(Vec::is_empty);
    if !metadata.iter().any(is_root) {
        metadata.push(serde_json::json!({ "breadcrumb": [], "metadata": {} }));
    }
    for entry in metadata {
        if let Some(kept) = entry.get_mut("metadata").and_then(Value::as_object_mut)
            && kept.get("inclusion").and_then(Value::as_str) != Some("unsupported")
        {
            kept.insert("selected".to_owned(), Value::Bool(is_wanted));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_wanted_streams_are_selected_with_all_their_fields() {
        let catalog = json!({"streams": [
            {"stream": "a", "schema": {}, "metadata": [{"breadcrumb": ["properties", "x"], "metadata": {"inclusion": "available"}}]},
            {"stream": "b", "schema": {}},
        ]});
        let selected = select(catalog.clone(), &BTreeSet::from(["a".to_owned()])).unwrap();
        assert_eq!(selected["streams"][0]["schema"]["selected"], json!(true));
        assert_eq!(selected["streams"][0]["metadata"][0]["metadata"]["selected"], json!(true));
        assert_eq!(selected["streams"][0]["metadata"][1]["metadata"]["selected"], json!(true));
        assert_eq!(selected["streams"][1]["metadata"][0]["metadata"]["selected"], json!(false));
        assert!(select(catalog, &BTreeSet::from(["c".to_owned()])).unwrap_err().to_string().contains("\"c\""));
    }
}
