//! What streams say about each other and about their own columns.

use super::stream::Read;
use crate::model::contract::ColumnType;
use crate::model::document::{Item, Table};
use crate::model::source::path::{JsonPath, PathStart};
use crate::model::source::stream::{Origin, Personal, SourceColumn, SourceType, StreamSpec};
use std::collections::BTreeMap;

const BOOLEAN: SourceType = SourceType::Plain(ColumnType::Boolean);

/// Reports every name that leads nowhere and every column that does not fit its use; then orders the streams, those
/// that others need first.
pub(super) fn ordered(streams: Vec<Read<'_>>) -> Vec<StreamSpec> {
    let by_name: BTreeMap<&str, &StreamSpec> =
        streams.iter().map(|read| (read.spec.name.as_str(), &read.spec)).collect();
    for read in &streams {
        own_columns(read);
        others(read, &by_name);
        given(read, &by_name);
    }
    let mut waiting = streams;
    let mut ordered: Vec<StreamSpec> = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let is_ready = |read: &Read<'_>| {
            read.spec.needs().is_none_or(|needed| !waiting.iter().any(|other| other.spec.name == needed))
        };
        match waiting.iter().position(is_ready) {
            Some(at) => ordered.push(waiting.remove(at).spec),
            None => {
                circle(&waiting);
                break;
            }
        }
    }
    ordered
}

/// Every stream that is left needs another one that is left.
fn circle(waiting: &[Read<'_>]) {
    for read in waiting {
        let needed = read.spec.needs().unwrap_or_default();
        if let Some(item) = read.table.get("inside").or_else(|| read.table.get("parent")) {
            let told = format!("`{}` needs `{needed}`, which needs `{0}` in turn", read.spec.name);
            item.report().error(&item.span, told);
        }
    }
}

/// The column of that name; its absence is a problem.
fn column<'s>(stream: &'s StreamSpec, name: &str, item: &Item<'_>) -> Option<&'s SourceColumn> {
    let found = stream.columns.iter().find(|column| column.name == name);
    if found.is_none() {
        let known = stream.columns.iter().map(|column| column.name.as_str());
        item.report().unknown(&item.span, &format!("column of `{}`:", stream.name), name, known);
    }
    found
}

fn boolean(stream: &StreamSpec, item: &Item<'_>) {
    let Some(found) = item.text().and_then(|name| column(stream, name, item)) else { return };
    if found.ty != BOOLEAN {
        item.report().error(&item.span, format!("column `{}` of `{}` is not a boolean", found.name, stream.name));
    }
}

/// The key, the flag of deletion and the cursor.
fn own_columns(read: &Read<'_>) {
    let (stream, table) = (&read.spec, &read.table);
    for item in table.get("key").and_then(|item| item.list()).unwrap_or_default() {
        let Some(found) = item.text().and_then(|name| column(stream, name, &item)) else { continue };
        if found.personal == Personal::Drop {
            item.report().error(&item.span, format!("`{}` is part of the key, so it cannot be dropped", found.name));
        }
        if matches!(found.ty, SourceType::Json | SourceType::Plain(ColumnType::Float)) {
            item.report().error(&item.span, format!("`{}` cannot be part of a key: its text may differ", found.name));
        }
    }
    if let Some(item) = table.get("deleted_flag") {
        boolean(stream, &item);
    }
    let cursor = table.table("cursor");
    let Some(item) = cursor.as_ref().and_then(|cursor| cursor.get("column")) else { return };
    let Some(found) = item.text().and_then(|name| column(stream, name, &item)) else { return };
    match found.ty {
        SourceType::Plain(ColumnType::Date | ColumnType::Timestamp) => {}
        SourceType::Plain(ColumnType::Integer) => {
            if let Some(format) = cursor.and_then(|cursor| cursor.get("format")) {
                format.report().error(&format.key_span, "a whole number is asked for as it is; `format` is for times");
            }
        }
        _ => item.report().error_with_help(
            &item.span,
            format!("column `{}` cannot be a cursor: its values have no order", found.name),
            "a cursor is a timestamp, a date or an integer",
        ),
    }
}

/// The streams it needs, and those that say what is gone from it.
fn others(read: &Read<'_>, by_name: &BTreeMap<&str, &StreamSpec>) {
    let find = |item: &Item<'_>| {
        let name = item.text()?;
        let found = by_name.get(name).copied();
        if found.is_none() {
            item.report().unknown(&item.span, "stream", name, by_name.keys().copied());
        }
        found
    };
    if let Some(item) = read.table.get("inside") {
        find(&item);
    }
    if let Some(parent) = read.table.table("parent")
        && let Some(found) = parent.get("stream").and_then(|item| find(&item))
    {
        for item in parent.table("values").map(|table| table.items()).unwrap_or_default() {
            item.text().and_then(|name| column(found, name, &item));
        }
        if let Some(item) = parent.get("only_where") {
            item.text().and_then(|name| column(found, name, &item));
        }
    }
    if let Some(table) = read.table.table("deleted_by")
        && let Some(found) = table.get("stream").and_then(|item| find(&item))
    {
        deleted_by(read, &table, found);
    }
}

fn deleted_by(read: &Read<'_>, table: &Table<'_>, found: &StreamSpec) {
    let Some(item) = table.get("columns") else { return };
    let columns = item.list().unwrap_or_default();
    if columns.len() != read.spec.key.len() {
        let told = format!("`columns` must be those of the key, in its order: {}", read.spec.key.join(", "));
        item.report().error(&item.span, told);
    }
    for (item, key) in columns.iter().zip(&read.spec.key) {
        let theirs = item.text().and_then(|name| column(found, name, item));
        let ours = read.spec.columns.iter().find(|column| column.name == *key);
        if let (Some(theirs), Some(ours)) = (theirs, ours)
            && theirs.ty.landed() != ours.ty.landed()
        {
            let told = format!(
                "`{}` is {} in `{}`, and the key's `{key}` is {}",
                theirs.name,
                theirs.ty.landed(),
                found.name,
                ours.ty.landed()
            );
            item.report().error(&item.span, told);
        }
    }
}

/// `$parent.id` and the like must be values that the request of the answer has.
fn given(read: &Read<'_>, by_name: &BTreeMap<&str, &StreamSpec>) {
    let known = given_names(&read.spec, by_name);
    let columns = read.table.table("columns").map(|table| table.items()).unwrap_or_default();
    for column in &read.spec.columns {
        for name in column.paths.iter().chain(&column.minor_of).filter_map(given_name) {
            if name.strip_prefix("header.").is_some_and(|header| !header.is_empty()) || known.iter().any(|k| k == name)
            {
                continue;
            }
            if let Some(item) = columns.iter().find(|item| item.key == column.name) {
                let all = known.iter().map(String::as_str).chain(["header.<name>"]);
                item.report().unknown(&item.span, "value of a request:", name, all);
            }
        }
    }
}

fn given_name(path: &JsonPath) -> Option<&str> {
    match &path.start {
        PathStart::Given(name) => Some(name),
        _ => None,
    }
}

/// What a stream's request has: that of the outermost stream whose answers it stands in.
fn given_names(stream: &StreamSpec, by_name: &BTreeMap<&str, &StreamSpec>) -> Vec<String> {
    let mut stream = stream;
    // As many steps as there are streams are enough unless they go in a circle, which is told elsewhere.
    for _ in 0..by_name.len() {
        match &stream.origin {
            Origin::Inside(outer) => match by_name.get(outer.as_str()) {
                Some(outer) => stream = outer,
                None => return Vec::new(),
            },
            Origin::Files(_) => return vec!["file".to_owned()],
            Origin::Pushed => return Vec::new(),
            Origin::Requests(requests) => {
                let mut names = Vec::new();
                let parents = requests.parent.iter().flat_map(|parent| &parent.values);
                names.extend(parents.map(|(name, _)| format!("parent.{name}")));
                if requests.window.is_some() || requests.cursor.is_some() {
                    names.extend(["window.start".to_owned(), "window.end".to_owned()]);
                }
                names.extend((!requests.values.is_empty()).then(|| "slice".to_owned()));
                let export = requests.export.iter().flat_map(|export| export.values.iter().chain(&export.poll_values));
                names.extend(export.map(|(name, _)| format!("job.{name}")));
                return names;
            }
        }
    }
    Vec::new()
}
